"""Minibatches of blocks: each row once an epoch, in orders that the seed tells; blocks for validation."""

from __future__ import annotations

import numpy as np
import pytest

from pullback import backend

da = pytest.importorskip("dask.array", reason="the extra `dask`")

from pullback.train.estimators.blocks.batches import (  # noqa: E402 - after dask
    BlockData,
    held_blocks,
    shortest_batch,
)
from pullback.train.estimators.blocks.rows import Rows  # noqa: E402 - after dask

SIZES = (7, 5, 9, 0, 4)
N = sum(SIZES)
X = np.arange(2.0 * N).reshape(N, 2)


@pytest.fixture
def data():
    import dask

    x, y = da.from_array(X, chunks=(SIZES, 2)), da.from_array(np.arange(N), chunks=(SIZES,))
    with dask.config.set(scheduler="synchronous"):
        yield BlockData(Rows(x, y), (0, 1, 2, 3, 4), "float32")


def epochs(data, kind, count=2, seed=0, least=1):
    order = data.order(kind, 3, least, seed, np.random.default_rng(seed))
    home = backend.current()
    return [list(data.batches(order, 3, home, least)) for _ in range(count)]


def labels(epoch):
    return [int(i) for _, y in epoch for i in backend.to_numpy(y)]


@pytest.mark.parametrize("kind", [None, "shuffled", "once"])
def test_each_row_comes_once_and_blocks_stay_together(data, kind):
    first, second = (labels(epoch) for epoch in epochs(data, kind))
    assert sorted(first) == sorted(second) == list(range(N))
    assert (first == list(range(N))) == (kind is None)
    assert (first == second) == (kind != "shuffled")
    owner = np.repeat(np.arange(5), SIZES)[first]
    assert np.count_nonzero(np.diff(owner)) == 3
    assert labels(epochs(data, kind)[0]) == first
    if kind is not None:
        assert labels(epochs(data, kind, seed=1)[0]) != first


def test_drawn_rows_are_of_the_block(data):
    for x, y in epochs(data, "drawn", 1)[0]:
        chosen = backend.to_numpy(y)
        assert len(set(chosen.tolist())) == len(chosen)
        assert len(set(np.repeat(np.arange(5), SIZES)[chosen])) == 1
        np.testing.assert_array_equal(backend.to_numpy(x), X[chosen])


def test_batches_are_as_the_step_takes_them(data):
    batches = epochs(data, "shuffled", 1)[0]
    assert sorted(len(y) for _, y in batches) == sorted([3, 3, 1, 3, 2, 3, 3, 3, 3, 1])
    assert len(batches) == data.steps(3)
    for x, y in batches:
        assert (x.dtype, y.dtype) == (np.float32, np.int64)
        np.testing.assert_array_equal(backend.to_numpy(x), X[backend.to_numpy(y)])
    together = epochs(data, "shuffled", 1, least=2)[0]
    assert min(len(y) for _, y in together) == shortest_batch(SIZES, 3, 2) == 2
    assert shortest_batch((7, 1), 3, 2) == 1


def test_whole_blocks_are_held():
    kept, held = held_blocks((5,) * 20, 0.1, 0)
    assert len(held) == 2
    assert sorted(kept + held) == list(range(20))
    assert held_blocks((5,) * 20, 0.1, 0) == (kept, held)
    assert len({tuple(held_blocks((5,) * 20, 0.1, seed)[1]) for seed in range(5)}) > 1
    kept, held = held_blocks((5, 0, 5), 0.1, 0)
    assert sorted(kept + held) == [0, 2]
    with pytest.raises(ValueError, match="give X in more blocks"):
        held_blocks((5, 5), 0.9, 0)
