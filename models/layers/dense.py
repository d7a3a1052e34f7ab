"""Fully connected layers and networks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...autograd.core.typing import DType, Value
from ...autograd.functions import namespace as xp
from ...autograd.pytree.tree import static
from ...backend import current
from ..activations import activation as activation_called
from ..initialisation import DEFAULT_FOR, check_sizes, draw
from ..module import Module
from .containers import Activation


class Linear(Module):
    """The affine map ``x @ W + b``, or the linear one ``x @ W`` where b is None.

    Attributes
    ----------
    W : array (inputs, outputs)
    b : array (outputs,) or None

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> layer = pb.models.Linear(W=np.ones((2, 3)), b=np.zeros(3))
    >>> layer(np.asarray([[1.0, 2.0]]))
    Array([[3., 3., 3.]], dtype=float64, device='cpu')
    """

    W: Any
    b: Value = None

    @staticmethod
    def init(
        inputs: int,
        outputs: int,
        *,
        init: str = "lecun",
        bias: bool = True,
        seed: Any = 0,
        dtype: DType = "float32",
    ) -> Linear:
        """A layer with drawn weights and zero biases, on the active backend.

        Parameters
        ----------
        inputs, outputs : int
            Widths.
        init : {"he", "glorot", "lecun"}
            The distribution of the weights.
        bias : bool
            Whether there is a b.
        seed : int or numpy.random.Generator
            What they are drawn from.
        dtype : dtype
            Of the parameters.

        Raises
        ------
        ValueError
            For widths below 1 or an unknown distribution.
        """
        check_sizes("Linear.init", inputs=inputs, outputs=outputs)
        W = draw(init, (inputs, outputs), np.random.default_rng(seed)).astype(dtype)
        backend = current()
        return Linear(
            backend.asarray(W), backend.asarray(np.zeros(outputs, dtype)) if bias else None
        )

    def __call__(self, x: Value) -> Any:
        """``x @ W + b`` for x (…, inputs).

        Raises
        ------
        ValueError
            For inputs of another width.
        """
        try:
            return xp.matmul(x, self.W) if self.b is None else xp.linear(x, self.W, self.b)
        except ValueError as error:
            # asked only now, so that layers that fit pay nothing
            given, wanted = tuple(xp.asarray(x).shape), tuple(self.W.shape)
            if len(wanted) != 2 or given[-1:] == wanted[:1]:
                raise
            raise ValueError(
                f"Linear: inputs of shape {given}; their last axis has to be {wanted[0]}"
            ) from error


class MLP(Module):
    """The multilayer perceptron f(x) = h_L(W_L h_{L−1}(… h_1(W_1 x + b_1))), the last layer without an activation.

    Parameters
    ----------
    sizes : sequence of int
        Widths: inputs, hidden layers, outputs.
    activation : str
        Of the hidden layers: one of `ACTIVATIONS`.
    init : {"he", "glorot", "lecun"}, optional
        Distribution of the weights; by default He for relu and its relatives, Glorot else. The last layer, which has no
        activation behind it, is drawn by LeCun's unless `init` is given.
    seed : int or numpy.random.Generator
        The same seed gives the same model on every backend.
    dtype : dtype
        Of the parameters.

    Raises
    ------
    ValueError
        For fewer than two sizes, a size below 1, or an unknown name.

    Examples
    --------
    >>> import pullback as pb
    >>> model = pb.models.MLP([4, 8, 3], activation="tanh", seed=0)
    >>> model(pb.xp.ones((5, 4), dtype="float32")).shape
    (5, 3)
    """

    layers: tuple[Linear, ...]
    sizes: tuple[int, ...] = static()
    activation: str = static()

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        activation: str = "relu",
        init: str | None = None,
        seed: Any = 0,
        dtype: DType = "float32",
    ) -> None:
        sizes = tuple(int(n) for n in sizes)
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(
                f"MLP: sizes are the widths from inputs to outputs, two or more, each ≥ 1; got {sizes}"
            )
        activation_called(activation)
        rng = np.random.default_rng(seed)
        hidden = init or DEFAULT_FOR.get(activation, "glorot")
        pairs = list(itertools.pairwise(sizes))
        initialisers = [hidden] * (len(pairs) - 1) + [init or "lecun"]
        self.layers = tuple(
            Linear.init(n, m, init=initialiser, seed=rng, dtype=dtype)
            for (n, m), initialiser in zip(pairs, initialisers, strict=True)
        )
        self.sizes = sizes
        self.activation = activation

    def __call__(self, x: Value) -> Any:
        """Outputs (…, sizes[-1]) for inputs x (…, sizes[0]): logits, or predictions for regression."""
        *hidden, last = self.layers
        # product, bias and activation are one operation
        if self.activation == "relu":
            for layer in hidden:
                x = xp.linear_relu(x, layer.W, layer.b)
        else:
            h = activation_called(self.activation)
            for layer in hidden:
                x = h(xp.linear(x, layer.W, layer.b))
        return xp.linear(x, last.W, last.b)

    def _chain(self) -> list[tuple[str, Module]]:
        h = Activation(self.activation)
        chain: list[tuple[str, Module]] = []
        for i, layer in enumerate(self.layers):
            chain += [(f"layers.{i}", layer), (f"activation.{i}", h)]
        return chain[:-1]
