"""Views that are taken while a program is laid out: where they begin in a buffer and how they step through it.

The table of names here is for speed alone, so that loops and products read their operands as they lie. Views of all
other functions are results of calls, and found by their memory: `aliasing.py`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .program import ARRAY, Op, Value


@dataclass(frozen=True)
class Interval:
    """A number of indices along an axis: ``start``, ``start + step``, …, `count` of them."""

    axis: int
    start: int
    step: int
    count: int


@dataclass(frozen=True)
class Ref:
    """A value as elements of a contiguous buffer.

    Attributes
    ----------
    root : Value
        Whose buffer.
    offset : int
        The position of the first element.
    strides : tuple of int
        In elements; along the axis of an interval, from one index of the interval to the next.
    inside : tuple of Interval
        The indices at which it has elements, for each axis along which it does not have one at every index.
    """

    root: Value
    offset: int
    strides: tuple[int, ...]
    inside: tuple[Interval, ...] = ()


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides, in elements, of a C-ordered array."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def contiguous_view(value: Value) -> Ref:
    """A value in a buffer of its own."""
    return Ref(value, 0, contiguous(value.shape))


# NumPy's own, whatever the library: they say where the elements of a view lie.
_NUMPYS: dict[str, Callable[..., Any]] = {
    "permute_dims": np.permute_dims, "matrix_transpose": np.matrix_transpose, "broadcast_to": np.broadcast_to,
    "getitem": operator.getitem, "squeeze": np.squeeze, "moveaxis": np.moveaxis, "flip": np.flip,
}  # fmt: skip
_NAMES = frozenset((*_NUMPYS, "reshape", "placed"))


def is_view(op: Op) -> bool:
    """Whether NumPy returns a view for this operation, whatever its operand's layout."""
    if op.name not in _NAMES or type(op.result) is not Value or op.result.value_type != ARRAY:
        return False
    if type(op.args[0]) is not Value or any(type(v) is Value for v in op.inputs()[1:]):
        return False
    return op.name != "getitem" or is_basic(op.args[1])


def is_basic(key: Any) -> bool:
    """Whether a key holds integers, slices, None and an ellipsis alone."""
    parts = key if type(key) is tuple else (key,)
    return all(p is None or p is ... or type(p) in (int, slice) for p in parts)


def view_of(op: Op, base: Ref) -> Ref | None:
    """The result of a view operation on `base`; None where a copy would have to be made.

    NumPy itself works it out, on an array of no memory with these strides.
    """
    value = op.args[0]
    if not value.size:
        return None
    if op.name == "placed":
        return _placed(value, base, op.result.shape, **op.settings)
    element = np.zeros(1, np.int8)
    probe = np.lib.stride_tricks.as_strided(element, value.shape, base.strides)
    # strides of one byte an element; nothing is read, and addresses alone are looked at
    if op.name == "reshape":
        try:
            out = np.reshape(probe, op.result.shape, copy=False)
        except ValueError:
            return None
    else:
        out = _NUMPYS[op.name](probe, *op.args[1:], **op.settings)
    if not np.may_share_memory(out, probe) or out.shape != op.result.shape:
        return None
    start = out.__array_interface__["data"][0] - probe.__array_interface__["data"][0]
    return Ref(base.root, base.offset + start, tuple(out.strides))


def intervals(box: tuple[slice, ...], shape: tuple[int, ...]) -> tuple[Interval, ...]:
    """The indices of a box of slices with positive steps, along the axes of which it does not hold every one."""
    found = [(i, range(n)[part], n) for i, (part, n) in enumerate(zip(box, shape, strict=True))]
    return tuple(Interval(i, r.start, r.step, len(r)) for i, r, n in found if len(r) < n)


def _placed(
    value: Value,
    base: Ref,
    shape: tuple[int, ...],
    box: tuple[slice, ...],
    axes: tuple[tuple[int, bool], ...],
) -> Ref:
    """A value in a box of an array of `shape`, in which it is broadcast.

    ``axes[i]`` is the axis of the value that lies along axis i, or −1, and whether it lies there backwards.
    """
    offset, strides = base.offset, []
    for axis, backwards in axes:
        step = 0 if axis < 0 or value.shape[axis] == 1 else base.strides[axis]
        offset += step * (value.shape[axis] - 1) if backwards else 0
        strides.append(-step if backwards else step)
    return Ref(base.root, offset, tuple(strides), intervals(box, shape))
