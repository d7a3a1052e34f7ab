"""Memory that ranks share: slots that are used in turn, numbers that say what is there, and when MPI has to do it."""

from __future__ import annotations

import os
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from pullback.distributed.communicators import shared_memory
from pullback.distributed.communicators.shared_memory import (
    LARGEST,
    SLOTS,
    SMALLEST,
    SharedMemory,
    add_up,
    mapped,
    new_file,
    remove,
)

from .._ranks import run_ranks


def group(size, *, room=10**9):
    """The shared memory of `size` ranks in one process: each allocation is made by the first that asks for it."""
    made, lock = [], threading.Lock()

    def of(rank):
        calls = iter(range(100))

        def allocate(nbytes):
            with lock:
                k = next(calls)
                if k == len(made):
                    fits = nbytes * size <= room
                    made.append([np.zeros(nbytes, np.uint8) for _ in range(size)] if fits else None)
                return made[k]

        return SharedMemory(rank, size, allocate)

    return [of(rank) for rank in range(size)]


class Reading:
    """A request that reads what was laid down."""

    def __init__(self, memory, number):
        self.memory, self.number = memory, number

    def wait(self):
        self.memory.done(self.number)


def lay(memory, x):
    assert memory.free().Test()
    memory.slot(memory.rank, memory.count, x)[...] = x
    number = memory.publish()
    memory.under_way[number] = Reading(memory, number)
    return number


def test_an_array_is_there_when_all_have_said_so():
    first, second = group(2)
    x = np.arange(SMALLEST // 8, dtype=np.float64)
    assert first.takes(x.nbytes)
    assert second.takes(x.nbytes)
    number = lay(first, x)
    assert not first.ready(number).Test()
    assert lay(second, 2 * x) == number
    for memory in (first, second):
        assert memory.ready(number).Test()
        out = np.empty_like(x)
        add_up(memory.arrays(number, x), out)
        np.testing.assert_array_equal(out, 3 * x)


def test_a_slot_is_not_written_to_while_it_is_read():
    first, second = group(2)
    x = np.zeros(SMALLEST, np.uint8)
    numbers = []
    for _ in range(SLOTS):
        for memory in (first, second):
            assert memory.takes(x.nbytes)
            numbers.append(lay(memory, x))
    assert first.takes(x.nbytes)  # whatever the other has read: it makes room by reading the oldest
    assert (first.low, sorted(first.under_way)) == (1, [2])
    assert not first.free().Test()  # the other still reads what is in the slot
    second.done(2)
    assert not first.free().Test()
    second.done(1)
    assert first.free().Test()
    assert (second.low, second.read) == (2, set())


def test_slots_grow_when_all_that_is_under_way_has_been_read():
    (memory,) = group(1)
    assert memory.takes(SMALLEST)
    before = memory.length
    number = lay(memory, np.zeros(SMALLEST, np.uint8))
    assert memory.takes(2 * before)
    assert (memory.low, memory.under_way) == (number, {})
    assert memory.length >= 2 * before


def test_what_is_small_or_large_or_finds_no_room_goes_another_way():
    (memory,) = group(1)
    assert not memory.takes(SMALLEST - 1)
    assert not memory.takes(LARGEST + 1)
    (memory,) = group(1, room=1000)
    assert not memory.takes(SMALLEST)
    assert not memory.usable
    (memory,) = group(1, room=1)
    assert not memory.usable
    assert not memory.takes(SMALLEST)


@pytest.mark.parametrize("n", [0, 1, 2**15 + 3])
@pytest.mark.parametrize("size", [2, 3, 4])
def test_sums_are_in_the_order_of_ranks(n, size):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(n).astype(np.float32) for _ in range(size)]
    out = np.empty(n, np.float32)
    add_up(arrays, out)
    expected = arrays[0] + arrays[1]
    for x in arrays[2:]:
        expected = expected + x
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("size", [2, 3])
def test_a_sum_that_overflows_is_infinite_without_a_warning(size):
    out = np.empty(2, np.float32)
    add_up([np.asarray([3e38, 1.0], np.float32)] * size, out)
    np.testing.assert_array_equal(out, [np.inf, size])


def test_a_file_is_shared_and_its_memory_outlasts_its_name():
    path = new_file(5000)
    first, second = mapped(path, 5000), mapped(path, 5000)
    remove(path)
    assert not os.path.exists(path)
    first[4999] = 7
    assert second[4999] == 7
    assert mapped(path, 5000) is None
    assert mapped(None, 5000) is None


def test_no_room_leaves_no_file(monkeypatch, tmp_path):
    def full(*_):
        raise OSError(28, "no space left")

    monkeypatch.setattr(shared_memory.os, "posix_fallocate", full, raising=False)
    monkeypatch.setattr(shared_memory.tempfile, "mkstemp", lambda **_: _made(tmp_path / "x"))
    assert new_file(100) is None
    assert list(tmp_path.iterdir()) == []


def test_half_of_the_room_is_left_to_mpi(monkeypatch):
    room = SimpleNamespace(f_bavail=1000, f_frsize=4096)
    monkeypatch.setattr(shared_memory.os, "statvfs", lambda _: room, raising=False)
    assert new_file(500 * 4096 + 1) is None
    path = new_file(500 * 4096)
    assert os.path.getsize(path) == 500 * 4096
    remove(path)


def _made(path):
    return os.open(path, os.O_CREAT | os.O_RDWR), str(path)


PROGRAM = """
from pullback.distributed.communicators.shared_memory import SMALLEST
rng = np.random.default_rng(world.rank)
right, ways = True, set()
for n in (1, 5000, 50001, 3000):
    for dtype in ("f4", "f8", "c16", "i8"):
        x = np.asarray(np.round(rng.standard_normal(n) * 100), dtype)
        expected = sum(world.comm.allgather(x))
        own = n // world.size + (world.rank < n % world.size)
        part = world.reduce_scatter(x, length=own)
        placed = x.copy()
        world.place(placed)[...] = placed  # the memory that the ranks share, or the array itself
        found = [
            world.all_reduce(x), world.start_all_reduce(x.copy()).wait(), world.all_gather(part),
            world.start_all_reduce(placed).wait(), world.size * world.start_all_reduce(x.copy(), "mean").wait()
            if dtype != "i8" else expected,
        ]
        right &= all(np.array_equal(np.round(y), expected) for y in found)
# more under way than there are slots, waited for in any order
buffers = [np.full(SMALLEST, float(i + world.rank)) for i in range(7)]
requests = [world.start_all_reduce(b) for b in buffers]
base = sum(range(world.size))
for i in (3, 1, 0, 2, 6, 5, 4):
    right &= bool(np.all(requests[i].wait() == base + i * world.size))
# each rank waits when it likes: that may not change what goes which way
for lengths in ((5000,) * 4, (5000, 9000, 3000, 20000)):
    a, b, c, e = [world.start_all_reduce(np.full(n, 10.0**i)) for i, n in enumerate(lengths[:2])] + [None] * 2
    if world.rank == 0:
        a.wait()
    c = world.start_all_reduce(np.full(lengths[2], 1e2))
    b.wait()
    e = world.start_all_reduce(np.full(lengths[3], 1e3))
    right &= [np.unique(r.wait()).tolist() for r in (e, c, b, a)] == [[world.size * 10.0**i] for i in (3, 2, 1, 0)]
# what was placed, and not started next
x, y = np.full(5000, 2.0), np.ones(5000)
world.place(x)[...] = 5.0
right &= bool(np.all(world.start_all_reduce(y).wait() == world.size))
right &= bool(np.all(world.start_all_reduce(x).wait() == 5.0 * world.size))
result = [right, world.memory is not None and world.memory.count]
"""


@pytest.mark.parametrize("shared", ["1", "0"], ids=["shared memory", "MPI"])
def test_processes_of_mpi_find_the_same_either_way(shared):
    run = run_ranks(3, PROGRAM, PULLBACK_SHARED_MEMORY=shared)
    assert run.code == 0, run.err
    for right, count in run.results:
        assert right
        assert count == 0 if shared == "0" else count > 20
