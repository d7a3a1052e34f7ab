"""Results that share memory with what they were made from, found in the arrays themselves, never by a name.

A trace holds the real arrays, so it sees which operations returned a view. But whether a function copies may
depend on how its argument lies in memory (a reshape of a transpose, a cast to the same dtype), and at replay it may
lie otherwise. So there are two halves: what shared memory while recording keeps its argument's buffer alive for as
long as the result is read; everything else is looked at when it has been computed, and copied if it is a view.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ....backend import backend_of


def overlap(x: Any, y: Any) -> bool:
    """Whether two arrays may share memory: by their addresses on a CPU and on CuPy's devices.

    Of other libraries nothing is known but that an array is itself.
    """
    if isinstance(x, np.ndarray) and isinstance(y, np.ndarray):
        return np.may_share_memory(x, y)
    if x is y:
        return True
    first, second = _extent(x), _extent(y)
    if first is None or second is None:
        return False
    return first[0] < second[1] and second[0] < first[1]


def _extent(x: Any) -> tuple[int, int] | None:
    """The addresses from the first byte to behind the last one of a CuPy array; None for other arrays."""
    start = getattr(getattr(x, "data", None), "ptr", None)
    if start is None:
        return None
    if not x.size:
        return start, start
    steps = [step * (n - 1) for n, step in zip(x.shape, x.strides, strict=True)]
    low = start + sum(step for step in steps if step < 0)
    high = start + sum(step for step in steps if step > 0) + x.itemsize
    return low, high


def shared_arguments(out: Any, given: list[Any]) -> frozenset[int] | None:
    """The indices of the arguments that a result shares memory with; None if that cannot be known.

    What is no array (a factor) may hold arrays inside.
    """
    results = list(_parts(out))
    if not all(hasattr(y, "dtype") or isinstance(y, _PLAIN) for y in results):
        return None
    if not all(hasattr(x, "dtype") or isinstance(x, _PLAIN) for x in given):
        return None
    arrays = [y for y in results if hasattr(y, "dtype") and not _owns(y, given)]
    return frozenset(
        i for i, x in enumerate(given) if hasattr(x, "dtype") and any(overlap(y, x) for y in arrays)
    )


_PLAIN = (bool, int, float, complex, str, type(None), np.dtype, np.generic, type)


def _parts(out: Any) -> Iterable[Any]:
    if isinstance(out, tuple | list):
        for part in out:
            yield from _parts(part)
    else:
        yield out


def _owns(y: Any, given: list[Any]) -> bool:
    """Whether a NumPy array is the owner of its memory, and none of the arguments."""
    return type(y) is np.ndarray and y.base is None and not any(y is x for x in given)


def apart(result: Any, *arguments: Any) -> Any:
    """The result of a call, copied if it shares memory with one of these arguments, which will be overwritten."""
    if any(overlap(result, x) for x in arguments):
        return backend_of(result).xp.copy(result)
    return result
