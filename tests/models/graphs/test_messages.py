"""Messages along edges, against loops over the edges."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ._graphs import EDGES, WEIGHTS, N, X, dense

M = pb.models


def by_loop(aggregate, message, weights):
    arrived = [[] for _ in range(N)]
    for k, (j, i) in enumerate(EDGES.T):
        arrived[i].append(message(X[j], X[i], None if weights is None else weights[k]))
    width = len(next(a for a in arrived if a)[0])
    return np.stack([getattr(np, aggregate)(a, axis=0) if a else np.zeros(width) for a in arrived])


@pytest.mark.parametrize("aggregate", ["sum", "mean", "max"])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_they_are_loops_over_the_edges(lib, aggregate, weights):
    graph = lib.asarray(EDGES)
    if weights is not None:
        graph = (graph, lib.asarray(weights))
    x = lib.asarray(X)
    plain = by_loop(aggregate, lambda j, i, w: j if w is None else w * j, weights)
    np.testing.assert_allclose(pb.to_numpy(M.message_passing(x, graph, None, aggregate)), plain)
    both = lambda j, i, w: pb.xp.concat([j - i, j * i], axis=-1)
    wanted = by_loop(aggregate, lambda j, i, w: np.concatenate([j - i, j * i]), weights)
    np.testing.assert_allclose(pb.to_numpy(M.message_passing(x, graph, both, aggregate)), wanted)


def test_an_aggregate_of_one_s_own():
    squares = lambda m, s, num_segments: M.segment_sum(m**2, s, num_segments=num_segments)
    out = M.message_passing(X, EDGES, aggregate=squares)
    np.testing.assert_allclose(pb.to_numpy(out), dense(EDGES) @ X**2)


@pytest.mark.parametrize("aggregate", ["sum", "mean", "max"])
def test_gradients_of_both_orders_in_features_and_weights(aggregate):
    message = lambda j, i, w: pb.xp.tanh(j * w[:, None] - i)
    f = lambda x, w: pb.xp.sum(M.message_passing(x, (EDGES, w), message, aggregate) ** 2)
    pb.check_grads(f, (X, WEIGHTS))


def test_what_is_refused():
    with pytest.raises(ValueError, match="aggregate='min'"):
        M.message_passing(X, EDGES, aggregate="min")
    with pytest.raises(ValueError, match=r"features of shape \(7,\)"):
        M.message_passing(X[:, 0], EDGES)
