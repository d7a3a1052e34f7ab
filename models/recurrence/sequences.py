"""One recurrent cell over a whole sequence: the input products of all times in one, then one primitive.

A step composed of array functions is 15 to 25 entries of a tape, and reverse mode keeps what each of them needs; on
`pb.scan` that is what a cell of one's own costs. The three cells here are primitives, whose pullbacks keep the gates
alone and whose weight gradients are one product over all times: `autograd/rules/networks/recurrence.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...autograd.core.array import Array, backend_array
from ...autograd.core.generated import xp as primitives
from ...autograd.core.namespaces import namespace_of
from ...autograd.functions import namespace as xp
from ...backend import backend_of
from .cells import Cell, GRUCell, LSTMCell, RNNCell, product


def input_products(cell: Cell, x: Any) -> Any:
    """``W_ih x_t`` and all biases that can be added: (time, batch, gates · hidden) for x (time, batch, inputs)."""
    times, rows, inputs = x.shape
    b = cell.bias_ih
    if b is not None:
        n = cell.hidden
        # that of a GRU's new state stands behind the reset gate
        if isinstance(cell, GRUCell):
            b = xp.concat([b[: 2 * n] + cell.bias_hh[: 2 * n], b[2 * n :]])
        else:
            b = b + cell.bias_hh
    flat = product(xp.reshape(x, (times * rows, inputs)), cell.weight_ih, b)
    return xp.reshape(flat, (times, rows, flat.shape[-1]))


def run(
    cell: Cell,
    x: Any,
    state: tuple[Any, ...] | None,
    mask: Any,
    reverse: bool,
    truncate: int | None,
) -> tuple[Any, tuple[Any, ...]]:
    """The states of all times, and the last state of a cell on x (time, batch, inputs).

    Parameters
    ----------
    state : tuple of array (batch, hidden), or None for zeros
        h, and for an LSTM c.
    mask : array of bool (time, batch, 1), or None
        Where it is false, a step leaves the state as it is.
    reverse : bool
        From the last time to the first.
    truncate : int or None
        Stop the gradient of the state every so many steps.
    """
    a = input_products(cell, x)
    if state is None:
        zeros = xp.zeros_like(xp.stop_gradient(a)[0, :, : cell.hidden])
        state = (zeros,) * (2 if isinstance(cell, LSTMCell) else 1)
    count = a.shape[0]
    if truncate is None or truncate >= count:
        return _whole(cell, a, state, mask, reverse)
    parts = []
    for start in range(0, count, truncate):
        stop = min(start + truncate, count)
        piece = slice(count - stop, count - start) if reverse else slice(start, stop)
        if start:
            state = tuple(xp.stop_gradient(s) for s in state)
        ys, state = _whole(
            cell, a[piece, ...], state, None if mask is None else mask[piece, ...], reverse
        )
        parts.append(ys)
    return xp.concat(parts[::-1] if reverse else parts, axis=0), state


def _whole(
    cell: Cell, a: Any, state: tuple[Any, ...], mask: Any, reverse: bool
) -> tuple[Any, tuple[Any, ...]]:
    W = cell.weight_hh
    last = 0 if reverse else a.shape[0] - 1
    if isinstance(cell, LSTMCell):
        ys, c = primitives.lstm_sequence(a, W, *state, mask, reverse=reverse)
        return ys, (ys[last, ...], c)
    if isinstance(cell, GRUCell):
        b = cell.bias_hh
        b = xp.zeros_like(xp.stop_gradient(W)[0, :]) if b is None else b[2 * cell.hidden :]
        ys = primitives.gru_sequence(a, W, b, *state, mask, reverse=reverse)
    else:
        assert isinstance(cell, RNNCell)
        ys = primitives.rnn_sequence(
            a, W, *state, mask, nonlinearity=cell.nonlinearity, reverse=reverse
        )
    return ys, (ys[last, ...],)


def mask_of(name: str, lengths: Any, x: Any) -> Any:
    """Whether each time (time, batch, 1) is within a row's length, for x (time, batch, inputs).

    Raises
    ------
    TypeError
        If the lengths are not integers.
    ValueError
        If there are not as many as rows, or (of those on the host) one is not from 0 to the number of times.
    """
    times, rows = x.shape[:2]
    below = backend_array(x)
    host = backend_array(lengths)
    if isinstance(host, list | tuple | np.ndarray):
        host = np.asarray(host)
        if host.size and host.dtype.kind not in "iu":
            raise TypeError(f"{name}: lengths are integers, not {host.dtype}")
        wrong = host[(host < 0) | (host > times)]
        if wrong.size:
            raise ValueError(
                f"{name}: lengths are from 0 to the {times} times of the inputs, and one is {wrong.flat[0]}"
            )
        lengths = Array(backend_of(below).asarray(host.astype(np.int64)))
    lengths = xp.asarray(lengths)
    if tuple(lengths.shape) != (rows,):
        raise ValueError(
            f"{name}: lengths of shape {tuple(lengths.shape)} for a batch of {rows}; one is needed for each row"
        )
    indices = Array(namespace_of(below).arange_like(times, below))
    return xp.less(xp.reshape(indices, (times, 1, 1)), xp.reshape(lengths, (1, rows, 1)))
