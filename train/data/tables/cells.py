"""Cells of tables in words: which are missing, which are numbers, and how a file writes its numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Beyond, not every integer is a float64.
EXACT = 2**53

# What stands for a cell that is not known. -999 is a number: only who made the file knows better.
MISSING = (
    "", "NA", "N/A", "n/a", "#N/A", "<NA>", "na", "NaN", "nan", "NAN", "NULL", "null", "Null", "NaT", "?", "-", "--",
)  # fmt: skip

_GROUPS = " '’\u00a0\u202f\u2009"
_PLAIN = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_WORDS = re.compile(r"[-+]?(?:nan|inf|infinity)", re.IGNORECASE)
# A number in any way of writing: digits with groups by point, comma, space or apostrophe, and a fraction.
_ANY = re.compile(
    rf"(?=[^eE]*\d)[-+−]?(?:\d+|\d{{1,3}}(?:[.,{_GROUPS}]\d{{3}})+)?(?:[.,]\d*)?(?:[eE][-+]?\d+)?"
)


def is_missing(cell: str) -> bool:
    """Whether a cell is empty or says that nothing is known.

    Examples
    --------
    >>> [is_missing(cell) for cell in (" ", "n/a", "-", "-999", "none")]
    [True, True, True, False, False]
    """
    return cell.strip() in MISSING


def is_number(cell: str) -> bool:
    """Whether a cell is a number in some way of writing numbers.

    Examples
    --------
    >>> [is_number(cell) for cell in ("1.5", "-2e3", "1.234,5", "1 000", "12.05.2020", "a")]
    [True, True, True, True, False, False]
    """
    cell = cell.strip()
    if not cell or len(cell) > 400:
        return False
    if _PLAIN.fullmatch(cell) or _WORDS.fullmatch(cell):
        return True
    return _ANY.fullmatch(cell) is not None


@dataclass(frozen=True)
class NumberFormat:
    """How a file writes numbers.

    Attributes
    ----------
    decimal : {".", ","}
        The decimal sign.
    """

    decimal: str = "."

    @property
    def pattern(self) -> str:
        """The pattern of a number with groups of three digits, or without."""
        group = "," if self.decimal == "." else "."
        point = re.escape(self.decimal)
        return (
            rf"(?=[^eE]*\d)[-+−]?(?:\d{{1,3}}(?:(?:{re.escape(group)}\d{{3}})+|(?:[{_GROUPS}]\d{{3}})+)|\d*)"
            rf"(?:{point}\d*)?(?:[eE][-+]?\d+)?"
        )

    def plain(self, cell: str) -> str:
        """The number as Python writes it.

        Examples
        --------
        >>> NumberFormat(",").plain("1.234,5"), NumberFormat().plain("1,234.5")
        ('1234.5', '1234.5')
        >>> NumberFormat().plain("−١٢")
        '-12'
        """
        if not cell.isascii():
            # the digits of other scripts
            cell = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in cell)
        group = "," if self.decimal == "." else "."
        for c in (group, *_GROUPS):
            cell = cell.replace(c, "")
        return cell.replace(self.decimal, ".").replace("−", "-")


@dataclass(frozen=True)
class Evidence:
    """What cells say about the decimal sign: an example for each of four findings, empty where there is none."""

    comma: str = ""
    point: str = ""
    either_comma: str = ""
    either_point: str = ""


_COMMA = re.compile(
    rf"[-+−]?(?:\d*,\d*|\d{{1,3}}(?:[.{_GROUPS}]\d{{3}})+,\d*|\d{{1,3}}(?:\.\d{{3}}){{2,}})(?:[eE].*)?"
)
_POINT = re.compile(
    rf"[-+−]?(?:\d*\.\d*|\d{{1,3}}(?:[,{_GROUPS}]\d{{3}})+\.\d*|\d{{1,3}}(?:,\d{{3}}){{2,}})(?:[eE].*)?"
)
_EITHER = re.compile(r"[-+−]?[1-9]\d{0,2}[.,]\d{3}")


def evidence(columns: Iterable[Sequence[str]]) -> Evidence:
    """What columns of cells say about the decimal sign; columns that are not all numbers say nothing.

    Examples
    --------
    >>> evidence([["1,5", "2"], ["1.234", "5.678"], ["1.2.2020", "a"]])
    Evidence(comma='1,5', point='', either_comma='', either_point='1.234')
    """
    comma = point = either_comma = either_point = ""
    for column in columns:
        cells = [cell.strip() for cell in column if not is_missing(cell)]
        if not all(map(is_number, cells)):
            continue
        for cell in cells:
            if _EITHER.fullmatch(cell):
                if "," in cell:
                    either_comma = either_comma or cell
                else:
                    either_point = either_point or cell
            elif _COMMA.fullmatch(cell):
                comma = comma or cell
            elif _POINT.fullmatch(cell):
                point = point or cell
    return Evidence(comma, point, either_comma, either_point)
