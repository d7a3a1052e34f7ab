"""Sheets: tables as people have them, in columns of exact types."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np

from ...errors import extra, listed
from .cells import MISSING
from .columnar import check_table, parquet_chunks, read_npy, read_parquet
from .dialect import Dialect
from .feed import Feed, Records
from .kept import Kept
from .survey import INDEX, Survey, parse, survey, without_empty_rows
from .values import texts

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
    doubled : frozenset of str
        Names that stand in the file more than once; their later columns are called `name.1` and so on.
    decimal : {".", ","}
        The decimal sign.
    borrowed : mapping
        Columns that stand in another file, with its name.
    empty_rows : int
        Rows of the file of which every cell is missing; they are not among the rows.
    kept : Kept, optional
        The memory in which the columns of numbers are; see `take`.
    """

    name: str
    frame: Any
    header: bool
    found: str
    lines: Sequence[int]
    positions: tuple[int, ...]
    doubled: frozenset[str] = frozenset()
    decimal: str = "."
    borrowed: Mapping[str, str] = field(default_factory=dict)
    empty_rows: int = 0
    kept: Kept | None = None

    def at(self, row: int, column: str) -> str:
        """The position of a cell, for error messages."""
        if column in self.borrowed:
            return f"{self.borrowed[column]}, row {row + 1}"
        known = repr(column) if self.header else f"{column} (counted from 0)"
        return f"{self.name}, row {self.lines[row]}, column {known}"

    def finite(self, columns: Sequence[str]) -> bool:
        """Whether columns are finite numbers without missing cells."""
        names = list(self.frame.columns)
        places = {self.positions[names.index(column)] for column in columns}
        if self.kept is not None and places <= self.kept.finite:
            return True
        return all(
            self.frame[column].dtype.kind in "iuf" and np.isfinite(self.frame[column]).all()
            for column in columns
        )

    def take(self, columns: Sequence[str]) -> np.ndarray:
        """Columns of numbers as one array (n, d), float64, by rows.

        Where that can be, it is made in the memory in which the columns of numbers are, so that they are never there
        twice: afterwards nothing that the frame has of such columns means anything. Copy before what is still needed.
        """
        names = list(self.frame.columns)
        places = [self.positions[names.index(column)] for column in columns]
        if self.kept is not None and self.kept.holds(places, len(self.frame)):
            return self.kept.take(places)
        x = np.empty((len(self.frame), len(places)))
        for j, column in enumerate(columns):
            x[:, j] = self.frame[column]
        return x


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


def read_sheet(
    path: str | os.PathLike[str],
    *,
    decimal: str = "",
    usual: str = "",
    names: Sequence[str] = (),
    mapped: bool = False,
) -> Sheet:
    """Read a table: text with any usual delimiter, gzipped or not, Parquet, or an array in an .npy file.

    Parameters
    ----------
    path : path
    decimal : {"", ".", ","}
        The decimal sign of a text; empty to find it.
    usual : {"", ".", ","}
        The decimal sign where a text does not tell; else it is refused.
    names : sequence of str
        Names of columns that are expected: the first row of a text that has most of them is its header.
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
    return sheet_of(path, survey(path, decimal=decimal, usual=usual, names=names, keep=True))


def read_texts(
    path: str | os.PathLike[str],
    columns: Sequence[str],
    *,
    usual: str = "",
    names: Sequence[str] = (),
) -> list[list[str]]:
    """Columns of a table as texts, as they stand in it where it is one itself; a missing cell is empty.

    Parameters
    ----------
    path : path
    columns : sequence of str
        Names of columns that are there.
    usual, names
        As for `read_sheet`.

    Returns
    -------
    list of list of str
        One a column, with the rows of `read_sheet`.

    Raises
    ------
    InputError
        As `read_sheet`.
    """
    if suffix_of(path) in (".parquet", ".pq", ".npy"):
        frame = read_sheet(path).frame
        return [[text or "" for text in texts(frame[name])] for name in columns]
    found = survey(path, usual=usual, names=names)
    known, _, _ = named(found)
    cells = texts_of(path, found, sorted({known[name] for name in columns}))
    return [
        [
            "" if missing else str(cell).strip()
            for cell, missing in zip(own, own.isna(), strict=True)
        ]
        for own in (cells[known[name]] for name in columns)
    ]


def sheet_of(path: str | os.PathLike[str], found: Survey) -> Sheet:
    """The sheet of a text whose rows the first pass kept."""
    columns, doubled, notes = named(found)
    found.kept.set_integers([i for i, kind in enumerate(found.kinds) if kind == "int"])
    frame = whole_frame(path, found, tuple(columns.values()))
    frame.columns = list(columns)
    grouped = [repr(c) for c, place in columns.items() if found.kinds[place] == "formatted"]
    if grouped:
        notes.append(f"digits in groups of three in {listed(grouped, 5)}")
    words = "; ".join([*found.dialect.words, *found.notes, *notes])
    lines, header = Lines(path, found.dialect, len(frame)), bool(found.dialect.columns)
    places = tuple(columns.values())
    return Sheet(
        os.fspath(path),
        frame,
        header,
        words,
        lines,
        places,
        doubled=doubled,
        decimal=found.dialect.numbers.decimal,
        empty_rows=found.empty_rows,
        kept=found.kept,
    )


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
    columns, _, _ = named(found)
    places = list(columns.values())
    words = [i for i, kind in enumerate(found.kinds) if kind not in _TYPES]
    codes = found.codes
    start = 0
    for frame in parse(
        Feed(path, found.dialect), found.dialect, texts=words, codes=codes, rows=rows
    ):
        frame = typed(without_empty_rows(frame)[places], found)
        frame.columns = list(columns)
        frame.index = range(start, start + len(frame))
        start += len(frame)
        if len(frame):
            yield frame


def suffix_of(path: str | os.PathLike[str]) -> str:
    """A file's ending in small letters, without .gz."""
    name = os.fspath(path).lower().removesuffix(".gz")
    return os.path.splitext(name)[1]


def whole_frame(path: str | os.PathLike[str], found: Survey, places: Sequence[int]) -> Any:
    """Columns of the rows that the first pass kept, in their types; those whose texts it lost are read again."""
    pandas = extra("pandas", "reading tables")
    lost = [i for i in found.reread if i in places]
    again = texts_of(path, found, lost) if lost else {}
    columns = {i: again[i] if i in again else found.kept.column(i) for i in places}
    return typed(pandas.DataFrame(columns, copy=False), found)


def texts_of(path: str | os.PathLike[str], found: Survey, columns: Sequence[int]) -> dict[int, Any]:
    """Columns as the texts that stand in the file."""
    pandas = extra("pandas", "reading tables")
    feed = Feed(path, found.dialect)
    # all columns are read: which rows are empty is known from all of them
    again = parse(feed, found.dialect, texts=list(columns), codes=found.codes)
    parts = [without_empty_rows(part)[list(columns)] for part in again]
    frame = pandas.concat(parts, ignore_index=True)
    return {i: frame[i] for i in columns}


_TYPES = {"int": np.dtype(np.int64), "float": np.dtype(np.float64), "bool": np.dtype(bool)}


def typed(frame: Any, found: Survey) -> Any:
    """The columns in the types that the first pass found."""
    pandas = extra("pandas", "reading tables")
    columns = {i: _typed(frame[i], found.kinds[i], found) for i in frame.columns}
    return pandas.DataFrame(columns, copy=False)


def _typed(column: Any, kind: str, found: Survey) -> Any:
    if kind in _TYPES:
        return column if column.dtype == _TYPES[kind] else column.astype(_TYPES[kind])
    pandas = extra("pandas", "reading tables")
    # each text once: most come again
    codes, values = pandas.factorize(column)
    words = pandas.Series(values).astype(object).map(str).str.strip().astype(object)
    markers = [word for word in MISSING if word != kind]
    words = words.mask(words.isin(markers), np.nan)
    if kind == "formatted":
        plain = words.map(found.dialect.numbers.plain, na_action="ignore")
        numbers = pandas.to_numeric(plain).to_numpy(np.float64)
        return pandas.Series(np.append(numbers, np.nan)[codes], index=column.index)
    cells = np.append(words.to_numpy(object), np.asarray([np.nan], object))
    return pandas.Series(cells[codes], index=column.index, dtype=object)


def named(found: Survey) -> tuple[dict[str, int], frozenset[str], list[str]]:
    """Names and places of the columns that are kept, names that come twice, and what was done, in words."""
    dialect = found.dialect
    notes: list[str] = []
    if not dialect.columns:
        return {str(i): i for i in range(dialect.width)}, frozenset(), notes
    kept: dict[str, int] = {}
    doubled: dict[str, str] = {}
    numbering = 0
    for i, column in enumerate(dialect.columns):
        last = i == dialect.width - 1
        if not kept and not last and INDEX.fullmatch(column) and found.kinds[i] == "int":
            numbering += 1
            continue
        if not column and i in found.empty:
            notes.append(
                f"column {i} (counted from 0) has neither a name nor cells and is left out"
            )
            continue
        base = column or f"column {i}"
        unique, k = base, 1
        while unique in kept or (unique != column and unique in dialect.columns):
            unique, k = f"{base}.{k}", k + 1
        if column in kept:
            doubled[column] = unique
        kept[unique] = i
    if numbering:
        what = "column numbers" if numbering == 1 else f"{numbering} columns number"
        notes.insert(
            0, f"the first {what} the rows and {'is' if numbering == 1 else 'are'} left out"
        )
    if doubled:
        again = [f"{column!r} again: called {unique!r}" for column, unique in doubled.items()]
        notes.append(f"column {listed(again, 3)}")
    return kept, frozenset(doubled), notes


def _plain(path: str | os.PathLike[str], frame: Any, header: bool, found: str) -> Sheet:
    places = tuple(range(frame.shape[1]))
    return Sheet(os.fspath(path), frame, header, found, range(1, len(frame) + 1), places)
