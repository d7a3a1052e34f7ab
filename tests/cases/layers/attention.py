"""Rows for attention, against NumPy's formulas."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pullback.autograd.core.defvjp import function_of
from pullback.autograd.core.registry import find

from .._table import Case, K, R, row


def _reference(q: Any, k: Any, v: Any, bias: Any, mask: Any, scale: float, causal: bool) -> Any:
    scores = q @ np.swapaxes(k, -1, -2) * scale
    scores = scores if bias is None else scores + bias
    scores = scores if mask is None else np.where(mask, scores, -math.inf)
    if causal:
        ahead = np.arange(k.shape[-2]) > np.arange(q.shape[-2])[:, None]
        scores = np.where(ahead, -math.inf, scores)
    if k.shape[-2] == 0:
        return np.zeros((*scores.shape[:-1], v.shape[-1]), v.dtype)
    top = scores.max(-1, keepdims=True)
    e = np.exp(scores - np.where(np.isfinite(top), top, 0))
    total = e.sum(-1, keepdims=True)
    return (e / np.where(total == 0, 1, total) @ v).astype(v.dtype)


def _row(label: str, *args: Any, scale: float = 0.5, causal: bool = False) -> Case:
    settings = {"scale": scale, "causal": causal}
    args = (*args, *(None,) * (5 - len(args)))
    return row(
        "attention",
        label,
        *args,
        _call=lambda *xs, **given: function_of(find("attention"))(*xs, **given),
        _ref=lambda *xs, **given: _reference(*xs, **given),
        **settings,
    )


MASK = np.array([[True, False, True], [True, True, False]])
NONE = np.array([[True, False, True], [False, False, False]])

CASES = [
    _row("one head", R(2, 3), R(4, 3), R(4, 2)),
    _row("heads", R(2, 1, 2, 3), R(2, 2, 4, 3), R(1, 2, 4, 1)),
    _row("causal", R(2, 3, 2), R(2, 3, 2), R(2, 3, 2), causal=True),
    _row("causal, fewer keys", R(4, 2), R(2, 2), R(2, 3), causal=True),
    _row("causal, more keys", R(2, 2), R(4, 2), R(4, 3), causal=True),
    _row("bias", R(2, 2, 3), R(2, 3, 3), R(2, 3, 2), R(2, 3)),
    _row("bias of keys, causal", R(2, 2), R(3, 2), R(3, 2), R(1, 3), causal=True),
    _row("bias of rows", R(2, 2), R(3, 2), R(3, 2), R(2, 1)),
    _row("mask", R(2, 2, 3), R(3, 3), R(3, 2), None, K(MASK)),
    _row("bias and mask", R(2, 3), R(3, 3), R(3, 2), R(2, 2, 3), K(MASK)),
    _row("row without a key", R(2, 3), R(3, 3), R(3, 2), None, K(NONE)),
    _row("one query", R(2, 1, 3), R(2, 3, 3), R(2, 3, 2)),
    _row("one key", R(2, 3), R(1, 3), R(1, 2)),
    _row("no key", R(2, 3), R(0, 3), R(0, 2)),
    _row("no query", R(0, 3), R(2, 3), R(2, 2), causal=True),
    _row("no batch", R(0, 2, 3), R(0, 4, 3), R(0, 4, 2)),
    _row("large scores", R(2, 3), R(4, 3), R(4, 2), scale=200.0),
]  # fmt: skip
