"""Names for what `Any` stands for in the engine and above it.

All are `Any` to a type checker, since values are arrays of any library, and say to a reader what is meant.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from ...backend.common.typing import XP, Device, DType, RawArray
from ..pytree.codegen import PyTree

# What users give where an array is wanted: an `Array`, an array of a library, or a number.
ArrayLike: TypeAlias = Any

# A value one level down: a raw array, or an `Array` that an outer tape traces; `compile`'s tracers and batched
# cotangents stand for raw arrays.
Value: TypeAlias = Any

# The cotangent of a value, or one that is deferred: a sum, a scatter, the shares of a factor.
Cotangent: TypeAlias = Any

# What stands between the brackets of ``x[key]``.
Key: TypeAlias = Any

__all__ = [
    "XP",
    "ArrayLike",
    "Cotangent",
    "DType",
    "Device",
    "Key",
    "PyTree",
    "RawArray",
    "Value",
]
