"""Graphs in all their forms, the normalised matrix, and batches."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._graphs import EDGES, NONE, WEIGHTS, N, X, dense, kipf

M = pb.models


def test_a_graph_is_a_pytree_whose_count_is_a_setting():
    graph = M.Graph(X, EDGES, WEIGHTS, np.zeros(N, int), 1)
    assert pb.tree.paths(graph) == ["nodes", "edges", "weights", "batch"]
    assert pb.tree.map(lambda a: a, graph).count == 1
    with pytest.raises(AttributeError):
        graph.count = 2


def test_the_normalised_matrix_is_kipf_and_welling_s():
    A = M.normalised_adjacency(EDGES, N, dtype="float64")
    np.testing.assert_allclose(pb.to_numpy(A.toarray()), kipf(dense(EDGES)), rtol=1e-14)
    A = M.normalised_adjacency((EDGES, WEIGHTS), N)
    np.testing.assert_allclose(
        pb.to_numpy(A.toarray()), kipf(dense(EDGES, weights=WEIGHTS)), rtol=1e-14
    )
    assert A.dtype == np.float64  # the weights' own
    assert M.normalised_adjacency(EDGES, N).dtype == np.float32


def test_without_loops_a_lonely_node_has_a_row_of_zeros():
    A = pb.to_numpy(M.normalised_adjacency(EDGES, N, self_loops=False, dtype="float64").toarray())
    plain = dense(EDGES)
    d = plain.sum(axis=1)
    root = np.where(d > 0, 1 / np.sqrt(np.maximum(d, 1)), 0)
    np.testing.assert_allclose(A, root[:, None] * plain * root, rtol=1e-14)
    assert not A[6].any()
    mean = M.normalised_adjacency(EDGES, N, kind="mean", self_loops=False, dtype="float64")
    rows = pb.to_numpy(mean.toarray()).sum(axis=1)
    np.testing.assert_allclose(rows, d > 0)


def test_every_form_of_a_graph_gives_the_same_matrix():
    wanted = kipf(dense(EDGES, weights=WEIGHTS))
    coo = scipy.sparse.coo_array((WEIGHTS, (EDGES[1], EDGES[0])), shape=(N, N))
    forms = [
        ((EDGES, WEIGHTS), N),
        (M.Graph(X, EDGES, WEIGHTS), None),
        (coo, None),
        (coo.tocsr(), None),
        (pb.sparse.csr_array(coo.tocsr()), None),
        (pb.sparse.coo_array((WEIGHTS, (EDGES[1], EDGES[0])), shape=(N, N)), None),
    ]
    for graph, n in forms:
        got = pb.to_numpy(M.normalised_adjacency(graph, n).toarray())
        np.testing.assert_allclose(got, wanted, rtol=1e-13)


def test_the_matrix_is_differentiable_in_the_weights():
    f = lambda w: pb.xp.sum((M.normalised_adjacency((EDGES, w), N) @ X) ** 2)
    pb.check_grads(f, (WEIGHTS,))


def test_it_is_made_where_the_edges_are(lib):
    A = M.normalised_adjacency(lib.asarray(EDGES), N, dtype="float64")
    x = lib.asarray(X)
    np.testing.assert_allclose(pb.to_numpy(A @ x), kipf(dense(EDGES)) @ X, rtol=1e-13)


def test_no_edges_and_no_nodes():
    A = M.normalised_adjacency(NONE, 3, dtype="float64")
    np.testing.assert_array_equal(pb.to_numpy(A.toarray()), np.eye(3))
    assert M.normalised_adjacency(np.zeros((2, 0)), 2).shape == (2, 2)  # no integers to speak of
    assert M.message_passing(np.ones((0, 2)), NONE).shape == (0, 2)


@pytest.mark.parametrize(
    ("graph", "error", "message"),
    [
        (EDGES.T, ValueError, r"edges of shape \(9, 2\); they have to be \(2, E\)"),
        (EDGES * 1.0, TypeError, "pairs of integers, not of float64"),
        ((EDGES, WEIGHTS[1:]), ValueError, r"weights of shape \(8,\) for 9 edges"),
        (np.asarray([[0, 1], [1, 7]]), IndexError, "edge 1 goes from node 1 to node 7"),
        (np.asarray([[0, -1], [1, 2]]), IndexError, "edge 1 goes from node -1 to node 2"),
        (scipy.sparse.eye_array(3).tocsr(), ValueError, r"a matrix of shape \(3, 3\) for 7 nodes"),
    ],
)
def test_wrong_graphs_are_refused(graph, error, message):
    layer = M.GraphConv.init(3, 2, dtype="float64")
    for call in (
        lambda: M.normalised_adjacency(graph, N),
        lambda: layer(X, graph),
        lambda: M.message_passing(X, graph),
    ):
        with pytest.raises(error, match=message):
            call()


def test_what_is_not_known_is_asked_for():
    with pytest.raises(ValueError, match="give num_nodes"):
        M.normalised_adjacency(EDGES)
    with pytest.raises(ValueError, match="kind='row'"):
        M.normalised_adjacency(EDGES, N, kind="row")


# ── batches ───────────────────────────────────────────────────────────────────────────────────


def test_a_batch_computes_each_graph_for_itself():
    rng = np.random.default_rng(0)
    graphs = [
        M.Graph(X, EDGES),
        M.Graph(rng.standard_normal((2, 3)), NONE),
        M.Graph(-X, EDGES[::-1]),
    ]
    both = M.batch_graphs(graphs)
    assert (both.count, both.weights) == (3, None)
    assert [type(a) for a in (both.nodes, both.edges, both.batch)] == [np.ndarray] * 3
    np.testing.assert_array_equal(both.batch, [0] * 7 + [1] * 2 + [2] * 7)
    layer = M.GraphAttention.init(3, 2, heads=2, dtype="float64")
    apart = [pb.to_numpy(layer(g.nodes, g)) for g in graphs]
    np.testing.assert_allclose(pb.to_numpy(layer(both.nodes, both)), np.concatenate(apart))
    pooled = pb.to_numpy(M.global_mean_pool(layer(both.nodes, both), both))
    np.testing.assert_allclose(pooled, [a.mean(axis=0) for a in apart])


def test_batches_of_batches_and_weights_of_some():
    one, two = M.Graph(X, EDGES, WEIGHTS), M.Graph(X[:2], np.asarray([[0], [1]]))
    nested = M.batch_graphs([M.batch_graphs([one, two]), two])
    flat = M.batch_graphs([one, two, two])
    for a, b in zip(pb.tree.leaves(nested), pb.tree.leaves(flat), strict=True):
        np.testing.assert_array_equal(a, b)
    assert nested.count == flat.count == 3
    np.testing.assert_array_equal(flat.weights, [*WEIGHTS, 1, 1])


def test_nodes_that_are_traced_stay_traced():
    f = lambda x: pb.xp.sum(M.batch_graphs([M.Graph(x, EDGES), M.Graph(2 * x, EDGES)]).nodes ** 2)
    np.testing.assert_allclose(pb.grad(f)(X), 10 * X)


def test_wrong_batches_are_refused():
    with pytest.raises(ValueError, match="no graphs"):
        M.batch_graphs([])
    with pytest.raises(ValueError, match="graph 1 is no"):
        M.batch_graphs([M.Graph(X, EDGES), M.Graph(None, EDGES)])
    with pytest.raises(IndexError, match="edge 0 goes from node 0 to node 7"):
        M.batch_graphs([M.Graph(X, np.asarray([[0], [7]]))])


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "uint64"])
def test_numbers_of_few_bits_do_not_wrap_around(dtype):
    edges = np.asarray([[0, 1, 100], [1, 2, 0]])
    narrow, x = edges.astype(dtype), np.cos(np.arange(600.0)).reshape(300, 2)
    wanted = pb.to_numpy(M.normalised_adjacency(edges, 300).toarray())
    np.testing.assert_array_equal(
        pb.to_numpy(M.normalised_adjacency(narrow, 300).toarray()), wanted
    )
    layer = M.GraphAttention.init(2, 3, dtype="float64")
    np.testing.assert_array_equal(pb.to_numpy(layer(x, narrow)), pb.to_numpy(layer(x, edges)))
    zeros = np.zeros(300, dtype)
    one = M.batch_graphs([M.Graph(x, edges, None, zeros, 100)] * 3)
    other = M.batch_graphs([M.Graph(x, narrow, None, zeros, 100)] * 3)
    assert other.edges.tolist() == one.edges.tolist()
    assert other.edges.max() == 700
    assert other.batch.tolist() == one.batch.tolist()


@pytest.mark.parametrize("row", [0, 1])
def test_a_compiled_layer_refuses_negative_numbers_of_nodes(row):
    wrong = EDGES.copy()
    wrong[row, 0] = -1
    for layer in (M.GraphConv.init(X.shape[1], 2), M.GraphAttention.init(X.shape[1], 2)):
        step = pb.compile(layer.__call__, fast=False)
        step(X, EDGES), step(X, EDGES)
        with pytest.raises(IndexError):
            step(X, wrong)
        rows = pb.vmap(layer.__call__, in_axes=(None, 0))
        rows(X, np.stack([EDGES, EDGES]))
        with pytest.raises(IndexError):
            rows(X, np.stack([EDGES, wrong]))
