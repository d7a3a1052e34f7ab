"""Arrays in files that are mapped into memory: written without ever lying in memory, read some rows at a time."""

from __future__ import annotations

import contextlib
import math
import mmap
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...autograd.core.typing import DType
from ..errors import WriteError

# Bytes of a mapped file that may be in memory.
_KEPT = 1 << 24


def mapping(x: Any) -> mmap.mmap | None:
    """The mapping in which an array's numbers lie; None where they are in memory.

    Examples
    --------
    >>> mapping(np.zeros(3)) is None
    True
    """
    while isinstance(x, np.ndarray | memoryview):
        x = x.obj if isinstance(x, memoryview) else x.base
    return x if isinstance(x, mmap.mmap) else None


def plain(x: Any) -> Any:
    """A `numpy.memmap` as the plain array that it is besides, of the same memory; anything else as it is.

    Examples
    --------
    >>> type(plain(np.zeros(3).view(np.memmap))) is np.ndarray
    True
    """
    return x.view(np.ndarray) if isinstance(x, np.memmap) else x


def release(*arrays: Any) -> None:
    """Give back the memory that read-only mapped files take, where arrays are such; it is read again when asked for.

    The system would do so itself, but late: until then all that was ever read counts as memory of this process. What
    may be written to stays: of a private mapping the numbers that were written would be lost.
    """
    if not _LINUX:
        return
    for x in arrays:
        found = mapping(x)
        if found is not None and _is_read_only(found):
            # pages that are locked
            with contextlib.suppress(OSError):
                found.madvise(mmap.MADV_DONTNEED)


# Elsewhere the advice means something else.
_LINUX = hasattr(mmap, "MADV_DONTNEED") and sys.platform == "linux"


def _is_read_only(found: mmap.mmap) -> bool:
    try:
        with memoryview(found) as view:
            return view.readonly
    # it is closed
    except ValueError:
        return False


class Reading:
    """What is read of arrays from their first row to the last: the memory of the mapped ones is given back on the way.

    Parameters
    ----------
    arrays : sequence of arrays
        As many rows in each; where none is mapped, nothing is ever done.
    """

    def __init__(self, arrays: Sequence[Any]) -> None:
        self._mapped = [a for a in arrays if mapping(a) is not None]
        self._row = sum(map(_row_bytes, self._mapped))
        self._read = 0

    def rows(self, count: int) -> None:
        """Note that so many rows of each were read."""
        self._read += count * self._row
        if self._read >= _KEPT:
            self.end()

    def end(self) -> None:
        """Note that no more is read."""
        release(*self._mapped)
        self._read = 0


def _row_bytes(x: np.ndarray) -> int:
    return abs(x.strides[0]) if x.ndim else 0


def gathered(x: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """``x[rows]`` of a mapped array, read in the order of the file, with little of it in memory at any time.

    One number that is read brings up to 2 MiB around it into memory: rows from anywhere would soon bring in all.

    Examples
    --------
    >>> gathered(np.arange(6.0).reshape(3, 2), np.asarray([2, 0, 2])).tolist()
    [[4.0, 5.0], [0.0, 1.0], [4.0, 5.0]]
    """
    out = np.empty((len(rows), *x.shape[1:]), x.dtype)
    order = np.argsort(rows, kind="stable")
    ascending = rows[order]
    span, start = max(1, _KEPT // max(_row_bytes(x), 1)), 0
    while start < len(rows):
        stop = int(np.searchsorted(ascending, ascending[start] + span))
        out[order[start:stop]] = x[ascending[start:stop]]
        release(x)
        start = stop
    return out


def on_disk(
    folder: Path, parts: Iterable[np.ndarray], shape: tuple[int, ...], dtype: DType
) -> np.ndarray:
    """An array in a file that has no name, mapped into memory; the file is gone when the array is, or the process.

    Parameters
    ----------
    folder : Path
        Where the file is; the nearest folder above it that is there, where it is not.
    parts : iterable of ndarray
        The array's rows, some at a time, in its order; they are written as they come.
    shape : tuple of int
        Of the whole array.
    dtype : dtype
        What each part is converted to.

    Returns
    -------
    ndarray
        Read-only.

    Raises
    ------
    WriteError
        If the disk is full, or the folder cannot be written to; nothing is left there.

    Notes
    -----
    The system keeps a file without a name (on Windows: one that goes with its last handle) only as long as somebody has
    it open: not even a process that is killed leaves anything. It is written to, not mapped, while it grows: a disk
    that is full is an error then, and not the end of the process.

    Examples
    --------
    >>> import tempfile
    >>> x = on_disk(Path(tempfile.gettempdir()), iter(np.eye(4).reshape(2, 2, 4)), (4, 4), "float32")
    >>> x.dtype, x[2].tolist(), x.flags.writeable
    (dtype('float32'), [0.0, 0.0, 1.0, 0.0], False)
    """
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    dtype = np.dtype(dtype)
    size, written = math.prod(shape) * dtype.itemsize, 0
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            for part in parts:
                # a copy only where dtype or order are others
                own = np.ascontiguousarray(part, dtype)
                written += file.write(own.reshape(-1).view(np.uint8).data)
            file.flush()
            if written != size:
                raise ValueError(f"{written:,} bytes are no array of shape {shape} and {dtype}")
            if not size:
                return np.empty(shape, dtype)
            mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
    except OSError as error:
        raise WriteError(
            f"cannot write {size:,} bytes of rows to {folder}: {error.strerror or error}; make room, or start it in a "
            "folder of another disk"
        ) from error
    return np.frombuffer(mapped, dtype).reshape(shape)
