"""Creation: `array`, `zeros`, `full`, their kin and what takes the shape of another array."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.array import Array
from ...core.dtypes import as_numpy, is_inexact
from ...core.generated import xp as generated
from ...core.typing import ArrayLike, Device, DType
from ...functions import creation
from ...functions.arrays import like as arrays_like
from ...functions.arrays.dlpack import from_dlpack as standard_from_dlpack
from ...functions.creation import is_library_array, zeros_on_device_of
from ..arguments import as_array
from ..conversions import (
    as_array_in,
    cast,
    check_order,
    lengths,
    library_of,
)

__all__ = [
    "array", "asanyarray", "asarray", "asarray_chkfinite", "ascontiguousarray", "asfortranarray", "astype", "copy",
    "empty", "empty_like", "from_dlpack", "full", "full_like", "ones", "ones_like", "require", "zeros", "zeros_like",
]  # fmt: skip


# ── from what there is ────────────────────────────────────────────────────────────────────────────


def array(
    object: Any,
    dtype: DType = None,
    *,
    copy: bool | None = True,
    order: str = "K",
    subok: bool = False,
    ndmin: int = 0,
    ndmax: int = 0,
    like: Any = None,
) -> Array:
    """An array from numbers, arrays, and nested sequences of both, traced ones too.

    Parameters
    ----------
    object
        An array of any library, a number, or a nested sequence of such; ``array([x[0], 2.0, x[1] * x[2]])`` keeps
        what is traced on its tape.
    dtype, copy, ndmin
        As in NumPy; ``copy=None`` copies only where that is needed.
    order, subok, ndmax, like
        NumPy's: memory order does not show here, there are no subclasses, `like` names the library of a new array.

    Returns
    -------
    Array

    Raises
    ------
    ValueError
        If the sequences are ragged, or ``copy=False`` cannot be done.
    TypeError
        If it would hold anything but numbers and booleans.

    Examples
    --------
    >>> import numpy, pullback as pb
    >>> pb.grad(lambda x: pb.numpy.sum(pb.numpy.array([[x[0], 1.0], [x[1] * x[0], 2.0]])))(numpy.array([3.0, 4.0]))
    array([5., 3.])
    """
    check_order("array", order)
    if ndmax:
        raise TypeError(f"array(ndmax={ndmax}): arrays here hold numbers, not sequences")
    x = _converted(object, dtype, copy, like)
    return generated.reshape(x, (1,) * (ndmin - x.ndim) + x.shape) if x.ndim < ndmin else x


def _converted(x: Any, dtype: DType, copy: bool | None, like: Any = None) -> Array:
    wanted = None if dtype is None else as_numpy(dtype)
    if wanted is not None and wanted.kind not in "biufc":
        raise TypeError(f"an array of dtype {wanted}: arrays here hold numbers and booleans")
    if type(x) is Array or is_library_array(x):
        return creation.asarray(x, dtype=wanted, copy=copy)
    if copy is False:
        raise ValueError(f"copy=False: a {type(x).__name__} cannot become an array without a copy")
    if isinstance(x, list | tuple) and _holds_arrays(x):
        return creation.asarray(x, dtype=wanted)
    if not isinstance(x, list | tuple | str | bytes | dict | set) and hasattr(x, "__iter__"):
        x = np.asarray(x) if hasattr(x, "__array__") else list(x)
    return cast(as_array_in(x, library_of(like)), wanted)


def _holds_arrays(x: Any) -> bool:
    return any(
        _holds_arrays(v) if isinstance(v, list | tuple) else type(v) is Array or is_library_array(v)
        for v in x
    )


def asarray(
    a: Any,
    dtype: DType = None,
    order: str | None = None,
    *,
    device: Device = None,
    copy: bool | None = None,
    like: Any = None,
) -> Array:
    """An array from a number, a nested sequence or an array, without a copy where that is possible.

    As `array` in all else. Arrays stay where they are, traced ones on their tape.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.numpy.asarray([[1, 2], [3, 4]], dtype="float32").dtype
    dtype('float32')
    """
    check_order("asarray", order)
    x = _converted(a, dtype, copy, like)
    return x if device is None else x.to_device(device)


def asanyarray(
    a: Any,
    dtype: DType = None,
    order: str | None = None,
    *,
    device: Device = None,
    copy: bool | None = None,
    like: Any = None,
) -> Array:
    """`asarray`: there are no subclasses of arrays here."""
    return asarray(a, dtype, order, device=device, copy=copy, like=like)


def ascontiguousarray(a: Any, dtype: DType = None, *, like: Any = None) -> Array:
    """`asarray` with one axis at least, as NumPy's; how it lies in memory does not show here."""
    x = asarray(a, dtype, like=like)
    return x if x.ndim else generated.reshape(x, (1,))


def asfortranarray(a: Any, dtype: DType = None, *, like: Any = None) -> Array:
    """`asarray` with one axis at least, as NumPy's; how it lies in memory does not show here."""
    return ascontiguousarray(a, dtype, like=like)


def asarray_chkfinite(a: Any, dtype: DType = None, order: str | None = None) -> Array:
    """`asarray` of numbers that are all finite.

    Raises
    ------
    ValueError
        If one is NaN or infinite; that is read, which no compiled function can do.
    """
    x = asarray(a, dtype, order)
    if is_inexact(x.dtype) and not bool(generated.all(generated.isfinite(x))):
        raise ValueError("array must not contain infs or NaNs")
    return x


def require(a: Any, dtype: DType = None, requirements: Any = None, *, like: Any = None) -> Array:
    """`asarray`; what NumPy's `requirements` say of memory (``"C"``, ``"W"``, …) does not show here.

    "O" ("OWNDATA") and "W" ("WRITEABLE") give a copy, which can be written to without reaching `a`.
    """
    wanted = {str(r).upper()[:1] for r in requirements or ()}
    return asarray(a, dtype, copy=True if wanted & {"O", "W"} else None, like=like)


def astype(x: ArrayLike, dtype: DType, /, *, copy: bool = True, device: Device = None) -> Array:
    """`x` cast to a dtype; a cotangent is cast back, a complex one to its real part where `x` is real."""
    return generated.astype(as_array(x), as_numpy(dtype), copy=copy, device=device)


def copy(a: Any, order: str = "K", subok: bool = False) -> Array:
    """A copy of `a`, which is no view: writes to either do not reach the other. It stays on its tape."""
    return array(a, copy=True, order=order)


def from_dlpack(x: ArrayLike, /, *, device: Device = None, copy: bool | None = None) -> Array:
    """An array of any library that speaks DLPack, sharing memory if it can: `pb.xp.from_dlpack`."""
    return standard_from_dlpack(x, device=device, copy=copy)


# ── of one value ──────────────────────────────────────────────────────────────────────────────────


def _made(name: str, shape: Any, dtype: DType, order: Any, device: Device, like: Any) -> Array:
    check_order(name, order)
    return creation.create(name, lengths(shape), dtype=dtype, device=device, like=like)


def empty(
    shape: Any, dtype: DType = None, order: str = "C", *, device: Device = None, like: Any = None
) -> Array:
    """An array whose values are not set, on the active backend."""
    return _made("empty", shape, dtype, order, device, like)


def zeros(
    shape: Any, dtype: DType = None, order: str = "C", *, device: Device = None, like: Any = None
) -> Array:
    """An array of zeros, on the active backend; writes of traced values into it are recorded.

    Examples
    --------
    >>> import pullback as pb
    >>> def f(x):
    ...     y = pb.numpy.zeros(3)
    ...     y[1] = x[0] * x[1]
    ...     return y.sum()
    >>> pb.grad(f)(pb.asarray([2.0, 3.0]))
    array([3., 2.])
    """
    return _made("zeros", shape, dtype, order, device, like)


def ones(
    shape: Any, dtype: DType = None, order: str = "C", *, device: Device = None, like: Any = None
) -> Array:
    """An array of ones, on the active backend."""
    return _made("ones", shape, dtype, order, device, like)


def full(
    shape: Any,
    fill_value: Any,
    dtype: DType = None,
    order: str = "C",
    *,
    device: Device = None,
    like: Any = None,
) -> Array:
    """An array of one value, or of values that broadcast to its shape; differentiable in them.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.grad(lambda x: pb.numpy.full((2, 3), x).sum())(1.0)
    6.0
    """
    check_order("full", order)
    value = cast(
        as_array_in(fill_value, library_of(*([] if like is None else [like]), fill_value)), dtype
    )
    out = _spread(value, lengths(shape))
    return out if device is None else out.to_device(device)


def _spread(value: Array, shape: tuple[int, ...]) -> Array:
    """A value repeated over a shape, as a copy: nobody may write to a broadcast view."""
    return creation.asarray(generated.broadcast_to(value, shape), copy=True)


def _made_like(name: str, a: Any, dtype: DType, order: Any, shape: Any, device: Device) -> Array:
    check_order(f"{name}_like", order)
    x = as_array(a)
    if shape is None:
        return getattr(arrays_like, f"{name}_like")(x, dtype=dtype, device=device)
    out = zeros_on_device_of(lengths(shape), x, dtype)
    out = arrays_like.ones_like(out) if name == "ones" else out
    return out if device is None else out.to_device(device)


def empty_like(
    prototype: Any,
    /,
    dtype: DType = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Device = None,
) -> Array:
    """An array whose values are not set, with the shape and dtype of another, in its library."""
    return _made_like("empty", prototype, dtype, order, shape, device)


def zeros_like(
    a: Any,
    dtype: DType = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Device = None,
) -> Array:
    """Zeros with the shape and dtype of another array, in its library; a constant."""
    return _made_like("zeros", a, dtype, order, shape, device)


def ones_like(
    a: Any,
    dtype: DType = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Device = None,
) -> Array:
    """Ones with the shape and dtype of another array, in its library; a constant."""
    return _made_like("ones", a, dtype, order, shape, device)


def full_like(
    a: Any,
    fill_value: Any,
    dtype: DType = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Device = None,
) -> Array:
    """One value, or values that broadcast, with the shape and dtype of another array; differentiable in them."""
    check_order("full_like", order)
    x = as_array(a)
    value = cast(
        as_array_in(fill_value, library_of(fill_value, x)), x.dtype if dtype is None else dtype
    )
    out = _spread(value, x.shape if shape is None else lengths(shape))
    return out if device is None else out.to_device(device)
