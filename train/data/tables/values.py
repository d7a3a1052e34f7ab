"""The cells of a raw column as numbers, texts, truth values or dates; what is none is named by row and column."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from ...errors import InputError, extra, shown
from .cells import EXACT
from .dates import parsed

# The position of a cell, from the number of its row in the frame and the column's name.
At = Callable[[int, str], str]

# Words of the same language, the first one for false.
PAIRS = (
    ("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"), ("off", "on"), ("0", "1"),
    ("nein", "ja"), ("n", "j"), ("falsch", "wahr"), ("non", "oui"), ("faux", "vrai"),
    ("no", "si"), ("no", "sí"),
)  # fmt: skip
TRUTH = {word: truth for pair in PAIRS for truth, word in enumerate(pair)}


def at_row(row: int, column: str) -> str:
    """The position of a cell where no file is known: rows count from 1."""
    return f"row {row + 1}, column {column!r}"


def plain(series: Any) -> Any:
    """A raw column in one of few forms, whatever reader it comes from.

    Returns
    -------
    Series
        Of bool, int64, uint64, float64 (missing: NaN) or datetime64 (missing: NaT; with a zone: in UTC);
        else of objects, None where a cell is missing: texts without blanks around them, or int and bool.
        Cells that are none of these, such as lists, stay as they are.
    """
    pd = extra("pandas", "reading tables")
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "biuf":
        return series.astype(np.float64) if series.dtype.kind == "f" else series
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        zone = getattr(series.dt, "tz", None)
        return series if zone is None else series.dt.tz_convert(None)
    if getattr(series.dtype, "kind", "O") == "m":
        return series.dt.total_seconds()
    cells = series.astype(object)
    missing = cells.isna()
    cells = cells.where(~missing, None)
    found = pd.api.types.infer_dtype(cells, skipna=True)
    if found in ("floating", "mixed-integer-float", "decimal"):
        return cells.astype(np.float64)
    if found in ("date", "datetime", "datetime64"):
        return pd.to_datetime(cells, utc=True).dt.tz_convert(None)
    if found == "integer":
        return _integers(cells, bool(missing.any()))
    if found == "boolean":
        return cells if missing.any() else cells.astype(bool)
    if found in ("string", "mixed-integer", "mixed"):
        if any(not isinstance(cell, _SIMPLE) for cell in cells.tolist()):
            return cells
        texts = [None if cell is None else text_of(cell).strip() for cell in cells.tolist()]
        return pd.Series([text or None for text in texts], index=series.index, dtype=object)
    return cells


_SIMPLE = (str, int, float, bool, type(None), np.generic)


def _integers(cells: Any, missing: bool) -> Any:
    """Integers with the least loss: as such, as float64 if that is exact, else as they are."""
    found = [int(cell) for cell in cells.tolist() if cell is not None]
    largest = max(map(abs, found), default=0)
    if not missing and largest < 2**63:
        return cells.astype(np.int64)
    return cells.astype(np.float64) if largest <= EXACT else cells


def text_of(cell: Any) -> str:
    """A cell as text: a float without a fraction as its integer, as where no cell of its column is missing.

    Examples
    --------
    >>> text_of(5.0), text_of(0.5), text_of(True), text_of(2**60 + 1)
    ('5', '0.5', 'True', '1152921504606846977')
    """
    if isinstance(cell, float | np.floating):
        return str(int(cell)) if float(cell).is_integer() else repr(float(cell))
    return str(cell)


def number_of(text: str) -> float | None:
    """The number that a text is, None if it is none.

    Examples
    --------
    >>> number_of(" 1e3"), number_of("12 kg"), number_of("1_000")
    (1000.0, None, None)
    """
    if "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def numbers(series: Any, name: str, at: At = at_row, help: str = "") -> np.ndarray:
    """A column as float64, shape (n,), NaN where a cell is missing.

    Parameters
    ----------
    series : Series
    name : str
        The column's name.
    at : callable
        ``at(row, name)``: the position of a cell.
    help : str
        What to do about a cell that is no number.

    Raises
    ------
    InputError
        For a cell that is no finite number.
    """
    cells = plain(series)
    if cells.dtype.kind == "M":
        raise InputError(f"{at(0, name)}: {cells.iloc[0]} is a date, not a number{help}")
    if cells.dtype != object:
        out = cells.to_numpy(np.float64)
    else:
        out = np.empty(len(cells))
        for row, cell in enumerate(cells.tolist()):
            value = math.nan if cell is None else _as_number(cell)
            if value is None:
                raise InputError(
                    f"{at(row, name)}: {shown(cell, 40)} is not a number{alone(cell)}{help}"
                )
            out[row] = value
    infinite = np.flatnonzero(np.isinf(out))
    if infinite.size:
        row = int(infinite[0])
        raise InputError(f"{at(row, name)}: {out[row]} is not finite; correct the cell or empty it")
    return out


def _as_number(cell: Any) -> float | None:
    if isinstance(cell, str):
        value = number_of(cell)
        return None if value is None or math.isnan(value) else value
    if isinstance(cell, _SIMPLE):
        try:
            return float(cast(Any, cell))
        except OverflowError:
            return math.inf
    return None


_UNIT = re.compile(r"([$€£¥₹]?)\s*[+-]?\d[\d.,']*\s*([^\d\s.,:/-]\S{0,9})?")


def unit_of(text: str) -> str | None:
    """The unit that stands before or after a number, None if the text is nothing of that kind.

    Examples
    --------
    >>> unit_of("12 kg"), unit_of("$1,200"), unit_of("45%"), unit_of("red"), unit_of("7")
    ('kg', '$', '%', None, None)
    """
    found = _UNIT.fullmatch(text)
    return None if found is None else found[1] or found[2] or None


def alone(cell: Any) -> str:
    """What to do about a cell that is no number, if it is one with a unit.

    Examples
    --------
    >>> alone("$5"), alone("red")
    (" alone: write the numbers without '$'", '')
    """
    unit = unit_of(cell) if isinstance(cell, str) else None
    return "" if unit is None else f" alone: write the numbers without {unit!r}"


def truths(series: Any, name: str, at: At = at_row) -> np.ndarray:
    """A column of truth values as float64, shape (n,): 0, 1, and NaN where a cell is missing.

    Raises
    ------
    InputError
        For a cell that is neither true nor false in any of the ways that are known.
    """
    cells = plain(series)
    if cells.dtype == bool:
        return cells.to_numpy(np.float64)
    out = np.empty(len(cells))
    for row, cell in enumerate(cells.tolist()):
        if cell is None or (isinstance(cell, float) and math.isnan(cell)):
            out[row] = math.nan
            continue
        truth = TRUTH.get(text_of(cell).casefold())
        if truth is None:
            raise InputError(
                f"{at(row, name)}: {shown(cell, 40)} is neither true nor false, as the column's cells are"
            )
        out[row] = truth
    return out


def texts(series: Any, *, numeric: bool = False) -> list[str | None]:
    """A column as texts, None where a cell is missing; integers are exact.

    Parameters
    ----------
    series : Series
    numeric : bool
        Write texts that are numbers as numbers are written, so that ``5``, ``5.0`` and ``"5"`` are one.
    """
    cells = plain(series)
    if cells.dtype != object:
        gone = cells.isna().to_numpy()
        return [
            None if lost else text_of(cell) for cell, lost in zip(cells.tolist(), gone, strict=True)
        ]
    out = [None if cell is None else text_of(cell) for cell in cells.tolist()]
    return [_canonical(text) for text in out] if numeric else out


def _canonical(text: str | None) -> str | None:
    value = None if text is None else number_of(text)
    if text is None or value is None or not math.isfinite(value):
        return text
    return text if re.fullmatch(r"-?[1-9]\d*", text) else text_of(value)


def dates(series: Any, name: str, form: str, at: At = at_row) -> Any:
    """A column of dates, missing ones NaT.

    Raises
    ------
    InputError
        For a cell that is no date of this form.
    """
    cells = plain(series)
    if cells.dtype.kind == "M":
        return cells
    words = cells.map(lambda cell: None if cell is None else text_of(cell))
    out = parsed(words, form)
    bad = np.flatnonzero(out.isna().to_numpy() & cells.notna().to_numpy())
    if bad.size:
        row = int(bad[0])
        raise InputError(
            f"{at(row, name)}: {shown(text_of(cells.iloc[row]), 40)} is no date in the form {form} of the column"
        )
    return out
