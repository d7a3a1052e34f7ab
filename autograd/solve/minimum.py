"""Minima of a function of a flat raw vector: a direction, and a step along it that makes the function smaller."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import namespace as xp
from ..array import Array, raw
from ..backward import SPACES
from ..dtypes import as_numpy
from ..forward import hessian
from ..transforms import grad, value_and_grad
from .errors import NotPositiveDefiniteError
from .krylov import cg
from .krylov_run import Info, numbers
from .operators import pullback_of

METHODS = ("newton", "lbfgs", "gradient")

HALVINGS = 40
DECREASE = 1e-4
PAIRS = 10  # steps that L-BFGS remembers

Objective = Callable[[Any], Any]


def minimum(
    f: Objective, v: Any, method: str, dense: bool, rtol: float, atol: float, maxiter: int
) -> tuple[Any, Info]:
    """Steps until the last one (Newton) or the gradient (the others) is small: the place, and how it ended."""
    space = SPACES.of(v)
    both = value_and_grad(f)
    eps = float(np.finfo(as_numpy(v.dtype)).eps)

    def at(v: Any) -> tuple[float, Any, float]:
        value, gradient = both(Array(v))
        value, gradient = raw(value), raw(gradient)
        return *numbers(space, value), gradient, *numbers(space, space.linalg.vector_norm(gradient))

    def size_of(x: Any) -> float:
        return numbers(space, space.linalg.vector_norm(x))[0]

    value, g, norm = at(v)
    steepest, scale, steps = norm, size_of(v), 0
    pairs: list[tuple[Any, Any]] = []
    converged = norm <= atol
    while not converged and math.isfinite(norm) and math.isfinite(value) and steps < maxiter:
        if method != "newton" and norm <= rtol * steepest:
            converged = True
            break
        d = (
            _newton_direction(f, v, g, dense)
            if method == "newton"
            else _from_pairs(space, g, pairs)
        )
        (slope,) = numbers(space, space.vecdot(g, d))
        if not slope < 0:
            d, slope = -g, -norm * norm
        length = size_of(d)
        steps += 1
        found = _line_search(at, v, d, value, slope, norm, eps)
        if found is None:
            # at the rounding error of f no step makes it smaller
            converged = (
                length <= eps**0.5 * scale
                if method == "newton"
                else norm <= eps ** (1 / 3) * steepest
            )
            break
        t, new, value, g_new, norm = found
        pairs.append((t * d, g_new - g))
        del pairs[: -(1 if method == "gradient" else PAIRS)]
        v, g = new, g_new
        steepest, scale = max(steepest, norm), max(scale, size_of(v))
        converged = norm <= atol or (method == "newton" and t == 1.0 and length <= rtol * scale)
    tolerance = max(atol, rtol * (scale if method == "newton" else steepest))
    return v, Info(converged=converged, steps=steps, residual=norm, tolerance=tolerance)


def _line_search(
    at: Callable[[Any], Any], v: Any, d: Any, value: float, slope: float, norm: float, eps: float
) -> Any:
    """The longest of the steps 1, 1/2, … that decreases f, or, where f is flat to rounding, the gradient."""
    t, flat = 1.0, 10 * eps * abs(value)
    for _ in range(HALVINGS):
        new = v + t * d
        f_new, g_new, norm_new = at(new)
        if f_new <= value + DECREASE * t * slope or (f_new <= value + flat and norm_new < norm):
            return t, new, f_new, g_new, norm_new
        t /= 2
    return None


def _newton_direction(f: Objective, v: Any, g: Any, dense: bool) -> Any:
    """−(∇²f + τ)⁻¹ g, with a τ that makes it positive definite; by products, what conjugate gradients find."""
    space = SPACES.of(v)
    if not dense:
        curve = pullback_of(grad(f), Array(v))
        (norm,) = numbers(space, space.linalg.vector_norm(g))
        d, _ = cg(
            curve,
            Array(-g),
            rtol=min(0.1, norm**0.5),
            maxiter=min(200, 2 * v.shape[0]),
            check=False,
        )
        return raw(d)
    H = raw(hessian(f)(Array(v)))
    size = numbers(space, space.max(space.abs(H)))[0]
    eye = space.asarray(space.eye(v.shape[0]), dtype=v.dtype, device=v.device)
    tau = 0.0
    for _ in range(60):
        try:
            L = space.linalg.cholesky(H + tau * eye)
        except (np.linalg.LinAlgError, NotPositiveDefiniteError):
            tau = max(10 * tau, 1e-3 * size)
            continue
        if not math.isfinite(numbers(space, space.sum(L))[0]):
            tau = max(10 * tau, 1e-3 * size)
            continue
        return raw(xp.linalg.solve(Array(H + tau * eye), Array(-g)))
    return -g


def _from_pairs(space: Any, g: Any, pairs: list[tuple[Any, Any]]) -> Any:
    """The two loops of L-BFGS over (step, change of the gradient); of one pair, Barzilai and Borwein's step."""
    kept = []
    for s, y in pairs:
        sy, yy = numbers(space, space.vecdot(s, y), space.vecdot(y, y))
        if sy > 1e-10 * yy**0.5 * numbers(space, space.linalg.vector_norm(s))[0]:
            kept.append((s, y, sy, yy))
    if not kept:
        return -g / max(1.0, numbers(space, space.linalg.vector_norm(g))[0])
    if len(pairs) == 1:
        _, _, sy, yy = kept[0]
        return -(sy / yy) * g
    q, weights = g, []
    for s, y, sy, _ in reversed(kept):
        a = space.vecdot(s, q) / sy
        weights.append(a)
        q = q - a * y
    q = (kept[-1][2] / kept[-1][3]) * q
    for (s, y, sy, _), a in zip(kept, reversed(weights), strict=True):
        q = q + (a - space.vecdot(y, q) / sy) * s
    return -q
