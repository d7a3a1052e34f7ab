"""Tests of distributed/communicators/base.py: ranks that disagree are told, each of them."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest

import pullback as pb
from pullback import distributed as d
from pullback.distributed import DistributedError
from pullback.distributed.communicators.base import describe, ranks_text

X = np.ones((2, 3))


def _told(f, size=3):
    """What each rank is told."""

    def run():
        try:
            f(d.world())
        except DistributedError as error:
            return str(error)
        return None

    return d.simulate(run, size)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (lambda w: w.all_reduce(X) if w.rank else w.all_gather(X), "rank 0: all_gather(axis=0) of float64 (·, 3)"),
        (lambda w: w.all_reduce(X[: 1 + w.rank % 2]), "ranks 0, 2: all_reduce(op='sum') of float64 (1, 3)"),
        (lambda w: w.all_reduce(X.astype("f4") if w.rank == 2 else X), "rank 2: all_reduce(op='sum') of float32 "),
        (lambda w: w.all_reduce(X, "sum" if w.rank else "mean"), "rank 0: all_reduce(op='mean')"),
        (lambda w: w.all_gather(X, axis=w.rank % 2), "rank 1: all_gather(axis=1) of float64 (2, ·)"),
        (lambda w: w.broadcast(X, root=w.rank), "rank 2: broadcast(root=2)"),
        (lambda w: w.reduce(X, root=min(w.rank, 1)), "ranks 1, 2: reduce(root=1, op='sum')"),
        (lambda w: w.broadcast_object(1) if w.rank else w.barrier(), "ranks 1, 2: broadcast_object(root=0)"),
        (lambda w: w.agree(f"step {w.rank}"), "rank 1: step 1"),
        (lambda w: w.split(0) if w.rank else w.all_reduce(X), "ranks 1, 2: split(color)"),
        (lambda w: [w.all_reduce(X) for _ in range(2 + (w.rank == 1))] and w.barrier(), "rank 1: all_reduce"),
    ],
)  # fmt: skip
def test_every_rank_is_told_what_each_asked_for(asked, said):
    texts = _told(asked)
    assert all(text is not None and said in text for text in texts)
    assert len(set(texts)) == 1


def test_ranks_can_go_on_after_they_were_told():
    def run():
        w = d.world()
        with pytest.raises(DistributedError, match="at collective 1 of this group"):
            w.all_reduce(X[: 1 + w.rank])
        return w.all_reduce(X).sum()

    assert d.simulate(run, 2) == [12.0, 12.0]


def test_what_was_started_by_some_alone_is_told():
    def asked(w):
        if w.rank == 1:
            w.start_all_reduce(np.ones(3))
        w.agree("the end of the step")

    for text in _told(asked):
        assert "rank 1: the end of the step, after 1 started" in text


def test_numbers_may_differ():
    def run():
        return d.world().agree("rows", -(2**40) * d.rank())

    assert d.simulate(run, 3) == [[0, -(2**40), -(2**41)]] * 3


def test_started_sums():
    def run():
        w = d.world()
        a, b = np.full(3, 1.0 + w.rank), np.full((2, 2), 1j * w.rank)
        w.agree("two")
        first, second = w.start_all_reduce(a), w.start_all_reduce(b, "mean")
        out = second.wait(), first.wait()
        assert first.test()
        assert out[1] is a
        assert first.wait() is a
        return a.tolist(), b.tolist(), out[0] is b

    for a, b, same in d.simulate(run, 3):
        assert a == [6.0] * 3
        assert b == [[1j, 1j]] * 2
        assert same


def test_objects():
    def run():
        return d.world().broadcast_object({"rank": d.rank(), "x": np.arange(d.rank())}, root=2)

    for found in d.simulate(run, 3):
        assert found["rank"] == 2
        np.testing.assert_array_equal(found["x"], [0, 1])


def test_groups():
    def run():
        w = d.world()
        g = w.split(w.rank % 2, key=-w.rank)  # in the order from behind
        h = g.split(0)
        return (
            g.rank,
            g.size,
            g.all_gather(np.asarray([w.rank])).tolist(),
            h.broadcast_object(w.rank),
        )

    assert d.simulate(run, 5) == [
        (2, 3, [4, 2, 0], 4), (1, 2, [3, 1], 3), (1, 3, [4, 2, 0], 4), (0, 2, [3, 1], 3), (0, 3, [4, 2, 0], 4),
    ]  # fmt: skip


def test_two_threads_of_a_rank_cannot_use_one_group_at_once():
    def run():
        w = d.world()
        if w.rank == 0:
            inside, found = threading.Event(), []
            exchange = w._exchange
            w._exchange = lambda data, what: (inside.set(), exchange(data, what))[1]

            def other():
                inside.wait()
                try:
                    w.all_reduce(X)
                except DistributedError as error:
                    found.append(str(error))
                released.set()

            thread = threading.Thread(target=other)
            thread.start()
            w.barrier()
            thread.join()
            return found
        released.wait()
        w.barrier()
        return None

    released = threading.Event()
    (text,), _ = d.simulate(run, 2)
    assert "another thread of it is in a collective of the same group" in text


def test_descriptions():
    assert describe("all_gather", np.ones(3, "c8"), varies=0) == "all_gather() of complex64 (·,)"
    assert describe("all_reduce", pb.xp.asarray(1.0)) == "all_reduce() of float64 ()"
    assert ranks_text(list(range(15))).endswith("10, 11 and 3 more")


def test_errors_are_pickled():
    error = pickle.loads(pickle.dumps(DistributedError("rank 1 is gone")))
    assert type(error) is DistributedError
    assert str(error) == "rank 1 is gone"


@pytest.mark.parametrize("text", ["0", "-1", "soon", "nan"])
def test_the_timeout_is_a_positive_number(monkeypatch, text):
    monkeypatch.setenv("PULLBACK_DISTRIBUTED_TIMEOUT", text)
    with pytest.raises(DistributedError, match="no positive number of seconds"):
        d.world()


def test_a_thread_that_comes_in_while_another_is_in_data_parallel_is_told():
    def program():
        found = []

        @pb.custom_vjp
        def twice(x):
            return 2 * x

        def backward(kept, ct):
            def other():
                try:
                    world.barrier()
                except DistributedError as error:
                    found.append(str(error))

            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
            return (2 * ct,)

        twice.defvjp(lambda x: (2 * x, None), backward)
        world = d.world()
        both = d.data_parallel(lambda w, x: pb.xp.mean(twice(w) * x))
        return both(np.ones(3), np.ones((2, 3)))[1].tolist(), found

    for gradient, found in d.simulate(program, 2):
        np.testing.assert_allclose(gradient, [2 / 3] * 3)
        assert len(found) == 1
        assert "another thread" in found[0]
