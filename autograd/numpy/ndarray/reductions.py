"""Methods that sum, multiply, compare: ``x.sum(axis=0)``, ``x.max()``, ``x.cumsum()``, ``x.any()``."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.array import Array
from .. import namespace

_NO_VALUE: Any = np._NoValue


def sum(
    self: Array, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
    initial: Any = _NO_VALUE, where: Any = True,
) -> Array:  # fmt: skip
    """The sum over axes, all of them by default: `pullback.numpy.sum`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones((2, 3)).sum(axis=0)
    Array([2., 2., 2.], dtype=float64, device='cpu')
    """
    return namespace.sum(self, axis, dtype, out, keepdims, initial, where)


def prod(
    self: Array, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
    initial: Any = _NO_VALUE, where: Any = True,
) -> Array:  # fmt: skip
    """The product over axes: `pullback.numpy.prod`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([2.0, 3.0]).prod()
    Array(6., dtype=float64, device='cpu')
    """
    return namespace.prod(self, axis, dtype, out, keepdims, initial, where)


def mean(
    self: Array, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
    *, where: Any = True,
) -> Array:  # fmt: skip
    """The mean over axes: `pullback.numpy.mean`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([2.0, 3.0]).mean()
    Array(2.5, dtype=float64, device='cpu')
    """
    return namespace.mean(self, axis, dtype, out, keepdims, where=where)


def max(
    self: Array, axis: Any = None, out: Any = None, keepdims: bool = False,
    initial: Any = _NO_VALUE, where: Any = True,
) -> Array:  # fmt: skip
    """The largest element over axes; equal ones share the cotangent: `pullback.numpy.max`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([2.0, 3.0]).max()
    Array(3., dtype=float64, device='cpu')
    """
    return namespace.max(self, axis, out, keepdims, initial, where)


def min(
    self: Array, axis: Any = None, out: Any = None, keepdims: bool = False,
    initial: Any = _NO_VALUE, where: Any = True,
) -> Array:  # fmt: skip
    """The smallest element over axes; equal ones share the cotangent: `pullback.numpy.min`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([2.0, 3.0]).min()
    Array(2., dtype=float64, device='cpu')
    """
    return namespace.min(self, axis, out, keepdims, initial, where)


def var(
    self: Array, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0,
    keepdims: bool = False, *, where: Any = True, mean: Any = _NO_VALUE, correction: Any = _NO_VALUE,
) -> Array:  # fmt: skip
    """The variance over axes: `pullback.numpy.var`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1.0, 3.0]).var(ddof=1)
    Array(2., dtype=float64, device='cpu')
    """
    return namespace.var(
        self, axis, dtype, out, ddof, keepdims, where=where, mean=mean, correction=correction
    )


def std(
    self: Array, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0,
    keepdims: bool = False, *, where: Any = True, mean: Any = _NO_VALUE, correction: Any = _NO_VALUE,
) -> Array:  # fmt: skip
    """The standard deviation over axes: `pullback.numpy.std`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1.0, 3.0]).std()
    Array(1., dtype=float64, device='cpu')
    """
    return namespace.std(
        self, axis, dtype, out, ddof, keepdims, where=where, mean=mean, correction=correction
    )


def all(
    self: Array, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True
) -> Array:
    """Whether all elements are true: `pullback.numpy.all`; a constant.

    Examples
    --------
    >>> import pullback as pb
    >>> bool((pb.xp.ones(3) > 0).all())
    True
    """
    return namespace.all(self, axis, out, keepdims, where=where)


def any(
    self: Array, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True
) -> Array:
    """Whether an element is true: `pullback.numpy.any`; a constant.

    Examples
    --------
    >>> import pullback as pb
    >>> bool((pb.xp.ones(3) > 1).any())
    False
    """
    return namespace.any(self, axis, out, keepdims, where=where)


def argmax(self: Array, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Array:
    """The index of the first largest element: `pullback.numpy.argmax`; a constant.

    Examples
    --------
    >>> import pullback as pb
    >>> int(pb.xp.asarray([2.0, 3.0]).argmax())
    1
    """
    return namespace.argmax(self, axis, out, keepdims=keepdims)


def argmin(self: Array, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Array:
    """The index of the first smallest element: `pullback.numpy.argmin`; a constant.

    Examples
    --------
    >>> import pullback as pb
    >>> int(pb.xp.asarray([2.0, 3.0]).argmin())
    0
    """
    return namespace.argmin(self, axis, out, keepdims=keepdims)


def cumsum(self: Array, axis: Any = None, dtype: Any = None, out: Any = None) -> Array:
    """The sums up to each element, along an axis or of all in order: `pullback.numpy.cumsum`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones(3).cumsum()
    Array([1., 2., 3.], dtype=float64, device='cpu')
    """
    return namespace.cumsum(self, axis, dtype, out)


def cumprod(self: Array, axis: Any = None, dtype: Any = None, out: Any = None) -> Array:
    """The products up to each element, along an axis or of all in order: `pullback.numpy.cumprod`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1.0, 2.0, 3.0]).cumprod()
    Array([1., 2., 6.], dtype=float64, device='cpu')
    """
    return namespace.cumprod(self, axis, dtype, out)


def trace(
    self: Array, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
) -> Array:
    """The sum of a diagonal: `pullback.numpy.trace`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.eye(3).trace()
    Array(3., dtype=float64, device='cpu')
    """
    return namespace.trace(self, offset, axis1, axis2, dtype, out)
