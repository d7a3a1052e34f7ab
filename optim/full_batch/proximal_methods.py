"""Proximal gradient methods for ``F(x) = f(x) + g(x)``, f smooth, g a penalty or a constraint: ISTA and FISTA.

With the operator ``p_s(y) = prox_{s g}(y − s ∇f(y))``, x minimises a convex F exactly where ``x = p_s(x)``. The methods
stop by the residual ``‖x − p_s(x)‖ / s``, which is ‖∇f(x)‖ where there is no g.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .line import SearchError
from .line_search import Search
from .method import no_more, positive, setting
from .problem import Point, Problem

# The largest number of doublings or halvings of one step.
_LONGEST = 60


class _Steps:
    """The step size s of a method: found at the start, then made smaller where f rises above its quadratic bound.

    A step is taken if ``f(p) ≤ f(y) + ∇f(y)ᵀ(p − y) + ‖p − y‖² / (2 s)``, which holds for any s ≤ 1/M, M the Lipschitz
    constant of ∇f.
    """

    def __init__(self, problem: Problem, options: dict[str, Any]) -> None:
        self.problem = problem
        first = setting(options, "first", None)
        self.size = 1.0 if first is None else positive("first", first)
        self.shrink = positive("shrink", setting(options, "shrink", 0.5))
        if self.shrink >= 1:
            raise ValueError(f"shrink={self.shrink!r}: it has to be below 1")
        self.backtracking = setting(options, "backtracking", True)
        self.grows = first is None and self.backtracking

    def at(self, y: Any, g: Any, size: float) -> Any:
        """p_s(y)."""
        return self.problem.prox(y - g * size, size)

    def residual(self, x: Any, p: Any) -> float:
        """‖x − p‖ / s."""
        d = x - p
        return math.sqrt(max(self.problem.dot(d, d), 0.0)) / self.size

    def holds(self, y: Any, fy: float, g: Any, p: Any, size: float) -> tuple[bool, float]:
        """Whether f(p) lies below the bound, and f(p)."""
        fp = self.problem.value(p)
        d = p - y
        square = self.problem.dot(d, d)
        noise = 8 * float(np.finfo(self.problem.dtype).eps) * max(abs(fy), abs(fp))
        bound = fy + self.problem.dot(g, d) + square / (2 * size)
        if not math.isfinite(fp) or fp <= bound:
            return math.isfinite(fp), fp
        if fp > bound + 1000 * noise:
            return False, fp
        # values differ by rounding alone: what the bound says of the gradients decides, else steps shrink for nothing
        change = self.problem.point(p).g - g
        return self.problem.dot(change, d) <= square / size * (1 + 1e-6), fp

    def next(self, y: Any, fy: float, g: Any) -> tuple[Any, float]:
        """p_s(y) and f there, after s is made small enough.

        Raises
        ------
        SearchError
            If no step is.
        """
        p = self.at(y, g, self.size)
        if not self.backtracking:
            return p, self.problem.value(p)
        good, fp = self.holds(y, fy, g, p, self.size)
        for _ in range(_LONGEST):
            if good:
                break
            self.size *= self.shrink
            p = self.at(y, g, self.size)
            good, fp = self.holds(y, fy, g, p, self.size)
            if self.problem.dot(p - y, p - y) == 0:  # by rounding, where longer steps moved
                good = False
                break
        if not good:
            raise SearchError(
                f"f lies above its quadratic bound down to a step of {self.size:.3g}; is it smooth?"
            )
        if self.grows:  # once, at the start
            self.grows = False
            for _ in range(_LONGEST):
                longer = self.size / self.shrink
                q = self.at(y, g, longer)
                good, fq = self.holds(y, fy, g, q, longer)
                if not good:
                    break
                moved = self.problem.dot(q - p, q - p)
                p, fp, self.size = q, fq, longer
                if moved == 0:  # a longer step leads to the same point
                    break
        return p, fp


def _begin(problem: Problem, steps: _Steps, point: Point) -> tuple[Point, Any, float]:
    """The start with its residual, and the first trial with f there; a start outside of a constraint is moved."""
    if not math.isfinite(problem.penalty_value(point.x)):
        x = problem.prox(point.x, steps.size)
        point = problem.point(x)
    p, fp = steps.next(point.x, point.f, point.g)
    value = point.f + problem.penalty_value(point.x)
    return Point(point.x, value, point.g, steps.residual(point.x, p)), p, fp


def ista(
    problem: Problem, point: Point, search: Search, options: dict[str, Any]
) -> Iterator[Point]:
    """``x_{k+1} = prox_{s g}(x_k − s ∇f(x_k))``, the proximal gradient method: ``F(x_k) − F* ≤ ‖x_0 − x*‖² / (2 s k)``.

    Options: ``first`` (step; without it the longest that holds there), ``shrink`` (0.5), ``backtracking`` (True).

    References
    ----------
    Parikh, Boyd, Proximal algorithms, 2014, section 4.2; Daubechies, Defrise, De Mol, 2004.
    """
    options.pop("gtol")
    steps = _Steps(problem, options)
    no_more(options, "ista")
    start, p, _ = _begin(problem, steps, point)
    yield start
    while True:
        at = problem.point(p)
        size, x = steps.size, p
        p, _ = steps.next(x, at.f, at.g)
        yield Point(x, at.f + problem.penalty_value(x), at.g, steps.residual(x, p), size)


def fista(
    problem: Problem, point: Point, search: Search, options: dict[str, Any]
) -> Iterator[Point]:
    """ISTA from extrapolated points: ``y_{k+1} = x_k + (t_k − 1)/t_{k+1} (x_k − x_{k−1})``.

    ``t_{k+1} = ½ (1 + √(1 + 4 t_k²))``, and
    ``F(x_k) − F* ≤ 2 ‖x_0 − x*‖² / (s (k + 1)²)``. With ``options["restart"]`` (True) t goes back to 1 where
    ``(y_k − x_{k+1})ᵀ(x_{k+1} − x_k) > 0``: linear convergence on strongly convex problems. Other options as `ista`'s.

    The residual is that of the point y until it is below gtol, then that of x itself.

    References
    ----------
    Beck, Teboulle, A fast iterative shrinkage-thresholding algorithm, 2009; O'Donoghue, Candès, Adaptive restart for
    accelerated gradient schemes, 2015.
    """
    gtol = options.pop("gtol")
    restart = setting(options, "restart", True)
    steps = _Steps(problem, options)
    no_more(options, "fista")
    start, p, fp = _begin(problem, steps, point)
    yield start
    x, t, y = start.x, 1.0, start.x
    while True:
        size, residual, moved = steps.size, steps.residual(y, p), p - x
        if residual <= gtol:  # at y: what counts is at x
            at = problem.point(p)
            again, f_again = steps.next(p, at.f, at.g)
            residual = steps.residual(p, again)
            yield Point(p, at.f + problem.penalty_value(p), at.g, residual, size)
            x, t, y, p, fp = p, 1.0, p, again, f_again
            continue
        yield Point(p, fp + problem.penalty_value(p), None, residual, size)
        if restart and problem.dot(y - p, moved) > 0:
            t = 1.0
        longer = (1 + math.sqrt(1 + 4 * t * t)) / 2
        x, y, t = p, p + moved * ((t - 1) / longer), longer
        at = problem.point(y)
        p, fp = steps.next(y, at.f, at.g)
