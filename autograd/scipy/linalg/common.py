"""Helpers of the functions of linear algebra: operands, their check, short names for functions of the standard."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.array import Array, backend_array
from ...core.defvjp import function_of
from ...core.dtypes import is_complex
from ...core.generated import xp as generated
from ...core.registry import PROVIDED, find
from ...core.typing import ArrayLike
from ...functions.creation import asarray
from ...solve.runner import inexact


def matrix(x: ArrayLike) -> Array:
    """An array of a precision that linear algebra has, of lists and numbers too."""
    x = inexact(x)
    return x if type(x) is Array else asarray(x)


def finite(x: Array, name: str, check: bool = True) -> Array:
    """`x`, looked at for infinities and NaN where SciPy looks, on the host; a device is not waited for.

    Raises
    ------
    ValueError
        As SciPy's functions with ``check_finite=True``.
    """
    value = backend_array(x)
    if check and isinstance(value, np.ndarray) and not np.isfinite(value).all():
        raise ValueError(
            f"{name}: array must not contain infs or NaNs; check_finite=False lets them through"
        )
    return x


def adjoint(x: Array) -> Array:
    """Xᴴ."""
    out = generated.matrix_transpose(x)
    return generated.conj(out) if is_complex(x.dtype) else out


def conj(x: Array) -> Array:
    """The complex conjugate; real arrays as they are."""
    return generated.conj(x) if is_complex(x.dtype) else x


def linalg(name: str) -> Any:
    """A function of the standard's extension `linalg`."""
    full = f"linalg.{name}"
    return PROVIDED[full] if full in PROVIDED else function_of(find(full))
