"""Joining and splitting: `concatenate`, `stack`, `block`, `split` and their kin."""

from __future__ import annotations

from typing import Any

from ...core.array import Array
from ...core.generated import xp as generated
from ...core.typing import DType
from ...functions.arrays import joining as standard
from ...functions.creation import asarray as standard_asarray
from ..arguments import refuse_out
from ..conversions import (
    as_array_in,
    as_arrays,
    host_integers,
    in_one_dtype,
    library_of,
    normalize_axis,
    viewed,
)
from .manipulation import atleast_1d, atleast_2d, atleast_3d

__all__ = [
    "array_split", "block", "column_stack", "concat", "concatenate", "dsplit", "dstack", "hsplit", "hstack",
    "row_stack", "split", "stack", "unstack", "vsplit", "vstack",
]  # fmt: skip


# ── together ──────────────────────────────────────────────────────────────────────────────────────


def concatenate(
    arrays: Any,
    /,
    axis: int | None = 0,
    out: Any = None,
    *,
    dtype: DType = None,
    casting: str = "same_kind",
) -> Array:
    """Arrays joined along an axis that they have; flattened first if it is None.

    Examples
    --------
    >>> import numpy, pullback as pb
    >>> weights = numpy.array([1.0, 2.0, 3.0])
    >>> pb.grad(lambda x: weights @ pb.numpy.concatenate([[0.0], x]))(numpy.ones(2))
    array([2., 3.])
    """
    refuse_out("concatenate", out)
    parts = in_one_dtype(_sequence(arrays, "concatenate"), dtype, casting)
    if axis is None:
        return generated.concat([generated.reshape(x, (-1,)) for x in parts], axis=0)
    if any(x.ndim == 0 for x in parts):
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    return generated.concat(parts, axis=normalize_axis(axis, parts[0].ndim))


concat = concatenate


def _sequence(arrays: Any, name: str) -> list[Array]:
    """The arrays of a sequence, or the slices of one array along its first axis."""
    if hasattr(arrays, "ndim"):
        arrays = viewed(arrays)
        return [generated.getitem(arrays, (i, ...)) for i in range(len(arrays))]
    parts = as_arrays(*arrays)
    if not parts:
        raise ValueError(f"{name}: need at least one array")
    return parts


def stack(
    arrays: Any,
    axis: int = 0,
    out: Any = None,
    *,
    dtype: DType = None,
    casting: str = "same_kind",
) -> Array:
    """Arrays of one shape joined along a new axis."""
    refuse_out("stack", out)
    parts = in_one_dtype(_sequence(arrays, "stack"), dtype, casting)
    if len({x.shape for x in parts}) > 1:
        raise ValueError("all input arrays must have the same shape")
    return generated.stack(parts, axis=normalize_axis(axis, parts[0].ndim + 1))


def hstack(tup: Any, *, dtype: DType = None, casting: str = "same_kind") -> Array:
    """Arrays side by side: along the second axis, or the only one."""
    parts = [atleast_1d(x) for x in _sequence(tup, "hstack")]
    return concatenate(parts, 0 if parts[0].ndim == 1 else 1, dtype=dtype, casting=casting)


def vstack(tup: Any, *, dtype: DType = None, casting: str = "same_kind") -> Array:
    """Arrays above one another; vectors are rows."""
    parts = [atleast_2d(x) for x in _sequence(tup, "vstack")]
    return concatenate(parts, 0, dtype=dtype, casting=casting)


row_stack = vstack


def dstack(tup: Any) -> Array:
    """Arrays behind one another, along the third axis."""
    return concatenate([atleast_3d(x) for x in _sequence(tup, "dstack")], 2)


def column_stack(tup: Any) -> Array:
    """Arrays side by side; vectors are columns."""
    parts = _sequence(tup, "column_stack")
    return concatenate([x if x.ndim > 1 else generated.reshape(x, (-1, 1)) for x in parts], 1)


def block(arrays: Any) -> Array:
    """An array from blocks in nested lists, joined along the last axis innermost, along the one before it outside.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.numpy.block([[pb.numpy.eye(2), pb.numpy.zeros((2, 1))], [pb.numpy.ones((1, 3))]])
    Array([[1., 0., 0.],
           [0., 1., 0.],
           [1., 1., 1.]], dtype=float64, device='cpu')
    """
    home = library_of(arrays)
    depth = _depth(arrays)
    if depth == 0:
        return standard_asarray(as_array_in(arrays, home), copy=True)
    return _joined(arrays, home, depth, max(depth, _most_axes(arrays, home)))


def _depth(arrays: Any, path: str = "arrays") -> int:
    if isinstance(arrays, tuple):
        raise TypeError(f"{path} is a tuple. Only lists can be used to arrange blocks")
    if not isinstance(arrays, list):
        return 0
    if not arrays:
        raise ValueError(f"List at {path} cannot be empty")
    depths = {_depth(x, f"{path}[{i}]") for i, x in enumerate(arrays)}
    if len(depths) > 1:
        raise ValueError(f"{path}: list depths are mismatched: {sorted(depths)}")
    return depths.pop() + 1


def _most_axes(arrays: Any, home: Any) -> int:
    if isinstance(arrays, list):
        return max(_most_axes(x, home) for x in arrays)
    return as_array_in(arrays, home).ndim


def _joined(arrays: Any, home: Any, depth: int, ndim: int) -> Array:
    if not isinstance(arrays, list):
        x = as_array_in(arrays, home)
        return generated.reshape(x, (1,) * (ndim - x.ndim) + x.shape)
    return concatenate([_joined(x, home, depth - 1, ndim) for x in arrays], -depth)


# ── apart ─────────────────────────────────────────────────────────────────────────────────────────


def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """The parts of an array along an axis: a number of almost equal ones, or those between indices; views."""
    return standard.array_split(viewed(ary), _cuts(indices_or_sections), axis)


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """The parts of an array along an axis: a number of equal ones, or those between indices; views.

    Raises
    ------
    ValueError
        If the axis does not divide into that many equal parts.
    """
    return standard.split(viewed(ary), _cuts(indices_or_sections), axis)


def _cuts(indices_or_sections: Any) -> Any:
    if isinstance(indices_or_sections, int):
        return indices_or_sections
    host = host_integers(indices_or_sections, "split")
    return host.tolist() if host.ndim else int(host)


def hsplit(ary: Any, indices_or_sections: Any) -> list[Array]:
    """The parts of an array along its second axis, or its only one; views."""
    x = viewed(ary)
    if x.ndim == 0:
        raise ValueError("hsplit only works on arrays of 1 or more dimensions")
    return split(x, indices_or_sections, 1 if x.ndim > 1 else 0)


def vsplit(ary: Any, indices_or_sections: Any) -> list[Array]:
    """The parts of an array along its first axis; views."""
    x = viewed(ary)
    if x.ndim < 2:
        raise ValueError("vsplit only works on arrays of 2 or more dimensions")
    return split(x, indices_or_sections, 0)


def dsplit(ary: Any, indices_or_sections: Any) -> list[Array]:
    """The parts of an array along its third axis; views."""
    x = viewed(ary)
    if x.ndim < 3:
        raise ValueError("dsplit only works on arrays of 3 or more dimensions")
    return split(x, indices_or_sections, 2)


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Array, ...]:
    """The slices of `x` along an axis; views."""
    x = viewed(x)
    if x.ndim == 0:
        raise ValueError("Input array must be at least 1-d.")
    return standard.unstack(x, axis=normalize_axis(axis, x.ndim))
