"""Operands of one library, settings that NumPy leaves without a value, and masks, for all sections."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ...backend import backend_of
from ..core.array import Array, backend_array
from ..core.array import is_traced as recorded
from ..core.dispatch import SCALARS
from ..core.dtypes import is_inexact
from ..core.generated import xp as generated
from ..functions.creation import asarray, is_library_array
from .arguments import as_array
from .conversions import as_array_in

# What NumPy has as the default of a setting that was not given.
NO_VALUE: Any = np._NoValue


def value_or(given: Any, default: Any) -> Any:
    """A setting, or its default where it was not given."""
    return default if given is NO_VALUE else given


def is_traced(x: Any) -> bool:
    """Whether a derivative is being taken through `x`."""
    return recorded(x) and is_inexact(x.dtype)


def constant(x: Any) -> Array:
    """The value of `x`, on no tape."""
    return Array(backend_array(as_array(x)))


def as_array_like(x: Any, like: Any) -> Array:
    """A list or number as an array of the library and on the device of another; arrays stay as they are."""
    return as_array_in(x, backend_of(backend_array(like)))


def holds_arrays(x: Any) -> bool:
    """Whether there are arrays in a number or a nested list."""
    if isinstance(x, list | tuple):
        return any(map(holds_arrays, x))
    return type(x) is Array or is_library_array(x)


def number_like(x: Any, dtype: Any, like: Any) -> Array:
    """A number as an array without axes, of a dtype, in the library and on the device of another array."""
    host, backend = np.asarray(x, dtype), backend_of(backend_array(like))
    return Array(backend.asarray(host))


def operands(*xs: Any) -> tuple[Any, ...]:
    """The arguments of an operation: Python's and NumPy's numbers as they are, if one of the others is an array.

    Lists go to the library of the first array, or to the active backend where there is none.
    """
    home = next((x for x in xs if type(x) is Array or is_library_array(x)), None)
    if home is None:
        numbers = [type(x) in SCALARS or isinstance(x, np.generic) for x in xs]
        if False in numbers:
            home = asarray(xs[numbers.index(False)])
        else:
            return (asarray(xs[0]), *xs[1:])
    return tuple(
        x if type(x) in SCALARS or isinstance(x, np.generic) else as_array_like(x, home) for x in xs
    )


def arrays(*xs: Any) -> tuple[Array, ...]:
    """The arguments as arrays of one library; Python's numbers are weak, and take the dtype of the arrays."""
    home, *_ = given = operands(*xs)
    home = next((x for x in given if type(x) is Array), home)
    out = []
    for x in given:
        if type(x) is Array:
            out.append(x)
            continue
        dtype = np.result_type(home.dtype, x) if type(x) in SCALARS else np.asarray(x).dtype
        out.append(number_like(x, dtype, home))
    return tuple(out)


def of_one_dtype(*xs: Any) -> tuple[Array, ...]:
    """Arrays of the dtype that they promote to."""
    found = arrays(*xs)
    if len({x.dtype for x in found}) == 1:
        return found
    dtype = np.result_type(*(x.dtype for x in found))
    return tuple(x if x.dtype == dtype else generated.astype(x, dtype) for x in found)


def mask_of(where: Any, home: Array) -> Array | None:
    """The boolean array of ``where=``, a constant; None if it lets everything through."""
    if where is NO_VALUE or where is True or where is None:
        return None
    mask = constant(as_array_like(where, home))
    return mask if mask.dtype.kind == "b" else generated.astype(mask, np.dtype("bool"))


def chosen_by(where: Any, x: Array) -> Array | None:
    """The mask of a reduction's ``where=``, which may not have other axes than the array.

    Raises
    ------
    ValueError
        If it does not broadcast to the array.
    """
    mask = mask_of(where, x)
    if mask is not None and np.broadcast_shapes(mask.shape, x.shape) != x.shape:
        raise ValueError(
            f"where= of shape {mask.shape} does not broadcast to the array's, {x.shape}"
        )
    return mask


def starting_value(initial: Any, dtype: Any) -> Any:
    """The ``initial=`` of a reduction of this dtype, a number, which is cast to it; None where it is not given.

    Raises
    ------
    ValueError
        If it is an array with axes.
    """
    if initial is NO_VALUE or initial is None:
        return None
    if np.ndim(initial):
        raise ValueError(f"initial= is one number, not an array of shape {np.shape(initial)}")
    if isinstance(initial, np.generic):
        initial = initial.item()
    if type(initial) in (bool, int, float):
        return initial if is_inexact(dtype) else np.dtype(dtype).type(initial).item()
    if hasattr(initial, "dtype") and np.dtype(initial.dtype) != dtype and not is_inexact(dtype):
        return generated.astype(as_array(initial), dtype)
    return initial


def reduced_axis(axis: Any, ndim: int) -> Any:
    """The axis or axes of a reduction, as Python's integers; a number has one for NumPy, which is none here."""
    if axis is None or (type(axis) is int and ndim):
        return axis
    if isinstance(axis, tuple):
        return tuple(operator.index(k) if isinstance(k, np.integer) else k for k in axis)
    if not ndim and axis in (0, -1):
        return None
    return operator.index(axis) if isinstance(axis, np.integer) else axis


def lowest(x: Array) -> Any:
    """The smallest value of the dtype of `x`, −∞ of floating dtypes."""
    return (
        False
        if x.dtype.kind == "b"
        else -math.inf
        if is_inexact(x.dtype)
        else int(np.iinfo(x.dtype).min)
    )


def highest(x: Array) -> Any:
    """The largest value of the dtype of `x`, ∞ of floating dtypes."""
    return (
        True
        if x.dtype.kind == "b"
        else math.inf
        if is_inexact(x.dtype)
        else int(np.iinfo(x.dtype).max)
    )


def as_default_integer(x: Array) -> Array:
    """Booleans as integers, which sums and products of them are."""
    return generated.astype(x, np.dtype("int64")) if x.dtype.kind == "b" else x
