"""Statistical functions: NumPy's `average`, `cov` and `corrcoef`.

All are compositions of the standard's functions, which take their derivatives from them.
"""

from __future__ import annotations

import math
from typing import Any

from ..core.array import Array
from ..core.dtypes import is_complex, is_inexact
from ..core.generated import xp as generated
from ..core.typing import ArrayLike
from .arrays.like import ones_like
from .creation import as_floating, asarray


def average(
    a: ArrayLike,
    axis: Any = None,
    weights: ArrayLike = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Any:
    """The weighted mean ``Σ w a / Σ w`` along axes.

    Parameters
    ----------
    a
        An array.
    axis : int or tuple of int, optional
        The axes; all of them by default.
    weights
        Of the shape of `a`, or of its shape along `axis`; differentiable too.
    returned : bool
        Return the sums of the weights as well.
    keepdims : bool
        Keep the axes with length 1.

    Returns
    -------
    Array or tuple of Array

    Raises
    ------
    ValueError
        If the weights' shape does not fit.

    Notes
    -----
    Where the weights sum to 0 the mean is NaN; NumPy raises, which would have to read a value.

    The pullback, with s = Σ w: a_bar = ct · w / s and weights_bar = ct · (a − out) / s.

    References
    ----------
    As ``numpy.average``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.average(pb.xp.asarray([1.0, 3.0]), weights=pb.xp.asarray([3.0, 1.0]))
    Array(1.5, dtype=float64, device='cpu')
    """
    a = asarray(a)
    if weights is None:
        mean = generated.mean(as_floating(a), axis=axis, keepdims=keepdims)
        return (mean, ones_like(mean) * (a.size / max(mean.size, 1))) if returned else mean
    weights = _along(asarray(weights), a, axis)
    total = generated.sum(weights, axis=axis, keepdims=keepdims)
    mean = generated.sum(a * weights, axis=axis, keepdims=keepdims) / total
    if not returned:
        return mean
    # a copy, as in NumPy
    return mean, asarray(generated.broadcast_to(total, mean.shape), copy=True)


def _along(weights: Array, a: Array, axis: Any) -> Array:
    """Weights that broadcast with `a`."""
    if weights.shape == a.shape:
        return weights
    if axis is None:
        raise ValueError(
            f"average: weights of shape {weights.shape} for an array of shape {a.shape} need an axis"
        )
    axes = [k % a.ndim for k in (axis if isinstance(axis, tuple) else (axis,))]
    if weights.shape != tuple(a.shape[k] for k in axes):
        raise ValueError(
            f"average: weights of shape {weights.shape} do not fit axis {axis} of an array of shape {a.shape}"
        )
    order = sorted(range(len(axes)), key=axes.__getitem__)
    weights = generated.permute_dims(weights, tuple(order))
    return generated.reshape(weights, tuple(n if k in axes else 1 for k, n in enumerate(a.shape)))


def cov(
    m: Any,
    y: ArrayLike = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
) -> Array:
    """The covariance matrix of variables, ``(X − μ) (X − μ)ᴴ / (n − ddof)``.

    Parameters
    ----------
    m
        Observations in columns, variables in rows (p, n); or one variable (n,).
    y
        Further variables, in the same form.
    rowvar : bool
        False if observations are in rows.
    bias : bool
        Divide by n instead of n − 1.
    ddof : int, optional
        Instead of `bias`: what is subtracted from n.
    fweights, aweights
        How often each observation was made, and its weight; as in NumPy.

    Returns
    -------
    Array
        (p, p); 0-d for one variable. (Single precision stays so; NumPy's is always double.)

    Notes
    -----
    For real X of n variables' observations without weights, the pullback is X_bar = (ct + ctᵀ) (X − μ) / (n −
    ddof); the derivative by the mean drops out.

    References
    ----------
    As ``numpy.cov``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.cov(pb.xp.asarray([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    Array([[ 1., -1.],
           [-1.,  1.]], dtype=float64, device='cpu')
    """
    m = asarray(m)
    x = _variables(m)
    if not rowvar and m.ndim != 1:
        x = generated.matrix_transpose(x)
    if y is not None:
        y = _variables(y)
        x = generated.concat(
            [x, y if rowvar or y.shape[0] == 1 else generated.matrix_transpose(y)], axis=0
        )
    if ddof is None:
        ddof = 0 if bias else 1
    frequency, importance = (w if w is None else _weights(w, x) for w in (fweights, aweights))
    weight = importance if frequency is None else frequency
    if frequency is not None and importance is not None:
        weight = frequency * importance
    mean = average(x, axis=1, weights=weight, keepdims=True)
    centred = x - mean
    if weight is None:
        degrees = x.shape[1] - ddof
        scale, scaled = 1.0 / degrees if degrees > 0 else math.inf, centred
    else:
        total = generated.sum(weight)
        counted = 1.0 if importance is None else generated.sum(weight * importance) / total
        scale, scaled = 1.0 / (total - ddof * counted), centred * weight
    turned = generated.matrix_transpose(generated.conj(scaled) if is_complex(x.dtype) else scaled)
    out = (centred @ turned) * scale
    return generated.reshape(out, ()) if out.size == 1 else out


def _variables(x: ArrayLike) -> Array:
    """A matrix of floating dtype; a vector as its row."""
    x = as_floating(x)
    if x.ndim > 2:
        raise ValueError(f"cov: an array of {x.ndim} dimensions; there may be two at most")
    return x if x.ndim == 2 else generated.reshape(x, (1, -1))


def _weights(w: Any, x: Array) -> Array:
    """A number for each observation; integers are cast to the precision of `x`."""
    w = asarray(w)
    if w.shape != x.shape[1:]:
        raise ValueError(f"cov: weights of shape {w.shape} for {x.shape[1]} observations")
    if is_inexact(w.dtype):
        return w
    dtype = x.dtype.type(0).real.dtype
    return generated.astype(w, dtype)


def corrcoef(x: ArrayLike, y: ArrayLike = None, rowvar: bool = True) -> Array:
    """The correlation matrix of variables, ``C_ij / √(C_ii C_jj)`` with the covariances C.

    Parameters
    ----------
    x, y, rowvar
        As in `cov`.

    Returns
    -------
    Array
        (p, p), its elements between −1 and 1; 0-d for one variable.

    Notes
    -----
    The derivative is that of `cov` and of the quotient. A variable that does not vary gives NaN.

    References
    ----------
    As ``numpy.corrcoef``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.corrcoef(pb.xp.asarray([[0.0, 1.0, 2.0], [3.0, 2.0, 1.0]]))
    Array([[ 1., -1.],
           [-1.,  1.]], dtype=float64, device='cpu')
    """
    c = cov(x, y, rowvar)
    if not c.ndim:
        return c / c
    variances = generated.getitem(generated.reshape(c, (-1,)), slice(None, None, c.shape[0] + 1))
    spread = generated.sqrt(generated.real(variances) if is_complex(c.dtype) else variances)
    out = c / generated.expand_dims(spread, axis=1) / spread
    if is_complex(out.dtype):
        real, imag = (
            generated.clip(part(out), min=-1.0, max=1.0)
            for part in (generated.real, generated.imag)
        )
        return real + imag * 1j
    return generated.clip(out, min=-1.0, max=1.0)
