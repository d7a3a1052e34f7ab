"""Convolutions of graphs: sums over neighbours, normalised by degrees, or aggregated apart from the node itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...autograd.core.typing import ArrayLike, DType, Value
from ...autograd.functions import namespace as xp
from ...autograd.pytree.tree import static
from ...backend import current
from ..initialisation import check_sizes, draw
from ..module import Module
from .graph import degrees_of, edges_of, inverse_root, is_matrix, matrix_of
from .messages import aggregated, check_aggregate, node_features, weighted
from .segments import segment_sum


class GraphConv(Module):
    """The graph convolution ``D^−½ (A + I) D^−½ x W + b`` (Kipf, Welling, 2017).

    A[i, j] is the sum of the weights of the edges from j to i, D the diagonal of the row sums of A + I.

    Attributes
    ----------
    W : array (inputs, outputs)
    b : array (outputs,) or None
    normalise : bool
        Whether edges are normalised; without, it is ``A x W + b``.

    Notes
    -----
    A sparse matrix is taken as it stands: `normalised_adjacency` makes it once for all layers and steps, and a product
    with it needs no array of messages (E, outputs). The narrower of x and x W goes along the edges. An edge from a node
    to itself counts beside its 1 in I, as in the formula; in PyTorch Geometric's `GCNConv` it takes its place.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> layer = pb.models.GraphConv(np.eye(1), np.zeros(1))
    >>> edges = np.asarray([[0, 1], [1, 0]])
    >>> layer(np.asarray([[1.0], [3.0], [5.0]]), edges)
    Array([[2.],
           [2.],
           [5.]], dtype=float64, device='cpu')
    """

    W: Any
    b: Value = None
    normalise: bool = static(default=True)

    @staticmethod
    def init(
        inputs: int,
        outputs: int,
        *,
        bias: bool = True,
        normalise: bool = True,
        seed: Any = 0,
        dtype: DType = "float32",
    ) -> GraphConv:
        """A layer with weights by Glorot's uniform distribution and zero biases, on the active backend.

        Parameters
        ----------
        inputs, outputs : int
            Widths.
        bias : bool
            Whether there is a b.
        normalise : bool
            Whether edges are normalised.
        seed : int or numpy.random.Generator
            What the weights are drawn from.
        dtype : dtype
            Of the parameters.

        Raises
        ------
        ValueError
            For widths below 1.
        """
        check_sizes("GraphConv.init", inputs=inputs, outputs=outputs)
        W = draw("glorot", (inputs, outputs), np.random.default_rng(seed)).astype(dtype)
        asarray = current().asarray
        b = asarray(np.zeros(outputs, dtype)) if bias else None
        return GraphConv(asarray(W), b, bool(normalise))

    def __call__(self, x: ArrayLike, graph: Any) -> Any:  # type: ignore[override]  # a graph besides
        """Rows (n, outputs) for features x (n, inputs) and a graph.

        Raises
        ------
        ValueError
            For wrong shapes.
        IndexError
            If an edge is at a node that is not there (on a CPU).
        """
        x = node_features("GraphConv", x, self.W.shape[0])
        along = self._along(graph, x.shape[0], x.dtype)
        inputs, outputs = self.W.shape
        out = xp.matmul(along(x), self.W) if inputs < outputs else along(xp.matmul(x, self.W))
        return out if self.b is None else out + self.b

    def _along(self, graph: Any, n: int, dtype: DType) -> Any:
        """The linear map along the edges, of rows (n, k)."""
        if is_matrix(graph):
            A = matrix_of("GraphConv", graph, n)
            return lambda h: A @ h
        edges = edges_of("GraphConv", graph, n)

        def sums(h: Value) -> Any:
            sent = weighted(xp.take(h, edges.source, axis=0), edges.weights)
            return segment_sum(sent, edges.target, num_segments=n)

        if not self.normalise:
            return sums
        root = inverse_root(degrees_of(edges, n, dtype, loops=True))[:, None]

        def normalised(h: Value) -> Any:
            scaled = root * h
            return root * (sums(scaled) + scaled)

        return normalised


class SAGEConv(Module):
    """The layer ``x W_self + aggregate_{j → i} x_j W_neighbours + b`` (Hamilton, Ying, Leskovec, 2017).

    Attributes
    ----------
    W_self, W_neighbours : array (inputs, outputs)
    b : array (outputs,) or None
    aggregate : {"mean", "max", "sum"}
        Of what arrives; 0 where nothing does.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> layer = pb.models.SAGEConv(np.asarray([[10.0]]), np.asarray([[1.0]]))
    >>> layer(np.asarray([[1.0], [2.0], [4.0]]), np.asarray([[1, 2], [0, 0]])).tolist()
    [[13.0], [20.0], [40.0]]
    """

    W_self: Any
    W_neighbours: Any
    b: Value = None
    aggregate: str = static(default="mean")

    def __post_init__(self) -> None:
        check_aggregate("SAGEConv", self.aggregate)

    @staticmethod
    def init(
        inputs: int,
        outputs: int,
        *,
        aggregate: str = "mean",
        bias: bool = True,
        seed: Any = 0,
        dtype: DType = "float32",
    ) -> SAGEConv:
        """A layer with weights and biases uniform in ±1/√inputs, as PyTorch Geometric draws them.

        Parameters
        ----------
        inputs, outputs : int
            Widths.
        aggregate : {"mean", "max", "sum"}
            Of what arrives.
        bias : bool
            Whether there is a b.
        seed : int or numpy.random.Generator
            What they are drawn from.
        dtype : dtype
            Of the parameters.

        Raises
        ------
        ValueError
            For widths below 1 or an unknown aggregate.
        """
        check_sizes("SAGEConv.init", inputs=inputs, outputs=outputs)
        rng, bound = np.random.default_rng(seed), 1 / math.sqrt(inputs)
        asarray = current().asarray
        shapes = [(inputs, outputs), (inputs, outputs), *([(outputs,)] if bias else [])]
        W_self, W_neighbours, *b = (
            asarray(rng.uniform(-bound, bound, shape).astype(dtype)) for shape in shapes
        )
        return SAGEConv(W_self, W_neighbours, b[0] if bias else None, aggregate)

    def __call__(self, x: ArrayLike, graph: Any) -> Any:  # type: ignore[override]  # a graph besides
        """Rows (n, outputs) for features x (n, inputs) and a graph; weights multiply what comes along their edges.

        Raises
        ------
        ValueError
            For wrong shapes.
        IndexError
            If an edge is at a node that is not there (on a CPU).
        """
        x = node_features("SAGEConv", x, self.W_self.shape[0])
        n = x.shape[0]
        if self.aggregate == "sum" and is_matrix(graph):
            arrived = matrix_of("SAGEConv", graph, n) @ x
        else:
            edges = edges_of("SAGEConv", graph, n)
            sent = weighted(xp.take(x, edges.source, axis=0), edges.weights)
            arrived = aggregated(self.aggregate, sent, edges, n)
        out = xp.matmul(x, self.W_self) + xp.matmul(arrived, self.W_neighbours)
        return out if self.b is None else out + self.b
