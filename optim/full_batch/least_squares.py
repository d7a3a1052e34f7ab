"""Least squares: Gauss-Newton and Levenberg-Marquardt, on residuals r(x) with f = ½ ‖r‖²."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from .line import SearchError
from .line_search import Search
from .method import no_more, positive, setting, taken
from .newton import _identity
from .problem import Point, Problem


def gauss_newton(
    problem: Problem, point: Point, search: Search, options: dict[str, Any]
) -> Iterator[Point]:
    """``x − s J⁺ r``: the least-squares solution of ``J d = −r``, the shortest one where J has not full rank.

    Quadratic near a minimum with r = 0, linear with a rate that grows with ‖r‖ otherwise (Nocedal, Wright, 2006,
    section 10.3). ``options["rcond"]``: singular values below that share of the largest are taken for 0 (n ε).
    """
    rcond = setting(options, "rcond", None)
    no_more(options, "gauss-newton")
    yield point
    xp = problem.xp
    settings = {} if rcond is None else {"rtol": rcond}
    while True:
        r, J = problem.residuals(point.x)
        if not (bool(xp.all(xp.isfinite(J))) and bool(xp.all(xp.isfinite(r)))):
            raise SearchError("the residuals or their Jacobian hold NaN or infinity")
        point = taken(problem, point, -(xp.linalg.pinv(J, **settings) @ r), search, 1.0)
        yield point


def levenberg_marquardt(
    problem: Problem, point: Point, search: Search, options: dict[str, Any]
) -> Iterator[Point]:
    """``(JᵀJ + λ D) d = −Jᵀr``, D the squares of the columns of J; only steps that decrease are taken.

    Solved as the least-squares problem ``[J; √(λD)] d = [−r; 0]``, whose condition is the root of theirs.
    λ starts at ``options["damping"]`` (1e−3) and follows the ratio of the decrease to the predicted one
    (Nielsen, "Damping parameter in Marquardt's method", 1999; Madsen, Nielsen, Tingleff, "Methods for non-linear least
    squares problems", 2004). D falls by at most 10 in a step, so that a column that vanishes for a moment stays damped.
    It takes no line search.
    """
    damping = positive("damping", setting(options, "damping", 1e-3))
    no_more(options, "levenberg-marquardt")
    yield point
    xp, scale, growth = problem.xp, None, 2.0
    while True:
        r, J = problem.residuals(point.x)
        squares = xp.sum(J * J, axis=0)
        # Moré's D (1978) never falls, and λ D outgrows a JᵀJ that falls by e² a step: exp(x) − 3 from x = 30 took more
        # than 5000 steps, and takes 33 like this. Geometric mean over 18 problems, 400 at most: 24 steps tried, not 27.
        scale = squares if scale is None else xp.maximum(scale * 0.1, squares)
        while True:
            floor = xp.where(scale > 0, scale, xp.ones_like(scale))
            d = _damped(xp, J, r, floor * damping)
            new = problem.point(point.x + d, 1.0)
            predicted = 0.5 * (damping * problem.dot(d * floor, d) - problem.dot(d, point.g))
            ratio = (point.f - new.f) / predicted if predicted > 0 else -1.0
            if math.isfinite(new.f) and math.isfinite(new.norm) and ratio > 0:
                break
            damping, growth = damping * growth, 2 * growth
            if not damping < 1e16:
                raise SearchError("no damping leads to a lower sum of squares")
        damping, growth = damping * max(1 / 3, 1 - (2 * ratio - 1) ** 3), 2.0
        damping = max(damping, 1e-15)
        point = new
        yield point


def _damped(xp: Any, J: Any, r: Any, D: Any) -> Any:
    """The least-squares solution of ``[J; √D] d = [−r; 0]``, by QR."""
    below = _identity(xp, xp.zeros_on_device_of((D.shape[0], D.shape[0]), J)) * xp.sqrt(D)
    Q, R = xp.linalg.qr(xp.concat([J, below], axis=0))
    right = xp.concat([-r, xp.zeros_like(D)])
    return xp.linalg.solve(R, xp.reshape(Q.mT @ right, (-1, 1)))[:, 0]
