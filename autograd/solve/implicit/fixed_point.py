"""Fixed points of T on flat raw vectors, without host synchronisation but at the checks of `iterate`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...core.dtypes import as_numpy, is_complex
from ...core.namespaces import namespace_of
from ...core.typing import XP
from ..iterative.iteration import Info, Run, iterate, numbers
from ..iterative.steps import length, ratio

Map = Callable[[Any], Any]


def _trace(v: Any) -> float:
    """The share of the largest v so far that counts as size of v.

    Near a fixed point at 0 no gap is small compared with v itself.
    """
    return float(np.finfo(as_numpy(v.dtype)).eps) ** 0.75


class Plain(NamedTuple):
    """State of the plain iteration; `norm` is ‖T(v) − v‖ over what is asked for."""

    x: Any
    size: Any
    gap: Any
    norm: Any


def plain(T: Map, v: Any, rtol: float, atol: float, run: Run) -> tuple[Any, Info]:
    """The plain iteration v ← T(v)."""
    xp = namespace_of(v)

    def step(state: Plain) -> Plain:
        new = T(state.x)
        here = length(xp, new)
        size = xp.maximum(state.size, here)
        gap = length(xp, new - state.x)
        return Plain(new, size, gap, ratio(xp, gap, rtol * xp.maximum(here, trace * size) + atol))

    trace = _trace(v)
    start = length(xp, v)
    return _run(xp, step, step(Plain(v, start, start, start)), run)


class Anderson(NamedTuple):
    """State of Anderson's method: f = T(v) − v at the last point `at`, rows of differences of points and of f."""

    x: Any
    at: Any
    f: Any
    # the point at which T is evaluated next
    nearby: Any
    dv: Any
    df: Any
    size: Any
    gap: Any
    norm: Any


def anderson(
    history: int, mixing: float, T: Map, v: Any, rtol: float, atol: float, run: Run
) -> tuple[Any, Info]:
    """The combination of the last points that minimises ‖f‖ if T is linear; a step of size `mixing` from there."""
    xp = namespace_of(v)
    trace = _trace(v)
    tiny = 10 * float(np.finfo(as_numpy(v.dtype)).eps)
    eye = xp.asarray(xp.eye(history), dtype=v.dtype, device=v.device)

    def look(x: Any, size: Any) -> tuple[Any, Any, Any, Any, Any]:
        new = T(x)
        f = new - x
        here = length(xp, new)
        size = xp.maximum(size, here)
        gap = length(xp, f)
        return new, f, size, gap, ratio(xp, gap, rtol * xp.maximum(here, trace * size) + atol)

    def step(state: Anderson) -> Anderson:
        v = state.nearby
        new, f, size, gap, norm = look(v, state.size)
        dv = _pushed(xp, state.dv, v - state.at)
        df = _pushed(xp, state.df, f - state.f)
        lengths = xp.linalg.vector_norm(df, axis=1)
        units = df * xp.expand_dims(ratio(xp, xp.ones_like(lengths), lengths), axis=1)
        dual = xp.conj(units) if is_complex(v.dtype) else units
        # a ridge of rounding size: old differences are nearly dependent, and there are none at first
        weights = xp.linalg.solve(dual @ units.T + tiny * eye, dual @ f)
        weights = weights * ratio(xp, xp.ones_like(lengths), lengths)
        nearby = v + mixing * f - weights @ (dv + mixing * df)
        return Anderson(new, v, f, nearby, dv, df, size, gap, norm)

    new, f, size, gap, norm = look(v, length(xp, v))
    none = xp.zeros_on_device_of((history, v.shape[0]), v)
    return _run(xp, step, Anderson(new, v, f, v + mixing * f, none, none, size, gap, norm), run)


def _pushed(xp: XP, rows: Any, row: Any) -> Any:
    return xp.concat([xp.expand_dims(row, axis=0), rows[:-1, :]])


def _run(xp: XP, step: Callable[[Any], Any], state: Any, run: Run) -> tuple[Any, Info]:
    run = run._replace(maxiter=max(run.maxiter - 1, 0))
    state, steps, norm, _ = iterate(xp, step, state, xp.ones_like(state.norm), run)
    (gap,) = numbers(xp, state.gap)
    wanted = gap / norm if norm > 0 else gap
    return state.x, Info(converged=norm <= 1.0, steps=steps + 1, residual=gap, tolerance=wanted)
