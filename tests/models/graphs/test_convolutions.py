"""GraphConv and SAGEConv: their dense formulas, every form of a graph, gradients, transforms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._graphs import EDGES, NONE, WEIGHTS, N, X, dense, kipf, renamed

M = pb.models
LAYERS = {
    "gcn, narrowing": lambda **s: M.GraphConv.init(3, 2, **s),
    "gcn, widening": lambda **s: M.GraphConv.init(3, 5, **s),
    "gcn, as they stand": lambda **s: M.GraphConv.init(3, 2, normalise=False, bias=False, **s),
    "sage, mean": lambda **s: M.SAGEConv.init(3, 2, **s),
    "sage, max": lambda **s: M.SAGEConv.init(3, 2, aggregate="max", **s),
    "sage, sum": lambda **s: M.SAGEConv.init(3, 2, aggregate="sum", bias=False, **s),
    "gat": lambda **s: M.GraphAttention.init(3, 2, heads=2, **s),
    "gat, mean of heads": lambda **s: M.GraphAttention.init(3, 2, heads=3, concat=False, **s),
    "gat, without loops": lambda **s: M.GraphAttention.init(3, 2, self_loops=False, **s),
    "network": lambda **s: M.GCN([3, 4, 2], activation="tanh", **s),
}


def by_hand(layer, x, edges, weights=None):
    A = dense(edges, len(x), weights)
    if isinstance(layer, M.GraphConv):
        out = (kipf(A) if layer.normalise else A) @ x @ layer.W
    else:
        w = np.ones(edges.shape[1]) if weights is None else weights
        arrived = np.zeros_like(x)
        for i in range(len(x)):
            mine = [w[k] * x[j] for k, (j, to) in enumerate(edges.T) if to == i]
            if mine:
                arrived[i] = getattr(np, layer.aggregate)(mine, axis=0)
        out = x @ layer.W_self + arrived @ layer.W_neighbours
    return out if layer.b is None else out + layer.b


def with_biases(layer):
    """Biases are drawn as 0, which hides them."""
    rng = np.random.default_rng(8)
    return pb.tree.map(lambda p: rng.standard_normal(p.shape) if p.ndim == 1 else p, layer)


@pytest.mark.parametrize("name", [name for name in LAYERS if name.startswith(("gcn", "sage"))])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_they_are_their_formulas(name, weights):
    layer = with_biases(LAYERS[name](dtype="float64", seed=3))
    graph = EDGES if weights is None else (EDGES, weights)
    wanted = by_hand(layer, X, EDGES, weights)
    np.testing.assert_allclose(pb.to_numpy(layer(X, graph)), wanted, rtol=1e-12, atol=1e-14)
    record = M.Graph(X, EDGES, weights)
    np.testing.assert_allclose(pb.to_numpy(layer(X, record)), wanted, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(
        pb.to_numpy(layer(X, NONE)), by_hand(layer, X, NONE), rtol=1e-12, atol=1e-14
    )


def test_a_matrix_is_taken_as_it_stands():
    layer = with_biases(M.GraphConv.init(3, 2, dtype="float64"))
    A = M.normalised_adjacency(EDGES, N, dtype="float64")
    wanted = pb.to_numpy(layer(X, EDGES))
    np.testing.assert_allclose(pb.to_numpy(layer(X, A)), wanted, rtol=1e-12)
    plain = scipy.sparse.csr_array(dense(EDGES))
    np.testing.assert_allclose(
        pb.to_numpy(layer(X, plain)), dense(EDGES) @ X @ layer.W + layer.b, rtol=1e-12
    )
    for name in ("sage, mean", "sage, max", "sage, sum"):
        layer = LAYERS[name](dtype="float64")
        single = np.unique(EDGES, axis=1)  # in a matrix, edges that come twice are one
        A = scipy.sparse.coo_array((np.ones(single.shape[1]), (single[1], single[0])), (N, N))
        np.testing.assert_allclose(pb.to_numpy(layer(X, A)), by_hand(layer, X, single), rtol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_of_both_orders(name):
    layer = LAYERS[name](dtype="float64", seed=3)
    f = lambda m, x, w: pb.xp.sum(m(x, (EDGES, w)) ** 2)
    pb.check_grads(f, (layer, X, WEIGHTS))


@pytest.mark.parametrize("name", LAYERS)
def test_renaming_the_nodes_renames_the_outputs(name):
    layer = with_biases(LAYERS[name](dtype="float64", seed=3))
    order = np.random.default_rng(2).permutation(N)
    out = pb.to_numpy(layer(X[order], renamed(EDGES, order)))
    np.testing.assert_allclose(out, pb.to_numpy(layer(X, EDGES))[order], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", LAYERS)
def test_they_run_on_every_library_in_either_precision(backend, lib, name):
    for dtype, rtol in (("float64", 1e-12), ("float32", 1e-5)):
        layer = LAYERS[name](dtype=dtype, seed=3)
        x, edges = lib.asarray(X.astype(dtype)), lib.asarray(EDGES)
        loss = lambda m, x, edges=edges: pb.xp.sum(m(x, edges) ** 2)
        value, (slopes, x_bar) = pb.value_and_grad(loss, argnums=(0, 1))(layer, x)
        with pb.backend.use("numpy"):
            host = LAYERS[name](dtype="float64", seed=3)
            wanted = pb.xp.sum(host(X, EDGES) ** 2)
        np.testing.assert_allclose(float(value), float(wanted), rtol=rtol)
        for leaf in (*pb.tree.leaves(slopes), x_bar):
            assert lib.is_raw(leaf)
            assert lib.to_numpy(leaf).dtype == dtype


@pytest.mark.parametrize("name", LAYERS)
def test_compiled_checkpointed_and_mapped_they_are_the_same(name):
    layer = LAYERS[name](dtype="float64", seed=3)
    loss = lambda m, x, edges: pb.xp.sum(m(x, edges) ** 2)
    step = pb.compile(pb.value_and_grad(loss), fast=False)
    for x, edges in ((X, EDGES), (-X, EDGES[:, ::-1].copy()), (X, np.roll(EDGES, 1, axis=1))):
        value, slopes = step(layer, x, edges)
        wanted, others = pb.value_and_grad(loss)(layer, x, edges)
        np.testing.assert_allclose(float(value), float(wanted), rtol=1e-12)
        for a, b in zip(pb.tree.leaves(slopes), pb.tree.leaves(others), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)
    again = pb.grad(lambda m: pb.checkpoint(lambda m: loss(m, X, EDGES))(m))(layer)
    plain = pb.grad(lambda m: loss(m, X, EDGES))(layer)
    for a, b in zip(pb.tree.leaves(again), pb.tree.leaves(plain), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)
    xs = np.stack([X, 2 * X])
    rows = pb.vmap(lambda x: layer(x, EDGES))(xs)
    wanted = [pb.to_numpy(layer(x, EDGES)) for x in xs]
    np.testing.assert_allclose(pb.to_numpy(rows), np.stack(wanted), rtol=1e-12, atol=1e-14)


def test_weights_are_drawn_as_pytorch_geometric_s():
    W = M.GraphConv.init(200, 100).W
    bound = math.sqrt(6 / 300)
    assert 0.98 * bound < abs(W).max() <= bound
    assert W.std() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    sage = M.SAGEConv.init(200, 100)
    for p in pb.tree.leaves(sage):
        assert 0.9 / math.sqrt(200) < abs(p).max() <= 1 / math.sqrt(200)
    assert not np.array_equal(sage.W_self, sage.W_neighbours)
    assert pb.tree.paths(sage) == ["W_self", "W_neighbours", "b"]
    first, second = (M.GraphConv.init(3, 2, seed=s).W for s in (0, 1))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: M.GraphConv.init(0, 2), "inputs=0"),
        (lambda: M.SAGEConv.init(2, 2.0), r"outputs=2\.0"),
        (lambda: M.SAGEConv.init(2, 2, aggregate="min"), "aggregate='min'"),
        (lambda: M.GraphConv.init(3, 2)(X[0], EDGES), r"features of shape \(3,\)"),
        (lambda: M.GraphConv.init(4, 2)(X, EDGES), r"GraphConv: features .* have to be \(n, 4\)"),
        (lambda: M.SAGEConv.init(4, 2)(X, EDGES), r"SAGEConv: features .* have to be \(n, 4\)"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
