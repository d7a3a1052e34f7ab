"""Names for what `Any` stands for: arrays of libraries that mypy knows nothing of.

All are `Any` to a type checker, and say to a reader what is meant.
"""

from __future__ import annotations

from typing import Any, TypeAlias

# An array of a library, before pullback sees it: `numpy.ndarray`, `cupy.ndarray`, one of array_api_strict, torch, JAX.
RawArray: TypeAlias = Any

# A dtype of a library, or `numpy.dtype`, which pullback uses for all of them.
DType: TypeAlias = Any

# A device of a library: "cpu", `cupy.cuda.Device(0)`.
Device: TypeAlias = Any

# An array API namespace: a module or an object with its functions as attributes.
XP: TypeAlias = Any
