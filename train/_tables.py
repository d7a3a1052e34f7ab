"""Tables in text files: numbers in columns, with errors that say which row and which column."""

from __future__ import annotations

import csv
import difflib
import io
import math
import os
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ._errors import InputError, counted, listed
from ._files import read_bytes

_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Table:
    """What a CSV file holds.

    Attributes
    ----------
    x : ndarray, shape (n, d), float64
        The feature columns, all finite.
    y : list of str, or None
        The cells of the target column, as they stand in the file.
    columns : tuple of str
        The features' names; empty if the file has no header.
    target : str
        The target's name, or its place counted from 0; empty without a target.
    rows : list of int
        The line of the file, counted from 1, at which each row ends.
    """

    x: np.ndarray
    y: list[str] | None
    columns: tuple[str, ...]
    target: str
    rows: list[int]


def read_csv(
    path: str | os.PathLike[str], *, target: str | int | None = None, labelled: bool = True
) -> Table:
    """Read a CSV file of numbers, with one column of any kind as the target.

    The first row is a header if none of its cells is a number (or if those that are only count the
    columns). The delimiter is the one of comma, semicolon and tab that the first line has most
    of. Rows in error messages are lines of the file, counted from 1.

    Parameters
    ----------
    path : path
        A UTF-8 text file.
    target : str or int, optional
        Name of the target column, or its place counted from 0 (negative: from the end). The last
        column if None.
    labelled : bool
        False for a file without a target column: every column is a feature.

    Raises
    ------
    InputError
        For a missing, empty or malformed file, ragged rows, a cell that is no finite number (with
        its row and column), and a target column that does not exist.
    """
    name = os.fspath(path)
    text = _decode(read_bytes(path), name)
    records = _records(text, name)
    first_line, first = next(records, (0, []))
    if not first:
        raise InputError(f"{name} is empty: it has no rows")
    second_line, second = next(records, (0, []))
    header = _is_header(first, second)
    columns = tuple(first) if header else ()
    if header:
        _check_header(columns, name)
        if not second:
            raise InputError(f"{name} has a header and no rows below it")
    where = _find_column(columns, len(first), target, name) if labelled else None

    head = [(second_line, second)] if second else []
    if not header:
        head.insert(0, (first_line, first))
    numbers, labels, rows = array("d"), [], []
    for line, cells in _chain(head, records):
        if len(cells) != len(first):
            raise InputError(
                f"{name}, row {line}: {counted(len(cells), 'column')}, "
                f"where row {first_line} has {len(first)}"
            )
        if where is not None:
            label = cells.pop(where).strip()
            if not label:
                at = _column_name(columns, where)
                raise InputError(f"{name}, row {line}, {at}: the target is empty")
            labels.append(label)
        numbers.extend(_numbers(cells, columns, where, name, line))
        rows.append(line)

    width = len(first) - (where is not None)
    if width == 0:
        raise InputError(f"{name} has only a target column: there is nothing to learn from")
    x = np.frombuffer(numbers, dtype=np.float64).reshape(-1, width)
    if where is None:
        return Table(x, None, columns, "", rows)
    features = columns[:where] + columns[where + 1 :]
    return Table(x, labels, features, columns[where] if columns else str(where), rows)


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{name}, row {line}: not UTF-8 text (is this a CSV file?)") from None


def _records(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, each with the line at which it ends."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=first.count)
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(f"{name}, row {reader.line_num}: malformed CSV: {error}") from None
        if any(cell.strip() for cell in cells) or len(cells) > 1:
            yield reader.line_num, cells


def _chain(
    head: Sequence[tuple[int, list[str]]], rest: Iterator[tuple[int, list[str]]]
) -> Iterator[tuple[int, list[str]]]:
    yield from head
    yield from rest


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _is_header(first: list[str], second: list[str]) -> bool:
    """Whether the first row names the columns.

    A row of measurements ending in a text label is data, so one text cell is not enough. pandas
    numbers columns that have no name: "0,1,2,target" is a header above a row with a number
    where it has a word.
    """
    numeric = [_is_number(cell) for cell in first]
    if not any(numeric):
        return True
    if all(numeric):
        return False
    counts = all(cell.strip() == str(i) for i, cell in enumerate(first) if numeric[i])
    pairs = zip(numeric, second, strict=False)
    return counts and any(not is_number and _is_number(below) for is_number, below in pairs)


def _check_header(columns: tuple[str, ...], name: str) -> None:
    for place, column in enumerate(columns):
        if not column.strip():
            raise InputError(
                f"{name}: column {place} (counted from 0) has no name; if it numbers the rows, "
                "leave it out (pandas: to_csv(index=False)), else name it"
            )
        if column in columns[:place]:
            raise InputError(f"{name}: two columns are called {column!r}")


def _find_column(columns: tuple[str, ...], width: int, target: str | int | None, name: str) -> int:
    """The place of the target column: by name first, then as an integer."""
    if target is None:
        return width - 1
    if target in columns:
        return columns.index(str(target))
    try:
        place = int(target)
    except ValueError:
        place = width
    if -width <= place < width:
        return place % width
    if not columns:
        raise InputError(
            f"{name} has no header and {counted(width, 'column')}, so --target {target} is not "
            f"one of them: give 0 to {width - 1}"
        )
    close = difflib.get_close_matches(str(target), columns, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    raise InputError(f"{name} has no column {str(target)!r}{hint}; it has {listed(columns)}")


def _column_name(columns: tuple[str, ...], place: int) -> str:
    return f"column {columns[place]!r}" if columns else f"column {place} (counted from 0)"


def _numbers(
    cells: list[str], columns: tuple[str, ...], skipped: int | None, name: str, line: int
) -> list[float]:
    """The cells as finite numbers; the slow search for the culprit runs only if there is one."""
    try:
        values = list(map(float, cells))
        if math.isfinite(sum(values)):
            return values
    except ValueError:
        pass
    values = []
    for place, cell in enumerate(cells):
        at = place + (skipped is not None and place >= skipped)
        where = f"{name}, row {line}, {_column_name(columns, at)}"
        if not cell.strip():
            raise InputError(f"{where}: the cell is empty")
        if not _is_number(cell):
            raise InputError(f"{where}: {cell[:40]!r} is not a number")
        if not math.isfinite(float(cell)):
            raise InputError(
                f"{where}: {cell.strip()[:40]} is not finite; remove or fill in such rows"
            )
        values.append(float(cell))
    return values
