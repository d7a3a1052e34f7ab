"""Tables that are no texts: Parquet files, read by pyarrow, and .npy files, in memory or mapped."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...errors import InputError, counted, extra, listed, one_line
from ...files import check_unpacked, open_file
from ..binary import npy_header
from .cells import EXACT

# What pandas calls an index without a name.
_INDEX = re.compile(r"__index_level_\d+__")


def read_parquet(path: str | os.PathLike[str]) -> tuple[Any, str]:
    """A Parquet file as a frame of the types of `Sheet`, and what was found, in words.

    Raises
    ------
    InputError
        If the file is missing or damaged, or has columns that are neither numbers nor texts nor dates.
    """
    pandas = extra("pandas", "reading tables")
    file, names, notes = _opened(path)
    frames = list(_batches(path, file, names, 1 << 16))
    if not frames:
        raise InputError(f"{os.fspath(path)} has no rows")
    return pandas.concat(frames, ignore_index=True), "; ".join(["Parquet", *notes])


def parquet_words(path: str | os.PathLike[str]) -> str:
    """What `read_parquet` says it found, without reading the rows."""
    return "; ".join(["Parquet", *_opened(path)[2]])


def parquet_chunks(path: str | os.PathLike[str], rows: int) -> Iterator[Any]:
    """The same in frames of some rows each.

    Raises
    ------
    InputError
        As `read_parquet`.
    """
    file, names, _ = _opened(path)
    yield from _batches(path, file, names, rows)


def _opened(path: str | os.PathLike[str]) -> tuple[Any, list[str], list[str]]:
    """The open file, the names of its columns, and notes."""
    name = os.fspath(path)
    parquet, types = (
        extra("pyarrow.parquet", "reading Parquet"),
        extra("pyarrow", "reading Parquet").types,
    )
    # for its words about missing files, folders and pipes
    open_file(path).close()
    try:
        file = parquet.ParquetFile(name)
        schema = file.schema_arrow
        texts = [f.name for f in schema if types.is_string(f.type) or types.is_large_string(f.type)]
        # texts that come again stay one, until it is known how much they come to
        file = parquet.ParquetFile(name, read_dictionary=texts)
        schema = file.schema_arrow
    # of bytes that anybody may have written: pyarrow throws exceptions of many types
    except Exception as error:
        raise InputError(f"{name} cannot be read as Parquet: {one_line(error)}") from None
    index = _index(schema)
    check_unpacked(_promised(file.metadata), os.path.getsize(name), name)
    names = [column for column in schema.names if not _INDEX.fullmatch(column)]
    notes = ["the index of pandas is left out"] if len(names) < len(schema.names) else []
    # pandas writes an index after the columns: it would be taken for the target
    named = [column for column in names if column in index]
    if named and len(named) < len(names):
        names = named + [column for column in names if column not in named]
        notes.append(f"the index of pandas is read as the first column: {listed(named, 3)}")
    if len(set(schema.names)) < len(schema.names):
        doubled = sorted({column for column in schema.names if schema.names.count(column) > 1})
        raise InputError(f"{name}: two columns are called {listed(map(repr, doubled), 3)}")
    for column in names:
        kind = schema.field(column).type
        if types.is_dictionary(kind):
            kind = kind.value_type
        if types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind):
            raise InputError(
                f"{name}, column {column!r}: cells of type {kind}, where numbers, texts or dates are read; leave the "
                "column out of the file, or make columns of what is in it"
            )
    return file, names, notes


def _index(schema: Any) -> list[str]:
    """The columns that are an index of pandas, in the metadata that it writes."""
    try:
        found = json.loads(schema.metadata[b"pandas"])["index_columns"]
        return [column for column in schema.names if column in found]
    # no metadata, or what anybody may have written
    except (KeyError, TypeError, ValueError):
        return []


def _promised(metadata: Any) -> int:
    """How many bytes the pages are to be, or the cells if each takes one: a page may stand for any number of them."""
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    return max(
        sum(group.total_byte_size for group in groups), metadata.num_rows * metadata.num_columns
    )


def _bytes(values: Any) -> int:
    """How many bytes the cells of a column take, decoded."""
    arrow = extra("pyarrow", "reading Parquet")
    compute = extra("pyarrow.compute", "reading Parquet")
    kind = values.type
    if arrow.types.is_dictionary(kind):
        if not (
            arrow.types.is_string(kind.value_type) or arrow.types.is_large_string(kind.value_type)
        ):
            return 8 * len(values)
        lengths = compute.binary_length(values.dictionary).cast(arrow.int64())
        return int(compute.sum(lengths.take(values.indices)).as_py() or 0)
    return int(values.nbytes)


def _batches(path: str | os.PathLike[str], file: Any, names: list[str], rows: int) -> Iterator[Any]:
    """Frames of the types of `Sheet`, the same in all; whether cells are missing is known before."""
    pandas, name = extra("pandas", "reading tables"), os.fspath(path)
    try:
        missing, big = set(), set()
        unpacked, size = 0, os.path.getsize(path)
        for batch in file.iter_batches(1 << 16, columns=names):
            for column, values in zip(names, batch.columns, strict=True):
                if values.null_count:
                    missing.add(column)
                if _is_big(values):
                    big.add(column)
                unpacked += _bytes(values)
            check_unpacked(unpacked, size, name)
        for batch in file.iter_batches(rows, columns=names):
            columns = zip(names, batch.columns, strict=True)
            yield pandas.DataFrame(
                {c: _typed(values, c in missing, c in big) for c, values in columns}, copy=False
            )
    # the same, of what a header promises and the pages do not hold
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{name} cannot be read as Parquet: {one_line(error)}") from None


def _is_big(values: Any) -> bool:
    """Whether whole numbers are beyond what float64 holds exactly."""
    arrow = extra("pyarrow", "reading Parquet")
    compute = extra("pyarrow.compute", "reading Parquet")
    if not arrow.types.is_integer(values.type) or values.type.bit_width < 64:
        return False
    ends = compute.min_max(values).as_py()
    return ends["max"] is not None and max(ends["max"], -ends["min"]) > EXACT


def _typed(values: Any, missing: bool, big: bool) -> Any:
    """A column as a pandas Series of one of the types of `Sheet`."""
    arrow, pandas = extra("pyarrow", "reading Parquet"), extra("pandas", "reading tables")
    types = arrow.types
    if types.is_dictionary(values.type):
        values = values.dictionary_decode()
    kind = values.type
    if types.is_boolean(kind) and not missing:
        return pandas.Series(values.to_numpy(zero_copy_only=False), dtype=bool)
    if types.is_integer(kind) and not (missing and big) and not (big and kind == arrow.uint64()):
        wanted = arrow.float64() if missing else arrow.int64()
        return pandas.Series(values.cast(wanted).to_numpy(zero_copy_only=False))
    if types.is_floating(kind) or types.is_decimal(kind) or types.is_null(kind):
        return pandas.Series(values.cast(arrow.float64()).to_numpy(zero_copy_only=False))
    texts = [None if v is None or v == "" else _text(v) for v in values.to_pylist()]
    return pandas.Series(texts, dtype=object).fillna(np.nan)


def _text(value: Any) -> str:
    """A date in ISO's form, without the time where there is none."""
    if hasattr(value, "isoformat"):
        return str(
            value.isoformat(" ")
            if hasattr(value, "hour") and hasattr(value, "year")
            else value.isoformat()
        )
    return str(value).strip()


def read_npy(path: str | os.PathLike[str], *, mapped: bool = False) -> np.ndarray:
    """The array in an .npy file, of numbers or texts, (n,) or (n, d) or images (n, ...).

    Parameters
    ----------
    path : path
    mapped : bool
        To leave it on the disk.

    Raises
    ------
    InputError
        If the file is missing or damaged, or holds Python objects or records.
    """
    name = os.fspath(path)
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        dtype, shape, fortran, offset = npy_header(file, size, name)
        if dtype.names is not None or dtype.kind not in "buifUS":
            raise InputError(f"{name} holds {dtype}: save an array of numbers")
        if not shape or 0 in shape:
            raise InputError(f"{name} holds an array of shape {shape}: there is nothing in it")
        order: Any = "F" if fortran else "C"
        if mapped:
            return np.memmap(name, dtype, "r", offset, shape, order)
        data = np.fromfile(file, dtype)
        array = data.reshape(shape, order=order)
    return array.astype(dtype.newbyteorder("="), copy=False)


def check_table(array: np.ndarray, name: str) -> np.ndarray:
    """An array of rows and columns.

    Raises
    ------
    InputError
        For other numbers of axes.
    """
    if array.ndim != 2:
        raise InputError(
            f"{name} holds an array with {counted(array.ndim, 'axis')}, of shape {array.shape}: a table has rows and "
            "columns; the target of others is in a file of its own: --target-file"
        )
    return array
