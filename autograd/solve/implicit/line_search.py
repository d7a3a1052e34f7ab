"""Backtracking and its condition, for minima and for equations, on the host's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def decreases_enough(new: float, old: float, slope: float, step: float, c: float) -> bool:
    """Armijo's condition ``φ(s) ≤ φ(0) + c s φ'(0)``; False where φ(s) is NaN."""
    return new <= old + c * step * slope


def backtrack(
    trial: Callable[[float], T | None], first: float, shrink: float, most: int
) -> tuple[T | None, float]:
    """The result of the first successful trial of the steps ``first``, ``shrink · first``, …, and the last step.

    Parameters
    ----------
    trial : callable
        ``trial(step)`` returns None where the step has to be shorter.
    first, shrink : float
        The first step, and the ratio of each to the one before.
    most : int
        Trials before it gives up with None.
    """
    step = first
    for _ in range(most):
        found = trial(step)
        if found is not None:
            return found, step
        step *= shrink
    return None, step
