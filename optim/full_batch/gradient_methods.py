"""Methods by gradients alone: gradient descent, Nesterov's, conjugate gradients, L-BFGS.

Each is a generator: it is given a point, checks its options and yields that point, then the next one for as long as it
is asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from ...autograd.solve.implicit.lbfgs import Pair, inverse_times, pair_of
from .line import Line, SearchError
from .line_search import Search
from .method import no_more, positive, require_integer, setting, taken
from .problem import Point, Problem


def gradient_descent(
    problem: Problem, point: Point, search: Search, options: dict[str, Any]
) -> Iterator[Point]:
    """``x_{k+1} = x_k − s_k ∇f(x_k)``.

    On an m-strongly convex f with M-Lipschitz gradient and ``s = 1/M``: ``f(x_k) − f* ≤ (1 − m/M)^k (f(x_0) − f*)``.
    Searches begin at twice the step before, the first at ``options["first"]`` (1).
    """
    first = positive("first", setting(options, "first", 1.0))
    no_more(options, "gradient-descent")
    yield point
    while True:
        point = taken(problem, point, -point.g, search, first)
        first = 2 * point.step
        yield point


def nesterov(
    problem: Problem, point: Point, search: Search, options: dict[str, Any]
) -> Iterator[Point]:
    """``x_{k+1} = y_k − s ∇f(y_k)``, ``y_{k+1} = x_{k+1} + β_k (x_{k+1} − x_k)``, ``β_k = (k−1)/(k+2)``, k = 1, 2, ….

    Yields the y, where gradients are taken. The step never grows. With ``options["restart"]`` k goes back to 1
    where ∇f(y_k)ᵀ(x_{k+1} − x_k) > 0 (O'Donoghue, Candès, 2015): linear convergence on strongly convex problems whose m
    is not known.
    """
    first = positive("first", setting(options, "first", 1.0))
    restart = setting(options, "restart", False)
    no_more(options, "nesterov")
    yield point
    x, k = point.x, 1
    while True:
        line = Line(problem, point, -point.g)
        step = first = search(line, first)
        new = line.at(step)
        if restart and problem.dot(point.g, new - x) > 0:
            k = 1
        y = new + (new - x) * ((k - 1) / (k + 2))
        x, k = new, k + 1
        point = problem.point(y, step)
        yield point


def conjugate_gradient(
    problem: Problem, point: Point, search: Search, options: dict[str, Any]
) -> Iterator[Point]:
    """``d_{k+1} = −g_{k+1} + β d_k``.

    ``options["beta"]``: "polak-ribiere", ``max(0, gᵀ₊ (g₊ − g)/gᵀg)`` (Polak, Ribière, 1969; Gilbert,
    Nocedal, 1992), or "hager-zhang", ``(y − 2 d yᵀy / dᵀy)ᵀ g₊ / dᵀy`` with their lower bound (2005). It begins again
    along −g where d does not descend.
    """
    rule = setting(options, "beta", "polak-ribiere")
    no_more(options, "conjugate-gradient")
    if rule not in _BETAS:
        raise ValueError(f"beta={rule!r}: choose one of {', '.join(_BETAS)}")
    yield point
    d, first = -point.g, min(1.0, 1.0 / max(point.norm, 1e-300))
    while True:
        slope = problem.dot(point.g, d)
        if not slope < 0:
            d, slope = -point.g, -(point.norm**2)
        try:
            new = taken(problem, point, d, search, first)
        except SearchError:
            if slope == -(point.norm**2):
                raise
            d, slope = -point.g, -(point.norm**2)
            new = taken(problem, point, d, search, min(1.0, 1.0 / point.norm))
        d = -new.g + d * _BETAS[rule](problem, point, new, d)
        ahead = problem.dot(new.g, d)
        first = new.step * slope / ahead if ahead < 0 else 1.0  # the same first-order change
        point = new
        yield point


def _polak_ribiere(problem: Problem, old: Point, new: Point, d: Any) -> float:
    return max(0.0, problem.dot(new.g, new.g - old.g) / old.norm**2)


def _hager_zhang(problem: Problem, old: Point, new: Point, d: Any) -> float:
    y = new.g - old.g
    dy = problem.dot(d, y)
    if dy == 0:
        return 0.0
    beta = (problem.dot(y, new.g) - 2 * problem.dot(y, y) / dy * problem.dot(d, new.g)) / dy
    low = -1 / (problem.dot(d, d) ** 0.5 * min(0.01, old.norm))
    return max(beta, low)


_BETAS = {"polak-ribiere": _polak_ribiere, "hager-zhang": _hager_zhang}


def l_bfgs(
    problem: Problem, point: Point, search: Search, options: dict[str, Any]
) -> Iterator[Point]:
    """``d = −H g``, H the BFGS inverse of the last ``options["memory"]`` (10) pairs of steps and changes of gradient.

    Pairs with ``yᵀs ≤ 1e−10 ‖y‖ ‖s‖`` are left out, so that H stays positive definite. Where the search fails along d
    it begins again along −g. The two loops leave their numbers on the device.

    References
    ----------
    Liu, Nocedal, "On the limited memory BFGS method", 1989; Nocedal, Wright, 2006, algorithm 7.4.
    """
    memory = require_integer("memory", setting(options, "memory", 10))
    no_more(options, "l-bfgs")
    yield point
    pairs: deque[Pair] = deque(maxlen=memory)
    while True:
        try:
            first = 1.0 if pairs else min(1.0, 1.0 / max(point.norm, 1e-300))
            new = taken(problem, point, -inverse_times(pairs, point.g), search, first)
        except SearchError:
            if not pairs:
                raise
            pairs.clear()
            new = taken(problem, point, -point.g, search, min(1.0, 1.0 / point.norm))
        s, y = new.x - point.x, new.g - point.g
        sy, ss, yy = problem.dot(s, y), problem.dot(s, s), problem.dot(y, y)
        pair = pair_of(s, y, sy, ss, yy)
        if pair is not None:
            pairs.append(pair)
        point = new
        yield point
