"""Dormand and Prince's method of order 5(4), for arrays of libraries that SciPy's solvers do not take.

The error of each step is estimated by the embedded method of order 4, and read from the device: the next step, and
whether this one is taken, depend on it (Hairer, Nørsett and Wanner, Solving ordinary differential equations I, 1993,
II.4-5).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...core.namespaces import namespace_of

NODES = (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
STAGES = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
SAFETY, SMALLEST, LARGEST = 0.9, 0.2, 10.0
MOST_STEPS = 100_000


def solve(
    f: Callable[[float, Any], Any], y: Any, times: list[float], rtol: float, atol: float
) -> list[Any]:
    """The solution at `times`, of which the first is that of `y`; raw arrays throughout.

    Raises
    ------
    RuntimeError
        If the steps become too small or too many.
    """
    out = [y]
    t, slope = times[0], f(times[0], y)
    step = _first_step(f, t, y, slope, times, rtol, atol)
    taken = 0
    for end in times[1:]:
        direction = 1.0 if end >= t else -1.0
        while (end - t) * direction > 0:
            taken += 1
            tried = min(step, abs(end - t))
            if taken > MOST_STEPS or tried <= 1e-14 * max(abs(t), abs(end)):
                raise RuntimeError(
                    f"the solver of differential equations stopped at t = {t} after {taken} steps of a size of "
                    f"{tried:.2e}: the "
                    "system is stiff or singular there"
                )
            new, new_slope, error = _step(f, t, y, slope, direction * tried, rtol, atol)
            factor = LARGEST if error == 0 else min(LARGEST, max(SMALLEST, SAFETY * error**-0.2))
            if error != error:
                factor = SMALLEST
            if error <= 1:
                t = end if tried == abs(end - t) else t + direction * tried
                y, slope = new, new_slope
                step = max(step, tried * factor) if tried < step else tried * factor
            else:
                step = tried * min(factor, 1.0)
        out.append(y)
    return out


def _step(f: Any, t: float, y: Any, slope: Any, h: float, rtol: float, atol: float) -> Any:
    slopes = [slope]
    for node, weights in zip(NODES[1:], STAGES, strict=True):
        moved = y
        for k, w in zip(slopes, weights, strict=True):
            if w:
                moved = moved + (h * w) * k
        slopes.append(f(t + node * h, moved))
    error = slopes[0] * (h * ERROR[0])
    for k, w in zip(slopes[1:], ERROR[1:], strict=True):
        if w:
            error = error + (h * w) * k
    return moved, slopes[-1], _norm(error, y, moved, rtol, atol)


def _norm(error: Any, y: Any, other: Any, rtol: float, atol: float) -> float:
    """The root of the mean square of the error over what is allowed."""
    xp = namespace_of(error)
    size = xp.abs(y)
    size = xp.where(xp.abs(other) > size, xp.abs(other), size)
    ratio = error / (atol + rtol * size)
    return float(xp.sqrt(xp.mean(ratio * ratio)))


def _first_step(
    f: Any, t: float, y: Any, slope: Any, times: list[float], rtol: float, atol: float
) -> float:
    """A hundredth of the ratio of value to slope, checked by the second derivative."""
    span = abs(times[-1] - t) or 1.0
    d0, d1 = (_norm(v, y, y, rtol, atol) for v in (y, slope))
    h = 1e-6 if min(d0, d1) < 1e-5 else 0.01 * d0 / d1
    h = min(h, span)
    direction = 1.0 if times[-1] >= t else -1.0
    d2 = _norm(f(t + direction * h, y + (direction * h) * slope) - slope, y, y, rtol, atol) / h
    largest = max(d1, d2)
    other = max(1e-6, h * 1e-3) if largest <= 1e-15 else (0.01 / largest) ** 0.2
    return min(100 * h, other, span)
