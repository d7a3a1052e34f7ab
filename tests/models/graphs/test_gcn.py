"""The network of graph convolutions. Gradients and transforms are in `test_convolutions.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._graphs import EDGES, N, X, dense, kipf

M = pb.models


def test_it_is_its_formula():
    model = M.GCN([3, 5, 4, 2], activation="tanh", dtype="float64", seed=4)
    assert pb.tree.paths(model)[:2] == ["layers.0.W", "layers.0.b"]
    A, h = kipf(dense(EDGES)), X
    for layer in model.layers[:-1]:
        h = np.tanh(A @ h @ layer.W + layer.b)
    wanted = A @ h @ model.layers[-1].W + model.layers[-1].b
    np.testing.assert_allclose(pb.to_numpy(model(X, EDGES)), wanted, rtol=1e-12)
    matrix = M.normalised_adjacency(EDGES, N, dtype="float64")
    np.testing.assert_allclose(pb.to_numpy(model(X, matrix)), wanted, rtol=1e-12)


def test_hidden_units_are_left_out_in_training():
    model = M.GCN([3, 64, 2], dropout=0.5, dtype="float64")
    plain = pb.to_numpy(model(X, EDGES))
    out, after = model.training(X, EDGES, key=pb.random.key(0))
    same, _ = model.training(X, EDGES, key=pb.random.key(0))
    assert after is model
    np.testing.assert_array_equal(pb.to_numpy(out), pb.to_numpy(same))
    assert abs(pb.to_numpy(out) - plain).max() > 0.05
    with pytest.raises(TypeError, match="training draws from a key"):
        model.training(X, EDGES)
    free = M.GCN([3, 64, 2], dtype="float64")
    np.testing.assert_array_equal(
        pb.to_numpy(free.training(X, EDGES)[0]), pb.to_numpy(free(X, EDGES))
    )
    deep = M.GCN([3, 8, 8, 2], dropout=0.5, dtype="float64")
    assert deep.training(X, EDGES, key=pb.random.key(0))[0].shape == (N, 2)


def test_one_layer_and_no_biases():
    model = M.GCN([3, 2], bias=False, dtype="float64")
    np.testing.assert_allclose(
        pb.to_numpy(model(X, EDGES)), kipf(dense(EDGES)) @ X @ model.layers[0].W, rtol=1e-12
    )


def test_a_step_learns_two_communities_from_two_labels():
    """Features say nothing: what is learned comes along the edges."""
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], 20)
    close = rng.random((40, 40)) < np.where(truth[:, None] == truth, 0.3, 0.02)
    source, target = np.nonzero(np.triu(close, 1))
    edges = np.stack([np.concatenate([source, target]), np.concatenate([target, source])])
    model = M.GCN([40, 8, 2], seed=1, dtype="float64")
    known, opt = np.asarray([0, 39]), pb.optim.Adam(0.02)
    loss = lambda m: M.cross_entropy(pb.xp.take(m(np.eye(40), edges), known, axis=0), truth[known])
    state = opt.init(model)
    for _ in range(60):
        model, state = opt.step(model, pb.grad(loss)(model), state)
    right = pb.to_numpy(model(np.eye(40), edges)).argmax(axis=1) == truth
    assert right.mean() > 0.9


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: M.GCN([3]), "two or more"),
        (lambda: M.GCN([3, 0]), "each ≥ 1"),
        (lambda: M.GCN([3, 2], activation="what"), "what"),
        (lambda: M.GCN([3, 2], dropout=2.0), "probability"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
