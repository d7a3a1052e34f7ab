"""A network of graph convolutions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ...autograd.core.typing import ArrayLike, DType
from ...autograd.functions import random
from ...autograd.pytree.tree import static
from ..activations import activation as activation_called
from ..layers.dropout import Dropout
from ..module import Module
from .convolutions import GraphConv


class GCN(Module):
    """Graph convolutions one after the other, with an activation and dropout between them (Kipf, Welling, 2017).

    Called ``model(x, graph)``: logits, or predictions, for each node.

    Parameters
    ----------
    sizes : sequence of int
        Widths: features of a node, hidden layers, outputs.
    activation : str
        Of the hidden layers: one of `ACTIVATIONS`.
    dropout : float
        The probability with which a hidden unit is left out in training.
    bias : bool
        Whether the layers have biases.
    seed : int or numpy.random.Generator
        The same seed gives the same model on every backend.
    dtype : dtype
        Of the parameters.

    Attributes
    ----------
    layers : tuple of GraphConv

    Raises
    ------
    ValueError
        For fewer than two sizes, a size below 1, an unknown activation, or a dropout that is no probability.

    Notes
    -----
    Labels of a few nodes are a mask in the loss: all nodes go through the network in every step, as in
    ``pb.train.fit(model, loss, ((x, edges), (y, mask)), …, batch_size=None)``. With the matrix of
    `normalised_adjacency` in place of the edges a step takes two thirds of the time.

    Examples
    --------
    >>> import pullback as pb
    >>> model = pb.models.GCN([4, 8, 3], dropout=0.5, seed=0)
    >>> x, edges = pb.xp.ones((5, 4), dtype="float32"), pb.xp.asarray([[0, 1, 2, 3], [1, 2, 3, 4]])
    >>> model(x, edges).shape
    (5, 3)
    >>> y, _ = model.training(x, edges, key=pb.random.key(0))
    """

    layers: tuple[GraphConv, ...]
    sizes: tuple[int, ...] = static()
    activation: str = static()
    dropout: float = static()
    _trains_by_parts: ClassVar[bool] = True

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        activation: str = "relu",
        dropout: float = 0.0,
        bias: bool = True,
        seed: Any = 0,
        dtype: DType = "float32",
    ) -> None:
        sizes = tuple(int(n) for n in sizes)
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(
                f"GCN: sizes are the widths from features to outputs, two or more, each ≥ 1; got {sizes}"
            )
        activation_called(activation)
        rng = np.random.default_rng(seed)
        self.layers = tuple(
            GraphConv.init(n, m, bias=bias, seed=rng, dtype=dtype)
            for n, m in itertools.pairwise(sizes)
        )
        self.sizes = sizes
        self.activation = activation
        self.dropout = Dropout(dropout).p

    def __call__(self, x: ArrayLike, graph: Any) -> Any:  # type: ignore[override]  # a graph besides
        """Outputs (n, sizes[-1]) for features x (n, sizes[0]) and a graph."""
        return self._outputs(x, graph, None)

    def training(self, x: ArrayLike, graph: Any, *, key: Any = None) -> tuple[Any, GCN]:  # type: ignore[override]  # a graph besides
        """The outputs with hidden units left out, the same ones for the same key; and the model.

        Raises
        ------
        TypeError
            Without a key, where there is dropout.
        """
        return self._outputs(x, graph, Dropout(self.dropout), key), self

    def _outputs(self, x: Any, graph: Any, dropout: Dropout | None, key: Any = None) -> Any:
        h = activation_called(self.activation)
        *hidden, last = self.layers
        several = key is not None and len(hidden) > 1
        keys = random.split(key, len(hidden)) if several else (key,) * len(hidden)
        for layer, own in zip(hidden, keys, strict=True):
            x = h(layer(x, graph))
            if dropout is not None:
                x, _ = dropout.training(x, key=own)
        return last(x, graph)
