"""Manipulation functions: each pullback is the opposite rearrangement."""

from __future__ import annotations

import math
from typing import Any

from ..core.defvjp import library_defvjp as defvjp
from ..core.typing import XP, Cotangent, Value
from .indexing import take_vjp

defvjp("reshape", x=lambda ct, x_shape, xp: xp.reshape(ct, x_shape))
defvjp("expand_dims", x=lambda ct, x_shape, xp: xp.reshape(ct, x_shape))
defvjp("squeeze", x=lambda ct, x_shape, xp: xp.reshape(ct, x_shape))
# the engine sums over broadcast axes
defvjp("broadcast_to", x=lambda ct: ct)
defvjp("flip", x=lambda ct, axis, xp: xp.flip(ct, axis=axis))
defvjp("moveaxis", x=lambda ct, source, destination, xp: xp.moveaxis(ct, destination, source))


def _permute_dims(ct: Cotangent, axes: tuple[int, ...], xp: XP) -> Value:
    """ct with its axes permuted back."""
    back = [0] * len(axes)
    for new, old in enumerate(axes):
        back[old] = new
    return xp.permute_dims(ct, tuple(back))


defvjp("permute_dims", x=_permute_dims)


def _roll(ct: Cotangent, shift: Any, axis: Any, xp: XP) -> Value:
    """ct rolled the other way."""
    back = tuple(-s for s in shift) if isinstance(shift, tuple | list) else -shift
    return xp.roll(ct, back, axis=axis)


defvjp("roll", x=_roll)


def _concat(
    ct: Cotangent, arrays_shapes: list[tuple[int, ...]], axis: int | None, xp: XP
) -> list[Any]:
    """The pieces of ct, cut where the inputs met."""
    shares, start = [], 0
    for shape in arrays_shapes:
        if axis is None:
            size = math.prod(shape)
            shares.append(xp.reshape(xp.getitem(ct, slice(start, start + size)), shape))
        else:
            size = shape[axis]
            key = (slice(None),) * (axis % len(shape)) + (slice(start, start + size), ...)
            shares.append(xp.getitem(ct, key))
        start += size
    return shares


defvjp("concat", arrays=_concat)


def _stack(ct: Cotangent, arrays_shapes: list[tuple[int, ...]], axis: int, xp: XP) -> list[Any]:
    """The slices of ct along the new axis."""
    before = (slice(None),) * (axis % (len(arrays_shapes[0]) + 1))
    return [xp.getitem(ct, (*before, i, ...)) for i in range(len(arrays_shapes))]


defvjp("stack", arrays=_stack)


def _repeat(
    ct: Cotangent, x_shape: tuple[int, ...], repeats: Any, axis: int | None, xp: XP
) -> Value:
    """Each element's copies added up; by their indices where the counts differ."""
    shape = (math.prod(x_shape),) if axis is None else x_shape
    axis = (axis or 0) % len(shape)
    if hasattr(repeats, "shape"):
        source = xp.repeat(xp.arange_like(shape[axis], ct), repeats)
        return xp.reshape(take_vjp(ct, shape, source, axis, xp), x_shape)
    copies = xp.reshape(ct, (*shape[: axis + 1], repeats, *shape[axis + 1 :]))
    return xp.reshape(xp.sum(copies, axis=axis + 1), x_shape)


defvjp("repeat", x=_repeat)


def _tile(ct: Cotangent, x_shape: tuple[int, ...], repetitions: tuple[int, ...], xp: XP) -> Value:
    """The tiles added up: each axis of ct is (repetition, index within the tile)."""
    counts = repetitions if isinstance(repetitions, tuple | list) else (repetitions,)
    ndim = max(len(counts), len(x_shape))
    counts = (1,) * (ndim - len(counts)) + tuple(counts)
    shape = (1,) * (ndim - len(x_shape)) + x_shape
    tiles = xp.reshape(ct, tuple(n for pair in zip(counts, shape, strict=True) for n in pair))
    return xp.reshape(xp.sum(tiles, axis=tuple(range(0, 2 * ndim, 2))), x_shape)


defvjp("tile", x=_tile)
