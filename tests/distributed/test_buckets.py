"""Buckets: the order in which they are full, what lies in them, which memory is used again, when they start."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.distributed.buckets import Flight, Memory, plan_buckets, put

F4, F8 = np.dtype("float32"), np.dtype("float64")


def indices(buckets):
    return [[leaf.index for leaf in b.leaves] for b in buckets]


@pytest.mark.parametrize(
    ("bucket_bytes", "expected"),
    [
        (1, [[3], [2], [1], [0]]),
        (32, [[3, 2], [1], [0]]),
        (40, [[3, 2, 1], [0]]),
        (10**6, [[3, 2, 1, 0]]),
    ],
)
def test_buckets_fill_in_the_order_given(bucket_bytes, expected):
    shapes = [(3,), (2, 2), (), (3,)]
    buckets = plan_buckets(shapes, [F8] * 4, [3, 2, 1, 0], bucket_bytes)
    assert indices(buckets) == expected
    for bucket in buckets:
        stops = [leaf.stop for leaf in bucket.leaves]
        assert [leaf.start for leaf in bucket.leaves] == [0, *stops[:-1]]
        assert bucket.size == sum(int(np.prod(shapes[leaf.index])) for leaf in bucket.leaves)


def test_each_dtype_has_its_own_and_exact_ones_too():
    buckets = plan_buckets([(2,)] * 4, [F4, F8, F4, F4], [0, 1, 2, 3], 16, exact={3})
    # the second bucket of float32 was full before that of float64 would have been, had that been larger
    assert indices(buckets) == [[1], [0, 2], [3]]
    assert [b.exact for b in buckets] == [False, False, True]
    assert [b.dtype for b in buckets] == [F8, F4, F4]


def test_arrays_in_any_order_in_memory_and_without_elements():
    buckets = plan_buckets([(2, 3), (0, 4), ()], [F8] * 3, [2, 1, 0])
    buffer = np.full(buckets[0].size, np.nan)
    matrix = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    for leaf, x in zip(buckets[0].leaves, [np.asarray(7.0), np.ones((0, 4)), matrix], strict=True):
        put(buffer, leaf, x)
    np.testing.assert_array_equal(buffer, [7, 0, 1, 2, 3, 4, 5])


def test_memory_that_something_refers_to_is_not_taken():
    memory, like = Memory(), np.zeros(())
    first = memory.take(5, like)
    view = first[1:3].reshape(2, 1)
    address = first.__array_interface__["data"][0]
    del first
    second = memory.take(5, like)
    assert second.__array_interface__["data"][0] != address  # the view is still there
    del view
    third = memory.take(5, like)
    assert third.__array_interface__["data"][0] == address
    assert memory.take(5, np.zeros((), np.float32)).dtype == np.float32
    for size in range(100, 200):
        memory.take(size, like)
    assert len(memory.held) == 16
    held = [memory.take(5, like) for _ in range(20)]
    assert len({x.__array_interface__["data"][0] for x in held}) == 20


class Recorded:
    """A request that is complete when it is waited for, by doubling."""

    def __init__(self, buffer):
        self.buffer = buffer

    def test(self):
        return False

    def wait(self):
        self.buffer *= 2
        return self.buffer


def test_starts_are_in_the_order_of_the_plan_whatever_comes_first():
    buckets = plan_buckets([(1,), (2,), (3,)], [F8] * 3, [2, 1, 0], 1)
    started = []

    def start(buffer, bucket):
        started.append(bucket.leaves[0].index)
        return Recorded(buffer)

    flight = Flight(buckets, [np.zeros(())] * 3, Memory(), start)
    flight.give(0, np.ones(1))
    flight.give(1, None)
    assert started == []  # other ranks start with bucket 2
    flight.give(2, np.full(3, 5.0))
    assert started == [2, 1, 0]
    flight.poll()
    out = flight.finish()
    np.testing.assert_array_equal(out[0], [2.0])
    np.testing.assert_array_equal(out[1], [0.0, 0.0])
    np.testing.assert_array_equal(out[2], [10.0, 10.0, 10.0])
