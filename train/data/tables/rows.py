"""Tables in text files: numbers in columns, with errors that say which row and which column."""

from __future__ import annotations

import csv
import difflib
import io
import itertools
import math
import os
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import InputError, counted, listed, shown
from ...files import read_bytes

_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Table:
    """The contents of a CSV file.

    Attributes
    ----------
    x : ndarray, shape (n, d), float64
        The feature columns, all finite.
    y : list of str
        The cells of the target column, as they stand in the file.
    columns : tuple of str
        The features' names; empty if the file has no header.
    target : str
        The target's name, or its index counted from 0.
    rows : list of int
        The line of the file, counted from 1, at which each row ends.
    """

    x: np.ndarray
    y: list[str]
    columns: tuple[str, ...]
    target: str
    rows: list[int]


def read_csv(path: str | os.PathLike[str], *, target: str | int | None = None) -> Table:
    """Read a CSV file of numbers, with one column of numbers or words as the target.

    The first row is a header if none of its cells is a number (or if those that are only count the
    columns). The delimiter is the one of comma, semicolon and tab that the first line has most
    of. Rows in error messages are lines of the file, counted from 1.

    Parameters
    ----------
    path : path
        A UTF-8 text file.
    target : str or int, optional
        Name of the target column, or its index counted from 0 (negative: from the end). The last
        column if None.

    Raises
    ------
    InputError
        For a missing, empty or malformed file, ragged rows, a cell that is no finite number (with
        its row and column), and a target column that does not exist.
    """
    sheet = open_sheet(path)
    where = find_column(sheet, target)
    indices = [index for index in range(sheet.width) if index != where]
    if not indices:
        raise InputError(f"{sheet.name} has only a target column: there is nothing to learn from")
    numbers, labels, rows = array("d"), [], []
    for line, cells in sheet.rows:
        label = cells[where].strip()
        if not label:
            raise InputError(f"{sheet.at(line, where)}: the target is empty")
        numbers.extend(numbers_of(cells, indices, sheet, line))
        labels.append(label)
        rows.append(line)
    x = np.frombuffer(numbers, dtype=np.float64).reshape(-1, len(indices))
    names = tuple(sheet.columns[index] for index in indices) if sheet.columns else ()
    return Table(x, labels, names, sheet.columns[where] if sheet.columns else str(where), rows)


def read_csv_features(
    path: str | os.PathLike[str], columns: Sequence[str], width: int, *, target: str = ""
) -> np.ndarray:
    """Read the features of a model from a CSV file, shape (n, width).

    Where the file has a header and the model knows names, columns are found by name, in any order,
    and the target column may be among them; else they are taken in their order.

    Parameters
    ----------
    path : path
        A UTF-8 text file, as for `read_csv`.
    columns : sequence of str
        The features' names; empty if the model knows none.
    width : int
        Their number.
    target : str
        The name of a column to pass over.

    Raises
    ------
    InputError
        As for `read_csv`; and for columns that are missing, or that the model does not know.
    """
    sheet = open_sheet(path)
    indices = list(range(sheet.width))
    if columns and sheet.columns:
        found = {column: index for index, column in enumerate(sheet.columns)}
        missing = [column for column in columns if column not in found]
        if missing:
            raise InputError(
                f"{sheet.name} has no column {listed(map(repr, missing), 5)}; "
                f"the model takes {listed(columns, 10)}"
            )
        known = {*columns, target}
        if known.issuperset(sheet.columns):
            indices = [found[column] for column in columns]
    if len(indices) != width:
        raise InputError(
            f"{sheet.name} has {counted(sheet.width, 'column')}, the model takes {width:,}"
            + (f": {listed(columns)}" if columns else "")
        )
    numbers = array("d")
    for line, cells in sheet.rows:
        numbers.extend(numbers_of(cells, indices, sheet, line))
    return np.frombuffer(numbers, dtype=np.float64).reshape(-1, width)


@dataclass(frozen=True)
class Sheet:
    """A CSV file that has been opened: its columns, and its rows still to come."""

    name: str
    columns: tuple[str, ...]
    width: int
    rows: Iterator[tuple[int, list[str]]]

    def at(self, line: int, index: int) -> str:
        """The position of a cell, for error messages."""
        known = repr(self.columns[index]) if self.columns else f"{index} (counted from 0)"
        return f"{self.name}, row {line}, column {known}"


def open_sheet(path: str | os.PathLike[str]) -> Sheet:
    """Open a CSV file: its columns are known, its rows still to come.

    Raises
    ------
    InputError
        If it is missing, empty or no CSV; the rows raise it where they are malformed.
    """
    name = os.fspath(path)
    numbered_rows = _numbered_rows(_decode(read_bytes(path), name), name)
    head = list(itertools.islice(numbered_rows, 2))
    if not head:
        raise InputError(f"{name} is empty: it has no rows")
    first_line, first = head[0]
    columns: tuple[str, ...] = ()
    if _is_header(first, head[1][1] if len(head) > 1 else []):
        columns = tuple(cell.strip() for cell in first)
        _check_header(columns, name)
        if len(head) == 1:
            raise InputError(f"{name} has a header and no rows below it")
        del head[0]
    rows = _even(itertools.chain(head, numbered_rows), len(first), first_line, name)
    return Sheet(name, columns, len(first), rows)


def _even(
    rows: Iterator[tuple[int, list[str]]], width: int, first_line: int, name: str
) -> Iterator[tuple[int, list[str]]]:
    """The rows, all of them as wide as the first one."""
    for line, cells in rows:
        if len(cells) != width:
            raise InputError(
                f"{name}, row {line}: {counted(len(cells), 'column')}, "
                f"where row {first_line} has {width}"
            )
        yield line, cells


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{name}, row {line}: not UTF-8 text (is this a CSV file?)") from None


def _numbered_rows(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
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
    seen: set[str] = set()
    for index, column in enumerate(columns):
        if not column.strip():
            raise InputError(
                f"{name}: column {index} (counted from 0) has no name; if it numbers the rows, "
                "leave it out (pandas: to_csv(index=False)), else name it"
            )
        if column in seen:
            raise InputError(f"{name}: two columns are called {shown(column)}")
        seen.add(column)


def find_column(sheet: Sheet, target: str | int | None) -> int:
    """The index of the target column: by name first, then as an integer."""
    columns, width = sheet.columns, sheet.width
    if target is None:
        return width - 1
    if target in columns:
        return columns.index(str(target))
    try:
        index = int(target)
    except ValueError:
        index = width
    if -width <= index < width:
        return index % width
    if not columns:
        raise InputError(
            f"{sheet.name} has no header and {counted(width, 'column')}, so --target {target} is "
            f"not one of them: give 0 to {width - 1}"
        )
    close = difflib.get_close_matches(str(target), columns, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    raise InputError(f"{sheet.name} has no column {str(target)!r}{hint}; it has {listed(columns)}")


def numbers_of(cells: list[str], indices: list[int], sheet: Sheet, line: int) -> list[float]:
    """The cells at these indices as finite numbers; the search for a culprit runs only if needed."""
    try:
        values = [float(cells[index]) for index in indices]
        if math.isfinite(sum(values)):
            return values
    except ValueError:
        pass
    values = []
    for index in indices:
        cell = cells[index].strip()
        if not cell:
            raise InputError(f"{sheet.at(line, index)}: the cell is empty")
        if not _is_number(cell):
            raise InputError(f"{sheet.at(line, index)}: {cell[:40]!r} is not a number")
        if not math.isfinite(float(cell)):
            raise InputError(
                f"{sheet.at(line, index)}: {cell[:40]} is not finite; remove or fill in such rows"
            )
        values.append(float(cell))
    return values
