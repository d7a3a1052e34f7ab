"""Creation functions of the array API standard; those that depend on other functions are in `arrays/`.

Arrays are made on the active backend, or in the library and on the device of their arguments.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...backend import Backend, backend_of, current, is_array, resolve
from ...backend.common.base import LAZY
from ..core.array import Array, backend_array, unwrap_closed
from ..core.dtypes import as_numpy, is_inexact
from ..core.generated import xp as generated
from ..core.levels.batched import Batched, all_rows
from ..core.typing import ArrayLike, Device, DType
from .data_type import result_type

# ── the library and the device of a new array ───────────────────────────────────────────────


def create(
    name: str, *args: Any, dtype: DType, device: Device, like: Any = None, **settings: Any
) -> Array:
    """The array that a creation function makes, in the library of `like` or of the active backend."""
    backend = current() if like is None else backend_of(all_rows(backend_array(like)))
    backend, device = _resolve_device(backend, device)
    device = backend.device if device is None else device
    settings |= {} if device is None else {"device": device}
    wanted = None if dtype is None else backend.dtype(as_numpy(dtype))
    function: Any = backend.xp
    for part in name.split("."):
        function = getattr(function, part)
    return Array(backend.normalise(function(*args, dtype=wanted, **settings)))


def _resolve_device(backend: Backend, device: Device) -> tuple[Backend, Any]:
    """The backend and the device in its terms; ``"cpu"`` is NumPy's where CuPy is active."""
    if isinstance(device, str) and device == "cpu" and backend.name == "cupy":
        return resolve("numpy"), None
    return backend, device


def zeros_on_device_of(shape: tuple[int, ...], x: Array, dtype: DType = None) -> Array:
    """Zeros in the library, on the device and of the dtype of `x`, or of another dtype."""
    backend = backend_of(backend_array(x))
    zeros = backend.xp.zeros_on_device_of(shape, backend_array(x))
    wanted = x.dtype if dtype is None else dtype
    return Array(backend.xp.astype(zeros, backend.dtype(wanted), copy=False))


def is_library_array(x: ArrayLike) -> bool:
    """Whether `x` is an array of some library; NumPy's scalars count as numbers."""
    return is_array(x) and not isinstance(x, np.generic)


def as_number(x: ArrayLike) -> Any:
    """A Python number from a NumPy scalar or a 0-d array."""
    x = backend_array(x)
    if type(x) in LAZY:
        raise TypeError(
            "a Dask array is given for a number that a shape or a length depends on: it is not computed silently; "
            "x.compute().item() is the number"
        )
    return backend_of(x).to_numpy(x).item() if hasattr(x, "dtype") else x


# ── conversion ──────────────────────────────────────────────────────────────────────────────


def asarray(
    obj: Any, /, *, dtype: DType = None, device: Device = None, copy: bool | None = None
) -> Array:
    """An array from a number, nested sequence or array.

    An array of any backend stays where it is (unless `device` says otherwise), a traced one stays traced;
    anything else goes to the active backend. Without ``copy=True``, an `Array` that is as asked for is returned
    itself, and the memory of a NumPy or CuPy array is shared: if the caller changes that, it changes here.

    Parameters
    ----------
    obj
        Array, Python number, or (nested) sequence of numbers.
    dtype, device, copy
        As in the standard.

    Returns
    -------
    Array

    Raises
    ------
    ValueError
        If ``copy=False`` cannot be done.

    Notes
    -----
    The pullback is obj_bar = ct, in the dtype and on the device of what was given; a list of traced arrays is
    stacked, and each gets its slice.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1, 2, 3], dtype=pb.xp.float32)
    Array([1., 2., 3.], dtype=float32, device='cpu')
    """
    if type(obj) is Array and not copy and _is_as_asked(obj, dtype, device):
        return obj
    value = unwrap_closed(obj)
    if type(value) in (Array, Batched):
        if _is_as_asked(value, dtype, device):
            # the copy stays on the tape
            copied = generated.positive(value)
            copied.link = False
            return copied
        if copy is False:
            raise ValueError(
                f"asarray(copy=False): from {value.dtype} on {value.device} to dtype={dtype}, device={device} "
                "cannot be done without a copy"
            )
        return generated.astype(value, value.dtype if dtype is None else dtype, device=device)
    if is_library_array(value):
        backend = backend_of(value)
        if backend.name == "cupy" and isinstance(device, str) and device == "cpu":
            if copy is False:
                raise ValueError(
                    'asarray(copy=False): from a CUDA device to device="cpu" cannot be done without a copy'
                )
            return create("asarray", backend.to_numpy(value), dtype=dtype, device=device)
        options = {} if device is None else {"device": device}
        wanted = None if dtype is None else backend.dtype(as_numpy(dtype))
        out = backend.xp.asarray(value, dtype=wanted, copy=copy, **options)
        return Array(backend.normalise(out))
    if isinstance(value, list | tuple):
        leaves = list(_leaves(value))
        arrays = [
            v for v in leaves if type(v) is Array or (is_library_array(v) and not _on_host(v))
        ]
        if arrays:
            return _stack_nested(
                value, dtype or result_type(*leaves), backend_of(backend_array(arrays[0]))
            )
    return create("asarray", value, dtype=dtype, device=device, copy=copy)


def _is_as_asked(x: Array, dtype: DType, device: Device) -> bool:
    return (dtype is None or as_numpy(dtype) == x.dtype) and (device is None or device == x.device)


def _leaves(x: ArrayLike) -> Iterator[Any]:
    for v in x:
        if isinstance(v, list | tuple):
            yield from _leaves(v)
        else:
            yield v


def _on_host(x: ArrayLike) -> bool:
    return isinstance(x, np.ndarray)


def _stack_nested(x: ArrayLike, dtype: DType, backend: Backend) -> Array:
    """A nested sequence with arrays in it, by `stack`, so that they stay traced and where they are."""
    items = []
    for v in x:
        if isinstance(v, list | tuple):
            items.append(_stack_nested(v, dtype, backend))
        else:
            items.append(
                asarray(v if is_library_array(v) else Array(backend.asarray(v)), dtype=dtype)
            )
    return generated.stack(items)


# ── the standard's ──────────────────────────────────────────────────────────────────────────


def arange(
    start: ArrayLike,
    /,
    stop: ArrayLike = None,
    step: Any = 1,
    *,
    dtype: DType = None,
    device: Device = None,
) -> Array:
    """Evenly spaced numbers in a half-open interval.

    Parameters
    ----------
    start : int, float or 0-d array
        The first number; if it is alone, the end, and the first is 0.
    stop : int, float or 0-d array, optional
        The end, which is left out.
    step : int, float or 0-d array
        The distance of neighbours; it may be negative, not 0.
    dtype : dtype, optional
        Of the result; by default int64 of integers and float64 of floats.
    device : device, optional
        Where it lies; by default the active backend's, or that of an array among the arguments.

    Returns
    -------
    Array
        Of ⌈(stop − start) / step⌉ numbers; none if that is negative.

    Notes
    -----
    Element i is start + i · step, and differentiable by a traced `start` and `step`: start_bar = Σ ct and
    step_bar = Σ i · ct. The length is read from the values, which `pb.compile` refuses of traced ones. By
    `stop` the derivative is 0.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.arange(0.0, 1.0, 0.25)
    Array([0.  , 0.25, 0.5 , 0.75], dtype=float64, device='cpu')
    >>> pb.grad(lambda h: pb.xp.sum(pb.xp.arange(0.0, 3.0, h)))(1.0)
    3.0
    """
    if stop is None:
        start, stop = 0, start
    first, last, by = as_number(start), as_number(stop), as_number(step)
    arrays = [x for x in (start, stop, step) if is_library_array(x)]
    if not arrays:
        return create("arange", first, last, by, dtype=dtype, device=device)
    count = max(math.ceil((last - first) / by), 0)
    common = result_type(start, stop, step)
    steps = create("arange", 0, count, 1, dtype=common, device=None, like=arrays[0])
    return asarray(start + step * steps, dtype=dtype, device=device)


def empty(shape: Any, *, dtype: DType = None, device: Device = None) -> Array:
    """An array of unset values, on the active backend; a constant.

    Parameters
    ----------
    shape : int or tuple of int
        The shape.
    dtype : dtype, optional
        By default float64.
    device : device, optional
        Where it lies; by default the active backend's device.

    Returns
    -------
    Array
        It may be filled by writes, ``x[i] = v``, also of traced values.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.empty(2)
    >>> x[0], x[1] = 1.0, 2.0
    >>> x
    Array([1., 2.], dtype=float64, device='cpu')
    """
    return create("empty", shape, dtype=dtype, device=device)


def zeros(shape: Any, *, dtype: DType = None, device: Device = None) -> Array:
    """An array of zeros, on the active backend; a constant.

    Parameters
    ----------
    shape : int or tuple of int
        The shape.
    dtype : dtype, optional
        By default float64.
    device : device, optional
        Where it lies; by default the active backend's device.

    Returns
    -------
    Array
        Unlike a NumPy array it takes traced values by ``x[i] = v``, and carries their derivative.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> def f(v):
    ...     x = pb.xp.zeros(2)
    ...     x[1] = v
    ...     return pb.xp.sum(x * x)
    >>> pb.grad(f)(3.0)
    6.0
    """
    return create("zeros", shape, dtype=dtype, device=device)


def ones(shape: Any, *, dtype: DType = None, device: Device = None) -> Array:
    """An array of ones, on the active backend; a constant.

    Parameters
    ----------
    shape : int or tuple of int
        The shape.
    dtype : dtype, optional
        By default float64.
    device : device, optional
        Where it lies; by default the active backend's device.

    Returns
    -------
    Array

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones((1, 2), dtype=pb.xp.float32)
    Array([[1., 1.]], dtype=float32, device='cpu')
    """
    return create("ones", shape, dtype=dtype, device=device)


def eye(
    n_rows: int,
    n_cols: int | None = None,
    /,
    *,
    k: int = 0,
    dtype: DType = None,
    device: Device = None,
) -> Array:
    """Ones on a diagonal, zeros elsewhere, on the active backend; a constant.

    Parameters
    ----------
    n_rows : int
        The number of rows.
    n_cols : int, optional
        The number of columns; by default as many as rows.
    k : int
        Which diagonal: the elements [i, i + k].
    dtype : dtype, optional
        By default float64.
    device : device, optional
        Where it lies; by default the active backend's device.

    Returns
    -------
    Array
        (n_rows, n_cols).

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.eye(2, 3, k=1)
    Array([[0., 1., 0.],
           [0., 0., 1.]], dtype=float64, device='cpu')
    """
    return create("eye", n_rows, n_cols, k=k, dtype=dtype, device=device)


def full(shape: Any, fill_value: ArrayLike, *, dtype: DType = None, device: Device = None) -> Array:
    """An array of one value.

    Parameters
    ----------
    shape : int or tuple of int
        The shape.
    fill_value : number or 0-d array
        The value; an array may be traced, and then the result is in its library and on its device.
    dtype : dtype, optional
        By default that of the value.
    device : device, optional
        Where it lies; by default the active backend's device.

    Returns
    -------
    Array
        New memory, which may be written to.

    Notes
    -----
    The pullback is fill_value_bar = Σ ct.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.full(2, 3.0)
    Array([3., 3.], dtype=float64, device='cpu')
    >>> pb.grad(lambda v: pb.xp.sum(pb.xp.full((2, 3), v)))(3.0)
    6.0
    """
    if is_library_array(fill_value):
        return _broadcast_value(fill_value, shape, dtype, device)
    dtype = getattr(fill_value, "dtype", None) if dtype is None else dtype
    return create("full", shape, as_number(fill_value), dtype=dtype, device=device)


def _broadcast_value(value: ArrayLike, shape: Any, dtype: DType, device: Device) -> Array:
    lengths = (shape,) if isinstance(shape, int) else tuple(shape)
    # a copy, because nobody may write to a broadcast view
    return asarray(
        generated.broadcast_to(asarray(value, dtype=dtype, device=device), lengths), copy=True
    )


def linspace(
    start: ArrayLike,
    stop: ArrayLike,
    /,
    num: int,
    *,
    dtype: DType = None,
    device: Device = None,
    endpoint: bool = True,
) -> Array:
    """Evenly spaced numbers, both ends included.

    Parameters
    ----------
    start, stop : number or 0-d array
        The ends; an array may be traced, and then the result is in its library and on its device.
    num : int
        How many.
    dtype : dtype, optional
        By default a floating-point one: float64 of Python numbers.
    device : device, optional
        Where it lies; by default the active backend's device.
    endpoint : bool
        Whether `stop` is the last number, or the first that is left out.

    Returns
    -------
    Array
        (num,).

    Notes
    -----
    With t from 0 to 1 the numbers are (1 − t) · start + t · stop, so start_bar = Σ (1 − t) · ct and
    stop_bar = Σ t · ct.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.linspace(0.0, 1.0, 5)
    Array([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float64, device='cpu')
    >>> pb.grad(lambda b: pb.xp.sum(pb.xp.linspace(0.0, b, 5)))(1.0)
    2.5
    """
    arrays = [x for x in (start, stop) if is_library_array(x)]
    if not arrays:
        ends = as_number(start), as_number(stop)
        return create("linspace", *ends, num, dtype=dtype, device=device, endpoint=endpoint)
    settings = {
        "dtype": result_type(start, stop, 1.0),
        "device": None,
        "like": arrays[0],
        "endpoint": endpoint,
    }
    t = create("linspace", 0.0, 1.0, num, **settings)
    return asarray((1 - t) * start + t * stop, dtype=dtype, device=device)


def as_floating(x: ArrayLike) -> Array:
    """An array of floating dtype: `x` as it is, or integers as the default dtype."""
    x = asarray(x)
    return x if is_inexact(x.dtype) else x * 1.0
