"""What was decided for each column, as a table for people."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence

from ...errors import one_line
from .columns import Column

_WIDTH = 80
# Of wide tables so many columns are shown, first those that are no plain numbers.
_MOST_ROWS = 30
_HEAD = ("column", "kind", "becomes", "missing", "example")


def description(columns: Sequence[Column], *, missing: str = "impute") -> list[str]:
    r"""The columns as lines of at most 80 characters: name, kind, what becomes of it, missing cells, an example.

    Parameters
    ----------
    columns : sequence of Column
    missing : {"impute", "drop", "error"}
        What is done about missing cells.

    Examples
    --------
    >>> from pullback.train.data.tables.columns import Column
    >>> columns = [Column("age", "number", "numbers", missing=3, example="42")]
    >>> columns.append(Column("id", "dropped", "numbers the rows"))
    >>> print(*description(columns), sep="\n")
    column  kind     becomes                    missing  example
    age     number   itself; median and a flag        3  42
    id      dropped  nothing: numbers the rows
    """
    chosen = list(range(len(columns)))
    if len(chosen) > _MOST_ROWS:
        chosen.sort(key=lambda i: columns[i].kind == "number" and not columns[i].missing)
        chosen = sorted(chosen[: _MOST_ROWS - 1])
    rows = [_HEAD, *(_row(columns[i], missing) for i in chosen)]
    most = (24, 8, 36, 7, 24)
    widths = [min(max(_width(row[k]) for row in rows), most[k]) for k in range(5)]
    # what is left over of 80 columns goes to the example, which may be cut off
    widths[4] = max(min(widths[4], _WIDTH - sum(widths[:4]) - 8), 7)
    widths[2] = min(widths[2], _WIDTH - sum(widths) + widths[2] - 8)
    lines = []
    for row in rows:
        cells = [
            _fit(cell, width, right=k == 3)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    rest = [column for i, column in enumerate(columns) if i not in set(chosen)]
    if rest:
        kinds = Counter(column.kind for column in rest)
        what = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items())
        lines.append(f"… and {len(rest):,} more: {what}")
    return lines


def _row(column: Column, missing: str) -> tuple[str, str, str, str, str]:
    count = f"{column.missing:,}" if column.missing else ""
    return (
        one_line(column.name), column.kind, _becomes(column, missing), count, one_line(column.example)
    )  # fmt: skip


def _becomes(column: Column, missing: str) -> str:
    """How a column becomes numbers, in a few words."""
    if column.kind == "dropped":
        return f"nothing: {one_line(column.why)}"
    lacks = bool(column.missing) and missing == "impute"
    if column.kind == "category":
        words = (
            "an input for each value"
            if column.why.startswith("--") or column.why == "settings"
            else f"{column.why}, an input each"
        )
        return words + (", and missing" if lacks else "")
    flagged = "; median and a flag" if lacks else ""
    if column.kind == "boolean":
        pair = f" ({column.why})" if " and " in column.why else ""
        return f"0 and 1{pair}" + flagged.replace("median", "usual")
    return ("itself" if column.kind == "number" else "year, month, …") + flagged


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _fit(text: str, width: int, *, right: bool) -> str:
    """The text in so many columns of a terminal, cut off where it is longer."""
    if _width(text) > width:
        while _width(text) > width - 1:
            text = text[:-1]
        text += "…"
    blanks = " " * (width - _width(text))
    return blanks + text if right else text + blanks
