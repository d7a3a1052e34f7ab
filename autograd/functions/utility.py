"""Utility functions: `diff` of the array API standard, NumPy's `trapezoid` and `interp`.

All are compositions of the standard's functions, which take their derivatives from them.
"""

from __future__ import annotations

from typing import Any

from ...backend import backend_of
from ..core.array import Array, backend_array
from ..core.dispatch import SCALARS
from ..core.generated import xp as generated
from ..core.typing import ArrayLike
from .creation import as_floating, asarray
from .manipulation import normalize_axis, select


def diff(
    x: ArrayLike, /, *, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None
) -> Array:
    """The differences of neighbours along an axis, taken `n` times; differentiable.

    Parameters
    ----------
    x
        An array of numbers, of at least one dimension.
    axis : int
        The axis along which neighbours are subtracted.
    n : int
        How many times; 0 returns `x`.
    prepend, append
        Elements that are put before and behind `x` first: arrays of the shape of `x` but for the axis, or numbers.

    Returns
    -------
    Array
        Shorter than `x` (with what was put to it) by `n` along the axis, and empty where that is not possible.

    Raises
    ------
    ValueError
        If `n` is negative, or `x` does not have the axis.

    Notes
    -----
    The pullback, for n = 1, is x_bar[i] = ct[i − 1] − ct[i], with 0 for what lies outside.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.diff(pb.xp.asarray([1.0, 4.0, 9.0]), prepend=0.0)
    Array([1., 3., 5.], dtype=float64, device='cpu')
    """
    if n < 0:
        raise ValueError(f"diff: n={n} has to be at least 0")
    axis = normalize_axis(backend_array(x), axis, "diff")
    if n == 0:
        return asarray(x)
    pieces = [_layer_like(piece, x, axis) for piece in (prepend, x, append) if piece is not None]
    out = generated.concat(pieces, axis=axis) if len(pieces) > 1 else x
    for _ in range(min(n, backend_array(out).shape[axis])):
        out = generated.subtract(select(out, axis, slice(1, None)), select(out, axis, slice(0, -1)))
    return out


def _layer_like(piece: Any, x: ArrayLike, axis: int) -> Any:
    """An array to be joined to `x` along an axis; numbers and 0-d arrays become one layer of its shape."""
    value = backend_array(x)
    layer = (*value.shape[:axis], 1, *value.shape[axis + 1 :])
    if type(piece) in SCALARS:
        return backend_of(value).xp.zeros_on_device_of(layer, value) + piece
    return piece if backend_array(piece).ndim else generated.broadcast_to(piece, layer)


def trapezoid(y: ArrayLike, x: ArrayLike = None, dx: Any = 1.0, axis: int = -1) -> Array:
    """The integral along an axis by the trapezoidal rule, ``Σ_i (x_{i+1} − x_i) (y_i + y_{i+1}) / 2``.

    Parameters
    ----------
    y
        Values of the integrand.
    x
        Their coordinates: as long as the axis, or an array of the shape of `y`.
    dx
        Without `x`, the distance between them.
    axis : int
        The axis.

    Returns
    -------
    Array
        Of the shape of `y` without the axis; differentiable in `y`, `x` and `dx`.

    Notes
    -----
    The pullback is y_bar[i] = ct · (x_{i+1} − x_{i−1}) / 2, with one-sided steps at the ends, and x_bar[i] = ct ·
    (y_{i−1} − y_{i+1}) / 2 between them.

    References
    ----------
    As ``numpy.trapezoid``.

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
            steps = generated.reshape(
                diff(x), tuple(-1 if i == axis % y.ndim else 1 for i in range(y.ndim))
            )
        else:
            steps = diff(x, axis=axis)
    before = (slice(None),) * (axis % y.ndim)
    low = generated.getitem(y, (*before, slice(0, -1), ...))
    high = generated.getitem(y, (*before, slice(1, None), ...))
    return generated.sum(steps * (low + high), axis=axis) / 2.0


def interp(
    x: ArrayLike, xp: ArrayLike, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Array:
    """Linear interpolation between points, ``fp_j + (x − xp_j) (fp_{j+1} − fp_j) / (xp_{j+1} − xp_j)``.

    Parameters
    ----------
    x
        The coordinates of the interpolated values.
    xp
        Increasing coordinates of the points, (n,).
    fp
        Their values, (n,), real or complex.
    left, right
        The values below xp_0 and above xp_{n−1}; by default fp_0 and fp_{n−1}.
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

    References
    ----------
    As ``numpy.interp``.

    Examples
    --------
    >>> import pullback as pb
    >>> knots, values = pb.asarray([0.0, 1.0, 2.0]), pb.asarray([0.0, 1.0, 5.0])
    >>> pb.value_and_grad(lambda x: pb.xp.interp(x, knots, values))(1.5)
    (3.0, 4.0)
    """
    x, knots, values = as_floating(x), as_floating(xp), asarray(fp)
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
    first, last = generated.getitem(knots, 0), generated.getitem(knots, -1)
    below, above = x < first, x > last
    left = generated.getitem(values, 0) if left is None else left
    right = generated.getitem(values, -1) if right is None else right
    if n == 1:
        inside = generated.where(generated.isnan(x), x, generated.getitem(values, 0))
    else:
        # infinities, too, are replaced
        x = generated.where(below | above, first, x)
        j = generated.searchsorted(knots, x, side="right")
        j = generated.clip(j - 1, min=0, max=n - 2)
        x0, x1 = _take(knots, j), _take(knots, j + 1)
        f0, f1 = _take(values, j), _take(values, j + 1)
        # two points at one coordinate make a jump
        double = x0 == x1
        slope = (f1 - f0) / generated.where(double, 1.0, x1 - x0)
        inside = generated.where(double, f1, f0 + slope * (x - x0))
    return generated.where(below, left, generated.where(above, right, inside))


def _one_period(x: Array, knots: Array, values: Array, period: Any) -> tuple[Array, Array, Array]:
    """Points in one period, sorted, with a neighbour on either side."""
    x, knots = generated.remainder(x, period), generated.remainder(knots, period)
    order = generated.argsort(knots)
    knots, values = _take(knots, order), _take(values, order)
    first, last = slice(0, 1), slice(-1, None)
    knots = generated.concat(
        [generated.getitem(knots, last) - period, knots, generated.getitem(knots, first) + period]
    )
    values = generated.concat(
        [generated.getitem(values, last), values, generated.getitem(values, first)]
    )
    return x, knots, values


def _take(x: Array, indices: Array) -> Array:
    flat = generated.take(x, generated.reshape(indices, (-1,)), axis=0)
    return generated.reshape(flat, indices.shape)
