"""Writes by function: `copyto`, `put`, `place`, `putmask`, `put_along_axis` and `fill_diagonal`.

Into a pullback array they are recorded, as ``x[key] = v`` is, and reach what it is a view of. Into NumPy's own arrays
constants are written by NumPy, and traced values are refused with the ways that work.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any, ParamSpec
from typing import cast as cast_to

import numpy as np

from ...core.array import Array, backend_array
from ...core.dtypes import is_inexact
from ...core.generated import xp as generated
from ...core.tracer_like import TRACERS
from ..conversions import as_array_in, indices_like, library_of, normalize_axis
from .indexing import grid_along, inside

_P = ParamSpec("_P")

__all__ = ["copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask"]


def is_own(name: str, x: Any, function: Callable[..., Any], *args: Any, **settings: Any) -> bool:
    """Whether `x` is a pullback array, into which writes are recorded; into NumPy's own, constants are written.

    Raises
    ------
    TypeError
        If traced values would go into an array of NumPy's.
    """
    if type(x) is Array:
        return True
    if not isinstance(x, np.ndarray):
        raise TypeError(
            f"{name}: writes into a {type(x).__name__}; the first argument has to be an array"
        )
    for value in (*args, *settings.values()):
        if type(value) is Array and value.traced and is_inexact(value.dtype):
            raise TypeError(
                f"{name}: a traced array does not go into a NumPy array, which cannot record it; make the array by "
                "pb.xp.zeros or pullback.numpy.array, or use pb.xp.at(x)[key].set(v), which gives a new one"
            )
    function(
        x, *(backend_array(a) for a in args), **{k: backend_array(v) for k, v in settings.items()}
    )
    return False


def reaches_tracers(function: Callable[_P, None]) -> Callable[_P, None]:
    """A function that writes into its first argument, also of what `compile` records, which is no `Array`."""

    @functools.wraps(function)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> None:
        first = args[0] if args else next(iter(kwargs.values()), None)
        if type(first) not in TRACERS:
            return function(*args, **kwargs)
        x: Any = Array(first)
        write: Callable[..., None] = function
        if args:
            write(x, *args[1:], **kwargs)
        else:
            write(**(kwargs | {next(iter(kwargs)): x}))  # the first by name
        if x.value is not first:
            target: Any = first
            target[...] = x.value
        return None

    return call


def _check(name: str, x: Array, value: Any, casting: str = "same_kind") -> Any:
    """A number, or an array of the library of `x`, whose dtype can be cast to that of `x`.

    Raises
    ------
    TypeError
        If the cast is against the rule `casting`.
    """
    if type(value) in (int, float, bool, complex):
        dtype = np.result_type(x.dtype, value)
    else:
        value = as_array_in(value, library_of(x))
        dtype = value.dtype
    if not np.can_cast(dtype, x.dtype, cast_to(Any, casting)):
        raise TypeError(
            f"{name}: cannot cast from {dtype} to {x.dtype} according to the rule {casting!r}"
        )
    return value


@reaches_tracers
def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    """Write `src`, which broadcasts, into `dst`, everywhere or where a condition is true.

    Examples
    --------
    >>> import pullback as pb
    >>> def f(x):
    ...     y = pb.numpy.zeros(3)
    ...     pb.numpy.copyto(y, x, where=[True, False, True])
    ...     return y.sum()
    >>> pb.grad(f)(pb.asarray([1.0, 1.0, 1.0]))
    array([1., 0., 1.])
    """
    if not is_own("copyto", dst, np.copyto, src, casting=casting, where=where):
        return
    value = _check("copyto", dst, src, casting)
    if where is True:
        dst[...] = value
        return
    mask = as_array_in(where, library_of(dst))
    if type(value) is Array:
        value = generated.astype(generated.broadcast_to(value, dst.shape), dst.dtype, copy=False)
    dst[...] = generated.where(mask, value, dst)


@reaches_tracers
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """Write values, repeated as often as needed, at indices into the flattened array."""
    if not is_own("put", a, np.put, ind, v, mode=mode):
        return
    where = inside(generated.reshape(indices_like(ind, a), (-1,)), a.size, mode, "put")
    if where.size:
        write_flat(a, where, _cycled(_check("put", a, v), where.size))


def write_flat(x: Array, key: Any, value: Any, *, cycled: bool = False) -> None:
    """Write at a key into the flattened array; with `cycled`, values repeated as often as needed: ``x.flat``."""
    flat = generated.reshape(x, (-1,), copy=True)
    if cycled:
        value = _check("x.flat", x, value, "unsafe")
        value = _cycled(value, generated.getitem(flat, key).size)
    flat[key] = value
    x[...] = generated.reshape(flat, x.shape)


def _cycled(value: Any, n: int) -> Any:
    """The elements of a value in order, repeated to a number of them."""
    if type(value) is not Array:
        return value
    flat = generated.reshape(value, (-1,))
    if flat.size == 1:
        return generated.reshape(flat, ())
    if flat.size == n:
        return flat
    if not flat.size:
        raise ValueError("there is nothing to write: the values are empty")
    times = -(-n // flat.size)
    return generated.getitem(generated.tile(flat, (times,)), slice(0, n))


@reaches_tracers
def place(arr: Any, mask: Any, vals: Any) -> None:
    """Write the elements of `vals` one after the other where a mask is true; they are repeated if they are too few."""
    if not is_own("place", arr, np.place, mask, vals):
        return
    where = generated.reshape(as_array_in(mask, library_of(arr)), (-1,))
    if where.size != arr.size:
        raise ValueError("place: mask and data must be the same size")
    where = where if where.dtype.kind == "b" else where != 0
    values = _check("place", arr, vals)
    values = generated.reshape(as_array_in(values, library_of(arr)), (-1,))
    if not values.size:
        if bool(generated.any(where)):
            raise ValueError("Cannot insert from an empty array!")
        return
    turn = generated.cumulative_sum(generated.astype(where, np.dtype("int64"))) - 1
    chosen = generated.take(values, generated.remainder(turn, values.size), axis=0)
    _write_where(arr, where, chosen)


def _write_where(x: Array, mask: Array, values: Any) -> None:
    values = generated.astype(values, x.dtype, copy=False)
    flat = generated.where(mask, values, generated.reshape(x, (-1,)))
    x[...] = generated.reshape(flat, x.shape)


@reaches_tracers
def putmask(a: Any, /, mask: Any, values: Any) -> None:
    """Write ``values[n % len(values)]`` at the n-th element where a mask is true."""
    if not is_own("putmask", a, np.putmask, mask, values):
        return
    where = generated.reshape(as_array_in(mask, library_of(a)), (-1,))
    if where.size != a.size:
        raise ValueError("putmask: mask and data must be the same size")
    value = as_array_in(_check("putmask", a, values), library_of(a))
    if not value.size:
        return
    where = where if where.dtype.kind == "b" else where != 0
    _write_where(a, where, _cycled(value, a.size))


@reaches_tracers
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    """Write values at indices along an axis that are given for each of its vectors."""
    if not is_own("put_along_axis", arr, np.put_along_axis, indices, values, axis=axis):
        return
    where = indices_like(indices, arr)
    value = _check("put_along_axis", arr, values)
    if axis is None:
        if where.ndim != 1:
            raise ValueError("when axis=None, `indices` must have a single dimension.")
        write_flat(arr, where, value)
        return
    axis = normalize_axis(axis, arr.ndim)
    if where.ndim != arr.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    arr[grid_along(arr, where, axis)] = value


@reaches_tracers
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """Write a number, or values in order and again from the first, onto the main diagonal of `a`.

    Parameters
    ----------
    a
        An array of two axes, or of more of one length.
    val
        What is written; differentiable.
    wrap : bool
        Begin again below a diagonal that ends, in a matrix with more rows than columns.
    """
    if not is_own("fill_diagonal", a, np.fill_diagonal, val, wrap=wrap):
        return
    if a.ndim < 2:
        raise ValueError("array must be at least 2-d")
    end = a.size
    if a.ndim == 2:
        step = a.shape[1] + 1
        end = a.size if wrap else min(a.size, a.shape[1] * a.shape[1])
    else:
        if len(set(a.shape)) > 1:
            raise ValueError("All dimensions of input must be of equal length")
        step = 1 + sum(int(np.prod(a.shape[k:])) for k in range(1, a.ndim))
    count = len(range(0, end, operator.index(step)))
    if count:
        write_flat(a, slice(0, end, step), _cycled(_check("fill_diagonal", a, val), count))
