"""Arrays of the shape of another one, in its library and on its device."""

from __future__ import annotations

from typing import Any

from ....backend import backend_of
from ...core.array import Array, backend_array
from ...core.dtypes import as_numpy
from ...core.typing import ArrayLike, Device, DType
from ..creation import _broadcast_value, as_number, is_library_array


def _create_like(name: str, x: ArrayLike, *args: Any, dtype: DType, device: Device) -> Array:
    """The array that ``empty_like`` and its kin make, in the library of `x`."""
    value = backend_array(x)
    backend = backend_of(value)
    options = {} if device is None else {"device": device}
    wanted = None if dtype is None else backend.dtype(as_numpy(dtype))
    out = getattr(backend.xp, name)(value, *args, dtype=wanted, **options)
    return Array(backend.normalise(out))


def empty_like(x: ArrayLike, /, *, dtype: DType = None, device: Device = None) -> Array:
    """Unset values in the shape of an array; a constant.

    Parameters
    ----------
    x : array
        Of any library: the result is one of that library.
    dtype : dtype, optional
        By default that of `x`.
    device : device, optional
        By default that of `x`.

    Returns
    -------
    Array
        Of the shape of `x`.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.empty_like(pb.xp.ones((2, 3))).shape
    (2, 3)
    """
    return _create_like("empty_like", x, dtype=dtype, device=device)


def zeros_like(x: ArrayLike, /, *, dtype: DType = None, device: Device = None) -> Array:
    """Zeros in the shape of an array; a constant, of a traced array too.

    Parameters
    ----------
    x : array
        Of any library: the result is one of that library.
    dtype : dtype, optional
        By default that of `x`.
    device : device, optional
        By default that of `x`.

    Returns
    -------
    Array
        Of the shape of `x`.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.zeros_like(pb.xp.asarray([1, 2]))
    Array([0, 0], dtype=int64, device='cpu')
    """
    return _create_like("zeros_like", x, dtype=dtype, device=device)


def ones_like(x: ArrayLike, /, *, dtype: DType = None, device: Device = None) -> Array:
    """Ones in the shape of an array; a constant, of a traced array too.

    Parameters
    ----------
    x : array
        Of any library: the result is one of that library.
    dtype : dtype, optional
        By default that of `x`.
    device : device, optional
        By default that of `x`.

    Returns
    -------
    Array
        Of the shape of `x`.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones_like(pb.xp.asarray([1, 2]))
    Array([1, 1], dtype=int64, device='cpu')
    """
    return _create_like("ones_like", x, dtype=dtype, device=device)


def full_like(
    x: ArrayLike, /, fill_value: ArrayLike, *, dtype: DType = None, device: Device = None
) -> Array:
    """An array of one value in the shape of another array.

    Parameters
    ----------
    x : array
        Of any library. It gives its shape, and carries no derivative.
    fill_value : number or 0-d array
        The value; an array may be traced.
    dtype : dtype, optional
        By default that of `x`.
    device : device, optional
        By default that of `x`, or of the value if that is an array.

    Returns
    -------
    Array
        Of the shape of `x`.

    Notes
    -----
    The pullback is fill_value_bar = Σ ct.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.zeros((2, 3))
    >>> pb.grad(lambda v: pb.xp.sum(pb.xp.full_like(x, v)))(3.0)
    6.0
    """
    if is_library_array(fill_value):
        return _broadcast_value(
            fill_value,
            backend_array(x).shape,
            backend_array(x).dtype if dtype is None else dtype,
            device,
        )
    return _create_like("full_like", x, as_number(fill_value), dtype=dtype, device=device)
