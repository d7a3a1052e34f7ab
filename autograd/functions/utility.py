"""NumPy's products and what NumPy has of numerical analysis, under its names, in `pb.xp`.

Compositions of the standard's functions, which take their derivatives from them.
"""

from __future__ import annotations

import math
from copy import copy
from typing import Any

from ..core.array import Array, backend_array
from ..core.dtypes import is_complex, is_inexact
from ..core.generated import xp as fun
from ..core.namespaces import namespace_of
from .creation import asarray
from .data_type import finfo
from .sorting import diff

# ── products ──────────────────────────────────────────────────────────────────────────────────


def dot(a: Any, b: Any) -> Array:
    """NumPy's ``dot``: a product with a number, of vectors, or over the last axis of `a` and the last but one of `b`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.dot(pb.xp.asarray([1.0, 2.0]), pb.xp.asarray([3.0, 4.0]))
    Array(11., dtype=float64, device='cpu')
    """
    a, b = asarray(a), asarray(b)
    if not (a.ndim and b.ndim):
        return a * b
    return fun.tensordot(a, b, axes=((a.ndim - 1,), (max(b.ndim - 2, 0),)))


def inner(a: Any, b: Any) -> Array:
    """NumPy's ``inner``: ``Σ_k a[…, k] b[…, k]`` over the last axes, without a conjugate.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.inner(pb.xp.asarray([[1.0, 2.0], [0.0, 1.0]]), pb.xp.asarray([3.0, 4.0]))
    Array([11.,  4.], dtype=float64, device='cpu')
    """
    a, b = asarray(a), asarray(b)
    if not (a.ndim and b.ndim):
        return a * b
    return fun.tensordot(a, b, axes=((a.ndim - 1,), (b.ndim - 1,)))


def vdot(a: Any, b: Any) -> Array:
    """NumPy's ``vdot``: ``Σ conj(a) b`` of all elements in order.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.vdot(pb.xp.asarray([1j, 2.0]), pb.xp.asarray([1j, 1.0]))
    Array(3.+0.j, dtype=complex128, device='cpu')
    """
    return fun.vecdot(_flat(a), _flat(b))


def outer(a: Any, b: Any) -> Array:
    """NumPy's ``outer``: ``a[i] b[j]`` of the flattened arrays.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.outer(pb.xp.asarray([1.0, 2.0]), pb.xp.asarray([3.0, 4.0]))
    Array([[3., 4.],
           [6., 8.]], dtype=float64, device='cpu')
    """
    return fun.expand_dims(_flat(a), axis=1) * _flat(b)


def kron(a: Any, b: Any) -> Array:
    """The Kronecker product: each element of `a` times all of `b`, in blocks.

    Parameters
    ----------
    a, b
        Arrays; the one with fewer axes has axes of length 1 put in front.

    Returns
    -------
    Array
        Of the lengths of `a` times those of `b`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.kron(pb.xp.asarray([1.0, 10.0]), pb.xp.asarray([1.0, 2.0]))
    Array([ 1.,  2., 10., 20.], dtype=float64, device='cpu')
    """
    a, b = asarray(a), asarray(b)
    ndim = max(a.ndim, b.ndim)
    rows = (1,) * (ndim - a.ndim) + a.shape
    columns = (1,) * (ndim - b.ndim) + b.shape
    blocks = fun.reshape(a, tuple(k for n in rows for k in (n, 1)))
    inside = fun.reshape(b, tuple(k for n in columns for k in (1, n)))
    return fun.reshape(blocks * inside, tuple(n * m for n, m in zip(rows, columns, strict=True)))


def _flat(x: Any) -> Array:
    return fun.reshape(asarray(x), (-1,))


# ── numerical analysis ────────────────────────────────────────────────────────────────────────


def angle(z: Any, deg: bool = False) -> Array:
    """The argument of complex numbers, in radians or degrees; with derivative 0 at 0.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.angle(pb.xp.asarray([1j, -1.0]), deg=True)
    Array([ 90., 180.], dtype=float64, device='cpu')
    """
    z = asarray(z)
    if is_complex(z.dtype):
        out = fun.atan2(fun.imag(z), fun.real(z))
    else:
        z = _floating(z)
        out = fun.atan2(Array(namespace_of(backend_array(z)).zeros_like(backend_array(z))), z)
    return out * (180.0 / math.pi) if deg else out


def nan_to_num(x: Any, *, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Array:
    """`x` with numbers in place of NaN and infinities, of the real and of the imaginary part.

    Parameters
    ----------
    x
        An array. (NumPy's ``copy=False`` has no counterpart: nothing is written to.)
    nan
        In place of NaN.
    posinf, neginf
        In place of ±∞; by default the largest and smallest numbers of the dtype.

    Returns
    -------
    Array
        Of the shape and dtype of `x`. The derivative is 0 where it was replaced.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.grad(lambda x: pb.xp.sum(pb.xp.nan_to_num(x, posinf=1.0) ** 2))(np.asarray([3.0, np.nan, np.inf]))
    array([6., 0., 0.])
    """
    x = asarray(x)
    if not is_inexact(x.dtype):
        return copy(x)
    if is_complex(x.dtype):
        parts = (fun.real(x), fun.imag(x))
        real, imag = (nan_to_num(p, nan=nan, posinf=posinf, neginf=neginf) for p in parts)
        return real + imag * 1j
    limits = finfo(x.dtype)
    x = fun.where(fun.isnan(x), nan, x)
    x = fun.where(x == math.inf, limits.max if posinf is None else posinf, x)
    return fun.where(x == -math.inf, limits.min if neginf is None else neginf, x)


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Array:
    """The integral along an axis by the trapezoidal rule, ``Σ_i (x_{i+1} − x_i) (y_i + y_{i+1}) / 2``.

    Parameters
    ----------
    y
        Values of the integrand.
    x
        Where they are: as long as the axis, or an array of the shape of `y`.
    dx
        Without `x`, the distance between them.
    axis : int
        The axis.

    Returns
    -------
    Array
        Of the shape of `y` without the axis; differentiable in `y`, `x` and `dx`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.trapezoid(pb.xp.asarray([0.0, 1.0, 4.0]), dx=0.5)
    Array(1.5, dtype=float64, device='cpu')
    """
    y = asarray(y)
    if x is None:
        steps = dx
    else:
        x = asarray(x)
        if x.ndim == 1:
            steps = fun.reshape(
                diff(x), tuple(-1 if i == axis % y.ndim else 1 for i in range(y.ndim))
            )
        else:
            steps = diff(x, axis=axis)
    before = (slice(None),) * (axis % y.ndim)
    low = fun.getitem(y, (*before, slice(0, -1), ...))
    high = fun.getitem(y, (*before, slice(1, None), ...))
    return fun.sum(steps * (low + high), axis=axis) / 2.0


def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Array:
    """Linear interpolation between points, ``fp_j + (x − xp_j) (fp_{j+1} − fp_j) / (xp_{j+1} − xp_j)``.

    Parameters
    ----------
    x
        Where to interpolate.
    xp
        Increasing coordinates of the points, (n,).
    fp
        Their values, (n,), real or complex.
    left, right
        What to return below xp_0 and above xp_{n−1}; by default fp_0 and fp_{n−1}.
    period
        The period of `xp`, which is then sorted; `left` and `right` do not matter then.

    Returns
    -------
    Array
        Of the shape of `x`, and (unlike NumPy's, which is always in double precision) of the dtypes' common dtype.

    Raises
    ------
    ValueError
        If `xp` and `fp` are not vectors of one length n > 0, or the period is 0.

    Notes
    -----
    Differentiable in `x`, `xp` and `fp`. At xp_j the derivative in `x` is the slope on the right, at xp_{n−1} that on
    the left; outside it is 0.

    Examples
    --------
    >>> import pullback as pb
    >>> knots, values = pb.asarray([0.0, 1.0, 2.0]), pb.asarray([0.0, 1.0, 5.0])
    >>> pb.value_and_grad(lambda x: pb.xp.interp(x, knots, values))(1.5)
    (3.0, 4.0)
    """
    x, knots, values = _floating(x), _floating(xp), asarray(fp)
    if knots.ndim != 1 or knots.shape != values.shape or not knots.size:
        raise ValueError(
            f"interp: xp of shape {knots.shape} and fp of shape {values.shape} have to be vectors of one length"
        )
    if period is not None:
        if period == 0:
            raise ValueError("interp: the period has to be different from 0")
        x, knots, values = _one_period(x, knots, values, abs(period))
        left = right = None
    n = knots.size
    first, last = fun.getitem(knots, 0), fun.getitem(knots, -1)
    below, above = x < first, x > last
    left = fun.getitem(values, 0) if left is None else left
    right = fun.getitem(values, -1) if right is None else right
    if n == 1:
        inside = fun.where(fun.isnan(x), x, fun.getitem(values, 0))
    else:
        x = fun.where(below | above, first, x)  # infinities, too, come in
        j = fun.searchsorted(knots, x, side="right")
        j = fun.clip(j - 1, min=0, max=n - 2)
        x0, x1 = _take(knots, j), _take(knots, j + 1)
        f0, f1 = _take(values, j), _take(values, j + 1)
        double = x0 == x1  # two points at one place, which a jump is made by
        slope = (f1 - f0) / fun.where(double, 1.0, x1 - x0)
        inside = fun.where(double, f1, f0 + slope * (x - x0))
    return fun.where(below, left, fun.where(above, right, inside))


def _one_period(x: Array, knots: Array, values: Array, period: Any) -> tuple[Array, Array, Array]:
    """Points in one period, sorted, with a neighbour on either side."""
    x, knots = fun.remainder(x, period), fun.remainder(knots, period)
    order = fun.argsort(knots)
    knots, values = _take(knots, order), _take(values, order)
    first, last = slice(0, 1), slice(-1, None)
    knots = fun.concat(
        [fun.getitem(knots, last) - period, knots, fun.getitem(knots, first) + period]
    )
    values = fun.concat([fun.getitem(values, last), values, fun.getitem(values, first)])
    return x, knots, values


def _take(x: Array, places: Array) -> Array:
    flat = fun.take(x, fun.reshape(places, (-1,)), axis=0)
    return fun.reshape(flat, places.shape)


def _floating(x: Any) -> Array:
    x = asarray(x)
    return x if is_inexact(x.dtype) else x * 1.0
