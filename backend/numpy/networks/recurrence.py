"""Whole sequences through recurrent cells for NumPy: every step writes into memory that is there already.

The formulas and names are those of `generic/networks/recurrence.py`. Sigmoids are ``½ tanh(½ a) + ½``, so that one call
of `tanh`, which NumPy vectorises, serves all gates of a step; the halves are exact, and multiplied into the weights and
into the input products of all times before the loop.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...generic import namespace as generic
from ...generic.networks import recurrence as formulas
from ...generic.networks.recurrence import times
from ..standard import STANDARD

PLAIN = generic.extend(STANDARD)  # for dtypes and shapes that have no faster way here


def _fits(*arrays: Any) -> bool:
    """Whether all are floating arrays of one dtype with elements."""
    dtype = arrays[0].dtype
    return dtype.char in "fd" and all(a.dtype is dtype and a.size for a in arrays)


def _scales(gates: str, n: int, dtype: Any) -> tuple[Any, Any]:
    """Rows that make ``tanh(scale · a) · scale + shift`` a sigmoid, for "s", or tanh, for "t"."""
    half = np.repeat(np.asarray([0.5 if gate == "s" else 1.0 for gate in gates], dtype), n)
    return half, 1 - half


def lstm_sequence(x, W, h, c, condition=None, *, reverse=False):
    """``((ys, c_last), gates, cells)``."""
    if not _fits(x, W, h, c):
        return formulas.lstm_sequence(PLAIN, x, W, h, c, condition, reverse=reverse)
    count, rows, width = x.shape
    n = width // 4
    scale, shift = _scales("ssts", n, x.dtype)
    gates = x * scale
    W_T = np.ascontiguousarray((W * scale[:, None]).T)
    ys, cells = (np.empty((count, rows, n), x.dtype) for _ in range(2))
    product, part = np.empty((rows, width), x.dtype), np.empty((rows, n), x.dtype)
    for t in times(count, reverse):
        a, new, y = gates[t], cells[t], ys[t]
        np.matmul(h, W_T, product)
        np.add(a, product, a)
        np.tanh(a, a)
        np.multiply(a, scale, a)
        np.add(a, shift, a)
        np.multiply(a[:, n : 2 * n], c, new)
        np.multiply(a[:, :n], a[:, 2 * n : 3 * n], part)
        np.add(new, part, new)
        np.tanh(new, y)
        np.multiply(y, a[:, 3 * n :], y)
        if condition is not None:
            _keep(condition[t], new, c)
            _keep(condition[t], y, h)
        h, c = y, new
    return (ys, c.copy()), gates, cells


def _keep(mask, new, old):
    """Write the old state over the new one where there is padding."""
    if not mask.all():
        np.copyto(new, old, where=~mask)


def _split(mask, ct, past):
    """The rows of `ct` that go through a step; those that go past it are left in `past`, None if there are none."""
    if mask is None or mask.all():
        return ct, None
    past[...] = 0
    np.copyto(past, ct, where=~mask)
    np.copyto(ct, 0, where=~mask)
    return ct, past


def lstm_sequence_vjp(ct, c_ct, gates, cells, W, c, condition=None, *, reverse=False):
    """The cotangents of x, h and c."""
    given = [a for a in (ct, c_ct) if a is not None]
    if not _fits(gates, cells, W, c, *given):
        return formulas.lstm_sequence_vjp(
            PLAIN, ct, c_ct, gates, cells, W, c, condition, reverse=reverse
        )
    count, rows, n = cells.shape
    order = times(count, reverse)
    out = np.empty_like(gates)
    top, through, share, h_past, c_past = (np.empty((rows, n), gates.dtype) for _ in range(5))
    h_ct = np.zeros((rows, n), gates.dtype)
    c_ct = np.zeros_like(h_ct) if c_ct is None else np.array(c_ct, order="C")
    W = np.ascontiguousarray(W)
    for k in range(count - 1, -1, -1):
        t = order[k]
        before = cells[order[k - 1]] if k else c
        row = out[t]
        i, f, g, o = (gates[t, :, j * n : (j + 1) * n] for j in range(4))
        i_bar, f_bar, g_bar, o_bar = (row[:, j * n : (j + 1) * n] for j in range(4))
        if ct is not None:
            np.add(h_ct, ct[t], h_ct)
        mask = None if condition is None else condition[t]
        h_in, past = _split(mask, h_ct, h_past)
        c_in, kept = _split(mask, c_ct, c_past)
        np.tanh(cells[t], top)
        np.multiply(h_in, top, share)
        _of_sigmoid(share, o, o_bar, through)
        # through = c_ct + h_ct o (1 − tanh² c)
        np.multiply(top, top, top)
        np.subtract(1, top, top)
        np.multiply(top, o, top)
        np.multiply(top, h_in, top)
        np.add(top, c_in, top)
        np.multiply(top, g, share)
        _of_sigmoid(share, i, i_bar, through)
        np.multiply(top, before, share)
        _of_sigmoid(share, f, f_bar, through)
        np.multiply(g, g, through)
        np.subtract(1, through, through)
        np.multiply(through, i, through)
        np.multiply(through, top, g_bar)
        np.multiply(top, f, c_ct)
        np.matmul(row, W, h_ct)
        if past is not None:
            np.add(h_ct, past, h_ct)
            np.add(c_ct, kept, c_ct)
    return out, h_ct, c_ct


def _of_sigmoid(ct, s, out, work):
    """``out = ct · s (1 − s)``."""
    np.subtract(1, s, work)
    np.multiply(work, s, work)
    np.multiply(work, ct, out)


def gru_sequence(x, W, b, h, condition=None, *, reverse=False):
    """``(ys, gates, inner)``."""
    if not _fits(x, W, b, h):
        return formulas.gru_sequence(PLAIN, x, W, b, h, condition, reverse=reverse)
    count, rows, width = x.shape
    n = width // 3
    scale, _ = _scales("sst", n, x.dtype)
    gates = x * scale
    W_T = np.ascontiguousarray((W * scale[:, None]).T)
    ys, inner = (np.empty((count, rows, n), x.dtype) for _ in range(2))
    product = np.empty((rows, width), x.dtype)
    for t in times(count, reverse):
        a, y, m = gates[t], ys[t], inner[t]
        both, new = a[:, : 2 * n], a[:, 2 * n :]
        np.matmul(h, W_T, product)
        np.add(both, product[:, : 2 * n], both)
        np.tanh(both, both)
        np.multiply(both, 0.5, both)
        np.add(both, 0.5, both)
        np.add(product[:, 2 * n :], b, m)
        np.multiply(a[:, :n], m, y)
        np.add(new, y, new)
        np.tanh(new, new)
        np.subtract(h, new, y)
        np.multiply(y, a[:, n : 2 * n], y)
        np.add(y, new, y)
        if condition is not None:
            _keep(condition[t], y, h)
        h = y
    return ys, gates, inner


def gru_sequence_vjp(ct, ys, gates, inner, W, h, condition=None, *, reverse=False):
    """The cotangents of x, of `inner`, and of h."""
    if not _fits(ct, ys, gates, inner, W, h):
        return formulas.gru_sequence_vjp(
            PLAIN, ct, ys, gates, inner, W, h, condition, reverse=reverse
        )
    count, rows, n = ys.shape
    order = times(count, reverse)
    out, inner_bar = np.empty_like(gates), np.empty_like(inner)
    work, share, h_past = (np.empty((rows, n), gates.dtype) for _ in range(3))
    product = np.empty((rows, 3 * n), gates.dtype)
    h_ct = np.zeros((rows, n), gates.dtype)
    W = np.ascontiguousarray(W)
    for k in range(count - 1, -1, -1):
        t = order[k]
        before = ys[order[k - 1]] if k else h
        row, m_bar = out[t], inner_bar[t]
        r, z, new = (gates[t, :, j * n : (j + 1) * n] for j in range(3))
        r_bar, z_bar, n_bar = (row[:, j * n : (j + 1) * n] for j in range(3))
        np.add(h_ct, ct[t], h_ct)
        h_in, past = _split(None if condition is None else condition[t], h_ct, h_past)
        np.subtract(before, new, share)
        np.multiply(share, h_in, share)
        _of_sigmoid(share, z, z_bar, work)
        np.subtract(1, z, share)
        np.multiply(share, h_in, share)
        np.multiply(new, new, work)
        np.subtract(1, work, work)
        np.multiply(share, work, n_bar)
        np.multiply(n_bar, inner[t], share)
        _of_sigmoid(share, r, r_bar, work)
        np.multiply(n_bar, r, m_bar)
        product[:, : 2 * n] = row[:, : 2 * n]
        product[:, 2 * n :] = m_bar
        np.multiply(h_in, z, share)
        np.matmul(product, W, h_ct)
        np.add(h_ct, share, h_ct)
        if past is not None:
            np.add(h_ct, past, h_ct)
    return out, inner_bar, h_ct


def rnn_sequence(x, W, h, condition=None, *, nonlinearity="tanh", reverse=False):
    """The states ``ys``."""
    settings = {"nonlinearity": nonlinearity, "reverse": reverse}
    if not _fits(x, W, h):
        return formulas.rnn_sequence(PLAIN, x, W, h, condition, **settings)
    ys = np.empty(x.shape, x.dtype)
    W_T = np.ascontiguousarray(W.T)
    for t in times(x.shape[0], reverse):
        y = ys[t]
        np.matmul(h, W_T, y)
        np.add(y, x[t], y)
        if nonlinearity == "tanh":
            np.tanh(y, y)
        else:
            np.maximum(y, 0, out=y)
        if condition is not None:
            _keep(condition[t], y, h)
        h = y
    return ys


def rnn_sequence_vjp(ct, ys, W, condition=None, *, nonlinearity="tanh", reverse=False):
    """The cotangents of x and h."""
    settings = {"nonlinearity": nonlinearity, "reverse": reverse}
    if not _fits(ct, ys, W):
        return formulas.rnn_sequence_vjp(PLAIN, ct, ys, W, condition, **settings)
    count, rows, n = ys.shape
    if nonlinearity == "tanh":
        out = np.multiply(ys, ys, order="C")
        np.subtract(1, out, out)
    else:
        out = np.greater(ys, 0).astype(ys.dtype, order="C")
    h_ct, h_past = np.zeros((rows, n), ys.dtype), np.empty((rows, n), ys.dtype)
    W = np.ascontiguousarray(W)
    for t in times(count, reverse)[::-1]:
        row = out[t]
        np.add(h_ct, ct[t], h_ct)
        h_in, past = _split(None if condition is None else condition[t], h_ct, h_past)
        np.multiply(row, h_in, row)
        np.matmul(row, W, h_ct)
        if past is not None:
            np.add(h_ct, past, h_ct)
    return out, h_ct


FUNCTIONS = (
    lstm_sequence, lstm_sequence_vjp, gru_sequence, gru_sequence_vjp, rnn_sequence, rnn_sequence_vjp,
)  # fmt: skip
