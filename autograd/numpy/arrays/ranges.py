"""Ranges and grids of coordinates: `arange`, `linspace`, `geomspace`, `meshgrid` and their kin."""

from __future__ import annotations

import math
import operator
from typing import Any
from typing import cast as cast_to

import numpy as np

from ....backend import backend_of, current
from ...core.array import Array, backend_array
from ...core.dtypes import as_numpy, is_complex, is_integer
from ...core.generated import xp as generated
from ...core.typing import Device, DType
from ...functions import creation
from ...functions.creation import is_library_array
from ..conversions import (
    arange_beside,
    beside,
    cast,
    lengths,
    library_of,
    operand,
    together,
)

__all__ = [
    "arange", "geomspace", "indices", "linspace", "logspace", "meshgrid",
]  # fmt: skip


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
