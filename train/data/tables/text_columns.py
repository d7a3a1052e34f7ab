"""What a column of texts is: truth values, numbers, dates, categories, or nothing to learn from."""

from __future__ import annotations

import re
import shlex
from typing import Any

from ...errors import InputError, counted, extra, shown
from .dates import ISO, forms_of, parsed
from .values import PAIRS, At, number_of, text_of, unit_of

# Up to so many different texts, numbers with words among them, or with units, are taken for categories.
_FEW = 10
_CODE = re.compile(r"-?0\d+")
_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}")
_WORDS = {
    ISO: "year-month-day",
    "%d.%m.%Y": "day.month.year",
    "%d/%m/%Y": "day/month/year",
    "%m/%d/%Y": "month/day/year",
}


def decide_texts(cells: Any, known: Any, name: str, order: str, at: At) -> tuple[str, str, str]:
    """Kind, reason and form of a column of texts, or of numbers among texts.

    Parameters
    ----------
    cells : Series
        In the form of `plain`.
    known : Series
        Those of them that are not missing.
    name : str
    order : {"", "day-first", "month-first"}
    at : callable

    Raises
    ------
    InputError
        For words among numbers, numbers with a unit, and dates whose day and month may be either.
    """
    counts = known.map(text_of).value_counts(sort=False)
    words = [str(word) for word in counts.index]
    lower = {word.casefold() for word in words}
    for pair in PAIRS:
        if lower == set(pair):
            return "boolean", f"{pair[0]} and {pair[1]}", ""
    values = [number_of(word) for word in words]
    count = int(counts.sum())
    numeric = int(counts.to_numpy()[[value is not None for value in values]].sum())
    codes = numeric == count and any(_CODE.fullmatch(word) for word in words)
    if numeric == count and not codes:
        return "number", "texts of numbers", ""
    found = decide_dates(words, name, order)
    if found is not None:
        return found
    _refuse_other_dates(cells, words, name, order, at)
    # one odd cell in twenty is a mistake, however few values there are; many different ones in more than a tenth of
    # the rows, as in the numbers of tickets, are texts of which some are digits
    odd = count - numeric
    several = sum(value is None for value in values) > _FEW and 10 * odd > count
    if odd and 2 * numeric >= count and not several and (len(words) > _FEW or 20 * odd <= count):
        _refuse_words(cells, counts, values, name, at)
    units = {unit_of(word) for word in words}
    if len(units) == 1 and units != {None} and len(words) > _FEW:
        raise InputError(
            f"{first_at(cells, words[0], name, at)}: {shown(words[0], 40)} is a number with the unit "
            f"{units.pop()!r}, as all cells of the column: write the numbers alone, or {_otherwise(name)}"
        )
    if codes and len(words) <= max(count / 2, 5):
        return "category", f"{counted(len(words), 'code')} with leading 0", ""
    if len(words) > max(count / 2, 5):
        return "dropped", f"{len(words):,} {'codes' if codes else 'texts'} in {count:,} rows", ""
    return "category", counted(len(words), "value"), ""


def _otherwise(name: str) -> str:
    """What helps where a column cannot be taken as it is."""
    column = shlex.quote(name)
    return f"leave the column out (--drop {column}), or take its texts as they are (--categorical {column})"


def first_at(cells: Any, text: str, name: str, at: At) -> str:
    """The position of the first cell that holds a text."""
    found = cells.tolist()
    return at(next(i for i, c in enumerate(found) if c is not None and text_of(c) == text), name)


def _refuse_words(cells: Any, counts: Any, values: list[float | None], name: str, at: At) -> None:
    """Refuse a column of numbers with some words among them: nobody can tell which are wrong."""
    odd = [word for word, value in zip(counts.index, values, strict=True) if value is None]
    rows = int(counts[odd].sum())
    others = f" (nor are {counted(rows - 1, 'other cell')})" if rows > 1 else ""
    raise InputError(
        f"{first_at(cells, odd[0], name, at)}: {shown(odd[0], 40)} is no number, as most cells of the "
        f"column are{others}: correct or empty what is wrong, or {_otherwise(name)}"
    )


def _refuse_other_dates(cells: Any, words: list[str], name: str, order: str, at: At) -> None:
    """Refuse a column of dates in one form with others, or words, among them."""
    dates = [word for word in words if _DATE.match(word)]
    if len(words) <= _FEW or 2 * len(dates) < len(words):
        return
    # the form of the first one, if most have it
    for form in forms_of(dates[:1], order):
        days = parsed(extra("pandas", "reading dates").Series(words, dtype=object), form)
        if 2 * int(days.notna().sum()) > len(words):
            odd = words[int(days.isna().to_numpy().argmax())]
            raise InputError(
                f"{first_at(cells, odd, name, at)}: {shown(odd, 40)} is no date in the form "
                f"{_WORDS.get(form, form)}, as most cells of the column are: correct or empty what is "
                f"wrong, or {_otherwise(name)}"
            )


def decide_dates(words: list[str], name: str, order: str) -> tuple[str, str, str] | None:
    """A date's kind, reason and form; None if the texts are no dates.

    Parameters
    ----------
    words : list of str
        The column's different texts.

    Raises
    ------
    InputError
        If day and month may be either.
    """
    forms = forms_of(words, order)
    if not forms:
        return None
    if len(forms) == 2:
        raise InputError(
            f"column {name!r}: {words[0]!r} may be day/month or month/day: say --dates day-first or "
            f"--dates month-first, or leave the column out (--drop {shlex.quote(name)})"
        )
    (form,) = forms
    return "date", f"dates, {_WORDS.get(form, form)}", form
