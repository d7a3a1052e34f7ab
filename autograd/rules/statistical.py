"""Reductions: the cotangent is spread back over what was reduced."""

from __future__ import annotations

import math
from typing import Any

from ..primitive import defvjp


def kept_shape(shape: tuple[int, ...], axis: Any) -> tuple[int, ...]:
    """`shape` with 1 on the reduced axes."""
    if axis is None:
        return (1,) * len(shape)
    axes = {a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,))}
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def spread(ct: Any, shape: tuple[int, ...], axis: Any, keepdims: bool, xp: Any) -> Any:
    """ct of a reduction over `axis`, broadcast back to `shape`."""
    if not keepdims and axis is not None and ct.shape != ():
        ct = xp.reshape(ct, kept_shape(shape, axis))
    return xp.broadcast_to(ct, shape)


def reduced(shape: tuple[int, ...], axis: Any) -> int:
    """How many elements each output was made of."""
    kept = kept_shape(shape, axis)
    return math.prod(n for n, k in zip(shape, kept, strict=True) if k == 1)


defvjp("sum", x=lambda ct, x_shape, axis, keepdims, xp: spread(ct, x_shape, axis, keepdims, xp))
defvjp(
    "mean",
    x=lambda ct, x_shape, axis, keepdims, xp: spread(
        ct / max(reduced(x_shape, axis), 1), x_shape, axis, keepdims, xp
    ),
)


def _extreme(ct: Any, x: Any, out: Any, axis: Any, keepdims: bool, xp: Any) -> Any:
    """ct shared equally among the elements that attain the extreme (counted in the input's precision or wider)."""
    attained = x == spread(out, x.shape, axis, keepdims, xp)
    ties = xp.astype(xp.count_nonzero(attained, axis=axis, keepdims=True), ct.dtype)
    share = spread(ct, x.shape, axis, keepdims, xp) / ties
    return xp.where(attained, share, xp.zeros_like(share))


defvjp("max", x=_extreme)
defvjp("min", x=_extreme)
