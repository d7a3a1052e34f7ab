"""Methods that write in place, which is recorded, and that read: ``x.fill(v)``, ``x.sort()``, ``x.item()``."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array
from .. import namespace

# ── in place: recorded, and seen by what this is a view of and by its views ───────────────────────


def fill(self: Array, value: Any) -> None:
    """Write one value everywhere; recorded.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.zeros(2)
    >>> x.fill(3.0)
    >>> x
    Array([3., 3.], dtype=float64, device='cpu')
    """
    if getattr(value, "ndim", 0) or isinstance(value, list | tuple):
        value = namespace.reshape(value, ())
    self[...] = value


def sort(
    self: Array, axis: int = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None
) -> None:
    """Sort along an axis, in place; recorded.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([3.0, 1.0])
    >>> x.sort()
    >>> x
    Array([1., 3.], dtype=float64, device='cpu')
    """
    self[...] = namespace.sort(self, axis, kind, order, stable=stable)


def partition(
    self: Array, kth: Any, axis: int = -1, kind: str = "introselect", order: Any = None
) -> None:
    """Put the k-th smallest at index k, smaller ones before it, in place; recorded.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([3.0, 1.0, 2.0])
    >>> x.partition(0)
    >>> float(x[0])
    1.0
    """
    self[...] = namespace.partition(self, kth, axis, kind, order)


def put(self: Array, indices: Any, values: Any, mode: str = "raise") -> None:
    """Write values at indices into the flattened array; recorded.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.zeros(3)
    >>> x.put([0, 2], [5.0, 6.0])
    >>> x
    Array([5., 0., 6.], dtype=float64, device='cpu')
    """
    namespace.put(self, indices, values, mode)


# ── values ────────────────────────────────────────────────────────────────────────────────────────


def item(self: Array, *args: Any) -> Any:
    """One element as a Python number, ``x.item()``, ``x.item(3)`` or ``x.item(1, 2)``; refused while traced.

    Raises
    ------
    TypeError
        Under a derivative: the number would be a constant.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1.0, 2.0]).item(1)
    2.0
    """
    self.refuse_if_traced("x.item()")
    value = backend_array(self)
    if not args:
        return value.item()
    key = args[0] if len(args) == 1 else args
    if not isinstance(key, tuple):
        key = np.unravel_index(range(self.size)[key], self.shape)
    if len(key) != self.ndim:
        raise ValueError("incorrect number of indices for array")
    return value[tuple(int(k) for k in key)].item()


def tolist(self: Array) -> Any:
    """The elements as nested lists of Python numbers; refused while traced.

    Raises
    ------
    TypeError
        Under a derivative: the numbers would be constants.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones((2, 1)).tolist()
    [[1.0], [1.0]]
    """
    self.refuse_if_traced("x.tolist()")
    value = backend_array(self)
    if backend_of(value).recording:
        return value.tolist()
    return backend_of(value).to_numpy(value).tolist()
