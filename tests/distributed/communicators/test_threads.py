"""Tests of distributed/communicators/threads.py."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import pullback as pb
from pullback import distributed as d
from pullback.distributed import DistributedError, simulate

X = np.ones(2)


def test_results_by_rank_and_arguments():
    assert simulate(lambda a, b: (d.rank(), d.size(), a, b), 2, "a", 3) == [
        (0, 2, "a", 3),
        (1, 2, "a", 3),
    ]
    with pytest.raises(ValueError, match="at least one rank"):
        simulate(d.rank, 0)


def test_worlds_nest_and_end():
    def run():
        inner = simulate(d.size, 3)
        return inner, d.size()

    assert simulate(run, 2) == [([3, 3, 3], 2)] * 2
    assert d.size() == 1


@pytest.mark.parametrize("error", [ValueError("boom"), SystemExit(3), KeyboardInterrupt()])
def test_one_rank_that_fails_ends_all(error):
    def run():
        for k in range(10_000):
            if k == 3 and d.rank() == 1:
                raise error
            d.all_reduce(X)

    before = threading.active_count()
    with pytest.raises(type(error)) as caught:
        simulate(run, 3)
    assert caught.value is error
    assert "raised on rank 1 of 3" in error.__notes__
    assert threading.active_count() == before


def test_a_rank_that_ends_early_is_told_to_those_that_wait():
    def run():
        for _ in range(3 - (d.rank() == 2)):
            d.all_reduce(X)

    with pytest.raises(DistributedError, match=r"asks for all_reduce.*rank 2 ended without it"):
        simulate(run, 3)


def test_a_deadline():
    released = threading.Event()

    def run():
        if d.rank() == 1:
            released.wait(60)
        try:
            d.all_reduce(X)
        finally:
            released.set()

    with pytest.raises(DistributedError, match=r"has waited 0.1 s in all_reduce.* for rank 1"):
        simulate(run, 2, timeout=0.1)


def test_ranks_that_wait_for_each_other_in_two_groups_are_told():
    def run():
        w = d.world()
        a, b = w.split(0), w.split(0)
        for group in (a, b) if w.rank else (b, a):
            d.all_reduce(X, group=group)

    with pytest.raises(DistributedError, match=r"in a circle:(.|\n)*rank 1 waits for rank 0"):
        simulate(run, 2)


def test_groups_that_overlap_in_a_ring_are_no_circle_where_the_order_is_right():
    """Each pair of neighbours is a group; all use them in one order."""

    def run():
        w = d.world()
        groups = {}
        for k in range(4):
            mine = w.rank in (k, (k + 1) % 4)
            group = w.split(0 if mine else 1)
            if mine:
                groups[k] = group
        return [d.all_reduce(X * w.rank, group=groups[k]).tolist() for k in sorted(groups)]

    found = simulate(run, 4)
    assert found[0] == [[1, 1], [3, 3]]
    assert found[2] == [[3, 3], [5, 5]]


def test_sums_have_the_same_bits_on_all_ranks():
    rng = np.random.default_rng(0)
    arrays = (rng.normal(size=(5, 1000)) * 10.0 ** rng.integers(-9, 9, size=(5, 1000))).astype("f4")

    def run():
        w = d.world()
        buffer = arrays[w.rank].copy()
        w.start_all_reduce(buffer).wait()
        return w.all_reduce(arrays[w.rank]).tobytes(), buffer.tobytes()

    found = simulate(run, 5)
    assert len({bits for pair in found for bits in pair}) == 1


def test_arrays_that_change_after_the_call_are_not_seen_by_others():
    def run():
        x = np.ones(100_000)
        out = []
        for _ in range(20):
            out.append(d.all_reduce(x)[0] / d.size())
            x += 1
        return out

    for found in simulate(run, 4):
        assert found == [1.0 + k for k in range(20)]


def test_a_world_of_one_before_init():
    w = d.world()
    assert (w.name, w.rank, w.size) == ("threads", 0, 1)
    y = d.all_reduce(X)
    np.testing.assert_array_equal(y, X)
    assert not np.shares_memory(y, X)
    assert w.broadcast_object("a") == "a"
    w.barrier()
    assert w.split(0).size == 1
    w.close()


def test_a_function_that_was_compiled_in_another_world_is_refused():
    f = pb.compile(lambda x: d.all_reduce(x), fast=False)
    f(X)  # in a world of one
    with pytest.raises(DistributedError, match="belongs to rank 0 of another world"):
        simulate(lambda: f(X), 2)
    g = pb.compile(lambda x: d.all_reduce(x), fast=False)
    with pytest.raises(DistributedError, match="another world"):
        simulate(
            lambda: (g(X), d.world().barrier(), g(X)), 2
        )  # one replays what the other recorded


def test_arrays_of_every_library(lib):
    def run():
        x = lib.asarray([[1.0, 2.0]] * (1 + d.rank()), "float32")
        gathered, total = d.all_gather(x), d.all_reduce(x[:1, :], "mean")
        w = d.world()
        buffer = lib.asarray([1.0, 2.0])
        assert w.start_all_reduce(buffer).wait() is buffer
        return gathered, total, d.broadcast(x[0, :], 1), d.reduce_scatter(gathered[:2, :]), buffer

    for gathered, total, sent, part, buffer in simulate(run, 2):
        for x in (gathered, total, sent, part, buffer):
            assert lib.is_raw(x)
        assert lib.to_numpy(gathered).dtype == np.float32
        np.testing.assert_array_equal(lib.to_numpy(gathered), [[1, 2]] * 3)
        np.testing.assert_array_equal(lib.to_numpy(total), [[1, 2]])
        np.testing.assert_array_equal(lib.to_numpy(sent), [1, 2])
        np.testing.assert_array_equal(lib.to_numpy(part), [[2, 4]])
        np.testing.assert_array_equal(lib.to_numpy(buffer), [2, 4])
