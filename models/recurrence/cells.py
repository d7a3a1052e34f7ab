"""Recurrent cells: one step of a sequence, for loops of one's own, on `pb.scan` for example."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Self

import numpy as np

from ...autograd.core.typing import DType, Value
from ...autograd.functions import namespace as xp
from ...autograd.pytree.tree import static
from ...backend import current
from ..initialisation import check_sizes
from ..module import Module

NONLINEARITIES = ("tanh", "relu")


def check_nonlinearity(name: str, nonlinearity: str) -> None:
    """Refuse a function that no RNN has.

    Raises
    ------
    ValueError
        The message names the layer.
    """
    if nonlinearity not in NONLINEARITIES:
        raise ValueError(f"{name}: nonlinearity={nonlinearity!r}; it has to be 'tanh' or 'relu'")


def drawn(cell: Any, inputs: int, hidden: int, bias: bool, rng: Any, dtype: DType) -> list[Any]:
    """The weights and biases of a cell, in the order of its fields, uniform in ±1/√hidden as PyTorch's."""
    rows, bound = cell.gates * hidden, 1 / math.sqrt(hidden)
    shapes = [(rows, inputs), (rows, hidden), *([(rows,), (rows,)] if bias else [])]
    parts = [current().asarray(rng.uniform(-bound, bound, shape).astype(dtype)) for shape in shapes]
    return parts if bias else [*parts, None, None]


class Cell(Module):
    """What the three cells share: PyTorch's parameters, and products with them."""

    weight_ih: Any
    weight_hh: Any
    bias_ih: Value = None
    bias_hh: Value = None
    # how many gates a unit has
    gates: ClassVar[int] = 1

    @classmethod
    def init(
        cls,
        inputs: int,
        hidden: int,
        *,
        bias: bool = True,
        seed: Any = 0,
        dtype: DType = "float32",
    ) -> Self:
        """A cell whose weights and biases are uniform in ±1/√hidden, as PyTorch's, on the active backend.

        Parameters
        ----------
        inputs, hidden : int
            Widths of the inputs and of the state.
        bias : bool
            Whether there are biases.
        seed : int or numpy.random.Generator
            What they are drawn from.
        dtype : dtype
            Of the parameters.

        Raises
        ------
        ValueError
            For widths below 1.
        """
        check_sizes(f"{cls.__name__}.init", inputs=inputs, hidden=hidden)
        return cls(*drawn(cls, inputs, hidden, bias, np.random.default_rng(seed), dtype))

    @property
    def hidden(self) -> int:
        """The width of the state."""
        return int(self.weight_hh.shape[1])

    def _products(self, x: Value, h: Value) -> tuple[Any, tuple[Any, Any]]:
        """The state, zeros for None; ``x W_ihᵀ + b_ih`` and ``h W_hhᵀ + b_hh``."""
        x = xp.asarray(x)
        inputs = self.weight_ih.shape[1]
        if not x.ndim or x.shape[-1] != inputs:
            raise ValueError(
                f"{type(self).__name__}: inputs of shape {tuple(x.shape)}; their last axis has to be {inputs}"
            )
        a = product(x, self.weight_ih, self.bias_ih)
        if h is None:
            h = xp.zeros_like(xp.stop_gradient(a)[..., : self.hidden])
        elif np.shape(h)[-1:] != (self.hidden,):
            raise ValueError(
                f"{type(self).__name__}: a state of shape {tuple(np.shape(h))}; its last axis has to be {self.hidden}"
            )
        return h, (a, product(h, self.weight_hh, self.bias_hh))


def product(x: Value, weight: Value, bias: Value) -> Any:
    """``x weightᵀ + bias``, without a bias where that is None."""
    W = xp.matrix_transpose(weight)
    return xp.matmul(x, W) if bias is None else xp.linear(x, W, bias)


def _parts(a: Any, count: int) -> list[Any]:
    n = a.shape[-1] // count
    return [a[..., i * n : (i + 1) * n] for i in range(count)]


class RNNCell(Cell):
    """One step of an Elman network: ``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)`` (Elman, 1990).

    Attributes
    ----------
    weight_ih : array (hidden, inputs)
    weight_hh : array (hidden, hidden)
    bias_ih, bias_hh : array (hidden,) or None
    nonlinearity : {"tanh", "relu"}

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> cell = pb.models.RNNCell(np.ones((1, 2)), np.zeros((1, 1)), nonlinearity="relu")
    >>> cell(np.asarray([1.0, 2.0]))
    Array([3.], dtype=float64, device='cpu')
    """

    nonlinearity: str = static(default="tanh")

    def __post_init__(self) -> None:
        check_nonlinearity("RNNCell", self.nonlinearity)

    @classmethod
    def init(
        cls,
        inputs: int,
        hidden: int,
        *,
        nonlinearity: str = "tanh",
        bias: bool = True,
        seed: Any = 0,
        dtype: DType = "float32",
    ) -> Self:
        """A cell whose weights and biases are uniform in ±1/√hidden, as PyTorch's, on the active backend.

        Parameters
        ----------
        inputs, hidden : int
            Widths of the inputs and of the state.
        nonlinearity : {"tanh", "relu"}
        bias : bool
            Whether there are biases.
        seed : int or numpy.random.Generator
            What they are drawn from.
        dtype : dtype
            Of the parameters.

        Raises
        ------
        ValueError
            For widths below 1, or another function.
        """
        check_sizes("RNNCell.init", inputs=inputs, hidden=hidden)
        rng = np.random.default_rng(seed)
        W, V, b, c = drawn(cls, inputs, hidden, bias, rng, dtype)
        return cls(W, V, b, c, nonlinearity)

    def __call__(self, x: Value, state: Value = None) -> Any:
        """The new state (…, hidden) for inputs (…, inputs); the state begins as zeros.

        Raises
        ------
        ValueError
            For inputs or a state of another width.
        """
        _, (a, p) = self._products(x, state)
        return (xp.tanh if self.nonlinearity == "tanh" else xp.relu)(a + p)


class LSTMCell(Cell):
    """One step of a long short-term memory: ``c' = f c + i g``, ``h' = o tanh(c')``.

    Its gates are ``i, f, o = σ(…)`` and ``g = tanh(…)`` of ``W_ih x + b_ih + W_hh h + b_hh``, whose rows are in
    PyTorch's order i, f, g, o (Hochreiter, Schmidhuber, 1997; the forget gate by Gers, Schmidhuber, Cummins, 2000).

    Attributes
    ----------
    weight_ih : array (4 hidden, inputs)
    weight_hh : array (4 hidden, hidden)
    bias_ih, bias_hh : array (4 hidden,) or None

    Examples
    --------
    >>> import pullback as pb
    >>> cell = pb.models.LSTMCell.init(3, 5, seed=0)
    >>> h, c = cell(pb.xp.ones((2, 3), dtype="float32"))
    >>> h, c = cell(pb.xp.ones((2, 3), dtype="float32"), (h, c))
    >>> h.shape, c.shape
    ((2, 5), (2, 5))
    """

    gates: ClassVar[int] = 4

    def __call__(self, x: Value, state: Any = None) -> Any:
        """The new state ``(h, c)``, each (…, hidden), for inputs (…, inputs); the state begins as zeros.

        Raises
        ------
        ValueError
            For inputs or a state of another width, or a state that is no pair.
        """
        if state is not None and not (isinstance(state, tuple | list) and len(state) == 2):
            raise ValueError(f"LSTMCell: the state is a pair (h, c), not {type(state).__name__}")
        h, c = (None, None) if state is None else state
        h, (a, p) = self._products(x, h)
        i, f, g, o = _parts(a + p, 4)
        new = xp.sigmoid(i) * xp.tanh(g)
        new = new if c is None else xp.sigmoid(f) * c + new
        return xp.sigmoid(o) * xp.tanh(new), new


class GRUCell(Cell):
    """One step of a gated recurrent unit: ``h' = (1 − z) n + z h``.

    With ``r, z = σ(…)`` of ``W_ih x + b_ih + W_hh h + b_hh`` and, as in PyTorch, the reset gate behind the product,
    ``n = tanh(W_in x + b_in + r (W_hn h + b_hn))``; rows in the order r, z, n (Cho et al., 2014).

    Attributes
    ----------
    weight_ih : array (3 hidden, inputs)
    weight_hh : array (3 hidden, hidden)
    bias_ih, bias_hh : array (3 hidden,) or None

    Examples
    --------
    >>> import pullback as pb
    >>> cell = pb.models.GRUCell.init(3, 5, seed=0)
    >>> cell(pb.xp.ones((2, 3), dtype="float32")).shape
    (2, 5)
    """

    gates: ClassVar[int] = 3

    def __call__(self, x: Value, state: Value = None) -> Any:
        """The new state (…, hidden) for inputs (…, inputs); the state begins as zeros.

        Raises
        ------
        ValueError
            For inputs or a state of another width.
        """
        h, (a, p) = self._products(x, state)
        (r, z, n), (pr, pz, pn) = _parts(a, 3), _parts(p, 3)
        new = xp.tanh(n + xp.sigmoid(r + pr) * pn)
        return new + xp.sigmoid(z + pz) * (h - new)
