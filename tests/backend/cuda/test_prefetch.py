"""Tests of `backend/cuda/prefetch.py`."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.backend import backend_of
from pullback.backend.cuda import prefetch as _cuda_feed

from ._graph_runtime import (
    FAKE,
    RNG,
    _empty,
    cupy,  # noqa: F401 - a fixture
    runtime,  # noqa: F401 - a fixture
)


def test_feed_waits_before_it_reuses_memory(runtime, monkeypatch):  # noqa: F811 - a fixture
    """The pool gives a batch's memory again while what reads it is still queued."""
    blocks, turn = [_empty(3, "float64"), _empty(3, "float64")], iter(range(99))
    monkeypatch.setattr(FAKE, "empty", lambda shape, dtype: blocks[next(turn) % 2])
    seen = []
    for (x,) in _cuda_feed.bind(FAKE)([(np.full(3, float(i)),) for i in range(9)]):
        FAKE.cuda.current.put(lambda x=x: seen.append(float(x[0])))
    FAKE.cuda.current.synchronize()
    assert seen == list(range(9))


def test_feed_brings_every_batch_whole(runtime):  # noqa: F811 - a fixture
    """Copies happen as late as events allow: a buffer that is written too early would show."""
    batches = [(np.full((2, 3), float(i)), np.full(2, i)) for i in range(9)]
    got = []
    for x, y in _cuda_feed.bind(FAKE)(iter(batches)):
        FAKE.cuda.current.synchronize()
        got.append((np.array(x), np.array(y)))
    assert len(got) == 9
    for (x, y), (u, v) in zip(got, batches, strict=True):
        np.testing.assert_array_equal(x, u)
        np.testing.assert_array_equal(y, v)


def test_feed_waits_before_it_writes_into_pinned_memory_again(runtime):  # noqa: F811 - a fixture
    """Nobody synchronises until the end: each copy must have been done before its source was written anew."""
    batches = [(np.full(3, float(i)),) for i in range(9)]
    got = [x for (x,) in _cuda_feed.bind(FAKE)(batches)]
    FAKE.cuda.current.synchronize()
    assert [float(x[0]) for x in got] == list(range(9))


def test_feed_refuses_objects(runtime):  # noqa: F811 - a fixture
    with pytest.raises(TypeError, match="array 0 of a batch has dtype object"):
        list(_cuda_feed.bind(FAKE)([(np.array([None]),)]))


pytestmark = pytest.mark.gpu


def test_feed(cupy):  # noqa: F811 - a fixture
    batches = [
        (RNG.normal(size=(64, 100)).astype("float32"), RNG.integers(0, 9, 64)) for _ in range(12)
    ]
    feed = backend_of(cupy.zeros(1)).feed
    kept = []
    for x, y in feed(iter(batches)):
        kept.append((x * 2, y))
        del x
    assert len(kept) == len(batches)
    for (x, y), (u, v) in zip(kept, batches, strict=True):
        np.testing.assert_array_equal(cupy.asnumpy(x), u * 2)
        np.testing.assert_array_equal(cupy.asnumpy(y), v)
