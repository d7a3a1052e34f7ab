"""Parts of the losses: weights, reductions, and checks of numbers that are on the host."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np

from ..autograd.core.array import backend_array
from ..autograd.core.dtypes import as_numpy
from ..autograd.core.typing import ArrayLike, DType, Value
from ..autograd.functions import namespace as xp

REDUCTIONS = ("mean", "sum", "none")


def shape_of(x: Value) -> tuple[int, ...]:
    """The shape of an array of any library, or of a number; unknown lengths (Dask's) are one NaN, equal to itself."""
    shape = tuple(getattr(backend_array(x), "shape", ()))
    return (
        shape
        if all(n == n for n in shape)
        else tuple(n if n == n else cast(int, math.nan) for n in shape)
    )


def on_host(x: Value) -> Any:
    """The values of a NumPy array; None for those on a device or in a trace, which are not read."""
    values = backend_array(x)
    return values if type(values) is np.ndarray else None


def smallest(dtype: DType) -> float:
    """The smallest normal number of a dtype: what is less may be 0 in it."""
    return float(np.finfo(as_numpy(dtype)).smallest_normal)


def floating_pair(x: Value, y: Value) -> tuple[Any, Any]:
    """Two arrays, the second in the dtype of the first where it has no floating one of its own."""
    x, y = xp.asarray(x), xp.asarray(y)
    if not xp.isdtype(y.dtype, ("real floating", "complex floating")):
        y = xp.astype(y, x.dtype)
    return x, y


def difference(x: Value, y: Value) -> Any:
    """``x − y``, in the dtype of x where y has integers."""
    a, b = backend_array(x), backend_array(y)
    # this is the usual case
    if type(a) is type(b) and getattr(a, "dtype", 0) == getattr(b, "dtype", 1):
        return xp.subtract(x, y)
    return xp.subtract(*floating_pair(x, y))


def check_same(name: str, first: str, x: Value, second: str, y: Value) -> None:
    """Refuse arrays of different shapes: (n, 1) against (n,) would broadcast to (n, n).

    Raises
    ------
    ValueError
        The message names both.
    """
    if shape_of(x) != shape_of(y):
        advice = ""
        for longer, other, called in ((x, y, second), (y, x, first)):
            if shape_of(longer) == (*shape_of(other), 1):
                advice = f"; {called}[..., None] has the axis that is missing"
        raise ValueError(
            f"{name}: {first} of shape {shape_of(x)} and {second} of shape {shape_of(y)} have to agree{advice}"
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


def check_range(
    name: str, what: str, x: Value, low: float, high: float = math.inf, *, rounding: float = 0.0
) -> Any:
    """Refuse values outside a range, where they are on the host; elsewhere, say which are in it.

    Parameters
    ----------
    name, what : str
        For the message.
    x : array
        NaN passes on the host, and shows in the loss.
    low, high : float
        Both belong to the range.
    rounding : float
        By how much a value may be above `high`.

    Returns
    -------
    None or Array of bool
        None for values on the host. A device is not read: `marked` makes the losses of the others NaN.

    Raises
    ------
    ValueError
        The message says which value.
    """
    values = on_host(x)
    if values is None:
        x = _comparable(x)
        if high == math.inf:
            return x >= low
        return (x >= low) & (x <= (high + rounding if rounding else high))
    if not values.size:
        return None
    smallest, largest = values.min(), values.max()
    if smallest < low or largest > high + rounding:
        wrong = smallest if smallest < low else largest
        bounds = f"at least {low}" if high == math.inf else f"from {low} to {high}"
        raise ValueError(f"{name}: {what} have to be {bounds}, and one is {wrong}")
    return None


def check_two(name: str, labels: ArrayLike, low: int) -> Any:
    """Refuse labels that are neither `low` nor 1, as `check_range` does; NaN is refused too.

    Raises
    ------
    ValueError
        The message says which value.
    """
    check_range(name, "labels", labels, low, 1)
    values = on_host(labels)
    if values is None:
        x = _comparable(labels)
        return (x == low) | (x == 1)
    wrong = (values != low) & (values != 1)
    if wrong.any():
        raise ValueError(
            f"{name}: labels have to be {low} or 1, and one is {values[wrong].flat[0]}"
        )
    return None


def _comparable(x: Value) -> Any:
    """`x` as signed numbers, where it has unsigned ones or truth values, which the standard does not compare."""
    x = xp.asarray(x)
    signed = xp.isdtype(x.dtype, ("signed integer", "real floating"))
    return x if signed else xp.astype(x, np.int64)


def marked(losses: Value, fine: Any) -> Any:
    """Losses, NaN where `fine` does not hold; as they are where it is None."""
    return losses if fine is None else xp.where(fine, losses, math.nan)


def times(a: Value, b: Value) -> Any:
    """``a b``, and 0 where a is 0 and b infinite: what has no share of a loss adds nothing to it, as 0 log 0."""
    return a * xp.where((a == 0) & xp.isinf(b), 0.0, b)


def without(x: Value, weights: ArrayLike, fill: float = 0.0) -> Any:
    """`x` with `fill` where its sample weighs nothing, so that an infinity or NaN there reaches nothing."""
    if weights is None:
        return x
    values = on_host(weights)
    if values is not None and values.all():
        return x
    weights = xp.asarray(weights)
    given = tuple(weights.shape)
    if not given or given != tuple(x.shape[: len(given)]):
        # `weights_like` refuses such weights, or takes one for all
        return x
    weights = xp.reshape(weights, given + (1,) * (x.ndim - len(given)))
    return xp.where(weights != 0, x, fill)


def weights_like(
    name: str, what: str, weights: ArrayLike, shape: tuple[int, ...], dtype: DType
) -> Any:
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


def reduce(
    name: str, losses: Value, weights: ArrayLike, reduction: str, *, divisor: Any = None
) -> Any:
    """Losses times weights: each, their sum, or their sum over that of the weights.

    Parameters
    ----------
    losses : Array
    weights : array or None
        Of the first axes of the losses.
    reduction : {"mean", "sum", "none"}
    divisor : Array, optional
        The divisors of the mean instead of the number of losses: one for each, before `weights`.
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
