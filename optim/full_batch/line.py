"""An objective along a direction, as line searches see it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .problem import Point, Problem


class SearchError(RuntimeError):
    """A line search that found no step; the message says why."""


class Line:
    """φ(s) = f(x + s d), each point evaluated once.

    Parameters
    ----------
    problem : Problem
        The objective.
    origin : Point
        x, with its value and gradient.
    direction : array
        d.

    Raises
    ------
    SearchError
        Unless ``φ'(0) = ∇f(x)ᵀd < 0``.
    """

    def __init__(self, problem: Problem, origin: Point, direction: Any) -> None:
        self.problem, self.origin, self.direction = problem, origin, direction
        self.value0, self.slope0 = origin.f, problem.dot(origin.g, direction)
        if not self.slope0 < 0:
            raise SearchError(f"not a descent direction: the slope along it is {self.slope0:.3g}")
        # how far apart values have to be to say anything
        self.noise = 8 * float(np.finfo(problem.dtype).eps) * abs(origin.f)
        self._values: dict[float, float] = {0.0: origin.f}
        self._points: dict[float, Point] = {0.0: origin}

    def at(self, s: float) -> Any:
        """``x + s d``."""
        return self.origin.x + self.direction * s

    def value(self, s: float) -> float:
        """φ(s)."""
        if s not in self._values:
            self._values[s] = self.problem.value(self.at(s))
        return self._values[s]

    def point(self, s: float) -> Point:
        """The point at s, with its gradient."""
        if s not in self._points:
            self._points[s] = self.problem.point(self.at(s), s)
            self._values[s] = self._points[s].f
        return self._points[s]

    def slope(self, s: float) -> float:
        """φ'(s)."""
        if s == 0:
            return self.slope0
        return self.problem.dot(self.point(s).g, self.direction)

    def level(self, s: float, c: float) -> bool:
        """Whether φ(s) is φ(0) within rounding, and the slope says what the values cannot (Hager, Zhang)."""
        if not abs(self.value(s) - self.value0) <= self.noise:
            return False
        return self.slope(s) <= (2 * c - 1) * self.slope0


def check_open(name: str, value: float) -> None:
    """Refuse a constant of a line search that does not lie between 0 and 1.

    Raises
    ------
    ValueError
        If it does not.
    """
    if not 0 < value < 1:
        raise ValueError(f"{name}={value!r}: it has to lie between 0 and 1")
