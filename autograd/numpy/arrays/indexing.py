"""Reading and writing by index: `take`, `select`, `choose`, `compress`, `ix_`, `put_along_axis` and their kin."""

from __future__ import annotations

import math
import operator
from typing import Any
from typing import cast as cast_to

import numpy as np

from ....backend import backend_of, current
from ...core.array import Array, backend_array
from ...core.generated import xp as generated
from ...core.typing import ArrayLike
from ..arguments import as_array, refuse_out
from ..conversions import (
    arange_on_device_of,
    as_array_in,
    as_arrays,
    cast,
    check_order,
    indices_like,
    lengths,
    library_of,
    normalize_axes,
    normalize_axis,
    on_host,
    operand,
    viewed,
)

__all__ = [
    "argwhere", "choose", "compress", "diag_indices", "diag_indices_from", "diagonal", "extract", "flatnonzero", "ix_",
    "mask_indices", "ndenumerate", "ndindex", "nonzero", "ravel_multi_index", "select", "take", "take_along_axis",
    "tril_indices", "tril_indices_from", "triu_indices", "triu_indices_from", "unravel_index", "where",
]  # fmt: skip

ndindex = np.ndindex


# ── by indices ────────────────────────────────────────────────────────────────────────────────────


def take(
    a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise"
) -> Array:
    """The elements, or slices along an axis, at indices of any shape; a cotangent goes back to where they came from.

    Parameters
    ----------
    a
        An array, which is flattened if `axis` is None.
    indices : array of int
        Their shape replaces the axis in the result's shape.
    axis : int, optional
        The axis.
    mode : {"raise", "wrap", "clip"}
        The treatment of indices that are outside.

    Returns
    -------
    Array

    Examples
    --------
    >>> import numpy, pullback as pb
    >>> pb.grad(lambda x: pb.numpy.take(x, [[0, 0], [2, 1]]).sum())(numpy.ones(3))
    array([2., 1., 1.])
    """
    refuse_out("take", out)
    x = as_array(a)
    if axis is None:
        x, axis = generated.reshape(x, (-1,)), 0
    axis = normalize_axis(axis, x.ndim)
    where = inside(indices_like(indices, x), x.shape[axis], mode, "take")
    flat = where if where.ndim == 1 else generated.reshape(where, (-1,))
    picked = generated.take(x, flat, axis=axis)
    if where.ndim == 1:
        return picked
    return generated.reshape(picked, (*x.shape[:axis], *where.shape, *x.shape[axis + 1 :]))


def inside(indices: Array, n: int, mode: str, name: str) -> Array:
    """Indices into an axis of `n` elements, brought inside as NumPy's `mode` says.

    Raises
    ------
    TypeError
        If they are not integers.
    """
    if indices.dtype.kind not in "iu":
        if indices.dtype.kind != "b":
            raise TypeError(f"{name}: indices of dtype {indices.dtype}; integers are needed")
        indices = generated.astype(indices, np.dtype("int64"))
    if mode == "raise":
        return indices
    if mode == "wrap":
        return generated.remainder(indices, n)
    if mode == "clip":
        return generated.clip(indices, 0, n - 1)
    raise ValueError(f"{name}: mode={mode!r} is not one of 'raise', 'wrap', 'clip'")


def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Array:
    """The elements along an axis at indices that are given for each of its vectors; flattened first if it is None."""
    x = as_array(arr)
    where = indices_like(indices, x)
    if axis is None:
        if where.ndim != 1:
            raise ValueError("when axis=None, `indices` must have a single dimension.")
        x, axis = generated.reshape(x, (-1,)), 0
    axis = normalize_axis(axis, x.ndim)
    if where.ndim != x.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    return generated.take_along_axis(*_against(x, where, axis), axis=axis)


def _against(x: Array, indices: Array, axis: int) -> tuple[Array, Array]:
    """An array and indices, broadcast but for an axis."""

    def but_axis(shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*shape[:axis], 1, *shape[axis + 1 :])

    common = np.broadcast_shapes(but_axis(x.shape), but_axis(indices.shape))

    def spread(y: Array) -> Array:
        shape = (*common[:axis], y.shape[axis], *common[axis + 1 :])
        return y if y.shape == shape else generated.broadcast_to(y, shape)

    return spread(x), spread(indices)


def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Array:
    """The elements of `choices` that `a` selects: at each position, of the array whose number `a` holds there.

    It is differentiable in the choices.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.numpy.choose([1, 0], [[1.0, 2.0], [10.0, 20.0]])
    Array([10.,  2.], dtype=float64, device='cpu')
    """
    refuse_out("choose", out)
    home = library_of(a, choices)
    if hasattr(choices, "ndim"):
        choices = list(as_array(choices))
    arrays = [as_array_in(x, home) for x in choices]
    where = inside(as_array_in(a, home), len(arrays), mode, "choose")
    shape = np.broadcast_shapes(where.shape, *(x.shape for x in arrays))
    dtype = np.result_type(*(x.dtype for x in arrays))
    stacked = generated.stack([cast(generated.broadcast_to(x, shape), dtype) for x in arrays])
    numbers = generated.expand_dims(generated.broadcast_to(where, shape), axis=0)
    return generated.reshape(generated.take_along_axis(stacked, numbers, axis=0), shape)


def compress(condition: Any, a: Any, axis: int | None = None, out: Any = None) -> Array:
    """The slices along an axis, or the elements in order, where a vector of booleans is true; these are read."""
    refuse_out("compress", out)
    x = as_array(a)
    mask = _truth(condition)
    if mask.ndim != 1:
        raise ValueError("condition must be a 1-d array")
    if axis is None:
        x, axis = generated.reshape(x, (-1,)), 0
    found = np.flatnonzero(mask)
    axis = normalize_axis(axis, x.ndim)
    if found.size and found[-1] >= x.shape[axis]:
        raise IndexError(
            f"index {found[-1]} is out of bounds for axis {axis} with size {x.shape[axis]}"
        )
    return generated.take(x, Array(backend_of(backend_array(x)).asarray(found)), axis=axis)


def _truth(condition: Any) -> np.ndarray:
    """A condition as a boolean array of the host."""
    value = backend_array(as_array_in(condition, library_of(condition)))
    host = backend_of(value).to_numpy(value)
    return host if host.dtype.kind == "b" else host != 0


def extract(condition: Any, arr: Any) -> Array:
    """The elements of `arr`, in order, where an array of the same size is true (which is read)."""
    mask = generated.reshape(as_array(condition), (-1,))
    return compress(mask, generated.reshape(as_array(arr), (-1,)))


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Array:
    """The elements of the first choice whose condition is true at each position, or of `default`.

    Parameters
    ----------
    condlist : list of array of bool
        Conditions.
    choicelist : list of array
        As many choices; differentiable. All of them, and the conditions, broadcast against one another.
    default
        A number or an array.

    Returns
    -------
    Array

    Raises
    ------
    ValueError
        If there are not as many conditions as choices, or none.

    Examples
    --------
    >>> import numpy, pullback as pb
    >>> f = lambda x: pb.numpy.select([x < 1, x < 2], [x, x**2], 0.0).sum()
    >>> pb.grad(f)(numpy.array([0.5, 1.5, 2.5]))
    array([1., 3., 0.])
    """
    conditions, choices = list(condlist), list(choicelist)
    if len(conditions) != len(choices):
        raise ValueError("list of cases must be same length as list of conditions")
    if not conditions:
        raise ValueError("select with an empty condition list is not possible")
    home = library_of(conditions, choices, default)
    masks = [as_array_in(c, home) for c in conditions]
    for i, mask in enumerate(masks):
        if mask.dtype.kind != "b":
            raise TypeError(f"invalid entry {i} in condlist: should be boolean ndarray")
    values = [operand(c, home) for c in (*choices, default)]
    dtype = np.result_type(*(x.dtype if type(x) is Array else x for x in values))
    values = [cast(as_array_in(x, home), dtype) for x in values]
    shape = np.broadcast_shapes(*(x.shape for x in (*masks, *values)))
    out = generated.broadcast_to(values.pop(), shape)
    for mask, value in zip(reversed(masks), reversed(values), strict=True):
        out = generated.where(mask, value, out)
    return out


_NOT_GIVEN: Any = None


def where(condition: Any, x: Any = _NOT_GIVEN, y: Any = _NOT_GIVEN, /) -> Any:
    """`x` where a condition is true, `y` elsewhere; with the condition alone, its `nonzero`.

    Notes
    -----
    Both are evaluated everywhere: see `pb.xp.apply_where` for ``where(x > 0, log(x), 0)``, whose derivative at x ≤ 0 is
    NaN in every library.

    Examples
    --------
    >>> import numpy, pullback as pb
    >>> pb.grad(lambda x: pb.numpy.where(x > 1, x**2, 0.0).sum())(numpy.array([1.0, 3.0]))
    array([0., 6.])
    """
    if x is None and y is None:
        return nonzero(condition)
    if x is None or y is None:
        raise ValueError("either both or neither of x and y should be given")
    home = library_of(condition, x, y)
    mask = as_array_in(condition, home)
    if mask.dtype.kind != "b":
        mask = mask != 0
    first, second = operand(x, home), operand(y, home)
    if type(first) is not Array and type(second) is not Array:
        first, second = as_array_in(first, home), as_array_in(second, home)
    return generated.where(mask, first, second)


# ── positions ─────────────────────────────────────────────────────────────────────────────────────


def nonzero(a: Any) -> tuple[Array, ...]:
    """The indices of the elements that are not 0, an array for each axis; constants.

    Raises
    ------
    ValueError
        If `a` has no axes.
    """
    x = as_array(a)
    if not x.ndim:
        raise ValueError(
            "Calling nonzero on 0d arrays is not allowed. Use np.atleast_1d(scalar).nonzero() instead."
        )
    return tuple(generated.nonzero(x))


def flatnonzero(a: Any) -> Array:
    """The indices into the flattened array of the elements that are not 0; a constant."""
    return nonzero(generated.reshape(as_array(a), (-1,)))[0]


def argwhere(a: Any) -> Array:
    """The indices of the elements that are not 0, a row for each of them; a constant."""
    x = as_array(a)
    if not x.ndim:
        count = int(bool(x != 0))
        return Array(backend_of(backend_array(x)).asarray(np.zeros((count, 0), np.intp)))
    return generated.stack(list(nonzero(x)), axis=1)


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The diagonal of two axes, which becomes the last axis; a view that, as NumPy's, is not written to."""
    x = viewed(a)
    if x.ndim < 2:
        raise ValueError("diag requires an array of at least two dimensions")
    first, second = normalize_axes((axis1, axis2), x.ndim)
    if (first, second) != (x.ndim - 2, x.ndim - 1):
        rest = tuple(k for k in range(x.ndim) if k not in (first, second))
        x = generated.permute_dims(x, (*rest, first, second))
    return getattr(generated, "linalg.diagonal")(x, offset=operator.index(offset))


def _on_backend(arrays: Any, x: ArrayLike = None) -> tuple[Array, ...]:
    """Indices that NumPy made, as arrays of the active backend, or of the library of `x`."""
    home = current() if x is None else backend_of(backend_array(as_array(x)))
    return tuple(Array(home.asarray(i)) for i in arrays)


def diag_indices(n: int, ndim: int = 2) -> tuple[Array, ...]:
    """The indices of the main diagonal of an array of `n` elements along each of `ndim` axes."""
    return _on_backend(np.diag_indices(n, ndim))


def diag_indices_from(arr: Any) -> tuple[Array, ...]:
    """The indices of the main diagonal of `arr`, whose axes have one length."""
    x = as_array(arr)
    if x.ndim < 2:
        raise ValueError("input array must be at least 2-d")
    if len(set(x.shape)) > 1:
        raise ValueError("All dimensions of input must be of equal length")
    return _on_backend(np.diag_indices(x.shape[0], x.ndim), x)


def tril_indices(n: int, k: int = 0, m: int | None = None) -> tuple[Array, ...]:
    """The indices of the elements of an n × m matrix on and below its k-th diagonal."""
    return _on_backend(np.tril_indices(n, k, m))


def tril_indices_from(arr: Any, k: int = 0) -> tuple[Array, ...]:
    """The indices of the elements of a matrix on and below its k-th diagonal."""
    x = as_array(arr)
    if x.ndim != 2:
        raise ValueError("input array must be 2-d")
    return _on_backend(np.tril_indices(x.shape[0], k, x.shape[1]), x)


def triu_indices(n: int, k: int = 0, m: int | None = None) -> tuple[Array, ...]:
    """The indices of the elements of an n × m matrix on and above its k-th diagonal."""
    return _on_backend(np.triu_indices(n, k, m))


def triu_indices_from(arr: Any, k: int = 0) -> tuple[Array, ...]:
    """The indices of the elements of a matrix on and above its k-th diagonal."""
    x = as_array(arr)
    if x.ndim != 2:
        raise ValueError("input array must be 2-d")
    return _on_backend(np.triu_indices(x.shape[0], k, x.shape[1]), x)


def mask_indices(n: int, mask_func: Any, k: int = 0) -> tuple[Array, ...]:
    """The indices where ``mask_func(ones((n, n)), k)`` is not 0, such as `triu`."""
    ones = Array(current().asarray(np.ones((n, n), int)))
    return nonzero(mask_func(ones, k))


def ix_(*args: Any) -> tuple[Array, ...]:
    """Vectors of indices as an open grid: ``x[ix_(rows, columns)]`` is a block of `x`."""
    out = []
    for k, given in enumerate(args):
        x = given if hasattr(given, "ndim") else np.asarray(given)
        x = as_array_in(x.astype(np.intp) if getattr(x, "size", 1) == 0 else x, library_of(*args))
        if x.ndim != 1:
            raise ValueError("Cross index must be 1 dimensional")
        if x.dtype.kind == "b":
            x = nonzero(x)[0]
        out.append(generated.reshape(x, (1,) * k + (-1,) + (1,) * (len(args) - k - 1)))
    return tuple(out)


def unravel_index(indices: Any, shape: Any, order: str = "C") -> tuple[Array, ...]:
    """Indices into a flattened array as indices into one of a shape, an array for each axis.

    Raises
    ------
    ValueError
        If one is outside, where that can be seen without a copy from a device.
    """
    check_order("unravel_index", order)
    dims = lengths(shape)
    where = as_array_in(indices, library_of(indices))
    host = on_host(where)
    if host is not None:
        # refuses indices that are outside
        np.unravel_index(host, dims, cast_to(Any, order))
    out = []
    for n in reversed(dims) if order == "C" else dims:
        out.append(generated.remainder(where, n))
        where = generated.floor_divide(where, n)
    return tuple(reversed(out)) if order == "C" else tuple(out)


def ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Array:
    """Indices into an array of a shape, one array for each axis, as indices into it when flattened.

    Raises
    ------
    ValueError
        If one is outside and `mode` is "raise", where that can be seen without a copy from a device.
    """
    check_order("ravel_multi_index", order)
    shape = lengths(dims)
    modes = mode if isinstance(mode, tuple) else (mode,) * len(shape)
    where = as_arrays(*multi_index)
    if len(where) != len(shape):
        raise ValueError(f"parameter multi_index must be a sequence of length {len(shape)}")
    hosts = [on_host(i) for i in where]
    if all(h is not None for h in hosts):
        np.ravel_multi_index(
            cast_to(Any, tuple(hosts)), shape, mode=mode, order=cast_to(Any, order)
        )
    where = [
        inside(i, n, m, "ravel_multi_index") for i, n, m in zip(where, shape, modes, strict=True)
    ]
    pairs = list(zip(where, shape, strict=True))
    if order == "F":
        pairs.reverse()
    out = pairs[0][0]
    for i, n in pairs[1:]:
        out = out * n + i
    return out


def ndenumerate(arr: Any) -> Any:
    """Pairs of an index, as a tuple, and the element there, in order; elements stay traced."""
    x = as_array(arr)
    return ((i, generated.getitem(x, i)) for i in np.ndindex(x.shape))


def flat_positions(x: Array, part: np.ndarray) -> Array:
    """Positions in the flattened `x`, given on the host, as an array of the library of `x`."""
    return Array(backend_of(backend_array(x)).asarray(part))


def grid_along(x: Array, indices: Array, axis: int) -> tuple[Any, ...]:
    """The key with which indices along an axis select one element for each of them."""
    key: list[Any] = []
    for k in range(x.ndim):
        if k == axis:
            key.append(indices)
        else:
            row = arange_on_device_of(x.shape[k], x)
            key.append(generated.reshape(row, (1,) * k + (-1,) + (1,) * (x.ndim - k - 1)))
    return tuple(key)


def size_of(shape: tuple[int, ...]) -> int:
    """The number of elements of an array of a shape."""
    return math.prod(shape)
