"""Creation: `array`, `zeros`, `linspace`, `diag`, `tri`, `vander` and their kin."""

from __future__ import annotations

import math
import operator
from typing import Any
from typing import cast as cast_to

import numpy as np

from ....backend import backend_of, current
from ...core.array import Array, backend_array
from ...core.dtypes import as_numpy, is_complex, is_inexact, is_integer
from ...core.generated import xp as generated
from ...core.typing import ArrayLike, Device, DType
from ...functions import creation
from ...functions.creation import is_library_array, zeros_on_device_of
from ...functions.linear_algebra import create_diagonal
from ..arguments import as_array
from ..conversions import (
    arange_beside,
    beside,
    cast,
    check_order,
    lengths,
    library_of,
    operand,
    together,
    viewed,
)

__all__ = [
    "arange", "array", "asanyarray", "asarray", "asarray_chkfinite", "ascontiguousarray", "asfortranarray", "astype",
    "copy", "diag", "diagflat", "empty", "empty_like", "eye", "from_dlpack", "full", "full_like", "geomspace",
    "identity", "indices", "linspace", "logspace", "meshgrid", "ones", "ones_like", "require", "tri", "tril", "triu",
    "vander", "zeros", "zeros_like",
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
    return cast(beside(x, library_of(like)), wanted)


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
    return creation.from_dlpack(x, device=device, copy=copy)


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
        beside(fill_value, library_of(*([] if like is None else [like]), fill_value)), dtype
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
        return getattr(creation, f"{name}_like")(x, dtype=dtype, device=device)
    out = zeros_on_device_of(lengths(shape), x, dtype)
    out = creation.ones_like(out) if name == "ones" else out
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
    value = cast(beside(fill_value, library_of(fill_value, x)), x.dtype if dtype is None else dtype)
    out = _spread(value, x.shape if shape is None else lengths(shape))
    return out if device is None else out.to_device(device)


# ── ranges ────────────────────────────────────────────────────────────────────────────────────────


def arange(
    start_or_stop: Any,
    /,
    stop: Any = None,
    step: Any = 1,
    *,
    dtype: DType = None,
    device: Device = None,
    like: Any = None,
) -> Array:
    """Numbers at equal distances in a half-open interval; differentiable in `start` and `step`.

    How many there are is read from the values, and is constant.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.numpy.arange(1.0, 3.0, 0.5)
    Array([1. , 1.5, 2. , 2.5], dtype=float64, device='cpu')
    """
    step = 1 if step is None else step
    wanted = None if dtype is None else as_numpy(dtype)
    given = [x for x in (start_or_stop, stop, step) if is_library_array(x)]
    if not given and like is not None:
        return creation.create(
            "arange",
            *((0, start_or_stop) if stop is None else (start_or_stop, stop)),
            step, dtype=wanted, device=device, like=like,
        )  # fmt: skip
    return creation.arange(start_or_stop, stop, step, dtype=wanted, device=device)


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DType = None,
    axis: int = 0,
    *,
    device: Device = None,
) -> Any:
    """`num` numbers at equal distances from `start` to `stop`, ``start + i (stop − start) / (num − 1)``.

    Parameters
    ----------
    start, stop
        The ends: numbers, or arrays that broadcast; differentiable.
    num : int
        How many numbers.
    endpoint : bool
        Whether `stop` is the last of them; else the distance is ``(stop − start) / num``.
    retstep : bool
        Return the distance as well.
    dtype
        Of the result; integers are rounded down.
    axis : int
        Where the new axis stands, if the ends are arrays.

    Returns
    -------
    Array or tuple of Array

    Examples
    --------
    >>> import pullback as pb
    >>> pb.numpy.linspace(0.0, 1.0, 5)
    Array([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float64, device='cpu')
    """
    num = operator.index(num)
    if num < 0:
        raise ValueError(f"Number of samples, {num}, must be non-negative.")
    parts = num - 1 if endpoint else num
    first, last = _ends(start, stop)
    delta = last - first
    step = delta / parts if parts > 0 else delta * math.nan
    row = generated.astype(arange_beside(num, first), _real_part_of(first.dtype))
    t = generated.reshape(row, (num,) + (1,) * delta.ndim)
    # a distance that underflows to 0 would make all numbers equal: NumPy multiplies first, too
    out = t * (step if parts > 0 else delta) + first
    if endpoint and num > 1:
        end = generated.expand_dims(generated.broadcast_to(last, delta.shape), axis=0)
        out = generated.concat([generated.getitem(out, (slice(0, -1), ...)), end], axis=0)
    if axis != 0:
        out = generated.moveaxis(out, 0, axis)
    wanted = None if dtype is None else as_numpy(dtype)
    if wanted is not None and is_integer(wanted):
        out = generated.floor(out)
    out = cast(out, wanted)
    out = out if device is None else out.to_device(device)
    return (out, step) if retstep else out


def _real_part_of(dtype: np.dtype) -> np.dtype:
    return np.zeros((), dtype).real.dtype


def _ends(start: Any, stop: Any) -> tuple[Array, Array]:
    """The ends of a range as floating arrays of one dtype; Python's numbers do not decide on it."""
    home = library_of(start, stop)
    weak = [x if type(x) in (int, float, complex, bool) else beside(x, home) for x in (start, stop)]
    kinds = [x.dtype if type(x) is Array else x for x in weak]
    wanted = np.result_type(*kinds, 1.0)
    first, last = (cast(beside(x, home), wanted) for x in weak)
    return first, last


def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: DType = None,
    axis: int = 0,
) -> Array:
    """``base ** linspace(start, stop, num)``; differentiable in both ends and in the base.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.numpy.logspace(0.0, 2.0, 3)
    Array([  1.,  10., 100.], dtype=float64, device='cpu')
    """
    if getattr(base, "ndim", np.ndim(base) if isinstance(base, list | tuple) else 0):
        start, stop, base = _broadcast(*together(start, stop, base))
        base = generated.expand_dims(base, axis=axis)
    exponents = linspace(start, stop, num, endpoint, axis=axis)
    out = generated.pow(operand(base, library_of(exponents)), exponents)
    return cast(out, dtype)


def _broadcast(*arrays: Array) -> list[Array]:
    shape = np.broadcast_shapes(*(x.shape for x in arrays))
    return [generated.broadcast_to(x, shape) for x in arrays]


def geomspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: DType = None,
    axis: int = 0,
) -> Array:
    """`num` numbers in equal ratios from `start` to `stop`, ``start (stop / start)^(i / (num − 1))``.

    Parameters
    ----------
    start, stop
        The ends, which are not 0 and, if real, of one sign; differentiable.
    num, endpoint, dtype, axis
        As in `linspace`.

    Returns
    -------
    Array
        The first and, with `endpoint`, the last are `start` and `stop` themselves.

    Raises
    ------
    ValueError
        If an end is 0.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.numpy.geomspace(1.0, 8.0, 4)
    Array([1., 2., 4., 8.], dtype=float64, device='cpu')
    """
    first, last = _ends(start, stop)
    if not backend_of(backend_array(first)).recording and (
        bool(generated.any(first == 0)) or bool(generated.any(last == 0))
    ):
        raise ValueError("Geometric sequence cannot include zero")
    if is_complex(first.dtype):
        turn = generated.sign(first)
        low, high = first / turn, last / turn
    else:
        turn = 1.0 - 2.0 * cast(generated.logical_and(first < 0, last < 0), first.dtype)
        low, high = first * turn, last * turn
    out = turn * logspace(generated.log10(low), generated.log10(high), num, endpoint, 10.0)
    shape = out.shape[1:]
    pieces = [generated.expand_dims(generated.broadcast_to(first, shape), axis=0)] if num else []
    inner = generated.getitem(out, (slice(1, -1 if endpoint else None), ...))
    pieces.append(inner)
    if endpoint and num > 1:
        pieces.append(generated.expand_dims(generated.broadcast_to(last, shape), axis=0))
    out = generated.concat(pieces, axis=0)
    return cast(generated.moveaxis(out, 0, axis) if axis else out, dtype)


# ── grids ─────────────────────────────────────────────────────────────────────────────────────────


def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    """Coordinates of the points of a grid from a vector for each axis; differentiable.

    Parameters
    ----------
    *xi
        Vectors.
    copy : bool
        False gives views that are not written to.
    sparse : bool
        Leave the axes of the other vectors with length 1.
    indexing : {"xy", "ij"}
        Whether the first two axes are exchanged ("xy").

    Returns
    -------
    tuple of Array

    Examples
    --------
    >>> import pullback as pb
    >>> x, y = pb.numpy.meshgrid([1.0, 2.0], [0.0, 1.0, 2.0])
    >>> x.shape
    (3, 2)
    """
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    vectors = together(*xi)
    n = len(vectors)
    axes = list(range(n))
    if indexing == "xy" and n > 1:
        axes[:2] = 1, 0
    grids = [
        generated.reshape(x, (1,) * axis + (-1,) + (1,) * (n - 1 - axis))
        for axis, x in zip(axes, vectors, strict=True)
    ]
    if not sparse and grids:
        grids = _broadcast(*grids)
    return tuple([creation.asarray(g, copy=True) if copy else g for g in grids])


def indices(dimensions: Any, dtype: DType = int, sparse: bool = False) -> Any:
    """The indices of a grid: an array for each axis, stacked, or, with `sparse`, in a tuple; a constant."""
    found: Any = np.indices(lengths(dimensions), as_numpy(dtype), sparse=cast_to(Any, sparse))
    home = current()
    if sparse:
        return tuple(Array(home.asarray(x)) for x in found)
    return Array(home.asarray(found))


# ── matrices ──────────────────────────────────────────────────────────────────────────────────────


def eye(
    N: int,
    M: int | None = None,
    k: int = 0,
    dtype: DType = float,
    order: str = "C",
    *,
    device: Device = None,
    like: Any = None,
) -> Array:
    """A matrix with ones on its k-th diagonal, on the active backend."""
    check_order("eye", order)
    columns = N if M is None else operator.index(M)
    return creation.create(
        "eye",
        operator.index(N),
        columns,
        k=operator.index(k),
        dtype=dtype,
        device=device,
        like=like,
    )


def identity(n: int, dtype: DType = None, *, like: Any = None) -> Array:
    """The identity matrix of `n` rows."""
    return eye(n, dtype=float if dtype is None else dtype, like=like)


def diag(v: Any, k: int = 0) -> Array:
    """The matrix with a vector on its k-th diagonal, or that diagonal of a matrix, as a view.

    Raises
    ------
    ValueError
        If `v` has neither one nor two axes.

    Examples
    --------
    >>> import numpy, pullback as pb
    >>> pb.numpy.diag([1.0, 2.0])
    Array([[1., 0.],
           [0., 2.]], dtype=float64, device='cpu')
    >>> pb.grad(lambda A: pb.numpy.diag(A).sum())(numpy.ones((2, 2)))
    array([[1., 0.],
           [0., 1.]])
    """
    x = viewed(v)
    k = operator.index(k)
    if x.ndim == 1:
        return create_diagonal(x, offset=k)
    if x.ndim == 2:
        return generated_diagonal(x, offset=k)
    raise ValueError("Input must be 1- or 2-d.")


def generated_diagonal(x: Array, offset: int = 0) -> Array:
    """The diagonal of the last two axes."""
    return getattr(generated, "linalg.diagonal")(x, offset=offset)


def diagflat(v: Any, k: int = 0) -> Array:
    """The matrix with the elements of `v`, in order, on its k-th diagonal."""
    return create_diagonal(generated.reshape(as_array(v), (-1,)), offset=operator.index(k))


def tri(
    N: int, M: int | None = None, k: int = 0, dtype: DType = float, *, like: Any = None
) -> Array:
    """A matrix with ones on and below its k-th diagonal, on the active backend."""
    rows = operator.index(N)
    shape = (rows, rows if M is None else operator.index(M))
    full = creation.create("ones", shape, dtype=dtype, device=None, like=like)
    return generated.tril(full, k=operator.index(k))


def tril(m: Any, k: int = 0) -> Array:
    """`m` with zeros above its k-th diagonal; a vector is a matrix of equal rows, as in NumPy."""
    return generated.tril(_matrix(m), k=operator.index(k))


def triu(m: Any, k: int = 0) -> Array:
    """`m` with zeros below its k-th diagonal; a vector is a matrix of equal rows, as in NumPy."""
    return generated.triu(_matrix(m), k=operator.index(k))


def _matrix(m: Any) -> Array:
    x = as_array(m)
    return generated.broadcast_to(x, (x.shape[0], x.shape[0])) if x.ndim == 1 else x


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Array:
    """The matrix of powers of a vector, ``x[i] ** (N − 1 − j)``, or ``x[i] ** j`` if `increasing`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.numpy.vander([1.0, 2.0, 3.0])
    Array([[1., 1., 1.],
           [4., 2., 1.],
           [9., 3., 1.]], dtype=float64, device='cpu')
    """
    v = as_array(x)
    if v.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    n = v.shape[0] if N is None else operator.index(N)
    v = cast(v, np.promote_types(v.dtype, int))
    if n == 0:
        return zeros_on_device_of((v.shape[0], 0), v)
    # products, not powers: 0 ** 0 has no logarithm
    columns = [creation.ones_like(v)]
    while len(columns) < n:
        columns.append(columns[-1] * v if len(columns) > 1 else v)
    return generated.stack(columns if increasing else columns[::-1], axis=1)
