"""Targets as they stand in a file: class labels, which are exact, or numbers to predict."""

from __future__ import annotations

import decimal
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InputError, extra, listed
from .tables.cells import EXACT
from .tables.reading import Sheet
from .tables.values import alone, number_of, plain, unit_of

# Whole numbers are class labels while there are at most this many different ones.
MAX_NUMERIC_CLASSES = 100
# Up to so many different numbers with a unit are names of classes.
_FEW = 10

Target = tuple[str, np.ndarray, tuple[str, ...]]


def array_target(y: np.ndarray, task: str, where: str) -> Target:
    """Task, targets and names of classes of an array, shape (n,) or (n, k).

    Raises
    ------
    InputError
        If it holds neither labels nor numbers.
    """
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.dtype.kind in "US":
        texts = [v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in y.ravel()]
        positions = [f"{where}[{i}]" for i in range(len(texts))]
        return read_target(texts, task, positions)
    if y.dtype.kind not in "buif":
        raise InputError(f"{where} is {y.dtype}: give numbers or texts")
    if y.ndim not in (1, 2) or (y.ndim == 2 and (task == "classification" or y.dtype.kind != "f")):
        raise InputError(
            f"{where} has shape {y.shape}: give labels of shape (n,), or numbers of shape (n, k) "
            "as floats to predict k values at once"
        )
    if y.dtype.kind == "b" and task != "regression":
        return "classification", y.astype(np.int64), ("False", "True")
    # a long double may be beyond float64
    with np.errstate(over="ignore"):
        bad = ~np.isfinite(y.astype(np.float64))
    if bad.any():
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        raise InputError(f"{where}{list(index)} is {y[index]}, not finite")
    return _numeric_target(y, task)


def read_target(
    texts: list[str], task: str, positions: Sequence[str], counts: np.ndarray | None = None
) -> Target:
    """Task, targets and names of classes of texts: numbers if all of them are, else names.

    Numbers with leading zeros, such as 007, are names, but for regression.

    Parameters
    ----------
    texts : list of str
    task : {"auto", "classification", "regression"}
    positions : sequence of str
        The position of each text in its file, for messages.
    counts : ndarray of int, optional
        How often each text is there; once if None.

    Raises
    ------
    InputError
        For a number that is not finite, for a word where most are numbers, and for numbers with a unit.
    """
    numbers: list[int | float] = []
    words = 0
    codes = task != "regression" and any(re.fullmatch(r"-?0\d+", text) for text in texts)
    for i, text in enumerate(texts):
        number = _number(text)
        if number is None or codes:
            words += 1
            if task == "regression":
                raise InputError(
                    f"{positions[i]}: {text[:40]!r} is not a number{alone(text)}"
                ) from None
            continue
        if isinstance(number, float) and not math.isfinite(number):
            raise InputError(
                f"{positions[i]}: {text[:40]} is not finite; remove or fill in such rows"
            )
        numbers.append(number)
    if not words:
        if task == "regression":
            return _as_numbers(np.asarray([float(v) for v in numbers]))
        return _number_classes(sorted(set(numbers)), numbers, task)
    often = np.ones(len(texts), np.int64) if counts is None else counts
    fractions = [isinstance(_number(text), float) for text in texts] if numbers else [False]
    if task == "auto" and 2 * np.dot(fractions, often if numbers else [0]) > often.sum():
        _refuse_first_word(texts, positions)
    units = {unit_of(text) for text in texts} if task == "auto" else set()
    if len(units) == 1 and units != {None} and len(set(texts)) > _FEW:
        raise InputError(
            f"{positions[0]}: {texts[0][:40]!r} is a number with the unit {units.pop()!r}, as all targets are: write "
            "the numbers alone, or, if these are names of classes, give --task classification"
        )
    # not by an array of texts, all of which would be as long as the longest
    names = sorted(set(texts))
    return "classification", _codes(names, texts), tuple(names)


def target_of(sheet: Sheet, columns: Sequence[str], rows: np.ndarray, task: str) -> Target:
    """Task, targets and names of classes of a column of a sheet, or of several, in the rows that are left.

    Raises
    ------
    InputError
        As `read_target`; for several columns of which one is not of numbers, or of which classes are asked.
    """
    if len(columns) == 1:
        return _one_target(sheet, columns[0], rows, task)
    if task == "classification":
        raise InputError(
            f"target: {listed(columns, 5)}: several targets are numbers to predict, and the task is classification"
        )
    parts = []
    for column in columns:
        try:
            parts.append(_one_target(sheet, column, rows, "regression")[1])
        except InputError as error:
            raise InputError(f"{error} (several targets are numbers to predict)") from None
    return "regression", np.concatenate(parts, axis=1), ()


def _one_target(sheet: Sheet, column: str, rows: np.ndarray, task: str) -> Target:
    series = sheet.frame[column].iloc[rows]
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "biuf":
        values = series.to_numpy()
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            place = sheet.at(int(rows[bad[0]]), column)
            raise InputError(
                f"{place}: {values[bad[0]]} is not finite; remove or fill in such rows"
            )
        return array_target(values, task, f"{sheet.name}: {column}")
    codes, values = extra("pandas", "reading tables").factorize(series.to_numpy(object))
    # each text once: most labels come again
    texts = [
        str(cell) for cell in plain(extra("pandas", "reading tables").Series(values, dtype=object))
    ]
    first = np.unique(codes, return_index=True)[1]
    positions = Positions(sheet, column, rows[first])
    found, y, classes = read_target(texts, task, positions, np.bincount(codes))
    return found, y[codes], classes


class Positions(Sequence[str]):
    """The position of each target in its file; only for errors."""

    def __init__(self, sheet: Sheet, column: str, rows: np.ndarray) -> None:
        self._sheet, self._column, self._rows = sheet, column, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, i: Any) -> Any:
        return self._sheet.at(int(self._rows[i]), self._column)


def _number(text: str) -> int | float | None:
    """The number that a text stands for, an int where it is an integer; None if the text is no number."""
    value = number_of(text)
    # not an integer: NaN and infinity, too
    if value is None or not value.is_integer():
        return value
    if abs(value) < EXACT:
        return int(value)
    exact = decimal.Decimal(text)
    # a fraction beyond 2**53 is what float64 makes of it
    return int(exact) if exact == exact.to_integral_value() else int(value)


def _refuse_first_word(texts: list[str], positions: Sequence[str]) -> None:
    for i, text in enumerate(texts):
        if _number(text) is None:
            raise InputError(f"{positions[i]}: {text[:40]!r} is no number as most targets are")


def _numeric_target(values: np.ndarray, task: str) -> Target:
    """The target of finite numbers in the dtype in which they came: integers stay integers."""
    if task == "regression" or values.ndim != 1:
        return _as_numbers(values)
    found, y = np.unique(values, return_inverse=True)
    integers = values.dtype.kind in "iu" or bool((found == np.round(found)).all())
    if task == "classification" or (integers and len(found) <= MAX_NUMERIC_CLASSES):
        return "classification", y.astype(np.int64), tuple(_name(v) for v in found)
    return _as_numbers(values)


def _number_classes(found: list[Any], numbers: list[Any], task: str) -> Target:
    """The target of Python's numbers, which may be of any size."""
    integers = all(isinstance(v, int) for v in found)
    if task == "classification" or (integers and len(found) <= MAX_NUMERIC_CLASSES):
        return "classification", _codes(found, numbers), tuple(_name(v) for v in found)
    return _as_numbers(np.asarray([float(v) for v in numbers]))


def _codes(found: list[Any], values: list[Any]) -> np.ndarray:
    positions = {label: i for i, label in enumerate(found)}
    return np.asarray([positions[v] for v in values], np.int64)


def _name(v: Any) -> str:
    """A class's name: the integer for a number without a fraction, else the shortest decimal."""
    return str(int(v)) if v == round(v) else repr(float(v))


def _as_numbers(values: np.ndarray) -> Target:
    return "regression", values.astype(np.float64).reshape(len(values), -1), ()
