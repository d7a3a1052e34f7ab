"""Learning rates as functions of the number of steps taken, 0, 1, 2, ….

Each is a frozen dataclass that is called with a Python integer, and gives a number, or with an array of no dimension,
and gives one: a step that is compiled, or runs on a GPU, computes its rate from the count in its state. Only
`ReduceOnPlateau` (`plateau.py`) follows the loss, and has `init` and `update` instead.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...autograd.core.namespaces import namespace_of
from ...autograd.core.typing import ArrayLike, Value
from .update import check, floating

_NUMBERS = types.SimpleNamespace(
    where=lambda condition, x1, x2: x1 if condition else x2,
    minimum=min, maximum=max, floor=math.floor, cos=math.cos, sqrt=math.sqrt,
)  # fmt: skip


def _on(count: ArrayLike) -> tuple[Any, Value]:
    """The functions for a count, and the count, floating if it is an array."""
    if isinstance(count, int | float):
        return _NUMBERS, count
    return namespace_of(count), floating(count)


def check_finite(name: str, lr: float, *, zero: bool = False) -> None:
    """Refuse a rate that is not positive (or 0, where that is allowed) and finite."""
    if not (0 <= lr < math.inf and (zero or lr > 0)):
        raise ValueError(
            f"{name}={lr!r}: a learning rate has to be finite and {'≥' if zero else '>'} 0"
        )


def check_steps(name: str, steps: int, least: int = 1) -> None:
    """Refuse a number of steps that is no integer, or less than `least`."""
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < least:
        raise ValueError(f"{name}={steps!r}: a number of steps, an integer ≥ {least}, is needed")


@dataclass(frozen=True)
class Constant:
    """The constant rate ``lr``, as if the number itself were given.

    For gradient descent on a function whose gradient has the Lipschitz constant M: ``lr ≤ 1/M``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.optim.Constant(0.1)(7)
    0.1
    """

    lr: float

    def __post_init__(self) -> None:
        check_finite("lr", self.lr)

    def __call__(self, count: ArrayLike) -> Value:
        """The rate after `count` steps."""
        return self.lr


@dataclass(frozen=True)
class StepDecay:
    """``lr · factor^⌊count / every⌋``: torch's `StepLR`.

    Examples
    --------
    >>> import pullback as pb
    >>> [pb.optim.StepDecay(1.0, every=2, factor=0.5)(k) for k in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    lr: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        check_finite("lr", self.lr)
        check_steps("every", self.every)
        check("factor", 0, self.factor)

    def __call__(self, count: ArrayLike) -> Value:
        """The rate after `count` steps."""
        xp, count = _on(count)
        return self.lr * self.factor ** xp.floor(count / self.every)


@dataclass(frozen=True)
class InverseDecay:
    """``c / k`` in the k-th step, k = count + 1: Σ 1/k = ∞ and Σ 1/k² < ∞ (Robbins, Monro, 1951).

    Examples
    --------
    >>> import pullback as pb
    >>> [pb.optim.InverseDecay(1.0)(k) for k in (0, 1, 3)]
    [1.0, 0.5, 0.25]
    """

    c: float

    def __post_init__(self) -> None:
        check_finite("c", self.c)

    def __call__(self, count: ArrayLike) -> Value:
        """The rate after `count` steps."""
        return self.c / (_on(count)[1] + 1)


@dataclass(frozen=True)
class InverseSqrtDecay:
    """``c / √k`` in the k-th step, k = count + 1: for convex problems with noisy gradients.

    Examples
    --------
    >>> import pullback as pb
    >>> [pb.optim.InverseSqrtDecay(1.0)(k) for k in (0, 3)]
    [1.0, 0.5]
    """

    c: float

    def __post_init__(self) -> None:
        check_finite("c", self.c)

    def __call__(self, count: ArrayLike) -> Value:
        """The rate after `count` steps."""
        xp, count = _on(count)
        return self.c / xp.sqrt(count + 1)


@dataclass(frozen=True)
class ExponentialDecay:
    """``lr · factor^(count / every)``: torch's `ExponentialLR` with ``every=1``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.optim.ExponentialDecay(1.0, 0.25, every=2)(1)
    0.5
    """

    lr: float
    factor: float
    every: int = 1

    def __post_init__(self) -> None:
        check_finite("lr", self.lr)
        check("factor", 0, self.factor)
        check_steps("every", self.every)

    def __call__(self, count: ArrayLike) -> Value:
        """The rate after `count` steps."""
        return self.lr * self.factor ** (_on(count)[1] / self.every)


@dataclass(frozen=True)
class PolynomialDecay:
    """``end + (lr − end) (1 − count / steps)^power`` up to `steps`, then `end`.

    Examples
    --------
    >>> import pullback as pb
    >>> [pb.optim.PolynomialDecay(1.0, 4)(k) for k in (0, 1, 4, 9)]
    [1.0, 0.75, 0.0, 0.0]
    """

    lr: float
    steps: int
    end: float = 0.0
    power: float = 1.0

    def __post_init__(self) -> None:
        check_finite("lr", self.lr)
        check_steps("steps", self.steps)
        check_finite("end", self.end, zero=True)
        check("power", 0, self.power)

    def __call__(self, count: ArrayLike) -> Value:
        """The rate after `count` steps."""
        xp, count = _on(count)
        left = 1 - xp.minimum(count, self.steps) / self.steps
        return self.end + (self.lr - self.end) * left**self.power


@dataclass(frozen=True)
class CosineDecay:
    """``end + ½ (lr − end) (1 + cos(π count / steps))`` up to `steps`, then `end` (Loshchilov, Hutter, SGDR, 2017).

    Examples
    --------
    >>> import pullback as pb
    >>> [round(pb.optim.CosineDecay(1.0, 4)(k), 3) for k in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    lr: float
    steps: int
    end: float = 0.0

    def __post_init__(self) -> None:
        check_finite("lr", self.lr)
        check_steps("steps", self.steps)
        check_finite("end", self.end, zero=True)

    def __call__(self, count: ArrayLike) -> Value:
        """The rate after `count` steps."""
        xp, count = _on(count)
        share = xp.minimum(count, self.steps) / self.steps
        return self.end + (self.lr - self.end) * 0.5 * (1 + xp.cos(math.pi * share))


@dataclass(frozen=True)
class WarmUp:
    """A straight line from `start` to the first rate of another schedule, in `steps` steps, and then that schedule.

    Parameters
    ----------
    then : float or callable
        What follows, its own count beginning at 0.
    steps : int
        Length of the rise.
    start : float
        Rate of the first step.

    Examples
    --------
    >>> import pullback as pb
    >>> rate = pb.optim.WarmUp(pb.optim.InverseDecay(1.0), steps=4)
    >>> [rate(k) for k in range(7)]
    [0.0, 0.25, 0.5, 0.75, 1.0, 0.5, 0.3333333333333333]
    """

    then: float | Callable[[Any], Any]
    steps: int
    start: float = 0.0

    def __post_init__(self) -> None:
        if not callable(self.then):
            check_finite("then", self.then)
        check_steps("steps", self.steps)
        check_finite("start", self.start, zero=True)

    def __call__(self, count: ArrayLike) -> Value:
        """The rate after `count` steps."""
        xp, count = _on(count)
        then = self.then if callable(self.then) else Constant(self.then)
        rise = self.start + (then(0) - self.start) * (count / self.steps)
        after = then(xp.maximum(count - self.steps, 0))
        return xp.where(count < self.steps, rise, after + 0 * count)


@dataclass(frozen=True)
class OneCycle:
    """A rate that rises from ``lr / start`` to `lr` and falls to ``lr / (start · end)``, as torch's `OneCycleLR` does.

    Both parts are half cosines.

    Parameters
    ----------
    lr : float
        The peak.
    steps : int
        Length of the cycle; the rate stays at its last value after.
    rise : float
        Share of the steps that go up, in (0, 1).
    start, end : float
        What the peak is divided by at the start, and that again at the end.

    Notes
    -----
    The momentum stays as it is. Smith, Topin, "Super-convergence", 2018.

    Examples
    --------
    >>> import pullback as pb
    >>> [round(pb.optim.OneCycle(1.0, steps=6, rise=0.5)(k), 4) for k in range(6)]
    [0.04, 0.52, 1.0, 0.75, 0.25, 0.0]
    """

    lr: float
    steps: int
    rise: float = 0.3
    start: float = 25.0
    end: float = 1e4

    def __post_init__(self) -> None:
        check_finite("lr", self.lr)
        check_steps("steps", self.steps)
        check("start", 1, self.start)
        check("end", 1, self.end)
        if not 0 < self.rise < 1 or not 0 < self._top < self.steps - 1:
            raise ValueError(
                f"rise={self.rise!r} of {self.steps} steps: the peak has to lie between the first and the last step"
            )

    @property
    def _top(self) -> float:
        """The step of the peak."""
        return self.rise * self.steps - 1

    def __call__(self, count: ArrayLike) -> Value:
        """The rate after `count` steps."""
        xp, count = _on(count)
        top, last = self._top, self.steps - 1
        low = self.lr / self.start
        lowest = low / self.end
        at = xp.minimum(count, last)
        up = self.lr + 0.5 * (low - self.lr) * (1 + xp.cos(math.pi * (at / top)))
        down = lowest + 0.5 * (self.lr - lowest) * (
            1 + xp.cos(math.pi * ((at - top) / (last - top)))
        )
        return xp.where(at <= top, up, down)
