"""The line search for the strong Wolfe conditions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ...autograd.solve.implicit.line_search import decreases_enough
from .line import SearchError


@dataclass(frozen=True)
class StrongWolfe:
    """``φ(s) ≤ φ(0) + c1 s φ'(0)`` and ``|φ'(s)| ≤ c2 |φ'(0)|``.

    The step grows until an interval holds such points, which then shrinks by cubic interpolation. Where values no
    longer tell steps apart (differences within a few units in the last place of φ(0)) the first condition is replaced
    by ``φ'(s) ≤ (2 c1 − 1) φ'(0)``, Hager's and Zhang's approximate condition.

    Parameters
    ----------
    c1, c2 : float
        ``0 < c1 < c2 < 1``; c2 = 0.9 for quasi-Newton, 0.1 for conjugate gradients.
    most : int
        Evaluations before it gives up.
    longest : float
        Steps beyond are not tried.

    References
    ----------
    Nocedal, Wright, Numerical Optimization, 2006, algorithms 3.5 and 3.6; Hager, Zhang, "A new conjugate gradient
    method with guaranteed descent", SIAM J. Optim. 2005, section 4.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.optim.line_search(lambda x: x**2, 1.0, -2.0, method="wolfe").step
    0.5
    """

    c1: float = 1e-4
    c2: float = 0.9
    most: int = 50
    longest: float = 1e20

    def __post_init__(self) -> None:
        if not 0 < self.c1 < self.c2 < 1:
            raise ValueError(f"c1={self.c1!r}, c2={self.c2!r}: 0 < c1 < c2 < 1 is needed")

    def __call__(self, line: Any, first: float) -> float:
        """A step that satisfies both."""
        last, s = 0.0, min(first, self.longest)
        for left in range(self.most, 0, -1):
            value = line.point(s).f
            if not math.isfinite(value):  # out of the domain: back towards what is known
                s = 0.5 * (last + s)
                continue
            if not self._decreases(line, s) or (
                last > 0 and value >= line.value(last) + line.noise
            ):
                return self._zoom(line, last, s, left)
            slope = line.slope(s)
            if abs(slope) <= -self.c2 * line.slope0:
                return s
            if slope >= 0:
                return self._zoom(line, s, last, left)
            if s >= self.longest:
                break
            last, s = s, min(2 * s, self.longest)
        raise SearchError(
            f"no step satisfies the Wolfe conditions within {self.most} evaluations, up to {s:.3g}:"
            " the objective may have no minimum along the direction"
        )

    def _decreases(self, line: Any, s: float) -> bool:
        if decreases_enough(line.value(s), line.value0, line.slope0, s, self.c1):
            return True
        return line.level(s, self.c1)

    def _zoom(self, line: Any, low: float, high: float, left: int) -> float:
        """Close an interval whose end `low` decreases enough and has the lower value."""
        for k in range(max(left, 20)):
            s = _cubic(line, low, high) if k % 3 < 2 else 0.5 * (low + high)
            margin = 0.1 * abs(high - low)
            s = min(max(s, min(low, high) + margin), max(low, high) - margin)
            if s in (low, high):
                break
            value = line.point(s).f
            if not self._decreases(line, s) or value > line.value(low) + line.noise:
                high = s
                continue
            slope = line.slope(s)
            if abs(slope) <= -self.c2 * line.slope0:
                return s
            if slope * (high - low) >= 0:
                high = low
            low = s
        raise SearchError("no step satisfies the Wolfe conditions: the interval closed to nothing")


def _cubic(line: Any, a: float, b: float) -> float:
    """The minimiser of the cubic through values and slopes at a and b (Nocedal, Wright, eq. 3.59)."""
    fa, fb, da, db = line.value(a), line.value(b), line.slope(a), line.slope(b)
    d1 = da + db - 3 * (fa - fb) / (a - b)
    square = d1 * d1 - da * db
    if not (math.isfinite(square) and square >= 0):  # a value or slope is not finite, or no minimum
        return 0.5 * (a + b)
    d2 = math.copysign(math.sqrt(square), b - a)
    below = db - da + 2 * d2
    return b - (b - a) * (db + d2 - d1) / below if below else 0.5 * (a + b)
