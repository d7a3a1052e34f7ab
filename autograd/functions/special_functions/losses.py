"""Huber's loss, and its smooth form."""

from __future__ import annotations

import math

from ...core.array import Array
from ...core.generated import xp as generated
from ...core.typing import ArrayLike
from .operands import array_like, floating

__all__ = ["huber", "pseudo_huber"]


def huber(delta: ArrayLike, r: ArrayLike, /) -> Array:
    """Huber's loss, elementwise: ``r²/2`` for |r| ≤ δ, ``δ (|r| − δ/2)`` beyond.

    Parameters
    ----------
    delta : array or number
        Where the loss turns from a square to a line; ∞ is the result for δ < 0.
    r : array or number
        The residual, real; both shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    The pullback is r_bar = ct · r within, ct · δ · sign(r) beyond, and delta_bar = ct · (|r| − δ) beyond, else 0.

    References
    ----------
    Huber, Robust estimation of a location parameter, 1964.

    Examples
    --------
    >>> import pullback as pb
    >>> r = pb.xp.asarray([0.5, 3.0])
    >>> pb.special.huber(1.0, r)
    Array([0.125, 2.5  ], dtype=float64, device='cpu')
    >>> pb.grad(lambda r: pb.xp.sum(pb.special.huber(1.0, r)))(r)
    Array([0.5, 1. ], dtype=float64, device='cpu')
    """
    delta, r = floating(delta, r)
    size = generated.abs(r) if type(r) is Array else abs(r)
    inner = generated.where(size <= delta, 0.5 * (r * r), delta * (size - 0.5 * delta))
    return generated.where(array_like(delta, inner) < 0, math.inf, inner)


def pseudo_huber(delta: ArrayLike, r: ArrayLike, /) -> Array:
    """The smooth form of Huber's loss, elementwise: ``δ² (√(1 + (r/δ)²) − 1)``.

    Parameters
    ----------
    delta : array or number
        The scale; 0 for δ = 0, ∞ for δ < 0.
    r : array or number
        The residual, real, ≥ 0: as in SciPy the result is ∞ for a negative one. Both shapes broadcast.

    Returns
    -------
    Array
        Of the shape that all broadcast to.

    Notes
    -----
    By r²/(1 + √(1 + (r/δ)²)), which keeps the digits of a small r. The pullback is r_bar = ct · r / √(1 + (r/δ)²).

    References
    ----------
    As ``scipy.special.pseudo_huber``.

    Examples
    --------
    >>> import pullback as pb
    >>> r = pb.xp.asarray([0.5, 3.0])
    >>> pb.special.pseudo_huber(1.0, r)
    Array([0.11803399, 2.16227766], dtype=float64, device='cpu')
    >>> pb.grad(lambda r: pb.xp.sum(pb.special.pseudo_huber(1.0, r)))(r)
    Array([0.4472136, 0.9486833], dtype=float64, device='cpu')
    """
    delta, r = floating(delta, r)
    delta, r = array_like(delta, r), array_like(r, delta)
    positive = delta > 0
    ratio = r / generated.where(positive, delta, 1.0)
    out = (r * r) / (1.0 + generated.sqrt(1.0 + ratio * ratio))
    outside = (delta < 0) | (r < 0)
    out = generated.where(delta == 0, 0.0, out)
    return generated.where(outside, math.inf, out)
