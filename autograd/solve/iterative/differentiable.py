"""Parts that the Krylov solvers share: operators of users on vectors, and the derivative of the solution.

The right-hand side is divided by its largest element before the iteration, so that cotangents of any size, whose
squares would underflow, have right solutions.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from ...core.array import Array, backend_array
from ...core.dtypes import is_complex, is_inexact
from ...core.namespaces import namespace_of
from ...core.tracer_like import TRACERS, active_recorder, host_step
from ...core.typing import XP, Cotangent
from ...functions import namespace as functions
from ..adjoint import hidden, implicit_solution, open_tapes
from . import in_place
from .gmres import gmres_run
from .iteration import (
    Info,
    Iteration,
    Run,
    conclude,
    every_of,
    iterate,
    numbers,
    refuse_nan,
    verified,
)
from .linear_operator import LinearOperator, as_operator, as_preconditioner, flat_map, unchanged
from .steps import cg_start, cg_step, length

HINTS = {
    "cg": "cg is for Hermitian positive definite A",
    "minres": "minres is for Hermitian A and positive definite M",
    "gmres": "a larger restart= may help",
    "bicgstab": "gmres does not break down where bicgstab does",
}

STEPS_PER_UNKNOWN = 10  # at most, where `maxiter` is not given


def by_steps(start: Callable[..., Any], step: Callable[..., Any]) -> Callable[..., Any]:
    """The method that goes from `start` by `step`s, as `solution` calls it."""

    def run(xp: XP, A: Any, M: Any, b: Any, x: Any, r: Any, tolerance: Any, run: Run) -> Any:
        M = _same if M is None else M
        state, made, norm, limit = iterate(
            xp, functools.partial(step, xp, A, M), start(xp, A, M, x, r), tolerance, run
        )
        return state.x, made, norm, limit, made >= run.maxiter

    return run


_by_cg_steps = by_steps(cg_start, cg_step)


def by_conjugate_gradients(
    xp: XP, A: Any, M: Any, b: Any, x: Any, r: Any, tolerance: Any, run: Run
) -> Any:
    """Conjugate gradients, as `solution` calls them."""
    if in_place.applies(r, run) and x.dtype == r.dtype:
        return in_place.cg_in_place(A, M, x, r, tolerance, run)
    return _by_cg_steps(xp, A, M, b, x, r, tolerance, run)


def by_cycles(
    restart: int, xp: XP, A: Any, M: Any, b: Any, x: Any, r: Any, tolerance: Any, run: Run
) -> Any:
    """GMRES, as `solution` calls it."""
    return gmres_run(xp, A, _same if M is None else M, b, x, r, tolerance, restart, run)


def solution(
    name: str, adjoint_solver: Callable[..., Any], method: Callable[..., Any], A: Any, b: Any, x0: Any,
    settings: Iteration, *, hermitian: bool,
) -> tuple[Array, Info]:  # fmt: skip
    """The solution as a differentiable function, by a `method` on raw vectors."""
    op, pre = as_operator(A, name), as_preconditioner(settings.M, name)
    b = inexact(b)
    start = _start(x0, b, op, name)
    probe = b - op(start)
    if tuple(probe.shape) != tuple(b.shape):
        raise ValueError(
            f"{name}: A v has shape {_broadcast_from(probe, op, start)} for v of b's shape {tuple(b.shape)}; they have "
            "to be the same"
        )
    if probe.dtype != b.dtype:
        b = functions.astype(b, probe.dtype)
    tapes = open_tapes(probe)
    if any(tape.copies for tape in tapes):
        # the adjoint comes later, and the caller may have changed the matrices by then
        op, pre = as_operator(unchanged(A), name), as_preconditioner(unchanged(settings.M), name)
    maxiter = settings.maxiter
    if maxiter is None:
        maxiter = max(1, STEPS_PER_UNKNOWN * math.prod(b.shape))
    with hidden(tapes):
        run = Run(
            maxiter, every_of(backend_array(b), settings.check_every, name), settings.callback
        )
        shape, example = tuple(b.shape), _flat(backend_array(probe))
        maps = [flat_map(op, shape, example, wrap=True)]
        if pre is not None:
            maps.append(flat_map(pre, shape, example, wrap=False))
        solve = functools.partial(_raw_solve, name, method, settings, run)
        operands: tuple[Any, ...] = (
            backend_array(b), backend_array(start), backend_array(probe),
        )  # fmt: skip
        if pre is not None and active_recorder() and not any(type(x) in TRACERS for x in operands):
            # The solve belongs to the program where M is made of something that is being recorded.
            M = maps[1]
            operands += (M.function(example),) if M.arrays is None else M.arrays
        v, info = host_step(name, solve, maps, operands)
    rtol = settings.rtol if settings.adjoint_rtol is None else settings.adjoint_rtol
    maxiter = maxiter if settings.adjoint_maxiter is None else settings.adjoint_maxiter

    def adjoint(ct: Cotangent, _: Any) -> Any:
        out, _ = adjoint_solver(
            op if hermitian else op.H, conj(ct), settings.adjoint_x0, rtol=rtol, maxiter=maxiter,
            M=None if pre is None else pre.H, check=settings.check, check_every=settings.check_every,
        )  # fmt: skip
        return conj(out)

    return implicit_solution(v, lambda v: b - op(v), adjoint, tapes), info


def _flat(x: Any) -> Any:
    return namespace_of(x).reshape(x, (-1,))


def _raw_solve(
    name: str, method: Callable[..., Any], settings: Iteration, run: Run, maps: Any, operands: Any
) -> tuple[Any, Info]:  # fmt: skip
    """The iteration on flat vectors, for b scaled to size 1, by the maps A and M."""
    b, x, r = operands[:3]
    xp = namespace_of(b)
    shape = tuple(b.shape)
    if 0 in shape:
        return b, Info(converged=True, steps=0, residual=0.0, tolerance=0.0)
    A, M = maps if len(maps) == 2 else (*maps, None)
    given, first = b, r
    b, r, x = _flat(b), _flat(r), _flat(xp.astype(x, b.dtype))
    largest = xp.max(xp.abs(b))
    zero = largest == 0  # then the solution is 0, wherever x0 is
    # NaN and infinity stay as they are: the first look at the residual finds them
    usable = ~zero & xp.isfinite(largest)
    scale = xp.where(usable, largest, xp.ones_like(largest))
    x, r = (xp.where(zero, xp.zeros_like(v), v / scale) for v in (x, r))
    b = b / scale
    limit = settings.rtol * length(xp, b)
    tolerance = xp.maximum(limit, xp.zeros_like(limit) + settings.atol / scale)
    maxiter = run.maxiter
    run = run._replace(callback=_unscaled(run.callback, scale, shape, xp))

    def ran(x: Any, r: Any, tolerance: Any, run: Run) -> tuple[Any, ...]:
        return *method(xp, A, M, b, x, r, tolerance, run), None

    x, end = verified(xp, ran, lambda r, _: length(xp, r), A, b, x, r, tolerance, run)
    if end.steps == 0 and not math.isfinite(end.residual) and settings.check:
        refuse_nan(xp, given, first, name)
    (by,) = numbers(xp, scale)
    info = Info(
        converged=end.converged, steps=end.steps, residual=end.residual * by, tolerance=end.tolerance * by,
        why=end.said(by),
    )  # fmt: skip
    conclude(name, info, maxiter, settings.check, HINTS[name])
    return xp.reshape(x * scale, shape), info


def _same(r: Any) -> Any:
    """The preconditioner where none is given."""
    return r


def _unscaled(callback: Any, scale: Any, shape: tuple[int, ...], xp: XP) -> Any:
    if callback is None:
        return None
    return lambda x: callback(xp.reshape(x * scale, shape))


def inexact(b: Any) -> Array:
    """Convert to an `Array` of a real or complex floating-point dtype."""
    b = functions.asarray(b) if type(b) is not Array else b
    return b if is_inexact(b.dtype) else functions.astype(b, functions.float64)


def conj(x: Any) -> Any:
    """The complex conjugate; real arrays as they are."""
    return functions.conj(x) if is_complex(x.dtype) else x


def _start(x0: Any, b: Array, op: LinearOperator, name: str) -> Array:
    """x0, or zeros, as an untraced array.

    Raises
    ------
    ValueError
        If its shape is not b's, or the operator's shape says that it does not map such arrays to such.
    """
    if op.shape is not None and all(isinstance(n, int) for n in op.shape):
        n = b.shape[0] if b.shape else 0
        if tuple(op.shape) != (n, n):
            raise ValueError(
                f"{name}: A has shape {tuple(op.shape)}, b {tuple(b.shape)}; (n, n) and (n,) or (n, …) are wanted"
            )
    if x0 is None:
        return Array(namespace_of(backend_array(b)).zeros_like(backend_array(b)))
    x0 = backend_array(inexact(x0))
    if tuple(x0.shape) != tuple(b.shape):
        raise ValueError(
            f"{name}: x0 has shape {tuple(x0.shape)}, b {tuple(b.shape)}; they have to be the same"
        )
    return Array(x0)


def _broadcast_from(probe: Any, op: LinearOperator, start: Array) -> tuple[int, ...]:
    return tuple(op(start).shape)
