"""Decompositions of NumPy's fused functions, whose elementwise pieces fuse with their neighbours.

Each function here is that of the same name in the backend, written in functions of the tracers' namespace.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

from ....backend.generic import namespace as _generic
from ....backend.generic import vjp_kernels as _rule_kernels
from ....backend.generic.networks import attention as _attention


def linear(xp: Any, x: Any, W: Any, b: Any) -> Any:
    """``x @ W + b``."""
    return xp.add(xp.matmul(x, W), b)


def linear_relu(xp: Any, x: Any, W: Any, b: Any) -> Any:
    """``max(x @ W + b, 0)``."""
    return xp.relu(linear(xp, x, W, b))


def linear_vjp_W(xp: Any, ct: Any, x: Any) -> Any:
    """``xᵀ ct``."""
    if x.ndim == 2:
        return xp.matmul(xp.matrix_transpose(x), ct)
    return _generic.linear_vjp_W(xp, ct, x)


def mean(xp: Any, x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    """Sum over count; of float16 and integers, NumPy's own, whose accumulators are wider."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    count = math.prod(x.shape[i] for i in axes)
    if x.dtype.char not in "fdFD" or count == 0:
        return xp.undecomposed_mean(x, axis=axis, keepdims=keepdims)
    return xp.sum(x, axis=axis, keepdims=keepdims) / count


def square(xp: Any, x: Any, /) -> Any:
    """``x · x``; of booleans, NumPy's own, whose result is an integer."""
    return xp.multiply(x, x) if x.dtype.kind != "b" else xp.undecomposed_square(x)


def expand_dims(xp: Any, x: Any, /, axis: Any = 0) -> Any:
    """A reshape."""
    axes = tuple(operator.index(a) for a in (axis if isinstance(axis, tuple) else (axis,)))
    n = x.ndim + len(axes)
    if any(not -n <= a < n for a in axes):
        return xp.undecomposed_expand_dims(x, axis=axis)
    new = {a % n for a in axes}
    lengths = iter(x.shape)
    return xp.reshape(x, tuple(1 if i in new else next(lengths) for i in range(n)))


def pow(xp: Any, x1: Any, x2: Any, /) -> Any:
    """Squares and roots by themselves, as NumPy's operator has them."""
    if type(x2) in (int, float) and hasattr(x1, "shape") and x1.dtype.kind in "fc":
        if x2 == 2:
            return xp.multiply(x1, x1)
        if x2 == 0.5:
            return xp.sqrt(x1)
    return xp.undecomposed_pow(x1, x2)


def clip(xp: Any, x: Any, /, min: Any = None, max: Any = None) -> Any:
    """Of floats with one bound that is a number, the maximum or the minimum, as in NumPy; loops know two bounds."""
    if x.dtype.char in "fd":
        if max is None and type(min) in (int, float):
            return xp.maximum(x, min)
        if min is None and type(max) in (int, float):
            return xp.minimum(x, max)
    return xp.undecomposed_clip(x, min, max)


_FUNCTIONS: tuple[Callable[..., Any], ...] = (
    linear, linear_relu, linear_vjp_W, mean, square, expand_dims, pow, clip,
    _generic.relu_bias_vjp, _generic.sum_to_shape,
    _generic.softplus, _generic.logsumexp, _generic.log_softmax, _generic.softmax,
    _rule_kernels.softmax_vjp,
)  # fmt: skip


# Functions with products inside: calls on a CPU. They are taken apart where products are rounded, and on devices, whose
# kernels join the pieces with their neighbours.
WITH_PRODUCTS: dict[str, Callable[..., Any]] = {f.__name__: f for f in _attention.FUNCTIONS}

# Functions that are calls on a CPU, where several results of one pass pay, and elementwise expressions on devices.
ELEMENTWISE: dict[str, Callable[..., Any]] = {
    f.__name__: f for f in (_rule_kernels.shares, _rule_kernels.rest)
}


def decomposed(xp: Any) -> dict[str, Callable[..., Any]]:
    """The functions of this file bound to a tracers' namespace, and the functions that they fall back to."""
    found: dict[str, Any] = {f.__name__: functools.partial(f, xp) for f in _FUNCTIONS}
    found["undecomposed_mean"] = xp.mean
    found["undecomposed_pow"] = xp.pow
    found["undecomposed_square"] = xp.square
    found["undecomposed_clip"] = xp.clip
    found["recomputed"] = xp.recomputed
    found["fused_update"] = (
        None  # written in functions of arrays, an update fuses with what is around it
    )
    found["undecomposed_expand_dims"] = xp.expand_dims
    return found
