"""Tables in text files row by row: numbers and names, with errors that say which row and which column."""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass

from ...errors import InputError, counted, listed, shown
from .dialect import find_dialect
from .feed import Records
from .values import number_of


@dataclass(frozen=True)
class Rows:
    """A table that has been opened: its columns, and its rows still to come, each with its line."""

    name: str
    columns: tuple[str, ...]
    width: int
    rows: Iterator[tuple[int, list[str]]]

    def at(self, line: int, index: int) -> str:
        """The position of a cell, for error messages."""
        known = repr(self.columns[index]) if self.columns else f"{index} (counted from 0)"
        return f"{self.name}, row {line}, column {known}"


def open_rows(path: str | os.PathLike[str]) -> Rows:
    """Open a table in a text file.

    Raises
    ------
    InputError
        If it is missing, empty or no table, or two columns have one name; the rows raise it where they are malformed.
    """
    dialect = find_dialect(path)
    columns = dialect.columns
    for i, column in enumerate(columns):
        if not column:
            raise InputError(
                f"{dialect.name}: column {i} (counted from 0) has no name; if it numbers the rows, "
                "leave it out (pandas: to_csv(index=False)), else name it"
            )
        if columns.count(column) > 1:
            raise InputError(f"{dialect.name}: two columns are called {shown(column)}")
    return Rows(dialect.name, columns, dialect.width, iter(Records(path, dialect)))


def find_column(sheet: Rows, target: str | int | None) -> int:
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


def numbers_of(cells: list[str], indices: list[int], sheet: Rows, line: int) -> list[float]:
    """The cells at these indices as finite numbers; the search for a culprit runs only if needed."""
    try:
        values = [float(cells[index]) for index in indices]
        # Python takes 1_0 for 10
        if math.isfinite(sum(values)) and not any("_" in cells[index] for index in indices):
            return values
    except ValueError:
        pass
    values = []
    for index in indices:
        cell = cells[index].strip()
        if not cell:
            raise InputError(f"{sheet.at(line, index)}: the cell is empty")
        value = number_of(cell)
        if value is None:
            raise InputError(f"{sheet.at(line, index)}: {cell[:40]!r} is not a number")
        if not math.isfinite(value):
            raise InputError(
                f"{sheet.at(line, index)}: {cell[:40]} is not finite; remove or fill in such rows"
            )
        values.append(value)
    return values
