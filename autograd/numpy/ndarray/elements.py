"""Methods on elements: ``x.astype(dtype)``, ``x.clip(0, 1)``, ``x.take(indices)``, ``x.argsort()``."""

from __future__ import annotations

from typing import Any

from ...core.array import Array
from ...core.dtypes import is_complex
from ...functions import namespace as standard
from .. import namespace
from ..conversions import check_cast


def astype(
    self: Array, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True,
    copy: bool = True,
) -> Array:  # fmt: skip
    """The array in another dtype; a cotangent is cast back.

    Raises
    ------
    TypeError
        If NumPy's rule `casting` forbids it.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones(2).astype("float32").dtype
    dtype('float32')
    """
    check_cast(self.dtype, dtype, casting)
    return namespace.astype(self, dtype, copy=copy)


def copy(self: Array, order: str = "C") -> Array:
    """A copy, which is no view; it stays on its tape.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.ones(2)
    >>> x.copy()[0] = 5.0
    >>> x
    Array([1., 1.], dtype=float64, device='cpu')
    """
    return namespace.copy(self, order)


def clip(self: Array, min: Any = None, max: Any = None, out: Any = None, **settings: Any) -> Array:
    """The elements between two bounds: `pullback.numpy.clip`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([-2.0, 0.5, 2.0]).clip(-1, 1)
    Array([-1. ,  0.5,  1. ], dtype=float64, device='cpu')
    """
    return namespace.clip(self, min, max, out, **settings)


def round(self: Array, decimals: int = 0, out: Any = None) -> Array:
    """The elements rounded to decimals, with derivative 0: `pullback.numpy.round`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1.25, 2.75]).round(1)
    Array([1.2, 2.8], dtype=float64, device='cpu')
    """
    return namespace.round(self, decimals, out)


def conj(self: Array) -> Array:
    """The complex conjugates.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1j]).conj()
    Array([0.-1.j], dtype=complex128, device='cpu')
    """
    return standard.conj(self) if is_complex(self.dtype) else self


def dot(self: Array, other: Any, /, out: Any = None) -> Array:
    """The product with a vector, matrix or number: `pullback.numpy.dot`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones(3).dot(pb.xp.ones(3))
    Array(3., dtype=float64, device='cpu')
    """
    return namespace.dot(self, other, out)


def take(
    self: Array, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise"
) -> Array:
    """The elements at indices: `pullback.numpy.take`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1.0, 2.0, 3.0]).take([0, 2])
    Array([1., 3.], dtype=float64, device='cpu')
    """
    return namespace.take(self, indices, axis, out, mode)


def choose(self: Array, choices: Any, out: Any = None, mode: str = "raise") -> Array:
    """The elements of the arrays of `choices` whose numbers `self` holds: `pullback.numpy.choose`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1, 0]).choose([[1.0, 2.0], [3.0, 4.0]])
    Array([3., 2.], dtype=float64, device='cpu')
    """
    return namespace.choose(self, choices, out, mode)


def compress(self: Array, condition: Any, axis: int | None = None, out: Any = None) -> Array:
    """The elements where a vector of booleans is true: `pullback.numpy.compress`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1.0, 2.0]).compress([False, True])
    Array([2.], dtype=float64, device='cpu')
    """
    return namespace.compress(condition, self, axis, out)


def nonzero(self: Array) -> tuple[Array, ...]:
    """The indices of the elements that are not 0: `pullback.numpy.nonzero`; constants.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([0.0, 2.0]).nonzero()
    (Array([1], dtype=int64, device='cpu'),)
    """
    return namespace.nonzero(self)


def argsort(
    self: Array, axis: int | None = -1, kind: Any = None, order: Any = None,
    *, stable: bool | None = None,
) -> Array:  # fmt: skip
    """The indices that sort along an axis: `pullback.numpy.argsort`; a constant.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([3.0, 1.0]).argsort()
    Array([1, 0], dtype=int64, device='cpu')
    """
    return namespace.argsort(self, axis, kind, order, stable=stable)


def argpartition(
    self: Array, kth: Any, axis: int | None = -1, kind: str = "introselect", order: Any = None
) -> Array:
    """The indices of a partition along an axis: `pullback.numpy.argpartition`; a constant.

    Examples
    --------
    >>> import pullback as pb
    >>> int(pb.xp.asarray([3.0, 1.0, 2.0]).argpartition(0)[0])
    1
    """
    return namespace.argpartition(self, kth, axis, kind, order)


def searchsorted(self: Array, v: Any, side: str = "left", sorter: Any = None) -> Array:
    """The index at which `v` keeps a sorted vector sorted: `pullback.numpy.searchsorted`; a constant.

    Examples
    --------
    >>> import pullback as pb
    >>> int(pb.xp.asarray([1.0, 3.0]).searchsorted(2.0))
    1
    """
    return namespace.searchsorted(self, v, side, sorter)
