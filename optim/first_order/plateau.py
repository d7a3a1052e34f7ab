"""A learning rate that follows the loss."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...autograd.core.array import backend_array
from ...autograd.core.namespaces import namespace_of
from ...autograd.core.typing import XP, ArrayLike, Value
from .schedules import check_finite, check_steps
from .update import check, floating


class PlateauState(NamedTuple):
    """The state of `ReduceOnPlateau`, as arrays: rate, best loss, updates without gain, updates to wait."""

    lr: Value
    best: Value
    bad: Value
    wait: Value


@dataclass(frozen=True)
class ReduceOnPlateau:
    """Multiply the rate by `factor` when the loss has not improved for more than `patience` updates, as torch has it.

    Parameters
    ----------
    lr : float
        The first rate.
    factor : float
        In (0, 1).
    patience : int
        Updates without improvement that are tolerated.
    threshold : float
        An improvement is a loss below ``best · (1 − threshold)``, or below ``best − threshold`` if not `relative`.
    relative : bool
        What `threshold` is measured by.
    cooldown : int
        Updates after a reduction in which nothing is counted.
    least : float
        The rate never falls below.
    maximise : bool
        The larger the better (an accuracy).

    Notes
    -----
    Not a function of the step count: hand the rate to the optimiser, ``opt.step(params, grads, state, lr=plateau.lr)``.

    Examples
    --------
    >>> import pullback as pb
    >>> rule = pb.optim.ReduceOnPlateau(1.0, factor=0.5, patience=1)
    >>> state = rule.init()
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     state = rule.update(loss, state)
    >>> float(state.lr)
    0.5
    """

    lr: float
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    relative: bool = True
    cooldown: int = 0
    least: float = 0.0
    maximise: bool = False

    def __post_init__(self) -> None:
        check_finite("lr", self.lr)
        if not 0 < self.factor < 1:
            raise ValueError(f"factor={self.factor!r}: it has to lie between 0 and 1")
        check_steps("patience", self.patience, 0)
        check_steps("cooldown", self.cooldown, 0)
        check("threshold", 0, self.threshold)
        check_finite("least", self.least, zero=True)

    def init(self, like: ArrayLike = None) -> PlateauState:
        """The state before the first update, on the device of `like` (the host without)."""
        like = np.zeros(()) if like is None else backend_array(like)
        xp = namespace_of(like)
        zero = xp.astype(xp.zeros_on_device_of((), like), np.dtype(np.float64))
        worst = -math.inf if self.maximise else math.inf
        return PlateauState(*(xp.asarray(zero + x) for x in (self.lr, worst, 0.0, 0.0)))

    def update(self, loss: Value, state: PlateauState) -> PlateauState:
        """The state after one more loss; nothing is read from a device."""
        xp = namespace_of(state.best)
        lr, best, bad, wait = state
        loss = floating(loss) if hasattr(loss, "dtype") else 0 * lr + loss
        better = self._better(xp, loss, best)
        best = xp.where(better, loss, best)
        bad = xp.where(better | (wait > 0), 0 * bad, bad + 1)
        wait = xp.maximum(wait - 1, 0 * wait)
        reduce = bad > self.patience
        lower = xp.maximum(lr * self.factor, 0 * lr + self.least)
        lr = xp.where(reduce & (lr - lower > 1e-8), lower, lr)
        wait = xp.where(reduce, 0 * wait + self.cooldown, wait)
        return PlateauState(
            *(xp.asarray(x) for x in (lr, best, xp.where(reduce, 0 * bad, bad), wait))
        )

    def _better(self, xp: XP, loss: Value, best: Value) -> Value:
        margin = self.threshold * (xp.abs(best) if self.relative else 1)
        # ∞ − ∞ at the first update, which is always a gain
        if self.relative:
            margin = xp.where(xp.isfinite(best), margin, 0 * loss)
        return loss > best + margin if self.maximise else loss < best - margin
