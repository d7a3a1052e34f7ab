"""The table of columns in a terminal of 80."""

from __future__ import annotations

from pullback.train.data.tables.columns import Column
from pullback.train.data.tables.description import description


def test_every_column_has_a_line_of_at_most_80_characters():
    columns = [
        Column("a very long name of a column of a file", "number", "numbers", missing=1234567, example="1" * 90),
        Column("日本語のとても長い名前の列です", "category", "3 values", missing=2, example="赤い\x1b[2J\n色" * 9),
        Column("when", "date", "dates, day.month.year", "%d.%m.%Y", 3, "4.3.2021"),
        Column("ok", "boolean", "no and yes", missing=1), Column("id", "dropped", "numbers the rows"),
    ]  # fmt: skip
    lines = description(columns)
    assert len(lines) == 6
    assert max(map(len, lines)) <= 80
    assert all(line.isprintable() for line in lines)
    for line, words in zip(
        lines[1:],
        ("median", "3 values, an", "year, month", "no and yes", "nothing: numbers"),
        strict=True,
    ):
        assert words in line
    assert not any(
        "median" in line or "flag" in line for line in description(columns, missing="drop")
    )


def test_wide_tables_show_what_is_not_plain_and_count_the_rest():
    columns = [Column(f"x{i}", "number", "numbers") for i in range(500)]
    columns.insert(400, Column("colour", "category", "3 values"))
    lines = description(columns)
    assert len(lines) == 31
    assert any(line.startswith("colour") for line in lines)
    assert lines[-1] == "… and 472 more: 472 number"
