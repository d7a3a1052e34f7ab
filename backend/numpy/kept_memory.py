"""Memory of large matrices that is used again when nothing refers to it any more.

NumPy takes the memory of an array of megabytes from the system and gives it back with the array, and the system hands
it out by pages, each when it is first written to. For a 2 MB matrix that costs up to eight times what filling it does:
on an AMD Zen 4, a fifth of the time of its LU factorisation.

What is handed out is a view, and NumPy's views hold the array whose memory they are in. So the count of that array's
references says whether anything is left that could read it: a view, a view of a view, an export by the buffer protocol
or DLPack. None of them is ever seen to change.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

LEAST, LARGEST = 1 << 18, 1 << 24  # bytes of an array whose memory is kept
MOST_ARRAYS, TOTAL = 8, 1 << 25  # arrays that are kept, and bytes of all

# Without a GIL the count says nothing.
_COUNTED = getattr(sys, "_is_gil_enabled", lambda: True)()
_held: list[np.ndarray] = []  # the oldest first


def empty(shape: tuple[int, ...], dtype: np.dtype[Any], order: Any = "C") -> np.ndarray:
    """An array of any content, as `numpy.empty` makes it.

    Threads need no lock: one that looks at a kept array refers to it meanwhile, so that another thread counts it as
    used.
    """
    size = math.prod(shape) * dtype.itemsize
    if not (_COUNTED and LEAST <= size <= LARGEST) or dtype.hasobject:
        return np.empty(shape, dtype, order)
    owner = _unused(_held, size)
    if owner is None:
        owner = np.empty(size, np.uint8)
        _held.append(owner)
        _let_go()
    return np.ndarray(shape, dtype, owner, 0, None, order)


def copy_in_columns(a: np.ndarray) -> np.ndarray:
    """A copy of a matrix in column order."""
    out = empty(a.shape, a.dtype, "F")
    np.copyto(out, a)
    return out


def is_only_view(x: np.ndarray) -> bool:
    """Whether an array is all of a kept one, and the only view of it: then it is as good as one of its own memory."""
    owner = x.base
    if type(owner) is not np.ndarray or owner.nbytes != x.nbytes or not _COUNTED:
        return False
    if not any(kept is owner for kept in _held):
        return False
    del owner
    return sys.getrefcount(x.base) == _ONE_VIEW


def _unused(held: list[np.ndarray], size: int) -> np.ndarray | None:
    """An array of so many bytes that nothing but `held` refers to."""
    for owner in held:
        if owner.nbytes == size and sys.getrefcount(owner) == _UNUSED:
            return owner
    return None


def _let_go() -> None:
    """Forget the oldest arrays that are too many; what somebody refers to stays theirs."""
    total, first = 0, len(_held)
    for owner in reversed(_held[-MOST_ARRAYS:]):
        total += owner.nbytes
        if total > TOTAL:
            break
        first -= 1
    del _held[:first]


def _references(held: list[Any]) -> int:
    for owner in held:
        return sys.getrefcount(owner)
    return 0


def _references_of_base(held: list[Any]) -> int:
    x = held[0][:]
    return sys.getrefcount(x.base)


# What `_unused` counts for an array that only `held` refers to, and `is_only_view` for one with one view.
_UNUSED = _references([object()])
_ONE_VIEW = _references_of_base([np.empty(1)])
