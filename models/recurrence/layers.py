"""Recurrent layers over batches of sequences: `RNN`, `LSTM` and `GRU`, with PyTorch's parameters and results."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np

from ...autograd.core.typing import DType, Value
from ...autograd.functions import namespace as xp
from ...autograd.functions import random
from ...autograd.pytree.tree import static
from ..initialisation import check_sizes
from ..layers.dropout import Dropout
from ..module import Module
from .cells import Cell, GRUCell, LSTMCell, RNNCell, check_nonlinearity, drawn
from .sequences import mask_of, run


class Recurrent(Module):
    """What the three layers share: cells in layers and directions, and the way of a sequence through them."""

    cells: tuple[Cell, ...]
    bidirectional: bool = static(default=False)
    dropout: float = static(default=0.0)
    # the class of the cells, and how many arrays a state is
    _cell: ClassVar[type[Cell]] = Cell
    _states: ClassVar[int] = 1
    _trains_by_parts: ClassVar[bool] = True

    def __post_init__(self) -> None:
        Dropout(self.dropout)

    @property
    def hidden(self) -> int:
        """The width of the state."""
        return self.cells[0].hidden

    @property
    def layers(self) -> int:
        """How many layers there are."""
        return len(self.cells) // self._directions

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @classmethod
    def init(
        cls,
        inputs: int,
        hidden: int,
        *,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        bias: bool = True,
        seed: Any = 0,
        dtype: DType = "float32",
    ) -> Self:
        """Layers whose weights and biases are uniform in ±1/√hidden, as PyTorch's, on the active backend.

        Parameters
        ----------
        inputs, hidden : int
            Widths of the inputs and of each state.
        layers : int
            Each takes the outputs of the one before.
        bidirectional : bool
            Whether each layer has cells for both directions of time; the outputs are side by side.
        dropout : float
            Between layers, in training.
        bias : bool
            Whether there are biases.
        seed : int or numpy.random.Generator
            What they are drawn from.
        dtype : dtype
            Of the parameters.

        Raises
        ------
        ValueError
            For settings outside their ranges.
        """
        return cls._drawn(inputs, hidden, layers, bidirectional, dropout, bias, seed, dtype)

    @classmethod
    def _drawn(
        cls,
        inputs: int,
        hidden: int,
        layers: int,
        bidirectional: bool,
        dropout: float,
        bias: bool,
        seed: Any,
        dtype: DType,
        **settings: Any,
    ) -> Self:
        check_sizes(f"{cls.__name__}.init", inputs=inputs, hidden=hidden, layers=layers)
        rng = np.random.default_rng(seed)
        directions = 2 if bidirectional else 1
        cells = [
            cls._cell(
                *drawn(
                    cls._cell, inputs if i == 0 else directions * hidden, hidden, bias, rng, dtype
                ),
                **settings,
            )
            for i in range(layers)
            for _ in range(directions)
        ]
        return cls(tuple(cells), bool(bidirectional), float(dropout))

    def __call__(self, x: Value, state: Any = None, lengths: Any = None) -> Any:
        """The outputs of all times, as `sequence` gives them, without the last state."""
        return self.sequence(x, state, lengths)[0]

    def training(
        self, x: Value, *, key: Any = None, state: Any = None, lengths: Any = None
    ) -> tuple[Any, Self]:
        """The outputs of all times with dropout between the layers, and the model, which has no state to renew.

        Raises
        ------
        TypeError
            Without a key, where there is dropout between layers.
        """
        if key is None and self.dropout and self.layers > 1:
            raise TypeError(
                f"{type(self).__name__}: training draws from a key and has none; give model.training(x, "
                "key=pb.random.key(seed)), another one for each step (pb.random.split, pb.random.fold_in)"
            )
        return self.sequence(x, state, lengths, key=key)[0], self

    def sequence(
        self,
        x: Value,
        state: Any = None,
        lengths: Any = None,
        *,
        truncate: int | None = None,
        key: Any = None,
    ) -> tuple[Any, Any]:
        """The outputs of all times, and the state behind the last one.

        Parameters
        ----------
        x : array (batch, time, inputs) or (time, inputs)
            One time or more.
        state : array (layers · directions, batch, hidden), optional
            The state before the first time, in the order of `cells`; an LSTM's is a pair ``(h, c)``. Zeros without.
            For inputs without a batch, it has no batch either.
        lengths : array of int (batch,), optional
            How many times of each row are no padding. What stands in the padding has no influence: outputs there are 0,
            the last state is that behind the last time within the length, and a reversed direction begins there.
        truncate : int, optional
            Cut gradients every so many times: the state goes on, but no cotangent passes from a piece of the sequence
            to the piece before. The values are the same. The default is the whole gradient.
        key : array uint32 (2,), optional
            Draw a dropout between the layers; without, there is none.

        Returns
        -------
        y : Array (batch, time, directions · hidden)
            The last layer's states h: of the forward direction, then of the reversed one.
        state : Array (layers · directions, batch, hidden), or a pair of them
            What continues the sequence, if it is given with its next part. To train on parts of one long sequence, stop
            its gradient in between: ``pb.stop_gradient``, or give it as an argument that is not differentiated.

        Raises
        ------
        ValueError
            For shapes that do not fit, or a sequence without times.
        """
        name = type(self).__name__
        x = xp.asarray(x)
        batched = x.ndim == 3
        if x.ndim not in (2, 3) or x.shape[-1] != self.cells[0].weight_ih.shape[1]:
            raise ValueError(
                f"{name}: inputs of shape {tuple(x.shape)}; they have to be (batch, time, "
                f"{self.cells[0].weight_ih.shape[1]}), or (time, …) for one sequence"
            )
        x = x if batched else x[None, ...]
        rows, times = x.shape[:2]
        if times == 0:
            raise ValueError(f"{name}: a sequence of no times; at least one is needed")
        if truncate is not None and (
            isinstance(truncate, bool) or not isinstance(truncate, int | np.integer) or truncate < 1
        ):
            raise ValueError(
                f"{name}: truncate={truncate!r}; gradients are cut every k times, k an integer of at least 1"
            )
        given = self._given(state, rows, batched)
        x = xp.permute_dims(x, (1, 0, 2))
        mask = None
        if lengths is not None:
            mask = mask_of(name, lengths if batched else [lengths], x)
            # NaN in the padding stays out of gradients
            x = xp.where(mask, x, xp.zeros_like(xp.stop_gradient(x)))
        last: list[tuple[Any, ...]] = []
        between = max(self.layers - 1, 1)
        keys = (key,) if key is None or between == 1 else random.split(key, between)
        for i in range(self.layers):
            if i and key is not None:
                x, _ = Dropout(self.dropout).training(x, key=keys[i - 1])
            found = []
            for j in range(self._directions):
                k = i * self._directions + j
                y, behind = run(
                    self.cells[k],
                    x,
                    None if given is None else tuple(s[k, ...] for s in given),
                    mask,
                    j == 1,
                    truncate,
                )
                found.append(y)
                last.append(behind)
            x = found[0] if len(found) == 1 else xp.concat(found, axis=-1)
        if mask is not None:
            x = xp.where(mask, x, xp.zeros_like(xp.stop_gradient(x)))
        y = xp.permute_dims(x, (1, 0, 2))
        states = [xp.stack(list(parts), axis=0) for parts in zip(*last, strict=True)]
        if not batched:
            y, states = y[0, ...], [s[:, 0, :] for s in states]
        return y, tuple(states) if self._states > 1 else states[0]

    def _given(self, state: Any, rows: int, batched: bool) -> list[Any] | None:
        """The arrays of an initial state, with a batch."""
        if state is None:
            return None
        name = type(self).__name__
        if self._states == 1:
            parts = [state]
        elif isinstance(state, tuple | list) and len(state) == self._states:
            parts = list(state)
        else:
            raise ValueError(f"{name}: the state is a pair (h, c), not {type(state).__name__}")
        arrays = [xp.asarray(part) for part in parts]
        wanted = (len(self.cells), rows, self.hidden) if batched else (len(self.cells), self.hidden)
        for s in arrays:
            if tuple(s.shape) != wanted:
                raise ValueError(
                    f"{name}: a state of shape {tuple(s.shape)}; for these inputs it has to be {wanted}: a row for "
                    "each layer and direction"
                )
        return arrays if batched else [s[:, None, :] for s in arrays]


class RNN(Recurrent):
    """Elman networks in layers: ``h_t = tanh(W_ih x_t + b_ih + W_hh h_{t−1} + b_hh)`` (Elman, 1990), or with relu.

    Attributes
    ----------
    cells : tuple of RNNCell
        Layer by layer; where there are two directions, the forward cell of a layer and then the reversed one: PyTorch's
        ``weight_ih_l0`` is ``cells[0].weight_ih``, its ``weight_ih_l0_reverse`` ``cells[1].weight_ih``.
    bidirectional : bool
    dropout : float
        The probability of dropout between layers, in training.

    Examples
    --------
    >>> import pullback as pb
    >>> model = pb.models.RNN.init(3, 5, layers=2, bidirectional=True)
    >>> y, h = model.sequence(pb.xp.ones((4, 7, 3), dtype="float32"))
    >>> y.shape, h.shape
    ((4, 7, 10), (4, 4, 5))
    """

    _cell: ClassVar[type[Cell]] = RNNCell

    @classmethod
    def init(
        cls,
        inputs: int,
        hidden: int,
        *,
        nonlinearity: str = "tanh",
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        bias: bool = True,
        seed: Any = 0,
        dtype: DType = "float32",
    ) -> Self:
        """Layers whose weights and biases are uniform in ±1/√hidden, as PyTorch's, on the active backend.

        Parameters
        ----------
        inputs, hidden : int
            Widths of the inputs and of each state.
        nonlinearity : {"tanh", "relu"}
        layers : int
            Each takes the outputs of the one before.
        bidirectional : bool
            Whether each layer has cells for both directions of time; the outputs are side by side.
        dropout : float
            Between layers, in training.
        bias : bool
            Whether there are biases.
        seed : int or numpy.random.Generator
            What they are drawn from.
        dtype : dtype
            Of the parameters.

        Raises
        ------
        ValueError
            For settings outside their ranges.
        """
        check_nonlinearity("RNN.init", nonlinearity)
        return cls._drawn(
            inputs,
            hidden,
            layers,
            bidirectional,
            dropout,
            bias,
            seed,
            dtype,
            nonlinearity=nonlinearity,
        )


class LSTM(Recurrent):
    """Long short-term memories in layers: ``c_t = f c_{t−1} + i g``, ``h_t = o tanh(c_t)`` (see `LSTMCell`).

    Attributes
    ----------
    cells : tuple of LSTMCell
        Layer by layer; where there are two directions, the forward cell of a layer and then the reversed one: PyTorch's
        ``weight_ih_l0`` is ``cells[0].weight_ih``, its ``weight_ih_l0_reverse`` ``cells[1].weight_ih``.
    bidirectional : bool
    dropout : float
        The probability of dropout between layers, in training.

    Notes
    -----
    For the backward pass, a layer keeps its inputs, the four gates, c and h of each time: 6 hidden + inputs numbers for
    each row and time. `pb.checkpoint` keeps only the inputs, and computes the rest again. Where `pb.compile` rounds the
    operands of products (``precision=``), those with the inputs are rounded; those with the state are in the dtype.

    Examples
    --------
    >>> import pullback as pb
    >>> model = pb.models.LSTM.init(3, 5, seed=0)
    >>> x = pb.xp.ones((2, 7, 3), dtype="float32")
    >>> model(x).shape
    (2, 7, 5)

    The state carries a sequence on, in parts:

    >>> y, (h, c) = model.sequence(x[:, :4, :])
    >>> more, _ = model.sequence(x[:, 4:, :], (h, c))
    >>> bool(pb.xp.all(pb.xp.concat([y, more], axis=1) == model(x)))
    True

    Rows of several lengths, padded:

    >>> y, (h, c) = model.sequence(x, lengths=[7, 2])
    >>> bool(pb.xp.all(y[1, 2:, :] == 0)), bool(pb.xp.all(h[0, 1, :] == y[1, 1, :]))
    (True, True)
    """

    _cell: ClassVar[type[Cell]] = LSTMCell
    _states: ClassVar[int] = 2


class GRU(Recurrent):
    """Gated recurrent units in layers: ``h_t = (1 − z) n + z h_{t−1}`` (see `GRUCell`).

    Attributes
    ----------
    cells : tuple of GRUCell
        Layer by layer; where there are two directions, the forward cell of a layer and then the reversed one: PyTorch's
        ``weight_ih_l0`` is ``cells[0].weight_ih``, its ``weight_ih_l0_reverse`` ``cells[1].weight_ih``.
    bidirectional : bool
    dropout : float
        The probability of dropout between layers, in training.

    Examples
    --------
    >>> import pullback as pb
    >>> M = pb.models
    >>> model = M.Sequential(M.Embedding.init(10, 4), M.GRU.init(4, 8), M.Linear.init(8, 10))
    >>> model(pb.xp.asarray([[1, 2, 3]])).shape
    (1, 3, 10)
    """

    _cell: ClassVar[type[Cell]] = GRUCell
