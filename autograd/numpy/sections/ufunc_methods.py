"""The methods of ufuncs: `reduce`, `accumulate`, `reduceat`, `outer` and `at`.

Those of `add`, `multiply`, `maximum`, `minimum`, `logical_and` and `logical_or` are functions of the library. The
others combine elements pairwise where the operation is associative, in ⌈log₂ n⌉ steps, and one after the other where
it is not.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array
from ...core.tracer_like import TRACERS
from ...functions import namespace as xp
from ...functions.indexing import Selection, at
from ..arguments import as_array, refuse_out
from ..conversions import normalize_axes, normalize_axis
from ..operands import NO_VALUE, as_default_integer, chosen_by, starting_value
from . import reductions

# f(f(a, b), c) is f(a, f(b, c)), up to rounding
ASSOCIATIVE = frozenset(
    """add bitwise_and bitwise_or bitwise_xor fmax fmin gcd hypot lcm logaddexp logaddexp2 logical_and logical_or
    logical_xor maximum minimum multiply""".split()  # noqa: SIM905 - a table
)
_REDUCE: dict[str, Any] = {
    "add": reductions.sum,
    "multiply": reductions.prod,
    "maximum": reductions.max,
    "minimum": reductions.min,
    "logical_and": reductions.all,
    "logical_or": reductions.any,
}
_ACCUMULATE = {"add": "cumulative_sum", "multiply": "cumulative_prod"}


def attach(ufunc: Any, of_numpy: Any) -> None:
    """Give a function the methods that NumPy's ufunc has."""
    if of_numpy.signature is not None:  # of a product of vectors or matrices there are none
        return
    ufunc.at = functools.partial(_at, ufunc)
    if of_numpy.nin == 2 and of_numpy.nout == 1:
        for method in (_reduce, _accumulate, _reduceat, _outer):
            name = method.__name__.removeprefix("_")
            bound: Any = functools.partial(method, ufunc, of_numpy)
            bound.__name__ = f"{ufunc.__name__}.{name}"
            setattr(ufunc, name, bound)
    elif of_numpy.nin == 2:
        ufunc.outer = functools.partial(_outer, ufunc, of_numpy)


def _reduce(
    ufunc: Any,
    of_numpy: Any,
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = NO_VALUE,
    where: Any = True,
) -> Array:
    """The elements along axes combined by the operation."""
    name = ufunc.__name__
    refuse_out(f"{name}.reduce", out)
    x = as_array(array)
    if axis is not None and not x.ndim:
        axis = None
    if name in ("add", "multiply"):
        return _REDUCE[name](x, axis, dtype, None, keepdims, initial, where)
    if name in ("maximum", "minimum"):
        x = x if dtype is None else xp.astype(x, np.dtype(dtype))
        return _REDUCE[name](x, axis, None, keepdims, initial, where)
    if name in ("logical_and", "logical_or") and initial is NO_VALUE:
        return _REDUCE[name](x, axis, None, keepdims, where=where)
    x = x if dtype is None else xp.astype(x, np.dtype(dtype))
    axes = normalize_axes(axis, x.ndim)
    start = of_numpy.identity if initial is NO_VALUE else starting_value(initial, x.dtype)
    mask = chosen_by(where, x)
    if mask is not None:
        if start is None:
            raise ValueError(f"{name}.reduce(where=): needs initial=, since it has no identity")
        x = xp.where(mask, x, start)
    if len(axes) > 1 and name not in ASSOCIATIVE:
        raise ValueError(f"{name}.reduce: not reorderable, so that at most one axis may be given")
    kept = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
    shape = kept if keepdims else tuple(n for k, n in enumerate(x.shape) if k not in axes)
    for k in axes:
        x = _combined(ufunc, x, k, start)
    x = xp.reshape(x, shape)
    return x if initial is NO_VALUE else ufunc(initial, x)


def _combined(ufunc: Any, x: Array, axis: int, start: Any) -> Array:
    """One element along an axis, which is kept."""
    n = x.shape[axis]
    if n == 0:
        if start is None:
            raise ValueError(
                f"{ufunc.__name__}.reduce of no elements has no identity; give initial="
            )
        return xp.full((*x.shape[:axis], 1, *x.shape[axis + 1 :]), start, dtype=x.dtype)
    if ufunc.__name__ not in ASSOCIATIVE:
        return functools.reduce(ufunc, [_part(x, axis, slice(i, i + 1)) for i in range(n)])
    while n > 1:
        half = n // 2
        pairs = ufunc(_part(x, axis, slice(0, half)), _part(x, axis, slice(half, 2 * half)))
        x = xp.concat([pairs, _part(x, axis, slice(2 * half, n))], axis=axis) if n % 2 else pairs
        n = half + n % 2
    return x


def _accumulate(
    ufunc: Any, of_numpy: Any, array: Any, axis: int = 0, dtype: Any = None, out: Any = None
) -> Array:
    """The elements up to each one along an axis, combined by the operation."""
    name = ufunc.__name__
    refuse_out(f"{name}.accumulate", out)
    x = as_array(array)
    if not x.ndim:
        raise TypeError(f"{name}.accumulate: cannot accumulate on a scalar")
    axis = normalize_axis(axis, x.ndim)
    if name in _ACCUMULATE:
        accumulate = getattr(xp, _ACCUMULATE[name])
        return accumulate(as_default_integer(x), axis=axis, dtype=dtype)
    x = x if dtype is None else xp.astype(x, np.dtype(dtype))
    n = x.shape[axis]
    if n == 0:
        return x
    if name not in ASSOCIATIVE:
        parts = [_part(x, axis, slice(i, i + 1)) for i in range(n)]
        for i in range(1, n):
            parts[i] = ufunc(parts[i - 1], parts[i])
        return xp.concat(parts, axis=axis)
    x = reductions.truth(x) if name.startswith("logical") else x
    reach = 1
    # each element is combined with what reaches up to before it: Hillis and Steele, Data parallel algorithms, 1986
    while reach < n:
        late = ufunc(_part(x, axis, slice(0, n - reach)), _part(x, axis, slice(reach, n)))
        x = xp.concat([_part(x, axis, slice(0, reach)), late], axis=axis)
        reach *= 2
    return x


def _reduceat(
    ufunc: Any,
    of_numpy: Any,
    array: Any,
    indices: Any,
    axis: int = 0,
    dtype: Any = None,
    out: Any = None,
) -> Array:
    """The stretches from each index to the next, each combined by the operation; they are read on the host."""
    refuse_out(f"{ufunc.__name__}.reduceat", out)
    x = as_array(array)
    axis = normalize_axis(axis, x.ndim)
    n = x.shape[axis]
    starts = [int(i) for i in _on_host(indices)]
    if any(not 0 <= i < n for i in starts):
        raise IndexError(f"{ufunc.__name__}.reduceat: an index is not in [0, {n})")
    parts = []
    for start, end in zip(starts, [*starts[1:], n], strict=True):
        part = _part(x, axis, slice(start, max(end, start + 1)))
        parts.append(ufunc.reduce(part, axis=axis, dtype=dtype, keepdims=True))
    return xp.concat(parts, axis=axis)


def _outer(ufunc: Any, of_numpy: Any, A: Any, B: Any, /, **settings: Any) -> Any:
    """The operation on each pair of elements of two arrays; of the shape of both, one behind the other."""
    a, b = as_array(A), as_array(B)
    return ufunc(xp.reshape(a, a.shape + (1,) * b.ndim), b, **settings)


def _at(ufunc: Any, a: Any, indices: Any, b: Any = None, /) -> None:
    """The operation at elements of `a`, in place, once for each repetition of an index.

    Raises
    ------
    TypeError
        If `a` is no pullback array, to which nothing is written.
    """
    name = ufunc.__name__
    if type(a) in TRACERS:
        x = Array(a)
        _at(ufunc, x, indices, b)
        a[...] = x.value
        return
    if type(a) is not Array:
        raise TypeError(
            f"{name}.at: a is a {type(a).__name__}, which is not written to; make it a pullback array first, "
            "a = pb.xp.asarray(a)"
        )
    selected: Selection = at(a)[indices]
    if name == "add":
        a[...] = selected.add(b)
    elif name == "subtract":
        a[...] = selected.subtract(b)
    else:
        change: Callable[..., Any] = ufunc if b is not None else lambda x, _: ufunc(x)
        a[...] = selected._changed(change, 0 if b is None else b)


def _part(x: Array, axis: int, key: Any) -> Array:
    return x[(*(slice(None),) * axis, key, ...)]


def _on_host(indices: Any) -> np.ndarray:
    value = backend_array(as_array(indices))
    return backend_of(value).to_numpy(value)
