"""Tables of text: as wide as they may be, the least important columns left out where that is too little."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from ..terminal import fitted

_GAP = "  "


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    title : str
    cells : tuple of str
        One a row.
    rank : float
        Columns of a higher rank are left out first; 0 is never.
    right : bool
        Whether it is aligned to the right, as numbers are.
    """

    title: str
    cells: tuple[str, ...]
    rank: float = 0
    right: bool = True


def places(text: str) -> int:
    """How many places of a terminal a text takes.

    Examples
    --------
    >>> places("R²"), places("数据")
    (2, 4)
    """
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def cut(text: str, most: int) -> str:
    """A text of at most so many places; the middle is left out, since paths and names differ at their ends.

    Examples
    --------
    >>> cut("a-long-name-2", 9)
    'a-lo…me-2'
    """
    if places(text) <= most:
        return text
    head, tail = most // 2, most - most // 2 - 1
    while places(text[:head]) + places(text[len(text) - tail :]) + 1 > most and head + tail > 0:
        head, tail = (head - 1, tail) if head >= tail else (head, tail - 1)
    return f"{text[:head]}…{text[len(text) - tail :]}"


def table(columns: Sequence[Column], width: float = math.inf) -> tuple[list[str], list[str]]:
    """The lines of a table, and the titles of the columns that it has no room for.

    A header has several lines where one would be too wide.

    Parameters
    ----------
    columns : sequence of Column
    width : float
        Of the terminal, in characters.
    """
    kept = list(columns)
    widths = [_width(c, False) for c in kept]
    broken = sum(widths) + len(_GAP) * (len(kept) - 1) > width
    while True:
        widths = [_width(c, broken) for c in kept]
        # of equal ranks the last one
        last = max(range(len(kept)), key=lambda i: (kept[i].rank, i))
        if sum(widths) + len(_GAP) * (len(kept) - 1) <= width or kept[last].rank == 0:
            break
        del kept[last]
    titles = [_words(c.title) if broken else [c.title] for c in kept]
    height = max(map(len, titles))
    headers = [[""] * (height - len(words)) + words for words in titles]
    rows = [*zip(*headers, strict=True), *zip(*(c.cells for c in kept), strict=True)]
    lines = [
        _GAP.join(
            _padded(cell, c, w) for c, cell, w in zip(kept, row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
    return lines, [c.title for c in columns if c not in kept]


def _words(title: str) -> list[str]:
    """The lines of a header that is narrow."""
    return title.split(" ")


def _width(column: Column, broken: bool) -> int:
    title = _words(column.title) if broken else [column.title]
    return max(map(places, (*title, *column.cells)))


def _padded(cell: str, column: Column, width: int) -> str:
    blank = " " * (width - places(cell))
    return blank + cell if column.right else cell + blank


def wrapped(text: str, width: float = math.inf) -> list[str]:
    """The lines of a text that is not wider than a terminal."""
    return fitted(text, None if width == math.inf else int(width)).split("\n")


def number(value: float | None, digits: int = 4) -> str:
    """A number for a cell; ``-`` where there is none.

    Examples
    --------
    >>> number(0.25), number(123456.0), number(None)
    ('0.2500', '1.235e+05', '-')
    """
    if value is None or not math.isfinite(value):
        return "-"
    plain = value == 0 or 10.0**-digits <= abs(value) < 10_000
    return f"{value:.{digits}f}" if plain else f"{value:.4g}"


def score_text(name: str, value: float | None) -> str:
    """A score as it is printed: an accuracy in per cent.

    Examples
    --------
    >>> score_text("accuracy", 0.975), score_text("r2", 0.5)
    ('97.50 %', '0.5000')
    """
    if name == "accuracy" and value is not None:
        return f"{100 * value:.2f} %"
    return number(value)
