"""Sheets whose columns lie in a file and not in memory, for tables that are larger than it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ...errors import InputError, extra
from ..mapped import map_file, nameless, on_disk, release
from .columnar import parquet_words
from .reading import Lines, Sheet, named, read_chunks, read_sheet, suffix_of
from .survey import survey

# Rows that are read at once.
_ROWS = 1 << 15


def sheet_on_disk(
    path: str | os.PathLike[str],
    folder: Path,
    *,
    decimal: str = "",
    names: Sequence[str] = (),
    rows: int = _ROWS,
) -> Sheet:
    """The sheet of `read_sheet`, with its columns in a file without a name, mapped into memory.

    Numbers and truth values lie in the file, column by column. Of texts each different one is in memory once, and which
    one a cell has is a number: such columns are categoricals of pandas. A text is read twice, some rows at a time.

    Parameters
    ----------
    path : path
    folder : Path
        Where the file is, on a disk with room for the table; see `on_disk`.
    decimal, names
        As for `read_sheet`.
    rows : int
        How many are read at once.

    Raises
    ------
    InputError
        As `read_sheet`.
    WriteError
        If the disk is full.
    """
    kind = suffix_of(path)
    if kind == ".npy":
        return read_sheet(path, mapped=True)
    if kind in (".parquet", ".pq"):
        found = extra("pyarrow.parquet", "reading Parquet").read_metadata(path)
        n = int(found.num_rows)
        frame = _spilled(read_chunks(path, rows=rows), n, folder)
        places = tuple(range(frame.shape[1]))
        return Sheet(os.fspath(path), frame, True, parquet_words(path), range(1, n + 1), places)
    facts = survey(path, decimal=decimal, names=names)
    columns, doubled, notes = named(facts)
    frame = _spilled(read_chunks(path, rows=rows, decimal=decimal, found=facts), facts.rows, folder)
    words = "; ".join([*facts.dialect.words, *facts.notes, *notes])
    lines = Lines(path, facts.dialect, len(frame))
    return Sheet(
        os.fspath(path),
        frame,
        bool(facts.dialect.columns),
        words,
        lines,
        tuple(columns.values()),
        doubled=doubled,
        decimal=facts.dialect.numbers.decimal,
        empty_rows=facts.empty_rows,
    )


def _spilled(chunks: Iterator[Any], n: int, folder: Path) -> Any:
    """The frame of n rows that come in chunks of the same types."""
    pandas = extra("pandas", "reading tables")
    first = next(chunks)
    names = list(first.columns)
    is_text = [first[name].dtype == object for name in names]
    dtypes = [
        np.dtype(np.int32) if text else first[name].dtype
        for name, text in zip(names, is_text, strict=True)
    ]
    # each column begins at a number's boundary
    sizes = [-(-n * dtype.itemsize // 8) * 8 for dtype in dtypes]
    offsets = [0, *itertools.accumulate(sizes)]
    known: list[dict[str, int]] = [{} for _ in names]
    with nameless(folder) as file:
        start = 0
        for frame in itertools.chain([first], chunks):
            for j, name in enumerate(names):
                values = _codes(frame[name], known[j]) if is_text[j] else frame[name].to_numpy()
                _write_at(
                    file,
                    offsets[j] + start * dtypes[j].itemsize,
                    values.astype(dtypes[j], copy=False),
                )
            start += len(frame)
        if start != n:
            raise InputError(
                f"{start:,} rows came, and {n:,} were counted: the file has changed meanwhile"
            )
        mapped = map_file(file)
    columns = {}
    for j, name in enumerate(names):
        values = np.frombuffer(mapped, dtypes[j], n, offsets[j])
        if is_text[j]:
            words = pandas.CategoricalDtype(pandas.Index(list(known[j]), dtype=object))
            values = pandas.Categorical.from_codes(values, dtype=words, validate=False)
        columns[name] = pandas.Series(values, copy=False)
    return pandas.DataFrame(columns, copy=False)


def _codes(cells: Any, known: dict[str, int]) -> np.ndarray:
    """The number of each text, -1 for a missing one; new ones are numbered as they come."""
    codes, texts = extra("pandas", "reading tables").factorize(cells)
    numbers = np.asarray([known.setdefault(text, len(known)) for text in texts] + [-1], np.int32)
    return numbers[codes]


def _write_at(file: BinaryIO, offset: int, x: np.ndarray) -> None:
    file.seek(offset)
    if x.size:
        file.write(np.ascontiguousarray(x).view(np.uint8).data)


def matrix_on_disk(
    frame: Any, numbers_of: Callable[[Any], np.ndarray], width: int, folder: Path
) -> np.ndarray:
    """What ``numbers_of(frame)`` would give, shape (n, width), float64, in a file; for some rows at a time."""

    def parts() -> Iterator[np.ndarray]:
        for start in range(0, len(frame), _ROWS):
            part = frame.iloc[start : start + _ROWS]
            yield numbers_of(part)
            release(*(part[name] for name in part.columns))

    return on_disk(folder, parts(), (width,), np.float64)


def rows_on_disk(frame: Any, kept: np.ndarray, folder: Path) -> Any:
    """The rows of a frame of `sheet_on_disk` that are kept, as such a frame."""
    words = {name: object for name in frame.columns if not isinstance(frame[name].dtype, np.dtype)}

    def chunks() -> Iterator[Any]:
        for start in range(0, len(frame), _ROWS):
            part = frame.iloc[start : start + _ROWS]
            yield part[kept[start : start + _ROWS]].astype(words)
            release(*(part[name] for name in part.columns))

    return _spilled(chunks(), int(kept.sum()), folder)
