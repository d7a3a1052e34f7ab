"""Attention of nodes to their neighbours."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from ...autograd.core.typing import ArrayLike, DType, Value
from ...autograd.functions import namespace as xp
from ...autograd.pytree.tree import static
from ...backend import current
from ..initialisation import check_sizes
from ..layers.dropout import Dropout
from ..module import Module
from .graph import edges_of, numbers_like
from .messages import node_features, weighted
from .segments import segment_softmax, segment_sum


class GraphAttention(Module):
    """Graph attention, with several heads (GAT: Veličković et al., 2018).

    With h = x W in heads of C features each, ``out_i = Σ_j α_ij h_j + b`` over the nodes j that an edge goes from to i,
    and i itself; α_ij is the softmax over these j of ``leaky_relu(a_source · h_j + a_target · h_i)``.

    Attributes
    ----------
    W : array (inputs, heads · C)
    a_source, a_target : array (heads, C)
    b : array (heads · C,), or (C,) without `concat`; or None
    concat : bool
        Whether the heads stand beside each other, or their mean is taken.
    slope : float
        Of the leaky ReLU below 0.
    self_loops : bool
        Whether a node attends to itself; an edge from a node to itself does not count twice.
    dropout : float
        The probability with which an attention is left out in training.

    Notes
    -----
    An edge of weight w attends as exp of its score times w: 0 is no edge, 2 the edge twice.

    Examples
    --------
    >>> import pullback as pb
    >>> layer = pb.models.GraphAttention.init(3, 4, heads=2)
    >>> x, edges = pb.xp.ones((5, 3), dtype="float32"), pb.xp.asarray([[0, 1], [1, 2]])
    >>> layer(x, edges).shape
    (5, 8)
    """

    W: Any
    a_source: Any
    a_target: Any
    b: Value = None
    concat: bool = static(default=True)
    slope: float = static(default=0.2)
    self_loops: bool = static(default=True)
    dropout: float = static(default=0.0)
    _trains_by_parts: ClassVar[bool] = True

    def __post_init__(self) -> None:
        Dropout(self.dropout)  # which knows what a probability is

    @staticmethod
    def init(
        inputs: int,
        outputs: int,
        *,
        heads: int = 1,
        concat: bool = True,
        slope: float = 0.2,
        self_loops: bool = True,
        dropout: float = 0.0,
        bias: bool = True,
        seed: Any = 0,
        dtype: DType = "float32",
    ) -> GraphAttention:
        """A layer with weights by Glorot's uniform distribution and zero biases, on the active backend.

        Parameters
        ----------
        inputs, outputs : int
            Widths; `outputs` of each head.
        heads : int
            How many.
        concat : bool
            Whether the outputs are (n, heads · outputs), or the heads' mean (n, outputs).
        slope, self_loops, dropout
            As attributes.
        bias : bool
            Whether there is a b.
        seed : int or numpy.random.Generator
            What the weights are drawn from.
        dtype : dtype
            Of the parameters.

        Raises
        ------
        ValueError
            For widths or heads below 1; for a dropout that is no probability.
        """
        check_sizes("GraphAttention.init", inputs=inputs, outputs=outputs, heads=heads)
        rng, asarray = np.random.default_rng(seed), current().asarray

        def glorot(shape: tuple[int, int]) -> Any:
            bound = math.sqrt(6 / (shape[0] + shape[1]))
            return asarray(rng.uniform(-bound, bound, shape).astype(dtype))

        W = glorot((inputs, heads * outputs))
        a_source, a_target = glorot((heads, outputs)), glorot((heads, outputs))
        width = heads * outputs if concat else outputs
        b = asarray(np.zeros(width, dtype)) if bias else None
        return GraphAttention(
            W,
            a_source,
            a_target,
            b,
            bool(concat),
            float(slope),
            bool(self_loops),
            Dropout(dropout).p,
        )

    def __call__(self, x: ArrayLike, graph: Any) -> Any:  # type: ignore[override]  # a graph besides
        """Rows (n, heads · C), or (n, C), for features x (n, inputs) and a graph.

        Raises
        ------
        ValueError
            For wrong shapes.
        IndexError
            If an edge is at a node that is not there (on a CPU).
        """
        return self._outputs(x, graph, None)

    def training(self, x: ArrayLike, graph: Any, *, key: Any = None) -> tuple[Any, GraphAttention]:  # type: ignore[override]  # a graph besides
        """The same with attentions left out at random, the same ones for the same key; and the layer.

        Raises
        ------
        TypeError
            Without a key, where there is dropout.
        """
        return self._outputs(x, graph, key, train=True), self

    def attention(self, x: ArrayLike, graph: Any) -> Any:
        """The attentions α (E, heads) of the edges; with `self_loops` those of nodes to themselves are the last n."""
        x = node_features("GraphAttention", x, self.W.shape[0])
        h = self._heads(x)
        return self._attentions(h, *self._edges(graph, x.shape[0]))

    def _heads(self, x: Any) -> Any:
        return xp.reshape(xp.matmul(x, self.W), (x.shape[0], *self.a_source.shape))

    def _edges(self, graph: Any, n: int) -> tuple[Any, Any, Any, Any]:
        """Sources, targets, weights or None, and which edges do not count or None; loops are the last ones."""
        source, target, weights = edges_of("GraphAttention", graph, n)
        if not self.self_loops:
            return source, target, weights, None
        every = numbers_like(n, target)
        # a loop that is there already gives way to that which every node gets
        blocked = xp.concat([source == target, xp.zeros_like(every, dtype=np.dtype("bool"))])
        if weights is not None:
            weights = xp.concat([weights, xp.ones_like(every, dtype=weights.dtype)])
        return xp.concat([source, every]), xp.concat([target, every]), weights, blocked

    def _attentions(self, h: Any, source: Any, target: Any, weights: Any, blocked: Any) -> Any:
        sending = xp.sum(h * self.a_source, axis=-1)
        receiving = xp.sum(h * self.a_target, axis=-1)
        z = xp.take(sending, source, axis=0) + xp.take(receiving, target, axis=0)
        z = xp.where(z > 0, z, self.slope * z)
        if blocked is not None:
            z = xp.where(blocked[:, None], -math.inf, z)
        alpha = segment_softmax(z, target, num_segments=h.shape[0])
        if weights is None:
            return alpha
        # after the softmax, not as a logarithm before it, whose derivative at a weight of 0 is none
        alpha = weighted(alpha, weights)
        total = segment_sum(alpha, target, num_segments=h.shape[0])
        return alpha / xp.take(xp.where(total == 0, 1, total), target, axis=0)

    def _outputs(self, x: ArrayLike, graph: Any, key: Any, train: bool = False) -> Any:
        x = node_features("GraphAttention", x, self.W.shape[0])
        h, n = self._heads(x), x.shape[0]
        edges = self._edges(graph, n)
        source, target, *_ = edges
        alpha = self._attentions(h, *edges)
        if train and self.dropout:
            alpha, _ = Dropout(self.dropout).training(alpha, key=key)
        sent = xp.take(h, source, axis=0) * alpha[:, :, None]
        out = segment_sum(sent, target, num_segments=n)
        width = self.a_source.shape[0] * self.a_source.shape[1]
        out = xp.reshape(out, (n, width)) if self.concat else xp.mean(out, axis=1)
        return out if self.b is None else out + self.b
