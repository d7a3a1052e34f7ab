"""Collectives in programs for a CUDA device: steps between segments, which no graph captures."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback import distributed as d

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ....cuda.emulator import MISSING
from ....distributed._table import ROWS
from ._assemble import (
    normal,
    runtime,  # noqa: F401 - a fixture
)

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING or "g++ is here")

xp = pb.xp


@pytest.fixture
def events(runtime, monkeypatch):  # noqa: F811 - a fixture
    """What happens in a call, in order and by rank: segments that run, collectives that are called."""
    seen: list[tuple[int, str]] = []
    segment = type(runtime).segment

    def told(self, steps, *args, **settings):
        made = segment(self, steps, *args, **settings)

        def run(*arrays):
            seen.append((d.rank(), "segment"))
            return made(*arrays)

        return run

    monkeypatch.setattr(type(runtime), "segment", told)
    agree = d.Communicator.agree

    def agreed(self, what, number=0):
        seen.append((d.rank(), "agree" if "data_parallel" in what else "collective"))
        return agree(self, what, number)

    monkeypatch.setattr(d.Communicator, "agree", agreed)
    start = d.Communicator.start_all_reduce

    def started(self, *args, **settings):
        seen.append((d.rank(), "start"))
        return start(self, *args, **settings)

    monkeypatch.setattr(d.Communicator, "start_all_reduce", started)
    return seen


@pytest.mark.parametrize("row", ROWS[::3], ids=lambda row: row.id)
def test_a_collective_is_a_step_between_two_segments(row, events):
    arrays = [np.random.default_rng(r).standard_normal(row.shape(r, 2)) for r in range(2)]

    def loss(x):
        return xp.sum(xp.tanh(row.call(xp.sin(x) * 2.0)) * (d.rank() + 1.0))

    def rank():
        step = pb.compile(pb.value_and_grad(loss))
        x = arrays[d.rank()]
        step(x)
        d.world().barrier()
        if d.rank() == 0:
            events.clear()
        d.world().barrier()
        return step(x), pb.value_and_grad(loss)(x)

    for (value, slope), (eager, eager_slope) in d.simulate(rank, 2):
        np.testing.assert_allclose(value, eager, rtol=1e-12)
        np.testing.assert_allclose(slope, eager_slope, rtol=1e-12, atol=1e-13)
    mine = [what for r, what in events if r == 1]
    mine = mine[mine.index("segment") :]  # behind the barrier
    first, second = [i for i, what in enumerate(mine) if what == "collective"][:2]
    assert "segment" in mine[:first]
    assert "segment" in mine[first:second]


def test_a_step_of_training_with_buckets(events):
    size = 2
    x, y = normal(12, 5), np.arange(12) % 3
    model = pb.models.MLP([5, 6, 3], seed=0, dtype="float64")
    opt = pb.optim.Adam(0.01)

    def train(both, part):
        def step(model, state, x, y):
            loss, grads = both(model, x, y)
            return *opt.step(model, grads, state), loss

        step = pb.compile(step, donate_argnums=(0, 1))
        p = pb.tree.map(np.copy, model)
        state, losses = opt.init(p), []
        for _ in range(4):
            p, state, loss = step(p, state, *part(x, y))
            losses.append(float(loss))
        return losses, pb.tree.leaves(p)

    def loss(model, x, y):
        return pb.models.cross_entropy(model(x), y)

    def rank():
        mine = slice(d.rank() * 12 // size, (d.rank() + 1) * 12 // size)
        both = d.data_parallel(loss, bucket_bytes=64)
        return train(both, lambda x, y: (x[mine].copy(), y[mine].copy()))

    losses, leaves = train(pb.value_and_grad(loss), lambda x, y: (x, y))
    results = d.simulate(rank, size)
    for found, weights in results:
        np.testing.assert_allclose(found, losses, rtol=1e-10)
        for a, b, first in zip(weights, leaves, results[0][1], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)
            assert pb.to_numpy(a).tobytes() == pb.to_numpy(first).tobytes()
    mine = [what for r, what in events if r == 0]
    last = mine[len(mine) - 1 - mine[::-1].index("agree") :]
    starts = [i for i, what in enumerate(last) if what == "start"]
    assert len(starts) >= 3
    # the sweep goes on between buckets
    assert "segment" in last[starts[0] : starts[-1]]
