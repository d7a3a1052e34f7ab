"""Searches along a direction: records that are called with φ(s) = f(x + s d) and return a step size.

All start from a trial step and ask for a descent direction, φ'(0) < 0. One that finds no step raises `SearchError`,
which `minimize` puts into its result.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...autograd.solve.implicit.line_search import backtrack, decreases_enough
from .line import Line, SearchError, check_open
from .problem import Problem
from .wolfe import StrongWolfe


@dataclass(frozen=True)
class FixedStep:
    """A constant step: for gradient descent ``s ≤ 1/M``, M the Lipschitz constant of the gradient.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> f = lambda x: pb.xp.sum(x**2)
    >>> pb.optim.minimize(f, np.ones(2), method="gradient-descent", line_search=pb.optim.FixedStep(0.5)).nit
    1
    """

    step: float

    def __post_init__(self) -> None:
        if not 0 < self.step < math.inf:
            raise ValueError(f"step={self.step!r}: it has to be positive and finite")

    def __call__(self, line: Any, first: float) -> float:
        """The step."""
        return self.step


@dataclass(frozen=True)
class Halving:
    """Half the step until the objective decreases: ``φ(s) < φ(0)``.

    Parameters
    ----------
    shrink : float
        In (0, 1).
    most : int
        Trials before it gives up.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.optim.line_search(lambda x: x**2, 1.0, -2.0, method="halving", first=4.0).step
    0.5
    """

    shrink: float = 0.5
    most: int = 60

    def __post_init__(self) -> None:
        check_open("shrink", self.shrink)

    def __call__(self, line: Any, first: float) -> float:
        """The first step that decreases."""

        def trial(s: float) -> float | None:
            return s if line.value(s) < line.value0 else None

        found, s = backtrack(trial, first, self.shrink, self.most)
        if found is not None:
            return found
        raise SearchError(f"no decrease along the direction down to a step of {s:.3g}")


@dataclass(frozen=True)
class Armijo:
    """Shrink the step until ``φ(s) ≤ φ(0) + c s φ'(0)`` (Armijo, 1966).

    A first trial whose value differs from φ(0) by rounding alone is taken if ``φ'(s) ≤ (2 c − 1) φ'(0)``, so that
    Newton's last steps are not lost.

    Parameters
    ----------
    c : float
        Share of the decrease that the slope promises, in (0, 1).
    shrink : float
        In (0, 1).
    most : int
        Trials before it gives up.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.optim.line_search(lambda x: x**2, 1.0, -2.0, method=pb.optim.Armijo(0.25)).step
    0.5
    """

    c: float = 1e-4
    shrink: float = 0.5
    most: int = 60

    def __post_init__(self) -> None:
        check_open("c", self.c)
        check_open("shrink", self.shrink)

    def __call__(self, line: Any, first: float) -> float:
        """The first step that decreases enough."""
        if line.level(first, self.c):
            return first

        def trial(s: float) -> float | None:
            value = line.value(s)
            enough = decreases_enough(value, line.value0, line.slope0, s, self.c)
            # below, not only by the rounding of a step that is too short to be seen
            return s if enough and value < line.value0 else None

        found, s = backtrack(trial, first, self.shrink, self.most)
        if found is not None:
            return found
        raise SearchError(f"not enough decrease along the direction down to a step of {s:.3g}")


def Backtracking(shrink: float = 0.5, most: int = 60) -> Armijo:
    """Shrink the step until ``f(x_{k+1}) ≤ f(x_k) − ½ s ‖∇f‖²``; along another direction ``½ s φ'(0)`` stands there.

    For a gradient with Lipschitz constant M any ``s ≤ 1/M`` satisfies it, so the step ends at ``shrink/M`` or above.

    Returns
    -------
    Armijo
        With ``c=0.5``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.optim.line_search(lambda x: x**2, 1.0, -2.0, method="backtracking").step
    0.5
    """
    return Armijo(0.5, shrink, most)


@dataclass(frozen=True)
class Exact:
    """The first minimum along the line: ``|φ'(s)| ≤ tol |φ'(0)|``, by bracketing a change of sign of φ' and closing it.

    The bracket is closed by secants and bisections in turn; its lower end always has the lowest value so far.

    Parameters
    ----------
    tol : float
        In (0, 1).
    most : int
        Evaluations before it gives up.

    Examples
    --------
    >>> import pullback as pb
    >>> round(pb.optim.line_search(lambda x: (x - 3.0) ** 4, 0.0, 1.0, method="exact").step, 2)
    3.0
    """

    tol: float = 1e-8
    most: int = 400

    def __post_init__(self) -> None:
        check_open("tol", self.tol)

    def __call__(self, line: Any, first: float) -> float:
        """The minimiser."""
        # low: the lowest value so far, with φ' < 0; high: a slope upwards, or a higher value
        low, high, s = 0.0, math.inf, first
        share, moved = 1.0, ""  # what the slope at the end that stays counts for (Illinois)
        for k in range(self.most):
            slope = line.slope(s)
            if not (math.isfinite(slope) and line.value(s) <= line.value(low) + line.noise):
                high, share, moved = s, 1.0, ""  # a higher value, or out of the domain
            elif abs(slope) <= self.tol * abs(line.slope0):
                return s
            elif slope > 0:
                high, share, moved = s, 0.5 * share if moved == "high" else 1.0, "high"
            else:
                low, share, moved = s, 0.5 * share if moved == "low" else 1.0, "low"
            if high < math.inf and high - low <= 4e-16 * high and low > 0:
                return low
            if not low < 1e100:
                raise SearchError("no minimum along the direction: the objective keeps decreasing")
            s = 2 * low if high == math.inf else self._between(line, low, high, share, moved, k)
        raise SearchError(f"no slope below {self.tol} of the first in {self.most} evaluations")

    def _between(
        self, line: Any, low: float, high: float, share: float, moved: str, k: int
    ) -> float:
        """The zero of the line through the slopes at the ends, or the middle where that is of no use."""
        a, b = line.slope(low), line.slope(high)
        if k % 8 == 7 or not b > 0:
            return 0.5 * (low + high)
        a, b = (a, b * share) if moved == "low" else (a * share, b)
        s = low - a * (high - low) / (b - a)
        return s if low < s < high else 0.5 * (low + high)


Search = Callable[[Line, float], float]

# The names that `line_search=` takes.
NAMED: dict[str, Callable[[], Search]] = {
    "halving": Halving,
    "backtracking": Backtracking,
    "armijo": Armijo,
    "exact": Exact,
    "wolfe": StrongWolfe,
}


def chosen(search: Any, default: Search) -> Search:
    """The line search that was asked for: a record, a name, a number (a fixed step), or None for the default.

    Raises
    ------
    ValueError
        For an unknown name.
    """
    if search is None:
        return default
    if isinstance(search, str):
        if search not in NAMED:
            raise ValueError(
                f"line_search={search!r}: choose one of {', '.join(NAMED)}, a step or a record"
            )
        return NAMED[search]()
    if isinstance(search, int | float) and not isinstance(search, bool):
        return FixedStep(float(search))
    if not callable(search):
        raise TypeError(
            f"line_search={search!r}: a name, a step or a record such as pb.optim.Armijo()"
        )
    return search


class LineStep(NamedTuple):
    """The result of `line_search`: the step size, the point, value and gradient there, and evaluations."""

    step: float
    x: Any
    fun: float
    jac: Any
    nfev: int
    njev: int


def line_search(
    f: Callable[..., Any],
    x: Any,
    direction: Any,
    *,
    method: Any = "wolfe",
    first: float = 1.0,
    args: tuple[Any, ...] = (),
) -> LineStep:
    """A step along a direction that decreases a function.

    Parameters
    ----------
    f : callable
        Of a pytree like `x`; returns one real number.
    x, direction : pytree
        Of one structure.
    method : {"halving", "backtracking", "armijo", "exact", "wolfe"}, float or record
        As `minimize` takes it.
    first : float
        The first trial.
    args : tuple
        Further arguments of `f`.

    Returns
    -------
    LineStep

    Raises
    ------
    SearchError
        If the direction does not descend, or no step is found.
    ValueError
        If the function is not finite at `x`, or `direction` is not like `x`.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> f = lambda x: pb.xp.sum((x - 1) ** 2)
    >>> pb.optim.line_search(f, np.zeros(2), np.ones(2), method="exact").x
    array([1., 1.])
    """
    if not 0 < first < math.inf:
        raise ValueError(f"first={first!r}: a trial step has to be positive and finite")
    problem = Problem(f, x, args)
    with np.errstate(all="ignore"):  # trial points may lie outside the domain
        line = Line(problem, problem.start(), problem.packed(direction))
        point = line.point(chosen(method, StrongWolfe())(line, first))
    if not math.isfinite(point.f):
        raise SearchError(f"the objective is {point.f} at the step {point.step:.3g}")
    return LineStep(
        point.step,
        problem.result(point.x),
        point.f,
        problem.result(point.g),
        problem.nfev,
        problem.njev,
    )
