"""Memory that all ranks of one machine see: each lays down what it has, and reads what it needs of the others'.

MPI's collectives copy through small buffers, and go on only while a rank is in a call of MPI. Here a rank writes its
array into its own slot, says so by a number, and is free; whoever needs the array waits for the number and reads it
where it lies. An all-reduce is then one write and one sum, in the order of ranks, so that all have the same bits.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import platform
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np

SLOTS = 2
"""Arrays of a rank that may be under way at once; before the next, the oldest is read."""
SMALLEST, LARGEST = 2**14, 2**25
"""Bytes of an array that goes this way."""
_LINE = 64  # bytes of a line of the cache, so that two ranks' numbers do not share one
_PAGES = 2**16  # bytes, of which slots are a multiple
_BLOCK = 2**15  # elements that are summed over all ranks before the next


class Ready:
    """Whether all ranks have come to a number; with the method of a request of MPI."""

    def __init__(self, memory: SharedMemory, column: int, number: int) -> None:
        self.memory, self.column, self.number = memory, column, number

    def Test(self) -> bool:
        """Whether they have."""
        return all(row[self.column] >= self.number for row in self.memory.rows)


class SharedMemory:
    """The slots of all ranks of a group.

    Parameters
    ----------
    rank, size : int
        Which rank this is, and of how many.
    allocate : callable
        ``allocate(nbytes) -> arrays``: memory of each rank as bytes, zeros at first, seen by all; called by all ranks
        at once. It gives None, on all of them, where there is none.

    Attributes
    ----------
    rows : list of array int64
        Of each rank: how many arrays it has laid down, and how many it has read.
    under_way : dict
        What has been laid down and not been read, by its number: a request, whose ``wait()`` reads it.

    Notes
    -----
    Which arrays go this way has to be the same on all ranks, although each waits for what it has started when it likes.
    So it hangs on the sizes of arrays alone: where slots are short, or have to grow, a rank reads what is under way.
    """

    def __init__(
        self,
        rank: int,
        size: int,
        allocate: Callable[[int], list[np.ndarray] | None],
    ) -> None:
        self.rank, self.size, self.allocate = rank, size, allocate
        self.length = 0  # bytes of a slot
        self.slots: list[np.ndarray] = []
        self.count = 0  # of arrays laid down
        self.read: set[int] = set()  # of those, what this rank has read, from `low` on
        self.low = 0  # all up to here have been read
        self.placed: tuple[Any, np.ndarray] | None = None
        self.under_way: dict[int, Any] = {}
        rows = allocate(_LINE)
        self.usable = rows is not None
        if rows is not None:
            self.rows = [row.view(np.int64) for row in rows]

    def takes(self, nbytes: int) -> bool:
        """Whether an array goes this way: the same on all ranks, whatever each of them has read."""
        if not self.usable or not SMALLEST <= nbytes <= LARGEST:
            return False
        if nbytes <= self.length:
            self.read_down_to(SLOTS - 1)
            return True
        self.read_down_to(0)
        wanted = max(nbytes, min(self.length * 3 // 2, LARGEST))
        self.length = -(-wanted // _PAGES) * _PAGES
        self.slots = []
        found = self.allocate(SLOTS * self.length)
        if found is None:
            self.usable = False
            return False
        self.slots = found
        return True

    def put_back(self) -> bool:
        """Copy what was placed, and not started, back to the array that it belongs to; whether there was any."""
        if self.placed is None:
            return False
        buffer, slot = self.placed
        buffer.reshape(-1)[...] = slot
        self.placed = None
        return True

    def read_down_to(self, left: int) -> None:
        """Read the oldest of what is under way, until so many are left."""
        while self.count - self.low > left:
            self.under_way[self.low + 1].wait()

    def free(self) -> Ready:
        """What to wait for before the next array is laid down: that nobody reads the one before it in its slot."""
        return Ready(self, 1, self.count + 1 - SLOTS)

    def slot(self, rank: int, number: int, like: np.ndarray) -> np.ndarray:
        """The elements of an array that a rank lays down, or has laid down."""
        start = (number % SLOTS) * self.length
        return self.slots[rank][start : start + like.nbytes].view(like.dtype)

    def publish(self) -> int:
        """Say that the array is there; its number."""
        self.count += 1
        self.rows[self.rank][0] = self.count
        return self.count

    def ready(self, number: int) -> Ready:
        """What to wait for before an array is read: that all ranks have laid it down."""
        return Ready(self, 0, number)

    def done(self, number: int) -> None:
        """Say that this rank has read an array."""
        self.under_way.pop(number, None)
        self.read.add(number)
        while self.low + 1 in self.read:
            self.low += 1
            self.read.remove(self.low)
        self.rows[self.rank][1] = self.low

    def arrays(self, number: int, like: np.ndarray) -> list[np.ndarray]:
        """The arrays that all ranks have laid down, flat, each as long as `like`."""
        return [self.slot(rank, number - 1, like) for rank in range(self.size)]


# ── memory ────────────────────────────────────────────────────────────────────────────────────


def ordered_writes() -> bool:
    """Whether this machine shows writes in their order, so that a number says that what was written before is there.

    That is so for x86; elsewhere MPI carries arrays. ``PULLBACK_SHARED_MEMORY=0`` makes it do so everywhere.
    """
    wanted = os.environ.get("PULLBACK_SHARED_MEMORY", "1") != "0"
    return wanted and platform.machine().lower() in ("x86_64", "amd64")


def new_file(nbytes: int) -> str | None:
    """A file in memory, of zeros, with all its pages; None where it would take more than half of the room that is left.

    MPI's own files there get their pages when they are written to, and a process that finds no room then is ended.
    """
    folder = "/dev/shm" if os.path.isdir("/dev/shm") else tempfile.gettempdir()
    try:
        room = os.statvfs(folder)
        if 2 * nbytes > room.f_bavail * room.f_frsize:
            return None
        descriptor, path = tempfile.mkstemp(prefix="pullback-", dir=folder)
    except (OSError, AttributeError):
        return None
    try:
        # a file with holes would end the process when it is written to and memory is short
        os.posix_fallocate(descriptor, 0, nbytes)
    except (OSError, AttributeError):
        remove(path)
        return None
    finally:
        os.close(descriptor)
    return path


def mapped(path: str | None, nbytes: int) -> np.ndarray | None:
    """The bytes of such a file, shared with all that map it; None if it cannot be opened here."""
    if path is None:
        return None
    try:
        with open(path, "r+b") as file:
            return np.frombuffer(mmap.mmap(file.fileno(), nbytes), dtype=np.uint8)
    except (OSError, ValueError):
        return None


def remove(path: str | None) -> None:
    """Remove the name of a file; who has it mapped keeps it."""
    if path is not None:
        with contextlib.suppress(OSError):
            os.unlink(path)


# ── sums ──────────────────────────────────────────────────────────────────────────────────────


def add_up(arrays: list[np.ndarray], out: np.ndarray) -> None:
    """Sum flat arrays in their order; a sum that overflows is infinite without a warning, as MPI's is."""
    with np.errstate(all="ignore"):
        if len(arrays) == 2:
            np.add(arrays[0], arrays[1], out=out)
            return
        for start in range(0, out.size, _BLOCK):
            part = slice(start, start + _BLOCK)
            total = out[part]
            np.add(arrays[0][part], arrays[1][part], out=total)
            for x in arrays[2:]:
                total += x[part]
