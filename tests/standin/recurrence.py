"""What the kernels of `backend/cuda/networks/recurrence.py` do, in NumPy: one step of all rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def _sigma(a: Any) -> Any:
    return 1 / (1 + np.exp(-a))


def _kept(mask: Any, padded: Any, rows: Any) -> Any:
    """The rows of padding, as a column."""
    return ~mask.reshape(-1, 1) if padded else np.zeros((int(rows), 1), bool)


def _gates(a: Any, n: Any) -> list[Any]:
    return [a[:, i : i + int(n)] for i in range(0, a.shape[1], int(n))]


def lstm_step(x, product, h, c, mask, gates, cell, y, rows, n, padded) -> None:
    i, f, g, o = _gates(x + product, n)
    i, f, g, o = _sigma(i), _sigma(f), np.tanh(g), _sigma(o)
    gates[...] = np.concatenate([i, f, g, o], axis=1)
    kept, new = _kept(mask, padded, rows), f * c + i * g
    y[...] = np.where(kept, h, o * np.tanh(new))
    cell[...] = np.where(kept, c, new)


def lstm_step_vjp(
    ct, gates, cell, before, mask, product, past, c_ct, row, rows, n, padded, given
) -> None:
    kept = _kept(mask, padded, rows)
    h_bar = past + product + (ct if given else 0)
    i, f, g, o = _gates(gates, n)
    top = np.tanh(cell)
    through = c_ct + h_bar * o * (1 - top * top)
    parts = (
        through * g * (i * (1 - i)), through * before * (f * (1 - f)), through * i * (1 - g * g),
        h_bar * top * (o * (1 - o)),
    )  # fmt: skip
    row[...] = np.where(kept, 0, np.concatenate(parts, axis=1))
    past[...] = np.where(kept, h_bar, 0)
    c_ct[...] = np.where(kept, c_ct, through * f)


def gru_step(x, product, b, h, mask, gates, inner, y, rows, n, padded) -> None:
    (r, z, a), (pr, pz, pn) = _gates(x, n), _gates(product, n)
    r, z, inner[...] = _sigma(r + pr), _sigma(z + pz), pn + b
    new = np.tanh(a + r * inner)
    gates[...] = np.concatenate([r, z, new], axis=1)
    y[...] = np.where(_kept(mask, padded, rows), h, new + z * (h - new))


def gru_step_vjp(
    ct, gates, inner, before, mask, product, past, row, whole, inner_bar, rows, n, padded
) -> None:
    kept = _kept(mask, padded, rows)
    h_bar = past + product + ct
    r, z, new = _gates(gates, n)
    n_bar = h_bar * (1 - z) * (1 - new * new)
    first = [n_bar * inner * (r * (1 - r)), h_bar * (before - new) * (z * (1 - z))]
    row[...] = np.where(kept, 0, np.concatenate([*first, n_bar], axis=1))
    whole[...] = np.where(kept, 0, np.concatenate([*first, n_bar * r], axis=1))
    inner_bar[...] = np.where(kept, 0, n_bar * r)
    past[...] = np.where(kept, h_bar, h_bar * z)


def rnn_step(x, product, h, mask, y, rows, n, padded, relu) -> None:
    a = x + product
    new = np.maximum(a, 0) if relu else np.tanh(a)
    y[...] = np.where(_kept(mask, padded, rows), h, new)


def rnn_step_vjp(ct, y, mask, product, past, row, rows, n, padded, relu) -> None:
    kept = _kept(mask, padded, rows)
    h_bar = past + product + ct
    row[...] = np.where(kept, 0, h_bar * ((y > 0) if relu else 1 - y * y))
    past[...] = np.where(kept, h_bar, 0)


STEPS: dict[str, Callable[..., None]] = {
    f.__name__: f
    for f in (lstm_step, lstm_step_vjp, gru_step, gru_step_vjp, rnn_step, rnn_step_vjp)
}
