"""Dates in texts: in which form a column has them, and the parts of them that a network can learn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import extra

ISO = "ISO8601"
ORDERS = ("", "day-first", "month-first")
# Day and month in either order look alike: each form with its counterpart.
_DAY_FIRST = {
    "%d/%m/%Y": "%m/%d/%Y",
    "%d/%m/%y": "%m/%d/%y",
    "%d-%m-%Y": "%m-%d-%Y",
    "%d-%m-%y": "%m-%d-%y",
}
_FORMS = (
    "%d.%m.%Y", "%d.%m.%y", "%Y/%m/%d", "%Y.%m.%d",
    "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%b %Y", "%B %Y",
)  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_LOOK = r"\d{4}-\d{2}(-\d{2}([T ]\d{2}:\d{2}.*)?)?"
# Characters of a form: pandas makes a pattern of it, which takes time.
_LONGEST = 64
# So many texts are tried before all of them are.
_FEW = 20
PARTS = (
    "year", "month", "day of week", "day of year, sine", "day of year, cosine", "hour"
)  # fmt: skip


def parsed(texts: Any, form: str) -> Any:
    """A Series of texts (None: missing) as dates, NaT where a text has another form; zones in UTC."""
    pd = extra("pandas", "reading dates")
    found = pd.to_datetime(texts, format=form, errors="coerce", utc=True).dt.tz_convert(None)
    if form == ISO:
        # pandas would take 20210304 and 2021, which are numbers
        found = found.where(texts.str.fullmatch(_LOOK).fillna(False).astype(bool))
    return found


def is_form(form: str) -> bool:
    """Whether a text says how dates are written, as for `datetime.strptime`; files may hold any.

    Examples
    --------
    >>> is_form("%d.%m.%Y"), is_form("ISO8601"), is_form("%Q"), is_form("mixed")
    (True, True, False, False)
    """
    if form == ISO:
        return True
    if "%" not in form or len(form) > _LONGEST:
        return False
    pd = extra("pandas", "reading dates")
    try:
        pd.to_datetime(["-"], format=form, errors="coerce", utc=True)
    except ValueError:
        return False
    return True


def forms_of(texts: Sequence[str], order: str = "") -> list[str]:
    """The forms in which all texts are dates: none, one, or two where day and month may be either.

    Parameters
    ----------
    texts : sequence of str
        The column's different texts.
    order : {"", "day-first", "month-first"}
        What 03/04/2021 is; empty where nobody said it.

    Examples
    --------
    >>> forms_of(["2021-03-04"]), forms_of(["4.3.2021", "31.12.2021"]), forms_of(["red"])
    (['ISO8601'], ['%d.%m.%Y'], [])
    >>> forms_of(["03/04/2021"]), forms_of(["03/04/2021", "13/04/2021"])
    (['%d/%m/%Y', '%m/%d/%Y'], ['%d/%m/%Y'])
    """
    pd = extra("pandas", "reading dates")
    few = pd.Series(list(texts[:_FEW]), dtype=object)
    if not len(few) or not few.str.contains(r"\d").all():
        return []
    every = pd.Series(list(texts), dtype=object)
    pairs = list(_DAY_FIRST.items())
    for one, other in [(ISO, ""), *((form, "") for form in _FORMS), *pairs]:
        for time in _TIMES if one != ISO else ("",):
            found = [
                form + time
                for form, wanted in ((one, "day-first"), (other, "month-first"))
                if form and (not other or order in ("", wanted)) and _fits(few, every, form + time)
            ]
            if len(found) == 2 and parsed(every, found[0]).equals(parsed(every, found[1])):
                return found[:1]
            if found:
                return found
    return []


def _fits(few: Any, every: Any, form: str) -> bool:
    return bool(parsed(few, form).notna().all() and parsed(every, form).notna().all())


def has_hours(days: Any) -> bool:
    """Whether any of the dates has a time of day."""
    known = days.dropna()
    return bool((known != known.dt.normalize()).any())


def parts_of(days: Any, *, hours: bool) -> dict[str, np.ndarray]:
    """The parts of dates as float64 by name, those of `PARTS`; NaN where a date is missing.

    The day of the year is a point on a circle, so that the end of December lies beside the beginning of
    January. The hour, with its minutes as a fraction, is there if it is asked for.
    """
    day = days.dt
    angle = 2 * np.pi * (day.day_of_year.to_numpy(np.float64) - 1) / 365.25
    out = {
        "year": day.year.to_numpy(np.float64),
        "month": day.month.to_numpy(np.float64),
        "day of week": day.day_of_week.to_numpy(np.float64),
        "day of year, sine": np.sin(angle),
        "day of year, cosine": np.cos(angle),
    }
    if hours:
        out["hour"] = (day.hour + day.minute / 60 + day.second / 3600).to_numpy(np.float64)
    return out
