"""Graphs as records, several of them as one, and the matrix by which a convolution goes along the edges."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...autograd import sparse
from ...autograd.core.array import backend_array, unwrap_closed
from ...autograd.core.dtypes import is_integer
from ...autograd.core.namespaces import namespace_of
from ...autograd.core.typing import DType, Value
from ...autograd.functions import namespace as xp
from ...autograd.pytree import tree
from ...autograd.pytree.tree import static
from .segments import segment_sum, wide


@tree.register
@dataclass(frozen=True)
class Graph:
    """A graph, or several without edges between them: a pytree, which layers and readouts take.

    Attributes
    ----------
    nodes : array (n, F) or None
        Features.
    edges : array of int (2, E)
        The messages of the nodes in the first row go to those in the second. An undirected graph has each edge twice.
    weights : array (E,) or None
        Of the edges; None for 1.
    batch : array of int (n,) or None
        The graph that each node belongs to; None for one graph.
    count : int
        How many graphs.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> graph = pb.models.Graph(np.ones((3, 2)), np.asarray([[0, 1, 2], [1, 2, 0]]))
    >>> pb.models.message_passing(graph.nodes, graph)[0]
    Array([1., 1.], dtype=float64, device='cpu')
    """

    nodes: Any
    edges: Any
    weights: Any = None
    batch: Any = None
    count: int = static(default=1)


class Edges(NamedTuple):
    """Edges in one form: the nodes that they come from and go to, (E,) each, and their weights, (E,) or None."""

    source: Any
    target: Any
    weights: Any


def is_matrix(graph: Any) -> bool:
    """Whether a graph is given as a sparse matrix, of `pb.sparse` or of SciPy."""
    return hasattr(graph, "tocoo") and hasattr(graph, "nnz")


def matrix_of(name: str, graph: Any, n: int) -> Any:
    """A sparse matrix as one of `pb.sparse`.

    Raises
    ------
    ValueError
        If it is not (n, n).
    """
    A = graph if sparse.is_sparse(graph) else sparse.as_sparse(graph)
    if tuple(A.shape) != (n, n):
        raise ValueError(
            f"{name}: a matrix of shape {tuple(A.shape)} for {n} nodes; it has to be ({n}, {n})"
        )
    return A


def edges_of(name: str, graph: Any, n: int) -> Edges:
    """The edges of a graph of n nodes, in whatever form it is given.

    Raises
    ------
    TypeError
        If the edges are not integers.
    ValueError
        If their shape, or that of the weights, is wrong.
    IndexError
        If one of them is at a node that is not there (on a CPU).
    """
    if is_matrix(graph):
        A = matrix_of(name, graph, n).tocoo()
        return Edges(xp.asarray(A.col), xp.asarray(A.row), xp.asarray(A.data))
    weights = None
    if isinstance(graph, Graph):
        graph, weights = graph.edges, graph.weights
    elif isinstance(graph, tuple) and len(graph) == 2 and getattr(graph[0], "ndim", 1) == 2:
        graph, weights = graph
    edges = xp.asarray(graph)
    if edges.ndim != 2 or edges.shape[0] != 2:
        raise ValueError(
            f"{name}: edges of shape {tuple(edges.shape)}; they have to be (2, E): the nodes that they come from, and "
            "those that they go to"
        )
    if not is_integer(edges.dtype) and edges.shape[1]:
        raise TypeError(f"{name}: edges are pairs of integers, not of {edges.dtype}")
    edges = wide(edges)
    if weights is not None:
        weights = xp.asarray(weights)
        if tuple(weights.shape) != (edges.shape[1],):
            raise ValueError(
                f"{name}: weights of shape {tuple(weights.shape)} for {edges.shape[1]} edges; they have to be "
                f"({edges.shape[1]},), one for each edge"
            )
    _check_nodes(name, edges, n)
    return Edges(_no_negative(edges[0, :], n), edges[1, :], weights)


def _check_nodes(name: str, edges: Any, n: int) -> None:
    values = backend_array(edges)
    if type(values) is np.ndarray and values.size and not 0 <= values.min() <= values.max() < n:
        wrong = int(np.flatnonzero(((values < 0) | (values >= n)).any(axis=0))[0])
        raise IndexError(
            f"{name}: edge {wrong} goes from node {values[0, wrong]} to node {values[1, wrong]}, and the nodes are "
            f"0 … {n - 1}"
        )


def _no_negative(source: Any, n: int) -> Any:
    """Numbers that rows are taken by: where nobody has looked at them, a negative one is an error, not a last row."""
    values = backend_array(source)
    if type(values) is np.ndarray or str(values.device) != "cpu":
        return source
    return xp.where(source < 0, n, source)


def numbers_like(n: int, like: Value) -> Any:
    """The integers 0 … n − 1, of the library, the device and the dtype of `like`."""
    raw = backend_array(like)
    return xp.astype(xp.asarray(namespace_of(raw).arange_like(n, raw)), like.dtype, copy=False)


def numbers_of(x: Value) -> Any:
    """The numbers of the rows of x, as integers of its library and device."""
    raw = backend_array(x)
    return xp.asarray(namespace_of(raw).arange_like(x.shape[0], raw))


def inverse_root(degrees: Any) -> Any:
    """``d^−½``; 0 where there is nothing to divide by."""
    positive = degrees != 0
    return xp.where(positive, 1 / xp.sqrt(xp.where(positive, degrees, 1)), 0)


def degrees_of(edges: Edges, n: int, dtype: DType, *, loops: bool) -> Any:
    """The sum of the weights of what arrives at each node, (n,); with an edge of weight 1 to itself."""
    if edges.weights is None:
        each = xp.ones_like(edges.target, dtype=dtype)
    else:
        each = xp.astype(edges.weights, dtype, copy=False)
    total = segment_sum(each, edges.target, num_segments=n)
    return total + 1 if loops else total


def normalised_adjacency(
    graph: Any,
    num_nodes: int | None = None,
    *,
    self_loops: bool = True,
    kind: str = "symmetric",
    dtype: DType = "float32",
) -> Any:
    """The matrix ``D^−½ (A + I) D^−½`` of a graph, sparse: what `GraphConv` goes along the edges by, made once.

    Parameters
    ----------
    graph : Graph, array (2, E), pair or sparse matrix
        As layers take it; A[i, j] is the sum of the weights of the edges from j to i.
    num_nodes : int, optional
        n; of a `Graph` with nodes, and of a matrix, it is known.
    self_loops : bool
        Whether I is added; an edge from a node to itself counts besides.
    kind : {"symmetric", "mean"}
        ``D^−½ (A + I) D^−½`` (Kipf, Welling, 2017), or ``D^−1 (A + I)``, which averages.
    dtype : dtype
        Of the elements, where the graph has no weights; else they have the weights' own.

    Returns
    -------
    pb.sparse.csr_array (n, n)
        Its elements are differentiable in the weights. D is the diagonal of the row sums; a node at which nothing
        arrives has a row of zeros.

    Raises
    ------
    ValueError
        If the number of nodes is not known; for an unknown kind; for wrong shapes.
    IndexError
        If an edge is at a node that is not there.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> edges = np.asarray([[0, 1], [1, 0]])
    >>> pb.models.normalised_adjacency(edges, 3, dtype="float64").toarray()
    Array([[0.5, 0.5, 0. ],
           [0.5, 0.5, 0. ],
           [0. , 0. , 1. ]], dtype=float64, device='cpu')
    """
    if kind not in ("symmetric", "mean"):
        raise ValueError(f"normalised_adjacency: kind={kind!r}; there are 'symmetric' and 'mean'")
    n = _nodes_of(graph) if num_nodes is None else int(num_nodes)
    edges = edges_of("normalised_adjacency", graph, n)
    like = edges.target
    if edges.weights is None:
        data = xp.ones_like(like, dtype=np.dtype(dtype))
    else:
        data = edges.weights
    d = degrees_of(edges, n, data.dtype, loops=self_loops)
    row, column = edges.target, edges.source
    if self_loops:
        every = numbers_like(n, like)
        row, column = xp.concat([row, every]), xp.concat([column, every])
        data = xp.concat([data, xp.ones_like(every, dtype=data.dtype)])
    if kind == "symmetric":
        root = inverse_root(d)
        data = xp.take(root, row) * data * xp.take(root, column)
    else:
        there = d != 0
        data = data * xp.take(xp.where(there, 1 / xp.where(there, d, 1), 0), row)
    return sparse.coo_array(
        (data, (backend_array(row), backend_array(column))), shape=(n, n)
    ).tocsr()


def _nodes_of(graph: Any) -> int:
    if is_matrix(graph):
        return int(graph.shape[0])
    if isinstance(graph, Graph) and graph.nodes is not None:
        return int(graph.nodes.shape[0])
    raise ValueError(
        "normalised_adjacency: the number of nodes is not known from edges alone, since the last nodes may have none: "
        "give num_nodes"
    )


def batch_graphs(graphs: Sequence[Graph]) -> Graph:
    """Several graphs as one, without edges between them: a minibatch.

    Parameters
    ----------
    graphs : sequence of Graph
        With nodes of as many features each. Where some have weights, those of the others are 1.

    Returns
    -------
    Graph
        The nodes one after the other; the edges with their numbers moved; ``batch`` the graph of each node.

    Raises
    ------
    ValueError
        If there are none, one has no nodes' features, or edges of wrong shape.
    IndexError
        If an edge is at a node that its graph has not.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> one = pb.models.Graph(np.ones((2, 1)), np.asarray([[0], [1]]))
    >>> both = pb.models.batch_graphs([one, one])
    >>> both.edges.tolist(), both.batch.tolist(), both.count
    ([[0, 2], [1, 3]], [0, 0, 1, 1], 2)
    """
    graphs = list(graphs)
    if not graphs:
        raise ValueError("batch_graphs: no graphs; a batch has one or more")
    for i, graph in enumerate(graphs):
        if not isinstance(graph, Graph) or graph.nodes is None:
            raise ValueError(f"batch_graphs: graph {i} is no pb.models.Graph with nodes (n, F)")
    sizes = [int(graph.nodes.shape[0]) for graph in graphs]
    starts = [0, *itertools.accumulate(sizes)][:-1]
    parts = [edges_of("batch_graphs", graph, n) for graph, n in zip(graphs, sizes, strict=True)]
    moved = [
        xp.stack([part.source + start, part.target + start])
        for part, start in zip(parts, starts, strict=True)
    ]
    weights = _joined_weights(graphs, parts)
    before = itertools.accumulate((graph.count for graph in graphs), initial=0)
    batch = [
        _graph_numbers(graph, n) + first
        for graph, n, first in zip(graphs, sizes, before, strict=False)
    ]
    return Graph(
        unwrap_closed(xp.concat([xp.asarray(graph.nodes) for graph in graphs])),
        backend_array(xp.concat(moved, axis=1)),
        None if weights is None else unwrap_closed(weights),
        backend_array(xp.concat(batch)),
        sum(graph.count for graph in graphs),
    )


def _joined_weights(graphs: list[Graph], parts: list[Edges]) -> Any:
    known = [part.weights for part in parts if part.weights is not None]
    if not known:
        return None
    dtype = known[0].dtype
    return xp.concat(
        [
            xp.ones_like(part.source, dtype=dtype) if part.weights is None else part.weights
            for part in parts
        ]
    )


def _graph_numbers(graph: Graph, n: int) -> Any:
    """The graph, among those of a record, of each of its nodes."""
    if graph.batch is not None:
        return wide(xp.asarray(graph.batch))
    return 0 * numbers_like(n, xp.astype(xp.asarray(graph.edges), np.dtype("int64")))
