"""Sheets: tables as people have them, in columns of exact types."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from ...errors import extra, listed
from .cells import MISSING, NOT_NA
from .columnar import check_table, parquet_chunks, read_npy, read_parquet
from .dialect import Dialect
from .feed import Feed, Records
from .survey import INDEX, Survey, parse, survey, without_empty_rows

SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".dat", ".data", ".parquet", ".pq", ".npy")


@dataclass(frozen=True)
class Sheet:
    """A table as it stands in its file.

    Attributes
    ----------
    name : str
        The file's name, as it was given.
    frame : DataFrame
        The columns: float64, int64 or bool where all cells are such, else object with texts; missing cells are NaN.
        Whole numbers that their type could not hold exactly are texts.
    header : bool
        Whether the file names its columns; else they are called "0", "1" and so on.
    found : str
        How the file is written, in words.
    lines : sequence of int
        The line of the file, counted from 1, at which each row ends; for files that are no text the row's number.
    positions : tuple of int
        The place in the file, counted from 0, of each column: some were left out.
    """

    name: str
    frame: Any
    header: bool
    found: str
    lines: Sequence[int]
    positions: tuple[int, ...]

    def at(self, row: int, column: str) -> str:
        """The position of a cell, for error messages."""
        known = repr(column) if self.header else f"{column} (counted from 0)"
        return f"{self.name}, row {self.lines[row]}, column {known}"


class Lines(Sequence[int]):
    """The line of each row of a text file; only for errors, the file is read again for it."""

    def __init__(self, path: str | os.PathLike[str], dialect: Dialect, rows: int) -> None:
        self._path, self._dialect, self._rows = path, dialect, rows
        self._known: list[int] | None = None

    def __len__(self) -> int:
        return self._rows

    @overload
    def __getitem__(self, row: int) -> int: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[int]: ...
    def __getitem__(self, row: int | slice) -> int | Sequence[int]:
        if self._known is None:
            self._known = [line for line, _ in Records(self._path, self._dialect)]
        return self._known[row]


def read_sheet(path: str | os.PathLike[str], *, decimal: str = "", mapped: bool = False) -> Sheet:
    """Read a table: text with any usual delimiter, gzipped or not, Parquet, or an array in an .npy file.

    Parameters
    ----------
    path : path
    decimal : {"", ".", ","}
        The decimal sign of a text; empty to find it.
    mapped : bool
        To leave the numbers of an .npy file on the disk.

    Raises
    ------
    InputError
        If the file is missing, empty or malformed: in which line; or says two things.
    """
    kind = suffix_of(path)
    if kind in (".parquet", ".pq"):
        frame, found = read_parquet(path)
        return _plain(path, frame, True, found)
    if kind == ".npy":
        array = check_table(read_npy(path, mapped=mapped), os.fspath(path))
        pandas = extra("pandas", "reading tables")
        frame = pandas.DataFrame(array, columns=[str(i) for i in range(array.shape[1])], copy=False)
        return _plain(path, frame, False, f"an array of {array.dtype}")
    found_all = survey(path, decimal=decimal, keep=True)
    frame = whole_frame(path, found_all)
    names, places, notes = named(found_all)
    frame = frame[list(places)]
    frame.columns = names
    dialect = found_all.dialect
    words = "; ".join([*dialect.words, *found_all.notes, *notes])
    lines = Lines(path, dialect, len(frame))
    return Sheet(os.fspath(path), frame, bool(dialect.columns), words, lines, places)


def read_chunks(
    path: str | os.PathLike[str],
    *,
    rows: int = 65536,
    decimal: str = "",
    found: Survey | None = None,
) -> Iterator[Any]:
    """Read a table in frames of some rows each, whose columns have the types that `read_sheet` finds.

    A text is read twice: first the types are found, then the rows are given.

    Parameters
    ----------
    path : path
    rows : int
        At most so many at a time.
    decimal
        As for `read_sheet`.
    found : Survey, optional
        What the first reading found, where that was done before.

    Raises
    ------
    InputError
        As `read_sheet`.
    """
    kind = suffix_of(path)
    if kind in (".parquet", ".pq"):
        yield from parquet_chunks(path, rows)
        return
    if kind == ".npy":
        array = check_table(read_npy(path, mapped=True), os.fspath(path))
        pandas = extra("pandas", "reading tables")
        for start in range(0, len(array), rows):
            block = np.array(array[start : start + rows])
            yield pandas.DataFrame(block, columns=[str(i) for i in range(array.shape[1])])
        return
    found = survey(path, decimal=decimal) if found is None else found
    names, places, _ = named(found)
    texts = [i for i, kind in enumerate(found.kinds) if kind in ("words", "formatted", "codes")]
    codes = {i for i, kind in enumerate(found.kinds) if kind == "codes"}
    start = 0
    for frame in parse(
        Feed(path, found.dialect), found.dialect, texts=texts, codes=codes, rows=rows
    ):
        frame = typed(without_empty_rows(frame, codes), found)[list(places)]
        frame.columns = names
        frame.index = range(start, start + len(frame))
        start += len(frame)
        if len(frame):
            yield frame


def suffix_of(path: str | os.PathLike[str]) -> str:
    """A file's ending in small letters, without .gz."""
    name = os.fspath(path).lower().removesuffix(".gz")
    return os.path.splitext(name)[1]


def whole_frame(path: str | os.PathLike[str], found: Survey) -> Any:
    """All rows that the first pass kept, in their types; columns whose texts it lost are read again."""
    pandas = extra("pandas", "reading tables")
    kept = found.kept
    if kept.numbers is not None:
        frame = pandas.DataFrame(kept.numbers, copy=False)
    else:
        frame = pandas.concat(kept.frames, ignore_index=True)
        kept.frames.clear()
    if found.reread:
        codes = {i for i, kind in enumerate(found.kinds) if kind == "codes"}
        feed = Feed(path, found.dialect)
        # all columns: which rows are empty is known from all of them
        again = parse(feed, found.dialect, texts=found.reread, codes=codes)
        parts = [without_empty_rows(part, codes)[list(found.reread)] for part in again]
        frame[list(found.reread)] = pandas.concat(parts, ignore_index=True)
    return typed(frame, found)


def typed(frame: Any, found: Survey) -> Any:
    """The columns in the types that the first pass found."""
    pandas = extra("pandas", "reading tables")
    types = {"int": np.dtype(np.int64), "float": np.dtype(np.float64), "bool": np.dtype(bool)}
    columns = {}
    for i, kind in enumerate(found.kinds):
        column = frame[i]
        if kind in types:
            columns[i] = column if column.dtype == types[kind] else column.astype(types[kind])
            continue
        words = column.astype(object)
        words = words.where(words.isna(), words.astype(str).str.strip())
        markers = NOT_NA if kind == "codes" else MISSING
        words = words.astype(object).mask(words.isin(markers), np.nan)
        if kind == "formatted":
            plain = words.map(found.dialect.numbers.plain, na_action="ignore")
            columns[i] = pandas.to_numeric(plain).astype(np.float64)
        else:
            columns[i] = words
    return pandas.DataFrame(columns, copy=False)


def named(found: Survey) -> tuple[list[str], tuple[int, ...], list[str]]:
    """Names of the columns that are kept, their places in the file, and what was done, in words."""
    dialect, notes = found.dialect, []
    if not dialect.columns:
        numbers = range(dialect.width)
        return [str(i) for i in numbers], tuple(numbers), notes
    places, names, seen = [], [], set(dialect.columns)
    taken: set[str] = set()
    doubled = []
    for i, name in enumerate(dialect.columns):
        if i == 0 and dialect.width > 1 and INDEX.fullmatch(name) and found.kinds[0] == "int":
            notes.append("the first column numbers the rows and is left out")
            continue
        if not name and i in found.empty:
            notes.append(
                f"column {i} (counted from 0) has neither a name nor cells and is left out"
            )
            continue
        unique, k = name or f"column {i}", 1
        while unique in taken or (unique != name and unique in seen):
            unique, k = f"{name or f'column {i}'}.{k}", k + 1
        if name in taken:
            doubled.append(f"{name!r} again: called {unique!r}")
        taken.add(unique)
        places.append(i)
        names.append(unique)
    if doubled:
        notes.append(f"column {listed(doubled, 3)}")
    return names, tuple(places), notes


def _plain(path: str | os.PathLike[str], frame: Any, header: bool, found: str) -> Sheet:
    lines, places = range(1, len(frame) + 1), tuple(range(frame.shape[1]))
    return Sheet(os.fspath(path), frame, header, found, lines, places)
