"""Proximal operators and projections, as functions of arrays.

All are made of differentiable functions. Where an operator has a kink (a threshold that is met exactly), its derivative
is 0 there, as relu's. Squares are written as squares, and roots are taken of what is not 0, so that second derivatives
are right where the first is 0.

Source of the formulas: Parikh, Boyd, Proximal algorithms, 2014, chapter 6; others are named where they stand.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...autograd.core.dtypes import as_numpy, is_complex
from ...autograd.core.typing import ArrayLike
from ...autograd.functions import namespace as xp

Axis = int | tuple[int, ...] | None


def soft_threshold(v: ArrayLike, threshold: ArrayLike) -> Any:
    """Shrink each element towards 0: ``sign(v) max(|v| − t, 0)``, the proximal operator of ``t ‖x‖₁``.

    Parameters
    ----------
    v : array
        Real or complex.
    threshold : float or array
        t ≥ 0, broadcast against `v`.

    Returns
    -------
    Array, of the shape and dtype of `v`

    Notes
    -----
    Computed as ``v − clip(v, −t, t)``. Its derivative is 1 where |v| > t, else 0; in t
    it is −sign(v) there. Complex elements keep their phase. Parikh, Boyd, 2014, section 6.5.2.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.optim.proximal.soft_threshold(pb.asarray([3.0, -0.5, -2.0]), 1.0)
    Array([ 2.,  0., -1.], dtype=float64, device='cpu')
    """
    v, t = xp.asarray(v), number_like(threshold, v)
    if not is_complex(v.dtype):
        return v - xp.clip(v, -t, t)  # NaN stays NaN, and a 0 has no sign
    size = xp.real(v) ** 2 + xp.imag(v) ** 2
    out = size > t * t
    return v * xp.where(out, 1 - t / xp.sqrt(xp.where(out, size, xp.ones_like(size))), 0 * size)


def number_like(x: Any, like: Any) -> Any:
    """A parameter in the real dtype of `like`: a 0-d array would widen float32."""
    if not hasattr(x, "dtype"):
        return x
    x = xp.asarray(x)
    dtype = np.empty(0, as_numpy(like.dtype)).real.dtype
    return x if as_numpy(x.dtype) == dtype else xp.astype(x, dtype)


def sum_of_squares(v: Any, axis: Axis) -> Any:
    """Σ |v|² over axes that are kept."""
    square = xp.real(v) ** 2 + xp.imag(v) ** 2 if is_complex(v.dtype) else v * v
    return xp.sum(square, axis=axis, keepdims=True)


def block_soft_threshold(v: ArrayLike, threshold: ArrayLike, axis: Axis = None) -> Any:
    """Shrink each block towards 0: ``max(1 − t / ‖v‖, 0) v``, the proximal operator of ``t ‖x‖₂``.

    Parameters
    ----------
    v : array
    threshold : float or array
        t ≥ 0; an array has an axis of length 1 where the norm is taken.
    axis : int or tuple of int, optional
        The axes of one block; all of them where it is not given.

    Returns
    -------
    Array, of the shape and dtype of `v`

    Notes
    -----
    A block with ``‖v‖ ≤ t`` becomes 0, with derivative 0. Parikh, Boyd, 2014, section 6.5.1; Yuan, Lin, Model selection
    and estimation in regression with grouped variables, 2006.

    Examples
    --------
    >>> import pullback as pb
    >>> V = pb.asarray([[3.0, 4.0], [0.3, 0.4]])
    >>> pb.optim.proximal.block_soft_threshold(V, 1.0, axis=1)
    Array([[2.4, 3.2],
           [0. , 0. ]], dtype=float64, device='cpu')
    """
    v = xp.asarray(v)
    t = number_like(threshold, v)
    return v * shrink_factor(sum_of_squares(v, axis), t)


def shrink_factor(square: Any, t: Any) -> Any:
    """max(1 − t / √square, 0), and 0 where the square is 0."""
    kept = (square > t * t) & (square > 0)
    root = xp.sqrt(xp.where(kept, square, xp.ones_like(square)))
    return xp.where(kept, 1 - t / root, 0 * square)


def singular_value_threshold(V: ArrayLike, threshold: ArrayLike) -> Any:
    """Soft-threshold the singular values, ``U max(S − t, 0) Vᴴ``: the proximal operator of ``t ‖X‖_*``.

    Parameters
    ----------
    V : array (…, m, n)
    threshold : float or array
        t ≥ 0.

    Returns
    -------
    Array, of the shape and dtype of `V`

    Notes
    -----
    The derivative is that of the singular vectors: NaN where two singular values are equal and both are kept. Cai,
    Candès, Shen, A singular value thresholding algorithm for matrix completion, 2010.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> X = pb.optim.proximal.singular_value_threshold(pb.asarray([[3.0, 0.0], [0.0, 0.5]]), 1.0)
    >>> bool(np.allclose(pb.to_numpy(X), [[2.0, 0.0], [0.0, 0.0]]))
    True
    """
    V = xp.asarray(V)
    U, S, Vh = xp.linalg.svd(V, full_matrices=False)
    shrunk = soft_threshold(S, number_like(threshold, V))
    return U @ (xp.expand_dims(shrunk, axis=-1) * Vh)


def project_box(v: ArrayLike, low: ArrayLike = None, high: ArrayLike = None) -> Any:
    """The nearest point with ``low ≤ x ≤ high``: ``clip(v, low, high)``.

    Parameters
    ----------
    v : array
    low, high : float or array, optional
        None for no bound.

    Returns
    -------
    Array, of the shape and dtype of `v`

    Examples
    --------
    >>> import pullback as pb
    >>> pb.optim.proximal.project_box(pb.asarray([-2.0, 0.5, 3.0]), -1.0, 1.0)
    Array([-1. ,  0.5,  1. ], dtype=float64, device='cpu')
    """
    v = xp.asarray(v)
    low, high = (None if b is None else number_like(b, v) for b in (low, high))
    return xp.clip(v, low, high)


def project_nonnegative(v: ArrayLike) -> Any:
    """The nearest point with x ≥ 0: ``max(v, 0)``, derivative 0 at 0.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.optim.proximal.project_nonnegative(pb.asarray([-2.0, 0.5]))
    Array([0. , 0.5], dtype=float64, device='cpu')
    """
    return xp.relu(xp.asarray(v))


def project_simplex(v: ArrayLike, total: ArrayLike = 1.0) -> Any:
    """The nearest point with ``x ≥ 0, Σ x = total``, along the last axis.

    Parameters
    ----------
    v : array (…, n)
    total : float or array
        Positive.

    Returns
    -------
    Array, of the shape and dtype of `v`

    Raises
    ------
    ValueError
        If n is 0: there is no such point.

    Notes
    -----
    ``max(v − τ, 0)`` with τ such that it sums to `total`, by sorting (Held, Wolfe, Crowder, Validation of subgradient
    optimization, 1974; Duchi et al., Efficient projections onto the ℓ1-ball, 2008). With S the elements that stay
    positive, ``τ = (Σ_S v − total) / |S|``, so that the pullback is ct − mean_S(ct) on S, 0 elsewhere.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.optim.proximal.project_simplex(pb.asarray([0.5, 1.0, -1.0]))
    Array([0.25, 0.75, 0.  ], dtype=float64, device='cpu')
    """
    v = xp.asarray(v)
    if not v.ndim or not v.shape[-1]:
        raise ValueError(
            f"project_simplex: v of shape {v.shape} has no elements to share the total"
        )
    total = number_like(total, v)
    fixed = xp.stop_gradient(v)
    ordered = xp.sort(fixed, axis=-1, descending=True)
    excess = xp.cumulative_sum(ordered, axis=-1) - _fixed(total)
    count = xp.cumulative_sum(xp.ones_like(ordered), axis=-1)
    last = xp.sum(xp.astype(ordered * count > excess, xp.int64), axis=-1, keepdims=True) - 1
    last = xp.clip(last, 0, None)  # of NaN: it stays NaN
    tau = xp.take_along_axis(excess, last, axis=-1) / xp.take_along_axis(count, last, axis=-1)
    kept = fixed > tau
    members = xp.astype(kept, v.dtype)
    size = xp.sum(members, axis=-1, keepdims=True)
    # the same τ as a function of v and the total
    tau = (xp.sum(v * members, axis=-1, keepdims=True) - total) / xp.clip(size, 1, None)
    return xp.where(kept | xp.isnan(fixed), v - tau, xp.zeros_like(v))


def _fixed(x: Any) -> Any:
    return xp.stop_gradient(x) if hasattr(x, "dtype") else x


def project_l2_ball(v: ArrayLike, radius: ArrayLike = 1.0, axis: Axis = None) -> Any:
    """The nearest point with ``‖x‖₂ ≤ radius``: ``v min(1, r / ‖v‖)``.

    Parameters
    ----------
    v : array
    radius : float or array
        r ≥ 0.
    axis : int or tuple of int, optional
        The axes of the norm; all of them where it is not given.

    Returns
    -------
    Array, of the shape and dtype of `v`

    Notes
    -----
    The pullback is the identity inside and ``(r / ‖v‖) (ct − v̂ v̂ᵀ ct)`` outside, with v̂ = v / ‖v‖.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.optim.proximal.project_l2_ball(pb.asarray([3.0, 4.0]), 1.0)
    Array([0.6, 0.8], dtype=float64, device='cpu')
    """
    v = xp.asarray(v)
    r, square = number_like(radius, v), sum_of_squares(v, axis)
    outside = square > r * r
    root = xp.sqrt(xp.where(outside, square, xp.ones_like(square)))
    return v * xp.where(outside, r / root, xp.ones_like(square))
