"""Scratch memory that the kernels of all programs share: what one has just used is in cache for the next.

A kernel borrows it for one call. As many pieces stay as were ever borrowed at once, each as large as was asked for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

_ALIGN = 64
_free: list[Any] = []


@contextlib.contextmanager
def borrowed(size: int, dtype: Any) -> Iterator[tuple[Any, Any]]:
    """Two arrays of so many elements for one call, one for each half; what lies in them is anything."""
    dtype = np.dtype(dtype)
    nbytes = -(-size * dtype.itemsize // _ALIGN) * _ALIGN
    try:
        memory = _free.pop()  # one step, so that no two threads get the same
    except IndexError:
        memory = None
    if memory is None or memory.nbytes < 2 * nbytes:
        memory = _aligned(2 * nbytes)
    try:
        first = memory[: size * dtype.itemsize].view(dtype)
        yield first, memory[nbytes : nbytes + size * dtype.itemsize].view(dtype)
    finally:
        _free.append(memory)


def _aligned(nbytes: int) -> Any:
    """Memory that begins at a line of the cache."""
    memory = np.empty(nbytes + _ALIGN, np.uint8)
    start = -memory.__array_interface__["data"][0] % _ALIGN
    return memory[start : start + nbytes]
