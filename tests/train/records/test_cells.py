"""Tables that are no wider than the terminal."""

from __future__ import annotations

import pytest

from pullback.train.records.cells import Column, cut, places, table, wrapped

COLUMNS = [
    Column("run", ("iris", "数据"), right=False),
    Column("learning rate", ("0.1", "0.25"), rank=9),
    Column("loss", ("0.5", "10.25"), rank=1),
]


def test_a_table_is_aligned_also_where_characters_are_wide():
    lines, missing = table(COLUMNS)
    assert lines == [
        "run   learning rate   loss",
        "iris            0.1    0.5",
        "数据           0.25  10.25",
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("width", "header", "missing"),
    [
        (26, ["run   learning rate   loss"], []),
        (25, ["      learning", "run       rate   loss"], []),
        (20, ["run    loss"], ["learning rate"]),
        (6, ["run"], ["learning rate", "loss"]),
        (2, ["run"], ["learning rate", "loss"]),
    ],
)
def test_headers_are_broken_before_columns_go(width, header, missing):
    lines, left = table(COLUMNS, width)
    assert lines[: len(header)] == header
    assert left == missing
    assert len(lines) == len(header) + 2
    assert width < 4 or max(map(places, lines)) <= width


@pytest.mark.parametrize("most", range(3, 12))
def test_a_name_is_cut_in_its_middle(most):
    for name in ("a-long-name-12", "数据数据数据数据"):
        short = cut(name, most)
        assert places(short) <= most
        assert short[-1] == name[-1]
        assert "…" in short


def test_lines_of_a_text():
    assert wrapped("some words", 8) == ["some", "  words"]
    assert wrapped("some words") == ["some words"]
