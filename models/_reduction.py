"""What losses share: weights, reductions, and checks of numbers that are on the host."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..autograd import namespace as xp
from ..autograd.array import raw

REDUCTIONS = ("mean", "sum", "none")


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of an array of any kind."""
    return tuple(getattr(raw(x), "shape", ()))


def on_host(x: Any) -> Any:
    """The values of a NumPy array; None for those of a device or of a program that is recorded, which are not read."""
    values = raw(x)
    return values if type(values) is np.ndarray else None


def floating_pair(x: Any, y: Any) -> tuple[Any, Any]:
    """Two arrays, the second in the dtype of the first where it has no floating one of its own."""
    x, y = xp.asarray(x), xp.asarray(y)
    if not xp.isdtype(y.dtype, ("real floating", "complex floating")):
        y = xp.astype(y, x.dtype)
    return x, y


def difference(x: Any, y: Any) -> Any:
    """``x − y``, in the dtype of x where y has integers."""
    a, b = raw(x), raw(y)
    if type(a) is type(b) and getattr(a, "dtype", 0) == getattr(b, "dtype", 1):  # as a rule
        return xp.subtract(x, y)
    return xp.subtract(*floating_pair(x, y))


def check_same(name: str, first: str, x: Any, second: str, y: Any) -> None:
    """Refuse arrays of different shapes: (n, 1) against (n,) would broadcast to (n, n).

    Raises
    ------
    ValueError
        The message names both.
    """
    if shape_of(x) != shape_of(y):
        raise ValueError(
            f"{name}: {first} of shape {shape_of(x)} and {second} of shape {shape_of(y)} have to agree"
        )


def check_reduction(name: str, reduction: str) -> None:
    """Refuse an unknown reduction.

    Raises
    ------
    ValueError
        The message lists those there are.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"{name}: unknown reduction {reduction!r}: choose one of {', '.join(REDUCTIONS)}"
        )


def check_range(name: str, what: str, x: Any, low: float, high: float = math.inf) -> None:
    """Refuse values outside a range, where they are on the host; NaN passes, and shows in the loss.

    Raises
    ------
    ValueError
        The message says which value.
    """
    values = on_host(x)
    if values is None or not values.size:
        return
    smallest, largest = values.min(), values.max()
    if smallest < low or largest > high:
        wrong = smallest if smallest < low else largest
        told = f"at least {low}" if high == math.inf else f"from {low} to {high}"
        raise ValueError(f"{name}: {what} have to be {told}, and one is {wrong}")


def weights_like(name: str, what: str, weights: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Weights as an array of a dtype that broadcasts over `shape`: they have its first axes.

    Raises
    ------
    ValueError
        For another shape; for negative, NaN or infinite weights that are on the host.
    """
    weights = xp.asarray(weights)
    values = on_host(weights)
    if values is not None and not (np.isfinite(values).all() and (values >= 0).all()):
        wrong = values[~(np.isfinite(values) & (values >= 0))].flat[0]
        raise ValueError(f"{name}: {what} are finite and not negative, and one is {wrong}")
    given = tuple(weights.shape)
    if given != shape[: len(given)] or (not given and shape):
        raise ValueError(
            f"{name}: {what} of shape {given}; they have to be of the first axes of the losses, {shape}"
        )
    weights = xp.astype(weights, dtype, copy=False)
    return xp.reshape(weights, given + (1,) * (len(shape) - len(given)))


def reduce(name: str, losses: Any, weights: Any, reduction: str, *, divisor: Any = None) -> Any:
    """Losses times weights: each, their sum, or their sum over that of the weights.

    Parameters
    ----------
    losses : Array
    weights : array or None
        Of the first axes of the losses.
    reduction : {"mean", "sum", "none"}
    divisor : Array, optional
        What the mean divides by in place of the number of losses: one for each, before `weights`.
    """
    check_reduction(name, reduction)
    w = None
    if weights is not None:
        w = weights_like(name, "sample_weight", weights, tuple(losses.shape), losses.dtype)
        losses = losses * w
    if reduction == "none":
        return losses
    if reduction == "sum":
        return xp.sum(losses)
    if 0 in losses.shape:
        raise ValueError(f"{name}: a mean over no losses, of shape {tuple(losses.shape)}")
    if w is None and divisor is None:
        return xp.mean(losses)
    each = divisor if w is None else w if divisor is None else divisor * w
    spread = math.prod(losses.shape) // max(math.prod(each.shape), 1)
    return over(xp.sum(losses), xp.sum(each) * float(spread))


def over(total: Any, count: Any) -> Any:
    """``total / count``; NaN, without a warning, where nothing is counted."""
    return total / xp.where(count == 0, math.nan, count)
