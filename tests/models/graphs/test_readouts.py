"""Readouts, against loops over the graphs."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

M = pb.models
X = np.random.default_rng(0).standard_normal((6, 2))
BATCH = np.asarray([0, 0, 1, 1, 1, 3])
POOLS = {"sum": M.global_sum_pool, "mean": M.global_mean_pool, "max": M.global_max_pool}


@pytest.mark.parametrize("name", POOLS)
def test_they_are_loops_over_the_graphs(lib, name):
    wanted = np.zeros((4, 2))
    for g in (0, 1, 3):
        wanted[g] = getattr(X[g == BATCH], name)(axis=0)
    x, batch = lib.asarray(X), lib.asarray(BATCH)
    graph = M.Graph(x, None, None, batch, 4)
    for out in (POOLS[name](x, batch, 4), POOLS[name](x, graph)):
        np.testing.assert_allclose(pb.to_numpy(out), wanted)
    one = POOLS[name](x)
    np.testing.assert_allclose(pb.to_numpy(one), getattr(X, name)(axis=0, keepdims=True))
    np.testing.assert_allclose(pb.to_numpy(POOLS[name](x, M.Graph(x, None))), pb.to_numpy(one))


@pytest.mark.parametrize("name", POOLS)
def test_gradients_of_both_orders(name):
    pb.check_grads(lambda x: pb.xp.sum(POOLS[name](x, BATCH) ** 3), (X,))


def test_the_number_of_graphs():
    assert M.global_sum_pool(X, BATCH).shape == (4, 2)
    assert M.global_sum_pool(X, BATCH, 6).shape == (6, 2)
    assert M.global_max_pool(np.ones((0, 2)), np.zeros(0, int)).shape == (0, 2)
    with pytest.raises(IndexError, match="index 3 is not one of the segments 0 … 2"):
        M.global_sum_pool(X, BATCH, 3)
    with pytest.raises(ValueError, match="give num_graphs"):
        pb.compile(M.global_sum_pool, fast=False)(X, BATCH)
    with pytest.raises(
        ValueError, match=r"global_max_pool: batch of shape \(2,\) for rows of shape \(3, 1\)"
    ):
        M.global_max_pool(np.ones((3, 1)), np.asarray([0, 0]))
