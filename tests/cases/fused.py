"""Rows for the functions beside the standard: fused layers, and sums of exponentials."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sps

from ._table import K, R, X, Z, row


def _linear(x: Any, W: Any, b: Any) -> Any:
    return np.asarray(x @ W + b)


def _linear_relu(x: Any, W: Any, b: Any) -> Any:
    return np.maximum(x @ W + b, 0)


def _cross_entropy(logits: Any, labels: Any) -> Any:
    log_p = sps.log_softmax(logits, axis=-1)
    return np.asarray(-np.take_along_axis(log_p, labels[..., None], -1).mean())


def _logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.asarray(sps.logsumexp(x, axis=axis, keepdims=keepdims))


def _axis(f: Any) -> Any:
    return lambda x, axis=-1: np.asarray(f(x, axis=axis))


def _softplus(x: Any) -> Any:
    return np.asarray(np.logaddexp(x, np.zeros_like(x)))


BATCHES = [
    ("batch", (4, 3)),
    ("vector", (3,)),
    ("two batches", (2, 4, 3)),
    ("empty", (0, 3)),
    ("one row", (1, 3)),
]

CASES = [
    *(
        row(name, label, R(*x), R(3, 2), R(2), _ref=reference)
        for name, reference in (("linear", _linear), ("linear_relu", _linear_relu))
        for label, x in BATCHES
    ),
    row("linear", "complex", Z(4, 3), Z(3, 2), Z(2), _ref=_linear),
    row("linear", "one output", R(4, 3), R(3, 1), R(1), _ref=_linear),
    row("linear", "one input", R(4, 1), R(1, 2), R(2), _ref=_linear),
    *(
        row(name, label, R(*shape), _ref=reference)
        for name, reference in (
            ("relu", lambda x: np.asarray(np.maximum(x, 0))),
            ("sigmoid", lambda x: np.asarray(sps.expit(x))),
            ("softplus", _softplus),
        )
        for label, shape in (("plain", (2, 3)), ("0-d", ()), ("empty", (0, 3)), ("three axes", (2, 1, 3)))
    ),
    row("sigmoid", "tails", X([-8.0, 8.0]), _ref=sps.expit),
    row("softplus", "tails", X([-8.0, 8.0]), _ref=_softplus),
    row("softmax_cross_entropy", "batch", R(4, 3), K([0, 2, 1, 1]), _ref=_cross_entropy),
    row("softmax_cross_entropy", "one row", R(1, 3), K([2]), _ref=_cross_entropy),
    row("softmax_cross_entropy", "one class", R(2, 1), K([0, 0]), _ref=_cross_entropy),
    row("softmax_cross_entropy", "vector", R(3), K(1), _ref=_cross_entropy),
    row("softmax_cross_entropy", "two batches", R(2, 2, 3), K([[0, 2], [1, 1]]), _ref=_cross_entropy),
    row("softmax_cross_entropy", "int32 labels", R(2, 3), K(np.array([0, 2], np.int32)), _ref=_cross_entropy),
    row("logsumexp", "all", R(2, 3), _ref=_logsumexp),
    row("logsumexp", "axis", R(2, 3), axis=1, _ref=_logsumexp),
    row("logsumexp", "two axes kept", R(2, 3, 2), axis=(0, 2), keepdims=True, _ref=_logsumexp),
    row("logsumexp", "0-d", R(), _ref=_logsumexp),
    row("logsumexp", "large", X([1000.0, 999.0]), _ref=_logsumexp),
    row("log_softmax", "last", R(2, 3), _ref=_axis(sps.log_softmax)),
    row("log_softmax", "first", R(2, 3), axis=0, _ref=_axis(sps.log_softmax)),
    row("log_softmax", "large", X([1000.0, 999.0]), _ref=_axis(sps.log_softmax)),
    row("softmax", "last", R(2, 3), _ref=_axis(sps.softmax)),
    row("softmax", "first", R(2, 3), axis=0, _ref=_axis(sps.softmax)),
    row("softmax", "large", X([1000.0, 999.0]), _ref=_axis(sps.softmax)),
]  # fmt: skip
