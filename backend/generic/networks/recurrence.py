"""Whole sequences through recurrent cells, and their pullbacks, in functions of the standard.

Time is the first axis: the input products x (T, B, G·H) of all times, with G gates a unit; weights W (G·H, H) of the
products with the state, which is (B, H). Where `condition` (T, B, 1), named as that of `where`, is false, a step leaves
the state as it is, so that padding does nothing; with `reverse` the steps go from the last time to the first. ``ys[t]``
is the state h after step t, ``cells[t]`` an LSTM's state c, and ``gates[t]`` are the gates of the step, after their
functions.

*LSTM* (Hochreiter, Schmidhuber, 1997; Gers et al., 2000), with the gates in PyTorch's order i, f, g, o of
``a = x_t + h Wᵀ``: ``c' = σ(a_f) c + σ(a_i) tanh(a_g)``, ``h' = σ(a_o) tanh(c')``.

*GRU* (Cho et al., 2014), as in PyTorch, whose reset gate stands behind the product: ``r = σ(x_r + h W_rᵀ)``,
``z = σ(x_z + h W_zᵀ)``, ``n = tanh(x_n + r (h W_nᵀ + b))``, ``h' = n + z (h − n)``.

*RNN* (Elman, 1990): ``h' = tanh(x_t + h Wᵀ)``, or with relu.

The pullbacks go through time the other way with the cotangents of the state alone. They give the cotangents of the
gates at all times, from which the cotangent of the weights is one product over all times and rows
(`recurrent_vjp_W`). Kept are the gates behind their functions and c, or nothing but the states for an RNN.
"""

from __future__ import annotations

from typing import Any

from ...common.typing import XP, RawArray


def times(count: int, reverse: bool) -> list[int]:
    """The steps in the order in which a sequence takes them."""
    return list(range(count))[:: -1 if reverse else 1]


def _rows(x: Any, first: int, last: int, width: int) -> Any:
    """The columns of some gates."""
    return x[..., first * width : last * width]


def _kept(xp: XP, condition: Any, t: int, new: Any, old: Any) -> Any:
    """The new state, or the old one where there is padding."""
    return new if condition is None else xp.where(condition[t, ...], new, old)


def _shared(xp: XP, condition: Any, t: int, ct: Any) -> tuple[Any, Any]:
    """What of a state's cotangent goes through a step, and what goes past it."""
    if condition is None:
        return ct, None
    zeros = xp.zeros_like(ct)
    mask = condition[t, ...]
    return xp.where(mask, ct, zeros), xp.where(mask, zeros, ct)


def _added(a: Any, b: Any) -> Any:
    """The sum, where None stands for zero."""
    return b if a is None else a if b is None else a + b


def _stacked(xp: XP, rows: list[Any], reverse: bool) -> Any:
    return xp.stack(rows[::-1] if reverse else rows, axis=0)


def lstm_sequence(
    xp: XP,
    x: Any,
    W: RawArray,
    h: RawArray,
    c: Any,
    condition: Any = None,
    *,
    reverse: bool = False,
) -> tuple[Any, ...]:
    """``((ys, c_last), gates, cells)`` for x (T, B, 4H), W (4H, H), h and c (B, H)."""
    n = c.shape[-1]
    W_T = xp.matrix_transpose(W)
    ys, gates, cells = [], [], []
    for t in times(x.shape[0], reverse):
        a = xp.add(x[t, ...], xp.matmul(h, W_T))
        both, o = xp.sigmoid(_rows(a, 0, 2, n)), xp.sigmoid(_rows(a, 3, 4, n))
        g = xp.tanh(_rows(a, 2, 3, n))
        new = _rows(both, 1, 2, n) * c + _rows(both, 0, 1, n) * g
        h = _kept(xp, condition, t, o * xp.tanh(new), h)
        c = _kept(xp, condition, t, new, c)
        ys.append(h)
        cells.append(c)
        gates.append(xp.concat([both, g, o], axis=-1))
    return (_stacked(xp, ys, reverse), c), *(_stacked(xp, v, reverse) for v in (gates, cells))


def lstm_sequence_vjp(
    xp: XP,
    ct: Any,
    c_ct: Any,
    gates: Any,
    cells: Any,
    W: RawArray,
    c: Any,
    condition: Any = None,
    *,
    reverse: bool = False,
) -> tuple[Any, Any, Any]:
    """The cotangents of x, h and c; those of the outputs are None where there is none."""
    n = cells.shape[-1]
    order = times(cells.shape[0], reverse)
    h_ct: Any = None
    rows = []
    for k in range(len(order) - 1, -1, -1):
        t = order[k]
        before = cells[order[k - 1], ...] if k else c
        i, f, g, o = (_rows(gates[t, ...], j, j + 1, n) for j in range(4))
        h_ct = _added(h_ct, None if ct is None else ct[t, ...])
        past: Any = None
        c_past: Any = None
        through: Any = None
        if c_ct is not None:
            through, c_past = _shared(xp, condition, t, c_ct)
        if h_ct is None:
            o_bar = xp.zeros_like(o)
        else:
            inner, past = _shared(xp, condition, t, h_ct)
            tanh_c = xp.tanh(cells[t, ...])
            o_bar = inner * tanh_c * (o * (1 - o))
            through = _added(through, inner * o * (1 - tanh_c * tanh_c))
        i_bar, f_bar = through * g * (i * (1 - i)), through * before * (f * (1 - f))
        row = xp.concat([i_bar, f_bar, through * i * (1 - g * g), o_bar], axis=-1)
        h_ct = _added(row @ W, past)
        c_ct = _added(through * f, c_past)
        rows.append(row)
    return _stacked(xp, rows, not reverse), h_ct, c_ct


def gru_sequence(
    xp: XP,
    x: Any,
    W: RawArray,
    b: RawArray,
    h: Any,
    condition: Any = None,
    *,
    reverse: bool = False,
) -> tuple[Any, Any, Any]:
    """``(ys, gates, inner)`` for x (T, B, 3H), W (3H, H), b (H,), h (B, H); inner is ``h W_nᵀ + b``."""
    n = h.shape[-1]
    W_T = xp.matrix_transpose(W)
    # functions, since an array of a library refuses rows of `vmap` as the second operand of an operator
    ys, gates, inner = [], [], []
    for t in times(x.shape[0], reverse):
        a, p = x[t, ...], xp.matmul(h, W_T)
        both = xp.sigmoid(xp.add(_rows(a, 0, 2, n), _rows(p, 0, 2, n)))
        r, z = _rows(both, 0, 1, n), _rows(both, 1, 2, n)
        m = xp.add(_rows(p, 2, 3, n), b)
        new = xp.tanh(xp.add(_rows(a, 2, 3, n), xp.multiply(r, m)))
        h = _kept(xp, condition, t, xp.add(new, xp.multiply(z, xp.subtract(h, new))), h)
        ys.append(h)
        inner.append(m)
        gates.append(xp.concat([both, new], axis=-1))
    return _stacked(xp, ys, reverse), _stacked(xp, gates, reverse), _stacked(xp, inner, reverse)


def gru_sequence_vjp(
    xp: XP,
    ct: Any,
    ys: Any,
    gates: Any,
    inner: Any,
    W: RawArray,
    h: Any,
    condition: Any = None,
    *,
    reverse: bool = False,
) -> tuple[Any, Any, Any]:
    """The cotangents of x, of `inner`, and of h."""
    n = ys.shape[-1]
    order = times(ys.shape[0], reverse)
    h_ct: Any = None
    rows, inner_rows = [], []
    for k in range(len(order) - 1, -1, -1):
        t = order[k]
        before = ys[order[k - 1], ...] if k else h
        r, z, new = (_rows(gates[t, ...], j, j + 1, n) for j in range(3))
        through, past = _shared(xp, condition, t, _added(h_ct, ct[t, ...]))
        n_bar = through * (1 - z) * (1 - new * new)
        z_bar = through * (before - new) * (z * (1 - z))
        r_bar = n_bar * inner[t, ...] * (r * (1 - r))
        m_bar = n_bar * r
        h_ct = xp.concat([r_bar, z_bar, m_bar], axis=-1) @ W + through * z
        h_ct = _added(h_ct, past)
        rows.append(xp.concat([r_bar, z_bar, n_bar], axis=-1))
        inner_rows.append(m_bar)
    return _stacked(xp, rows, not reverse), _stacked(xp, inner_rows, not reverse), h_ct


def gru_vjp_W(xp: XP, x_bar: Any, inner_bar: Any, ys: Any, h: Any, *, reverse: bool = False) -> Any:
    """The cotangent of W: the reset and update gates' from those of x, the new state's from that of `inner`."""
    width = 2 * ys.shape[-1]
    first = xp.recurrent_vjp_W(x_bar[..., :width], ys, h, reverse=reverse)
    return xp.concat([first, xp.recurrent_vjp_W(inner_bar, ys, h, reverse=reverse)], axis=0)


def rnn_sequence(
    xp: XP,
    x: Any,
    W: RawArray,
    h: Any,
    condition: Any = None,
    *,
    nonlinearity: str = "tanh",
    reverse: bool = False,
) -> Any:
    """The states ``ys`` for x (T, B, H), W (H, H), h (B, H)."""
    W_T = xp.matrix_transpose(W)
    function = xp.tanh if nonlinearity == "tanh" else xp.relu
    ys = []
    for t in times(x.shape[0], reverse):
        h = _kept(xp, condition, t, function(xp.add(x[t, ...], xp.matmul(h, W_T))), h)
        ys.append(h)
    return _stacked(xp, ys, reverse)


def rnn_sequence_vjp(
    xp: XP,
    ct: Any,
    ys: Any,
    W: RawArray,
    condition: Any = None,
    *,
    nonlinearity: str = "tanh",
    reverse: bool = False,
) -> tuple[Any, Any]:
    """The cotangents of x and h."""
    order = times(ys.shape[0], reverse)
    h_ct: Any = None
    rows = []
    for t in order[::-1]:
        through, past = _shared(xp, condition, t, _added(h_ct, ct[t, ...]))
        y = ys[t, ...]
        row = (
            through * (1 - y * y)
            if nonlinearity == "tanh"
            else xp.where(y > 0, through, xp.zeros_like(through))
        )
        h_ct = _added(row @ W, past)
        rows.append(row)
    return _stacked(xp, rows, not reverse), h_ct


def recurrent_vjp_W(xp: XP, ct: Any, ys: Any, h: Any, *, reverse: bool = False) -> Any:
    """``Σ_t ctᵀ_t h_{t−1}``: one product for all times but the first, whose state is h."""
    count = ys.shape[0]
    first, rest, states = (
        (ct[count - 1, ...], ct[: count - 1, ...], ys[1:, ...])
        if reverse
        else (ct[0, ...], ct[1:, ...], ys[: count - 1, ...])
    )
    out = xp.matrix_transpose(first) @ h
    if count == 1:
        return out
    return out + xp.linear_vjp_W(states, rest)


FUNCTIONS = (
    lstm_sequence, lstm_sequence_vjp, gru_sequence, gru_sequence_vjp, gru_vjp_W, rnn_sequence, rnn_sequence_vjp,
    recurrent_vjp_W,
)  # fmt: skip
