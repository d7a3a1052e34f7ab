"""Rows for sequences through recurrent cells: hidden primitives, against plain loops over rows and times."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sps

from pullback.autograd.core.generated import xp as hidden

from ._table import K, R, row


def _lstm(x: Any, W: Any, h: Any, c: Any, condition: Any = None, reverse: bool = False) -> Any:
    ys, last = np.empty((*x.shape[:2], h.shape[1]), x.dtype), c.copy()
    for j in range(x.shape[1]):
        state, cell = h[j], c[j]
        for t in range(x.shape[0])[:: -1 if reverse else 1]:
            if condition is None or condition[t, j, 0]:
                i, f, g, o = (x[t, j] + W @ state).reshape(4, -1)
                cell = sps.expit(f) * cell + sps.expit(i) * np.tanh(g)
                state = sps.expit(o) * np.tanh(cell)
            ys[t, j] = state
        last[j] = cell
    return ys, last


def _gru(x: Any, W: Any, b: Any, h: Any, condition: Any = None, reverse: bool = False) -> Any:
    ys = np.empty((*x.shape[:2], h.shape[1]), x.dtype)
    for j in range(x.shape[1]):
        state = h[j]
        for t in range(x.shape[0])[:: -1 if reverse else 1]:
            if condition is None or condition[t, j, 0]:
                (r, z, n), (pr, pz, pn) = x[t, j].reshape(3, -1), (W @ state).reshape(3, -1)
                r, z = sps.expit(r + pr), sps.expit(z + pz)
                state = (1 - z) * np.tanh(n + r * (pn + b)) + z * state
            ys[t, j] = state
    return ys


def _rnn(
    x: Any, W: Any, h: Any, condition: Any = None, nonlinearity: str = "tanh", reverse: bool = False
) -> Any:
    ys = np.empty_like(x)
    for j in range(x.shape[1]):
        state = h[j]
        for t in range(x.shape[0])[:: -1 if reverse else 1]:
            if condition is None or condition[t, j, 0]:
                a = x[t, j] + W @ state
                state = np.tanh(a) if nonlinearity == "tanh" else np.maximum(a, 0)
            ys[t, j] = state
    return ys


def _states(count: int, rows: int, *lengths: int) -> Any:
    return K((np.arange(count)[:, None] < np.asarray(lengths))[..., None]) if lengths else None


# label, times, rows, units, lengths, settings
SHAPES: list[tuple[str, int, int, int, tuple[int, ...], dict[str, Any]]] = [
    ("plain", 3, 2, 2, (), {}),
    ("one step", 1, 2, 1, (), {}),
    ("one row", 2, 1, 2, (), {}),
    ("reverse", 3, 2, 2, (), {"reverse": True}),
    ("lengths", 3, 3, 1, (2, 3, 0), {}),
    ("lengths, reverse", 3, 3, 1, (1, 3, 0), {"reverse": True}),
    ("no rows", 2, 0, 2, (), {}),
]


def _run(name: str) -> Any:
    return lambda *args, **settings: getattr(hidden, name)(*args, **settings)


CASES = [
    *(
        row("lstm_sequence", label, R(t, b, 4 * n), R(4 * n, n), R(b, n), R(b, n), _states(t, b, *lengths),
            _call=_run("lstm_sequence"), _ref=_lstm, **settings)
        for label, t, b, n, lengths, settings in SHAPES
    ),
    *(
        row("gru_sequence", label, R(t, b, 3 * n), R(3 * n, n), R(n), R(b, n), _states(t, b, *lengths),
            _call=_run("gru_sequence"), _ref=_gru, **settings)
        for label, t, b, n, lengths, settings in SHAPES
    ),
    *(
        row("rnn_sequence", f"{label}, {nonlinearity}", R(t, b, n), R(n, n), R(b, n), _states(t, b, *lengths),
            _call=_run("rnn_sequence"), _ref=_rnn, nonlinearity=nonlinearity, **settings)
        for nonlinearity in ("tanh", "relu")
        for label, t, b, n, lengths, settings in SHAPES
        if nonlinearity == "tanh" or label in ("plain", "lengths, reverse")
    ),
]  # fmt: skip
