"""Methods that change shapes and order axes: ``x.reshape(2, 3)``, ``x.ravel()``, ``x.transpose()``."""

from __future__ import annotations

from typing import Any

from ...core.array import Array
from .. import namespace


def reshape(self: Array, *shape: Any, order: str = "C", copy: bool | None = None) -> Array:
    """The array in another shape, ``x.reshape(2, 3)`` or ``x.reshape((2, 3))``: a view where NumPy gives one.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.arange(4.0)
    >>> x.reshape(2, -1)[0] = 7.0
    >>> x
    Array([7., 7., 2., 3.], dtype=float64, device='cpu')
    """
    if len(shape) == 1 and not isinstance(shape[0], int):
        (shape,) = shape
    return namespace.reshape(self, shape, order, copy=copy)


def ravel(self: Array, order: str = "C") -> Array:
    """The elements in one axis: a view where they lie so in memory.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones((2, 2)).ravel().shape
    (4,)
    """
    return namespace.ravel(self, order)


def flatten(self: Array, order: str = "C") -> Array:
    """The elements in one axis, as a copy.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones((2, 2)).flatten().shape
    (4,)
    """
    return namespace.copy(namespace.ravel(self, order))


def transpose(self: Array, *axes: Any) -> Array:
    """The axes in another order, ``x.transpose(1, 0)`` or ``x.transpose((1, 0))``, by default the opposite; a view.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones((2, 3, 4)).transpose(0, 2, 1).shape
    (2, 4, 3)
    """
    if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], tuple | list)):
        (axes,) = axes
    return namespace.transpose(self, axes or None)


def swapaxes(self: Array, axis1: int, axis2: int, /) -> Array:
    """Two axes exchanged; a view.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones((2, 3, 4)).swapaxes(0, 2).shape
    (4, 3, 2)
    """
    return namespace.swapaxes(self, axis1, axis2)


def squeeze(self: Array, axis: Any = None) -> Array:
    """Without axes of length 1; a view.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.ones((1, 3, 1)).squeeze().shape
    (3,)
    """
    return namespace.squeeze(self, axis)


def diagonal(self: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The diagonal of two axes, as the last axis; a view that nothing writes to.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.eye(2).diagonal()
    Array([1., 1.], dtype=float64, device='cpu')
    """
    return namespace.diagonal(self, offset, axis1, axis2)


def repeat(self: Array, repeats: Any, axis: int | None = None) -> Array:
    """Each element several times: `pullback.numpy.repeat`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.asarray([1.0, 2.0]).repeat(2)
    Array([1., 1., 2., 2.], dtype=float64, device='cpu')
    """
    return namespace.repeat(self, repeats, axis)
