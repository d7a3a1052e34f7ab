"""NumPy arrays as MPI takes them: contiguous, in dtypes that it adds, in pieces that it can count."""

from __future__ import annotations

from typing import Any

import numpy as np

# MPI counts elements in 32 bits: longer arrays travel in pieces.
MOST_ELEMENTS = 2**30


def native(dtype: Any) -> np.dtype:
    """The dtype in the machine's order of bytes."""
    return np.dtype(dtype).newbyteorder("=")


def wide(dtype: Any) -> np.dtype:
    """The dtype in which MPI adds: it knows no float16."""
    found = native(dtype)
    return np.dtype(np.float32) if found == np.float16 else found


def narrow(x: np.ndarray, dtype: Any) -> np.ndarray:
    """A sum in the dtype of the summands."""
    return x.astype(native(dtype), copy=False)


def sendable(x: np.ndarray) -> np.ndarray:
    """An array with its elements in the order of memory, in a dtype that MPI adds."""
    return np.ascontiguousarray(x, dtype=wide(x.dtype)).reshape(x.shape)


def as_bytes(x: np.ndarray) -> np.ndarray:
    """The bytes of an array in the order of its elements."""
    return np.ascontiguousarray(x, dtype=native(x.dtype)).reshape(-1).view(np.uint8)


def pieces(x: np.ndarray) -> list[np.ndarray]:
    """A contiguous array, flat, in parts that MPI can count; at least one, which may be empty."""
    flat = x.reshape(-1)
    return [flat[i : i + MOST_ELEMENTS] for i in range(0, max(flat.shape[0], 1), MOST_ELEMENTS)]
