"""What first-order methods share: leaves in, leaves out, and which of them decay."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..autograd import tree
from ..autograd.array import raw
from ..autograd.backward import SPACES

Schedule = float | Callable[[int], float]


def rate(lr: Schedule, step: int) -> float:
    """The learning rate at a step: a number, or a function of the step count."""
    return lr(step) if callable(lr) else lr


def check(name: str, low: float, value: float, high: float = math.inf) -> None:
    """Refuse a setting outside its range.

    Raises
    ------
    ValueError
        Unless ``low <= value < high``.
    """
    if not (low <= value < high):
        upper = "" if high == math.inf else f" and < {high}"
        raise ValueError(f"{name}={value!r}: it has to be ≥ {low}{upper}")


def check_rate(lr: Schedule) -> None:
    """Refuse a learning rate that is not positive and finite (a schedule is taken as it is).

    Raises
    ------
    ValueError
        For a number that is not.
    """
    if not callable(lr) and not 0 < lr < math.inf:
        raise ValueError(f"lr={lr!r}: the learning rate has to be positive and finite")


class Moments(NamedTuple):
    """An optimiser's state: the step count, and running averages in the structure of the parameters."""

    step: int
    first: Any
    second: Any


def zeros_like(params: Any) -> Any:
    """Zeros in the structure of `params`."""
    return tree.map(lambda p: SPACES.of(raw(p)).zeros_like(raw(p)), params)


def as_array(x: Any, p: Any) -> Any:
    """`x` as an array of the kind of `p`: NumPy's arithmetic makes scalars of 0-d arrays."""
    return SPACES.of(p).asarray(x, dtype=p.dtype) if x.shape == () else x


def rows(params: Any, grads: Any, *others: Any) -> tuple[Any, list[list[Any]]]:
    """The structure of `params`, and the leaves of each tree.

    Raises
    ------
    ValueError
        If another tree has another structure.
    """
    leaves, spec = tree.flatten(params)
    try:
        return spec, [leaves, *[tree.flatten_as(spec, other) for other in (grads, *others)]]
    except ValueError as error:
        raise ValueError(
            f"step: gradients or state do not have the structure of the parameters: {error}"
        ) from None


def decays(p: Any) -> bool:
    """Whether weight decay applies: to matrices and higher, not to biases and scales."""
    return p.ndim >= 2


def moved(ps: list[Any], directions: list[Any], scale: float) -> list[Any]:
    """``p + scale · direction`` for each, with one new array instead of two."""
    factors: dict[Any, Any] = {}
    new = []
    for p, direction in zip(ps, directions, strict=True):
        dtype = p.dtype
        if direction.dtype is not dtype or not direction.shape == p.shape != ():
            new.append(SPACES.of(p).asarray(p + direction * scale, dtype=dtype))
            continue
        factor = factors.get(dtype)
        if factor is None:  # NumPy takes a 0-d array of the same dtype in less time than a number
            factor = factors[dtype] = np.array(scale, dtype) if type(p) is np.ndarray else scale
        out = direction * factor
        out += p
        new.append(out)
    return new
