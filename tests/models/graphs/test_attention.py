"""Graph attention, against its dense formula. Gradients and transforms are in `test_convolutions.py`."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._graphs import EDGES, NONE, WEIGHTS, N, X

M = pb.models


def by_hand(layer, x, edges, weights=None):
    n, (heads, C) = len(x), layer.a_source.shape
    w = np.ones(edges.shape[1]) if weights is None else weights
    h = (x @ layer.W).reshape(n, heads, C)
    out = np.zeros((n, heads, C))
    for head in range(heads):
        A = np.zeros((n, n))
        for k, (j, i) in enumerate(edges.T):
            if not (layer.self_loops and i == j):
                A[i, j] += w[k]
        if layer.self_loops:
            A += np.eye(n)
        z = (h[:, head] @ layer.a_source[head])[None] + (h[:, head] @ layer.a_target[head])[:, None]
        e = A * np.exp(np.where(z > 0, z, layer.slope * z))
        total = e.sum(axis=1, keepdims=True)
        out[:, head] = e / np.where(total == 0, 1, total) @ h[:, head]
    out = out.reshape(n, -1) if layer.concat else out.mean(axis=1)
    return out if layer.b is None else out + layer.b


@pytest.mark.parametrize("concat", [True, False])
@pytest.mark.parametrize("loops", [True, False])
@pytest.mark.parametrize("weights", [None, WEIGHTS, np.where(np.arange(9) == 2, 0.0, 1.0)])
def test_it_is_its_formula(concat, loops, weights):
    layer = M.GraphAttention.init(
        3, 2, heads=3, concat=concat, self_loops=loops, slope=0.3, dtype="float64", seed=1
    )
    layer = pb.tree.map(lambda p: p if p.ndim > 1 else p + 0.7, layer)
    for edges, w in ((EDGES, weights), (NONE, None)):
        graph = edges if w is None else (edges, w)
        out = pb.to_numpy(layer(X, graph))
        assert out.shape == (N, 6 if concat else 2)
        np.testing.assert_allclose(out, by_hand(layer, X, edges, w), rtol=1e-12, atol=1e-14)


def test_attentions_add_up_to_one():
    layer = M.GraphAttention.init(3, 2, heads=2, dtype="float64")
    alpha = pb.to_numpy(layer.attention(X, EDGES))
    assert alpha.shape == (EDGES.shape[1] + N, 2)
    target = np.concatenate([EDGES[1], np.arange(N)])
    sums = [alpha[target == i].sum(axis=0) for i in range(N)]
    np.testing.assert_allclose(sums, 1)
    # 4 → 4 gives way to the loop that every node gets
    assert not alpha[5].any()


def test_the_gradient_at_a_weight_of_zero_is_that_of_the_formula():
    layer = M.GraphAttention.init(3, 2, heads=2, dtype="float64", seed=1)
    w = np.where(np.arange(9) == 2, 0.0, WEIGHTS)
    f = lambda w: pb.xp.sum(layer(X, (EDGES, w)) ** 2)
    slope, step = pb.grad(f)(w)[2], 1e-6 * (np.arange(9) == 2)
    wanted = (float(f(w + step)) - float(f(w - step))) / 2e-6
    assert slope == pytest.approx(wanted, rel=1e-6)
    assert slope != 0


def test_dropout_leaves_out_attentions_in_training_alone():
    layer = M.GraphAttention.init(3, 2, heads=2, dropout=0.5, dtype="float64")
    plain = pb.to_numpy(layer(X, EDGES))
    out, after = layer.training(X, EDGES, key=pb.random.key(0))
    same, _ = layer.training(X, EDGES, key=pb.random.key(0))
    other, _ = layer.training(X, EDGES, key=pb.random.key(1))
    assert after is layer
    np.testing.assert_array_equal(pb.to_numpy(out), pb.to_numpy(same))
    assert not np.array_equal(pb.to_numpy(out), pb.to_numpy(other))
    keys = pb.random.split(pb.random.key(2), 1500)
    mean = np.mean([pb.to_numpy(layer.training(X, EDGES, key=k)[0]) for k in keys], axis=0)
    np.testing.assert_allclose(mean, plain, atol=0.15)
    with pytest.raises(TypeError, match="training draws from a key"):
        layer.training(X, EDGES)
    free = M.GraphAttention.init(3, 2, dtype="float64")
    np.testing.assert_array_equal(
        pb.to_numpy(free.training(X, EDGES)[0]), pb.to_numpy(free(X, EDGES))
    )


def test_large_scores_do_not_overflow():
    layer = M.GraphAttention.init(3, 2, dtype="float32")
    x = (1e4 * X).astype("float32")
    assert np.isfinite(pb.to_numpy(layer(x, EDGES))).all()
    slopes = pb.grad(lambda m: pb.xp.sum(m(x, EDGES)))(layer)
    assert all(np.isfinite(s).all() for s in pb.tree.leaves(slopes))


def test_weights_are_glorot_s():
    layer = M.GraphAttention.init(100, 50, heads=4)
    assert 0.98 * math.sqrt(6 / 300) < abs(layer.W).max() <= math.sqrt(6 / 300)
    for a in (layer.a_source, layer.a_target):
        assert a.shape == (4, 50)
        assert 0.9 * math.sqrt(6 / 54) < abs(a).max() <= math.sqrt(6 / 54)
    assert layer.b.shape == (200,)
    assert M.GraphAttention.init(3, 2, heads=4, concat=False).b.shape == (2,)


@pytest.mark.parametrize("wrong", [{"heads": 0}, {"dropout": 1.5}, {"dropout": True}])
def test_what_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong)) if "heads" in wrong else "probability"):
        M.GraphAttention.init(3, 2, **wrong)


@pytest.mark.parametrize("concat", [True, False])
def test_a_graph_without_nodes(concat):
    layer = M.GraphAttention.init(3, 2, heads=2, concat=concat)
    y = layer(np.zeros((0, 3), "float32"), np.zeros((2, 0), int))
    assert y.shape == (0, 4 if concat else 2)
