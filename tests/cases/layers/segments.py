"""Rows for sums, maxima and softmax over segments."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.autograd.core.defvjp import function_of
from pullback.autograd.core.registry import find

from .._table import K, R, X, Z, row


def _reduce(x: Any, indices: Any, num_segments: int, function: Any, empty: float) -> np.ndarray:
    out = np.full((num_segments, *x.shape[1:]), empty, x.dtype)
    for s in range(num_segments):
        if (indices == s).any():
            out[s] = function(x[indices == s], axis=0)
    return out


def _sum(x: Any, indices: Any, *, num_segments: int) -> np.ndarray:
    return _reduce(x, indices, num_segments, np.sum, 0.0)


def _max(x: Any, indices: Any, *, num_segments: int) -> np.ndarray:
    return _reduce(x, indices, num_segments, np.max, -np.inf)


def _softmax(x: Any, indices: Any, *, num_segments: int) -> np.ndarray:
    out = np.empty_like(x)
    for s in set(indices.tolist()):
        e = np.exp(x[indices == s] - x[indices == s].max(axis=0))
        out[indices == s] = e / e.sum(axis=0)
    return out


REFERENCES = {"sum_by_segment": _sum, "max_by_segment": _max, "softmax_by_segment": _softmax}
# unsorted, with a segment of one row; none is empty, since central differences of its maximum −∞ are NaN
NUMBERS = K([2, 0, 1, 0, 2, 2])
SHAPES = [("rows", (6, 2)), ("numbers", (6,)), ("matrices", (6, 2, 3)), ("no columns", (6, 0))]

CASES = [
    *(
        row(name, label, R(*shape), NUMBERS, num_segments=3, _ref=reference, _call=function_of(find(name)))
        for name, reference in REFERENCES.items()
        for label, shape in SHAPES
    ),
    *(
        row(name, "one segment", R(3, 2), K([0, 0, 0]), num_segments=1, _ref=reference,
            _call=function_of(find(name)))
        for name, reference in REFERENCES.items()
    ),
    *(
        row(name, "no rows", R(0, 2), K(np.zeros(0, int)), num_segments=2, _ref=reference,
            _call=function_of(find(name)))
        for name, reference in REFERENCES.items() if name != "max_by_segment"
    ),
    row("sum_by_segment", "no numbers", R(0), K(np.zeros(0, int)), num_segments=2, _ref=_sum,
        _call=function_of(find("sum_by_segment"))),
    row("sum_by_segment", "an empty segment", R(4, 2), K([3, 0, 3, 1]), num_segments=5, _ref=_sum,
        _call=function_of(find("sum_by_segment"))),
    row("sum_by_segment", "complex", Z(6, 2), NUMBERS, num_segments=3, _ref=_sum,
        _call=function_of(find("sum_by_segment"))),
    row("sum_by_segment", "int32 numbers", R(3, 2), K(np.array([1, 0, 1], np.int32)), num_segments=2, _ref=_sum,
        _call=function_of(find("sum_by_segment"))),
    row("softmax_by_segment", "large", X([[1000.0], [999.0], [-1000.0]]), K([0, 0, 1]), num_segments=2,
        _ref=_softmax, _call=function_of(find("softmax_by_segment"))),
]  # fmt: skip
