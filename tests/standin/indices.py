"""Keys of the stand-in's arrays as CuPy reads them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .memory import SYNCHRONISATIONS, _ndarray_base, host


def key_of(shape: tuple[int, ...], key: Any) -> tuple[tuple[Any, ...], bool]:
    """The key for NumPy, with index arrays wrapped around their axis; and whether there are any."""
    parts = list(key) if isinstance(key, tuple) else [key]
    for i, part in enumerate(parts):
        if part is None or part is ... or isinstance(part, slice):
            continue
        if isinstance(part, _ndarray_base):
            parts[i] = host(part)
        elif isinstance(part, list | tuple | np.ndarray | bool | np.bool_):
            made = np.asarray(part)
            parts[i] = made.astype(np.int32) if isinstance(part, list) and not made.size else made
        elif hasattr(part, "dtype") and not isinstance(part, np.generic):
            raise IndexError(
                f"only integers, slices and arrays are valid indices, not {type(part)}"
            )
        else:
            parts[i] = int(part)
    # CuPy counts a mask's elements, for which the host waits
    SYNCHRONISATIONS[0] += any(isinstance(p, np.ndarray) and p.dtype.kind == "b" for p in parts)
    used = sum(
        p.ndim if isinstance(p, np.ndarray) and p.dtype.kind == "b" else int(p is not None and p is not ...)
        for p in parts
    )  # fmt: skip
    axis, arrays = 0, False
    for i, part in enumerate(parts):
        if part is ...:
            axis += len(shape) - used
        elif isinstance(part, np.ndarray):
            if part.dtype.kind not in "biu":
                raise IndexError(
                    f"arrays used as indices must be of integer or boolean type. (actual: {part.dtype})"
                )
            arrays = arrays or part.dtype.kind != "b"
            if part.dtype.kind != "b" and axis < len(shape) and shape[axis]:
                parts[i] = part.astype(np.int64) % shape[axis]
            axis += part.ndim if part.dtype.kind == "b" else 1
        elif part is not None:
            axis += 1
    return tuple(parts), arrays


def write_at(values: np.ndarray, key: Any, given: Any) -> None:
    """``values[key] = given``; of several writes to one place, the first stays."""
    places, arrays = key_of(values.shape, key)
    if not arrays:
        values[places] = given
        return
    where = np.arange(values.size).reshape(values.shape)[places]
    given = np.broadcast_to(np.asarray(given), where.shape).reshape(-1)
    values.flat[where.reshape(-1)[::-1]] = given.astype(values.dtype)[::-1]
