"""Operands of special functions that are compositions: floating arrays, weak numbers, constants."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...core.array import Array, backend_array
from ...core.defvjp import function_of
from ...core.generated import xp as generated
from ...core.registry import find
from ...core.typing import ArrayLike
from ..creation import as_floating, zeros_on_device_of


def special(name: str) -> Callable[..., Any]:
    """The special function of this name, which has kernels of its own."""
    return function_of(find(f"special.{name}"))


def floating(*values: ArrayLike) -> list[Any]:
    """Arrays of floating dtype; Python's numbers stay as they are if one of the others is an array."""
    arrays = [v if isinstance(v, int | float) else as_floating(v) for v in values]
    if any(type(v) is Array for v in arrays):
        return arrays
    return [as_floating(arrays[0]), *arrays[1:]]


def array_like(x: Any, other: Any) -> Array:
    """A number as an array of the library and dtype of `other`; arrays stay as they are."""
    if type(x) is Array:
        return x
    return zeros_on_device_of((), other if type(other) is Array else as_floating(other)) + x


def constant(x: Array) -> Array:
    """The value of an array, without a derivative."""
    return Array(backend_array(x))


def floor(k: Any) -> Any:
    """A number of counts rounded down; a constant."""
    return generated.floor(constant(k)) if type(k) is Array else math.floor(k)
