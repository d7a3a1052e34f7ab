"""Conversions of arguments: lists and numbers to the library of the arrays they meet, indices, axes and settings."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...backend import backend_of, current, is_array
from ..core.array import Array, backend_array
from ..core.dispatch import SCALARS
from ..core.dtypes import as_numpy
from ..core.generated import xp as generated
from ..core.typing import ArrayLike, DType
from ..functions.creation import is_library_array
from .arguments import as_array


def library_of(*given: Any) -> Any:
    """The backend of the first array among the arguments (within lists too), else the active one.

    An array that `compile` records comes first: it decides where an operation runs.
    """
    found = None
    for x in given:
        home = _library_in(x)
        if home is not None:
            if home.recording:
                return home
            found = home if found is None else found
    return current() if found is None else found


def _library_in(x: Any) -> Any:
    if isinstance(x, list | tuple):
        homes = [h for h in map(_library_in, x) if h is not None]
        return next((h for h in homes if h.recording), homes[0] if homes else None)
    value = backend_array(x)
    return backend_of(value) if is_library_array(value) else None


def as_array_in(x: Any, backend: Any) -> Array:
    """`x` as an `Array`: arrays stay as they are; numbers and lists of numbers become arrays of a backend.

    Raises
    ------
    TypeError
        If `x` holds anything else than numbers and booleans.
    """
    if type(x) is Array:
        return x
    if is_library_array(x) or _library_in(x) is not None:
        return as_array(x)
    host = np.asarray(x)
    if host.dtype.kind not in "biufc":
        raise TypeError(
            f"an array of dtype {host.dtype}: arrays here hold numbers and booleans; convert {type(x).__name__} first"
        )
    return Array(backend.asarray(host))


def viewed(x: Any) -> Array:
    """`x` as an `Array` for functions that give views, as `as_array`; of a raw array, a view that is not written to.

    A write to a view of NumPy's own array would be lost, since its buffer is never written to: so it is refused.
    """
    if type(x) is Array:
        return x
    if is_library_array(x):
        return generated.reshape(x, tuple(x.shape))
    return as_array(x)


def as_arrays(*given: Any) -> list[Array]:
    """All arguments as `Array`; lists and numbers in the library of the first that is an array."""
    backend = library_of(*given)
    return [as_array_in(x, backend) for x in given]


def in_one_dtype(
    arrays: list[Array], dtype: DType = None, casting: str = "same_kind"
) -> list[Array]:
    """The arrays in their common dtype, or in `dtype` where NumPy's `casting` allows it.

    Raises
    ------
    TypeError
        If it does not.
    """
    wanted = np.result_type(*(x.dtype for x in arrays)) if dtype is None else as_numpy(dtype)
    for x in arrays if dtype is not None else ():
        check_cast(x.dtype, wanted, casting)
    return [cast(x, wanted) for x in arrays]


def check_cast(given: DType, wanted: DType, casting: Any) -> None:
    """Check that a rule of NumPy's allows a cast.

    Raises
    ------
    TypeError
        If it does not.
    """
    if casting != "unsafe" and not np.can_cast(as_numpy(given), as_numpy(wanted), casting):
        raise TypeError(
            f"cannot cast an array from {given} to {wanted} according to the rule {casting!r}"
        )


def cast(x: ArrayLike, dtype: DType) -> Array:
    """`x` in a dtype; itself if it has that, or if no dtype is asked for."""
    x = as_array(x)
    if dtype is None or x.dtype == as_numpy(dtype):
        return x
    return generated.astype(x, as_numpy(dtype))


def operand(x: Any, backend: Any) -> Any:
    """An operand of an elementwise function: Python's numbers stay numbers, which are weak, else an `Array`."""
    return x if type(x) in SCALARS else as_array_in(x, backend)


# ── indices ───────────────────────────────────────────────────────────────────────────────────────


def on_host(x: Any) -> np.ndarray | None:
    """Integers or booleans as NumPy's array where reading them copies nothing from a device; else None."""
    value = backend_array(x)
    if is_array(value) and not isinstance(value, np.ndarray | np.generic):
        return None
    if isinstance(value, list | tuple):
        value = [backend_array(v) for v in value]
        if any(is_library_array(v) and not isinstance(v, np.ndarray) for v in value):
            return None
    return np.asarray(value)


def host_integers(x: Any, name: str) -> np.ndarray:
    """Integers, or booleans, that shapes depend on, as NumPy's array: they are read.

    Raises
    ------
    TypeError
        If they are neither.
    """
    value = backend_array(x)
    if isinstance(value, list | tuple):
        value = [backend_array(v) for v in value]
        value = [backend_of(v).to_numpy(v) if is_library_array(v) else v for v in value]
    elif is_library_array(value):
        value = backend_of(value).to_numpy(value)
    host = np.asarray(value)
    if host.size == 0 and host.dtype.kind == "f":
        host = host.astype(np.intp)
    if host.dtype.kind not in "biu":
        raise TypeError(f"{name}: indices of dtype {host.dtype}; integers or booleans are needed")
    return host


def indices_like(indices: Any, x: Array) -> Array:
    """Integer indices as an `Array` in the library of `x`."""
    if isinstance(indices, list | tuple) and not len(indices):
        indices = np.zeros(0, np.intp)
    return as_array_in(indices, backend_of(backend_array(x)))


def arange_on_device_of(n: int, x: Array) -> Array:
    """The integers 0 … n − 1 in the library and on the device of `x`."""
    value = backend_array(x)
    return Array(backend_of(value).xp.arange_like(n, value))


def lengths(shape: Any) -> tuple[int, ...]:
    """A shape as a tuple, from a number, a list or a tuple."""
    if isinstance(shape, list | tuple | np.ndarray):
        return tuple(operator.index(n) for n in shape)
    if type(shape) is Array and shape.ndim:
        return tuple(int(n) for n in host_integers(shape, "shape"))
    return (operator.index(shape),)


def normalize_axis(axis: Any, ndim: int) -> int:
    """One axis, counted from the first.

    Raises
    ------
    numpy.exceptions.AxisError
        If there is no such axis.
    TypeError
        If it is no integer.
    """
    return np.lib.array_utils.normalize_axis_index(operator.index(axis), ndim)


def normalize_axes(axes: Any, ndim: int) -> tuple[int, ...]:
    """One or several axes, counted from the first; all of them for None.

    Raises
    ------
    numpy.exceptions.AxisError
        If there is no such axis.
    ValueError
        If one is named twice.
    """
    if axes is None:
        return tuple(range(ndim))
    return np.lib.array_utils.normalize_axis_tuple(axes, ndim, argname="axis")


# ── NumPy's settings ──────────────────────────────────────────────────────────────────────────────


def check_order(name: str, order: Any) -> None:
    """Check NumPy's ``order=`` where it says how a new array lies in memory, which no function here shows.

    Raises
    ------
    ValueError
        If it is none of NumPy's.
    """
    if order is not None and order not in ("C", "F", "A", "K"):
        raise ValueError(f"{name}: order must be one of 'C', 'F', 'A', or 'K' (got {order!r})")


def check_sorting(name: str, kind: Any, order: Any, stable: Any = None) -> None:
    """Check NumPy's settings of sorts, none of which changes the values: every sort here is stable.

    Raises
    ------
    ValueError
        For an unknown algorithm, for fields, or where both `kind` and `stable` are given.
    """
    if kind not in (None, "quicksort", "mergesort", "heapsort", "stable"):
        raise ValueError(f"{name}: sort kind must be one of quick, heap, or stable (got {kind!r})")
    if kind is not None and stable is not None:
        raise ValueError(
            f"{name}: `kind` and keyword parameters can't be provided at the same time"
        )
    if order is not None:
        raise ValueError(f"{name}: arrays have no fields, which order={order!r} would name")
