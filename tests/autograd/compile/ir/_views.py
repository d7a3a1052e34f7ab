"""Helpers of `test_views.py` and the test files split from it."""

from __future__ import annotations

from typing import Any

import numpy as np


def recorded(function: Any, *arrays: Any) -> Any:
    """A function of NumPy arrays, written down as a kernel of that name would be."""
    symbols = [x for x in arrays if hasattr(x, "recorder")]
    if not symbols:
        return function(*arrays)
    return symbols[0].recorder.record("of the user", function, arrays, {})


HOSTILE = {
    "itself": lambda x: x,
    "a view": lambda x: x[:],
    "turned": lambda x: x[::-1, ::-1],
    "transposed": lambda x: x.T,
    "same dtype": lambda x: x.astype(x.dtype, copy=False),
    "same library": np.asarray,
    "real part": np.real,
    "contiguous": np.ascontiguousarray,
    "in columns": np.asfortranarray,
    "raveled": lambda x: np.ravel(x).reshape(4, 4),
    "windows": lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 2))[:, :, 0, 1],
    "strided": lambda x: np.lib.stride_tricks.as_strided(x, (4, 4), (0, x.strides[1])),
    "from a buffer": lambda x: np.asarray(memoryview(x)),
    "reinterpreted": lambda x: x.view(np.int64).view(np.float64),
    "one copied, one not": lambda x: (x.copy(), x),
    "nested": lambda x: [x + 1, (x.T, [x[0]])],
    "a number beside": lambda x: (x.T, float(x.shape[0])),
    "two of one": lambda x: (x[:2], x[2:]),
}


def _flat(x: Any) -> list[Any]:
    return [y for part in x for y in _flat(part)] if isinstance(x, tuple | list) else [x]
