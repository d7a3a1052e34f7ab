"""Fast paths of the most common functions, for calls with traced arrays and without settings.

Each maker returns a function that looks at the types of its arguments and passes other calls on to `general`, and a
function that replaces ours, which `defvjp` may ask for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from ....autograd.core.array import Array
from ....autograd.functions import namespace

General = Callable[[tuple[Any, ...], dict[str, Any]], Any]
Made = tuple[Any, Any]

# The functions of `pullback.xp` that are NumPy's of this name, of one array and of two, in calls without settings.
UNARY = {
    name: getattr(namespace, standard)
    for name, standard in {
        "sin": "sin", "cos": "cos", "tan": "tan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "exp": "exp",
        "expm1": "expm1", "log": "log", "log1p": "log1p", "log2": "log2", "log10": "log10", "sqrt": "sqrt",
        "square": "square", "negative": "negative", "arcsin": "asin", "arccos": "acos", "arctan": "atan",
        "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "abs": "abs", "absolute": "abs",
    }.items()
}  # fmt: skip
BINARY = {
    name: getattr(namespace, standard)
    for name, standard in {
        "add": "add", "subtract": "subtract", "multiply": "multiply", "divide": "divide", "true_divide": "divide",
        "maximum": "maximum", "minimum": "minimum", "matmul": "matmul",
    }.items()
}  # fmt: skip
REDUCTIONS = {name: getattr(namespace, name) for name in ("sum", "mean", "prod")}

# What a traced array is used with.
OPERANDS = frozenset((Array, ndarray, float, int))
# What is computed with on the host, whatever the active backend: NumPy's arrays, and numbers.
HOST = frozenset((ndarray, np.float64, np.float32, float, int))


def find(name: str, function: Any, general: General) -> Made:
    """The function of this name with a first branch of its own, and how to renew it; None twice if it has none."""
    if name in UNARY:
        return unary(UNARY[name], function, general)
    if name in BINARY:
        return binary(BINARY[name], function, general)
    if name in REDUCTIONS:
        return reduction(REDUCTIONS[name], function, general)
    if name == "dot":
        return dot(function, general)
    if name == "tensordot":
        return tensordot(function, general)
    return None, None


def unary(fast: Any, function: Any, general: General) -> Made:
    """A function of one array."""

    def call(x: Any, /, *args: Any, **kwargs: Any) -> Any:
        if not args and not kwargs:
            x_type = type(x)
            if x_type is Array:
                if x.tape.open:
                    return fast(x)
            elif x_type in HOST:
                return function(x)
        return general((x, *args), kwargs)

    def renew(new: Any) -> None:
        nonlocal fast
        fast = new

    return call, renew


def binary(fast: Any, function: Any, general: General) -> Made:
    """A function of two arrays."""

    def call(x1: Any, x2: Any, /, *args: Any, **kwargs: Any) -> Any:
        if not args and not kwargs:
            x1_type, x2_type = type(x1), type(x2)
            if x1_type in HOST and x2_type in HOST:
                return function(x1, x2)
            if (
                x1_type in OPERANDS
                and x2_type in OPERANDS
                and ((x1_type is Array and x1.tape.open) or (x2_type is Array and x2.tape.open))
            ):
                return fast(x1, x2)
        return general((x1, x2, *args), kwargs)

    def renew(new: Any) -> None:
        nonlocal fast
        fast = new

    return call, renew


def reduction(fast: Any, function: Any, general: General) -> Made:
    """A function of one array and settings, called with the array alone."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs:
            x = args[0]
            x_type = type(x)
            if x_type is Array:
                if x.tape.open:
                    return fast(x)
            elif x_type in HOST:
                return function(x)
        return general(args, kwargs)

    def renew(new: Any) -> None:
        nonlocal fast
        fast = new

    return call, renew


def _traced_pair(a: Any, b: Any) -> bool:
    """Whether one of two is a traced array, and the other an array of the same dtype."""
    a_type, b_type = type(a), type(b)
    if a_type is Array:
        known = (b_type is Array and (a.tape.open or b.tape.open)) or (
            b_type is ndarray and a.tape.open
        )
    else:
        known = a_type is ndarray and b_type is Array and b.tape.open
    return known and a.dtype is b.dtype


def dot(function: Any, general: General) -> Made:
    """`numpy.dot`."""
    ours: Any = (namespace.matmul, namespace.dot)

    def call(a: Any, b: Any, *args: Any, **kwargs: Any) -> Any:
        if not args and not kwargs:
            if type(a) is ndarray is type(b):
                return function(a, b)
            if ours is not None and _traced_pair(a, b):
                m, n = len(a.shape), len(b.shape)
                if m and n:
                    return ours[0](a, b) if m <= 2 >= n else ours[1](a, b)
        return general((a, b, *args), kwargs)

    def renew(new: Any) -> None:
        nonlocal ours
        ours = None  # what `general` goes to has the new rules

    return call, renew


def tensordot(function: Any, general: General) -> Made:
    """`numpy.tensordot`."""
    ours: Any = namespace.tensordot

    def call(a: Any, b: Any, axes: Any = 2) -> Any:
        if type(a) is ndarray is type(b):
            return function(a, b, axes)
        if type(axes) is int and ours is not None and _traced_pair(a, b):
            return ours(a, b, axes=axes)
        return general((a, b, axes), {})

    def renew(new: Any) -> None:
        nonlocal ours
        ours = None

    return call, renew
