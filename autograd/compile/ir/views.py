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
class Ref:
    """A value as elements of a contiguous buffer.

    Attributes
    ----------
    root : Value
        Whose buffer.
    offset : int
        The position of the first element.
    strides : tuple of int
        In elements.
    """

    root: Value
    offset: int
    strides: tuple[int, ...]


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
_NAMES = frozenset((*_NUMPYS, "reshape"))


def is_view(op: Op) -> bool:
    """Whether NumPy returns a view for this operation, whatever its operand's layout."""
    if op.name not in _NAMES or type(op.result) is not Value or op.result.value_type != ARRAY:
        return False
    if type(op.args[0]) is not Value or any(type(v) is Value for v in op.inputs()[1:]):
        return False
    return op.name != "getitem" or _is_basic(op.args[1])


def _is_basic(key: Any) -> bool:
    parts = key if type(key) is tuple else (key,)
    return all(p is None or p is ... or type(p) in (int, slice) for p in parts)


def view_of(op: Op, base: Ref) -> Ref | None:
    """The result of a view operation on `base`; None where a copy would have to be made.

    NumPy itself works it out, on an array of no memory with these strides.
    """
    value = op.args[0]
    if not value.size:
        return None
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
