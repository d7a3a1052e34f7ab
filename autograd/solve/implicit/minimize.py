"""Minima of a function of a flat raw vector, by the gradient and the curvature at the point that is returned.

A point is a minimum if the gradient is small in the problem's own scale and the Hessian is not indefinite. Newton's
method goes by trust regions: within a radius that grows and shrinks with how well the quadratic model foretells f, each
step minimises the model, along negative curvature where there is some. So it falls from a maximum or a saddle by
itself. The methods that use gradients alone look at the curvature where they would end, and go on along it if it is
negative.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...core.dtypes import as_numpy
from ...core.namespaces import namespace_of
from ...core.typing import XP, RawArray
from ..iterative.iteration import Info, numbers
from .curvature import Curvature, by_products, dense_curvature
from .lbfgs import NAME, Pair, inverse_times, pair_of
from .line_search import backtrack, decreases_enough

METHODS = ("newton", NAME, "gradient")

HALVINGS = 40
DOUBLINGS = 60
# The share of what the slope promises that a step along a direction has to win.
DECREASE = 1e-4
# The share of what the model promises that a step within the radius has to win.
WORTH = 0.1
# The number of steps that L-BFGS remembers.
PAIRS = 10
# The number of steps in a row that may be refused: the radius has shrunk by 10⁴⁸ then.
REFUSED = 80

Map = Callable[..., Any]


class Point(NamedTuple):
    """A vector with the value, the gradient and its norm."""

    v: Any
    value: float
    g: Any
    norm: float


class Settings(NamedTuple):
    """The method and when it ends; a `thorough` one ends when nothing is left to gain, a step or two later."""

    method: str
    dense: bool
    rtol: float
    atol: float
    maxiter: int
    thorough: bool


def minimum(both: Map, bend: Map, v: RawArray, settings: Settings) -> tuple[Any, Info]:
    """Steps until the gradient is small and the curvature is not negative: the point, and how it ended.

    ``both(v)`` gives the value and the gradient, ``bend(v)`` the Hessian, or ``bend(v, w)`` its products; all are raw.
    """
    xp = namespace_of(v)

    def at(v: RawArray) -> Point:
        value, gradient = both(v)
        return Point(v, numbers(xp, value)[0], gradient, size_of(xp, gradient))

    def curvature(here: Point, forcing: float) -> Curvature:
        return (dense_curvature if settings.dense else by_products)(bend, here.v, here.g, forcing)

    eps = float(np.finfo(as_numpy(v.dtype)).eps)
    way = _newton if settings.method == "newton" else _by_gradients
    return way(at, curvature, v, eps, settings)


def size_of(xp: XP, x: RawArray) -> float:
    """‖x‖, without overflow or underflow of the squares."""
    largest = xp.max(xp.abs(x))
    usable = (largest > 0) & xp.isfinite(largest)
    scale = xp.where(usable, largest, xp.ones_like(largest))
    return math.prod(numbers(xp, scale, xp.linalg.vector_norm(x / scale)))


class Ground(NamedTuple):
    """The scales that a problem has shown so far: of the vector, of the gradient, and of the Hessian."""

    start: Any
    steepest: float
    bend: float

    def length(self, xp: XP, v: RawArray) -> float:
        """The norm of v, or its distance from the start if that is larger."""
        return max(size_of(xp, v), size_of(xp, v - self.start))


def _flat(here: Point, change: float, eps: float) -> bool:
    """Whether so small a change of f is lost in its rounding."""
    return abs(change) <= 10 * eps * abs(here.value)


def _gain(xp: XP, here: Point, new: Point, step: RawArray, eps: float) -> float:
    """f(v) − f(new), by the slopes at both ends where the values differ by rounding alone."""
    gain = here.value - new.value
    if not _flat(here, gain, eps):
        return gain
    before, after = numbers(xp, xp.vecdot(here.g, step), xp.vecdot(new.g, step))
    return -0.5 * (before + after)


def _moved(xp: XP, here: Point, new: Point) -> bool:
    """Whether the step is not lost in the rounding of v."""
    return numbers(xp, xp.max(xp.abs(new.v - here.v)))[0] > 0


def _ran_away(
    before: float, here: Point, shape: Curvature, ground: Ground, length: float, eps: float
) -> bool:
    """Whether f has become flat by underflow, as exp(−v) does: it falls on, and there is no minimum."""
    bend = max(ground.bend, ground.steepest / length if length else 0.0)
    flat = here.norm <= eps**2 * ground.steepest and shape.largest <= eps**2 * bend
    return flat and 0 < before < eps * ground.steepest


RAN_AWAY = "f falls on until its derivatives vanish: there is no minimum on that way"

# ── Newton's method, in a trust region ────────────────────────────────────────────────────────


def _newton(
    at: Callable[[Any], Point], curvature: Callable[[Point, float], Curvature],
    v: RawArray, eps: float, settings: Settings
) -> tuple[Any, Info]:  # fmt: skip
    """Steps that minimise the model g·d + ½ d·H d for ‖d‖ ≤ radius; taken where f falls as it says."""
    xp = namespace_of(v)
    here = at(v)
    ground, radius, steps = Ground(v, here.norm, 0.0), 0.0, 0
    before, tolerance, why = math.inf, settings.atol, ""
    while math.isfinite(here.value) and math.isfinite(here.norm):
        ground = ground._replace(steepest=max(ground.steepest, here.norm))
        # Newton's systems are solved as exactly as the step deserves (Dembo, Eisenstat and Steihaug, 1982)
        shape = curvature(here, min(0.1, (here.norm / (ground.steepest or 1.0)) ** 0.5))
        if not math.isfinite(shape.largest):
            why = "the Hessian holds NaN or infinity"
            break
        ground = ground._replace(bend=max(ground.bend, shape.largest))
        length = ground.length(xp, here.v)
        radius = radius or max(shape.first_radius(length), eps**0.25 * length)
        newton = shape.newton_length()
        tolerance = max(settings.atol, here.norm * settings.rtol * length / newton if newton else 0.0)  # fmt: skip
        small = here.norm <= settings.atol or newton <= settings.rtol * length
        done = small and (not settings.thorough or here.norm == 0 or here.norm > 0.1 * before)
        if done and not shape.negative():
            if _ran_away(before, here, shape, ground, length, eps):
                why = RAN_AWAY
                break
            lower = _below(at, here, shape, ground, length, eps)
            if lower is None:
                return here.v, Info(
                    converged=True, steps=steps, residual=here.norm, tolerance=tolerance
                )
            here, before, radius = lower, math.inf, radius or length
            steps += 1
            if steps < settings.maxiter:
                continue
        if steps >= settings.maxiter:
            why = f"maxiter={settings.maxiter} is used up"
            break
        steps += 1
        found, radius = _trust_region_step(at, here, shape, radius, eps)
        if found is None:
            # at the rounding error of f and its gradient no step leads on
            good = shape.lowest >= -(eps**0.5) * ground.bend and newton <= eps**0.5 * length
            why = "no step makes f smaller" + (
                "" if shape.lowest >= 0 else ", and its Hessian is indefinite"
            )
            return here.v, Info(
                converged=good,
                steps=steps,
                residual=here.norm,
                tolerance=tolerance,
                why="" if good else why,
            )
        before, here = here.norm, found
    if not (math.isfinite(here.value) and math.isfinite(here.norm)):
        why = "f or its gradient is NaN or infinite"
    return here.v, Info(
        converged=False, steps=steps, residual=here.norm, tolerance=tolerance, why=why
    )


def _trust_region_step(
    at: Callable[[Any], Point], here: Point, shape: Curvature, radius: float, eps: float
) -> tuple[Point | None, float]:
    """The point after a step that is worth it, or None; and the next radius."""
    xp = namespace_of(here.v)
    for _ in range(REFUSED):
        step, promised, length = shape.step(radius)
        new = at(here.v + step)
        if not _moved(xp, here, new):
            return None, radius
        gain, worth = -1.0, -1.0
        if math.isfinite(new.value) and math.isfinite(new.norm) and promised > 0:
            gain = _gain(xp, here, new, step, eps)
            worth = gain / promised
        lost = _flat(here, promised, eps) and shape.lowest >= -(eps**0.5) * shape.largest
        if (worth > WORTH and not lost) or (lost and new.norm < here.norm):
            if worth > 0.75 and length >= 0.8 * radius:
                radius *= 3
            elif worth < 0.25 and not lost:
                radius = length / 4
            return new, radius
        if lost:
            return None, radius
        radius = min(radius, length) / 4
    return None, radius


def _below(
    at: Callable[[Any], Point], here: Point, shape: Curvature, ground: Ground, length: float, eps: float
) -> Point | None:  # fmt: skip
    """A lower point on either side of one with hardly any curvature, such as 0 of v³, or None."""
    if shape.lowest > eps**0.5 * ground.bend or shape.flattest is None:
        return None
    xp = namespace_of(here.v)
    for side in (1.0, -1.0):
        new = at(here.v + side * eps**0.25 * (length or 1.0) * shape.flattest)
        if (
            math.isfinite(new.norm)
            and math.isfinite(new.value)
            and new.value < here.value
            and not _flat(here, here.value - new.value, eps)
        ):
            slope = side * numbers(xp, xp.vecdot(new.g, shape.flattest))[0]
            if slope < 0:
                return new
    return None


# ── methods that know gradients alone ─────────────────────────────────────────────────────────


def _by_gradients(
    at: Callable[[Any], Point], curvature: Callable[[Point, float], Curvature],
    v: RawArray, eps: float, settings: Settings
) -> tuple[Any, Info]:  # fmt: skip
    """L-BFGS, or Barzilai and Borwein's steps, until ‖∇f‖ is relatively small, and the curvature agrees."""
    xp = namespace_of(v)
    here = at(v)
    keep = 1 if settings.method == "gradient" else PAIRS
    ground, steps, rtol = Ground(v, here.norm, 0.0), 0, settings.rtol
    pairs: list[Pair | None] = []
    why, converged, before = "", False, math.inf
    while True:
        if not (math.isfinite(here.value) and math.isfinite(here.norm)):
            why = "f or its gradient is NaN or infinite"
            break
        stuck = False
        if here.norm > max(settings.atol, rtol * ground.steepest):
            if steps >= settings.maxiter:
                why = f"maxiter={settings.maxiter} is used up"
                break
            steps += 1
            found = _descended(at, here, pairs, eps)
            if found is not None:
                pairs.append(_pair(xp, found.v - here.v, found.g - here.g))
                del pairs[:-keep]
                before, here, ground = (
                    here.norm,
                    found,
                    ground._replace(steepest=max(ground.steepest, found.norm)),
                )
                continue
            stuck = True  # at the rounding error of f
        shape = curvature(here, 0.1)
        if not math.isfinite(shape.largest):
            why = "the Hessian holds NaN or infinity"
            break
        length = ground.length(xp, here.v)
        ground = ground._replace(bend=max(ground.bend, shape.largest))
        if shape.negative():
            found, _ = _trust_region_step(
                at, here, shape, max(shape.first_radius(length), eps**0.25 * length), eps
            )
            if found is None or steps >= settings.maxiter:
                converged = shape.lowest >= -(eps**0.5) * ground.bend and not stuck
                why = "" if converged else "its Hessian is indefinite there"
                break
            steps += 1
            here, pairs = found, []
            ground = ground._replace(steepest=max(ground.steepest, found.norm))
            continue
        far = (
            here.norm > settings.atol
            and shape.newton_length() > eps ** (0.25 if stuck else 1 / 3) * length
        )
        if not far or here.norm == 0:
            if _ran_away(before, here, shape, ground, length, eps):
                why = RAN_AWAY
                break
            lower = _below(at, here, shape, ground, length, eps)
            if lower is None:
                converged = not stuck or here.norm <= eps ** (1 / 3) * ground.steepest
                why = "" if converged else "no step makes f smaller"
                break
            here, pairs = lower, []
            steps += 1
            if steps < settings.maxiter:
                continue
            why = f"maxiter={settings.maxiter} is used up"
            break
        if stuck:
            why = "no step makes f smaller, and Newton's step from there is long"
            break
        rtol /= 10  # the gradient is small, and the minimum is far for all that
    return here.v, Info(
        converged=converged, steps=steps, residual=here.norm, tolerance=max(settings.atol, rtol * ground.steepest),
        why=why,
    )  # fmt: skip


def _descended(
    at: Callable[[Any], Point], here: Point, pairs: list[Pair | None], eps: float
) -> Point | None:
    """The longest of the steps 1, 1/2, … that decreases f, or, where f is flat to rounding, the gradient."""
    xp = namespace_of(here.v)
    d, shaped = _from_pairs(xp, here, pairs, eps)
    (slope,) = numbers(xp, xp.vecdot(here.g, d))
    if not slope < 0:
        d, _ = _from_pairs(xp, here, [], eps)
        slope, shaped = numbers(xp, xp.vecdot(here.g, d))[0], False

    def trial(t: float) -> tuple[Point | None, float] | None:
        new = at(here.v + t * d)
        if not _moved(xp, here, new):
            return None, t
        if math.isfinite(new.norm) and _enough(xp, here, new, t * d, DECREASE * t * slope, eps):
            return new, t
        return None

    found, _ = backtrack(trial, 1.0, 0.5, HALVINGS)
    new, t = found or (None, 0.0)
    if new is None or shaped or t < 1.0:
        return new
    return _longer(at, here, d, slope, new, eps)


def _pair(xp: XP, s: Any, y: Any) -> Pair | None:
    """The pair of a step and a change of the gradient, if curvature is positive along it."""
    sy, yy, ss = numbers(xp, xp.vecdot(s, y), xp.vecdot(y, y), xp.vecdot(s, s))
    return pair_of(s, y, sy, ss, yy)


def _enough(xp: XP, here: Point, new: Point, step: RawArray, wanted: float, eps: float) -> bool:
    """Whether f falls by as much as is wanted (Armijo), by the slopes where the values say nothing."""
    if not _flat(here, here.value - new.value, eps):
        return decreases_enough(new.value, here.value, wanted, 1.0, 1.0)
    return new.norm < here.norm or _gain(xp, here, new, step, eps) >= -wanted


def _longer(
    at: Callable[[Any], Point], here: Point, d: RawArray, slope: float, new: Point, eps: float
) -> Point:
    """Twice the step, and so on, while f falls well by it: of a direction without pairs the length says nothing."""
    t, xp = 1.0, namespace_of(here.v)
    for _ in range(DOUBLINGS):
        t *= 2
        next_ = at(here.v + t * d)
        if not (
            math.isfinite(next_.norm)
            and next_.value <= new.value
            and _enough(xp, here, next_, t * d, WORTH * t * slope, eps)
        ):
            break
        new = next_
    return new


def _from_pairs(xp: XP, here: Point, pairs: list[Pair | None], eps: float) -> tuple[Any, bool]:
    """The two loops of L-BFGS over (step, change of the gradient), or of one pair Barzilai and Borwein's step.

    And whether curvature shaped it.
    """
    kept = [pair for pair in pairs if pair is not None]
    g = here.g
    if not kept:
        shortest = eps**0.5 * (size_of(xp, here.v) or 1.0)
        return -(max(min(here.norm, 1.0), shortest) / here.norm) * g, False
    if len(pairs) == 1:
        return -kept[0].scale * g, True
    return -inverse_times(kept, g), True
