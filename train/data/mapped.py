"""Arrays in files that are mapped into memory: written without ever lying in memory, read some rows at a time."""

from __future__ import annotations

import contextlib
import math
import mmap
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ...autograd.core.typing import DType
from ..errors import WriteError

# Bytes of a mapped file that may be in memory.
_KEPT = 1 << 23


def mapping(x: Any) -> mmap.mmap | None:
    """The mapping in which an array's numbers lie; None where they are in memory.

    Examples
    --------
    >>> mapping(np.zeros(3)) is None
    True
    """
    # a column of a table
    if hasattr(x, "array") and isinstance(x.dtype, np.dtype):
        x = x.to_numpy()
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
    """The reading of arrays from their first row to the last, which gives back the memory of mapped ones on the way.

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
    folder: Path, parts: Iterable[np.ndarray], width: tuple[int, ...], dtype: DType
) -> np.ndarray:
    """An array in a file that has no name, mapped into memory; the file is gone when the array is, or the process.

    Parameters
    ----------
    folder : Path
        Where the file is; the nearest folder above it that is there, where it is not.
    parts : iterable of ndarray
        The array's rows, some at a time, in its order; they are written as they come.
    width : tuple of int
        The shape of a row.
    dtype : dtype
        What each part is converted to.

    Returns
    -------
    ndarray, shape (n, *width)
        Read-only.

    Raises
    ------
    WriteError
        If the disk is full, or the folder cannot be written to; nothing is left there.

    Notes
    -----
    The system keeps a file without a name (on Windows, one that goes with its last handle) only as long as somebody has
    it open: not even a process that is killed leaves anything. It is written to, not mapped, while it grows: a disk
    that is full is an error then, and not the end of the process.

    Examples
    --------
    >>> import tempfile
    >>> x = on_disk(Path(tempfile.gettempdir()), iter(np.eye(4).reshape(2, 2, 4)), (4,), "float32")
    >>> x.shape, x.dtype, x[2].tolist(), x.flags.writeable
    ((4, 4), dtype('float32'), [0.0, 0.0, 1.0, 0.0], False)
    """
    dtype, n = np.dtype(dtype), 0
    with nameless(folder) as file:
        for part in parts:
            # a copy only where dtype or order are others
            write(file, np.ascontiguousarray(part, dtype))
            n += len(part)
        mapped = map_file(file)
    return np.frombuffer(mapped, dtype, n * math.prod(width)).reshape((n, *width))


@contextlib.contextmanager
def nameless(folder: Path) -> Iterator[BinaryIO]:
    """A file that has no name, to be written and then to be mapped by `map_file`.

    Raises
    ------
    WriteError
        If the disk is full, or the folder cannot be written to.
    """
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            # of the buffered file, which `TemporaryFile` wraps on Windows
            yield getattr(file, "file", file)
    except OSError as error:
        raise WriteError(
            f"cannot keep rows in a file in {folder}: {error.strerror or error}; make room, or start it in a folder of "
            "another disk"
        ) from error


def write(file: BinaryIO, x: np.ndarray) -> None:
    """Write the bytes of a contiguous array."""
    if x.size:
        file.write(x.reshape(-1).view(np.uint8).data)


def map_file(file: BinaryIO) -> mmap.mmap | bytes:
    """All of a file as read-only memory, which outlives the file object."""
    file.flush()
    size = file.seek(0, 2)
    # nothing cannot be mapped
    return mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) if size else b""
