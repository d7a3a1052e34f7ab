"""Methods by second derivatives: Newton's with the whole Hessian, and truncated by products with it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .line import SearchError
from .line_search import Search
from .method import no_more, positive, require_integer, setting, taken
from .problem import Point, Problem


def newton(
    problem: Problem, point: Point, search: Search, options: dict[str, Any]
) -> Iterator[Point]:
    """``x − s (∇²f + τI)⁻¹ ∇f``: τ = 0 where the Hessian is positive definite, and the step s = 1 is tried first.

    Near a minimum with positive definite Hessian the error is squared in each step. τ is doubled from
    ``options["shift"]`` (1e−3) of the Hessian's size until a Cholesky factor exists (Nocedal, Wright, 2006,
    algorithm 3.3).
    """
    shift = positive("shift", setting(options, "shift", 1e-3))
    no_more(options, "newton")
    yield point
    while True:
        direction = -_positive_solve(problem, problem.hessian(point.x), point.g, shift)
        point = taken(problem, point, direction, search, 1.0)
        yield point


def _positive_solve(problem: Problem, H: Any, g: Any, shift: float) -> Any:
    """``(H + τI)⁻¹ g`` with the first τ of 0, shift‖H‖, 2 shift‖H‖, … that makes the matrix positive definite."""
    xp = problem.xp
    size = float(problem.dot(xp.reshape(H, (-1,)), xp.reshape(H, (-1,)))) ** 0.5
    if not math.isfinite(size):
        raise SearchError("the Hessian holds NaN or infinity")
    eye = _identity(xp, H)
    tau = 0.0
    for _ in range(60):
        shifted = H + eye * tau
        # a shift that all but meets the lowest eigenvalue makes a step of any length
        if _is_positive(xp, shifted, 1e-2 * tau):
            return xp.linalg.solve(shifted, xp.reshape(g, (-1, 1)))[:, 0]
        tau = max(2 * tau, shift * max(size, 1e-8))
    raise SearchError("no shift makes the Hessian positive definite")


def _identity(xp: Any, H: Any) -> Any:
    rows = xp.arange_like(H.shape[0], H)
    return xp.astype(rows[:, None] == rows[None, :], H.dtype)


def _is_positive(xp: Any, H: Any, least: float) -> bool:
    """Whether there is a Cholesky factor, with pivots of at least that size."""
    try:
        factor = xp.linalg.cholesky(H)
    except np.linalg.LinAlgError:
        return False
    pivots = xp.linalg.diagonal(factor)
    # CuPy's has NaN where NumPy's raises
    return bool(xp.all(xp.isfinite(factor)) & xp.all(pivots * pivots >= least))


def newton_cg(
    problem: Problem, point: Point, search: Search, options: dict[str, Any]
) -> Iterator[Point]:
    """``∇²f d = −∇f`` by conjugate gradients, cut off at ``min(½, √‖g‖) ‖g‖`` or where curvature is not positive.

    The Hessian is never formed: each product costs one sweep. Superlinear near a minimum. At negative curvature the
    step goes along what there is, or along −g in the first product (Nocedal, Wright, 2006, algorithm 7.1).
    ``options["products"]``: at most so many products a step (2 n).
    """
    products = require_integer("products", setting(options, "products", 2 * problem.size))
    no_more(options, "newton-cg")
    yield point
    while True:
        direction = _truncated(problem, point, products)
        point = taken(problem, point, direction, search, 1.0)
        yield point


def _truncated(problem: Problem, point: Point, products: int) -> Any:
    """An approximate Newton direction, always one of descent."""
    tolerance = min(0.5, math.sqrt(point.norm)) * point.norm
    times = problem.hvp(point.x)
    z, r = point.g * 0, point.g
    d, rr = -r, point.norm**2
    for j in range(products):
        Bd = times(d)
        curvature = problem.dot(d, Bd)
        if not curvature > 1e-14 * problem.dot(d, d) ** 0.5 * problem.dot(Bd, Bd) ** 0.5:
            return d if j == 0 else z
        alpha = rr / curvature
        z, r = z + d * alpha, r + Bd * alpha
        new = problem.dot(r, r)
        if math.sqrt(new) < tolerance:
            return z
        d, rr = d * (new / rr) - r, new
    return z
