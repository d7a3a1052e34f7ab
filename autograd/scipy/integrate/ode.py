"""Solutions of ordinary differential equations as differentiable functions, by the adjoint equation.

For y' = f(y, t, p) and a loss L of the values y(t_i), the adjoint a(t) = ∂L/∂y(t) solves

    a' = −(∂f/∂y)ᵀ a,    with a jump of ∂L/∂y(t_i) at each t_i,

backwards from the last time to the first; and on the way the derivatives by parameters and by the first time add up,

    p̄ = ∫ (∂f/∂p)ᵀ a dt,    t̄_i = ∂L/∂y(t_i) · f(y(t_i), t_i),    t̄_0 = −Σ_{i>0} t̄_i + ∫ (∂f/∂t)ᵀ a dt.

All are one system of differential equations, together with y itself, which starts anew from its known value at each
t_i; so memory does not grow with the steps. Its solution is a differentiable function by the same rule, whence second
and higher derivatives. The cotangent is scaled to 1 first, since tolerances are absolute too.

Sources: Pontryagin et al., The mathematical theory of optimal processes, 1962; Chen et al., Neural ordinary
differential equations, 2018, appendix B; Johnson, Notes on adjoint methods for 18.335, 2012.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array
from ...core.generated import xp as generated
from ...core.tracer_like import Callee, host_step
from ...core.typing import RawArray
from ...functions.creation import asarray, zeros_on_device_of
from ...transforms.custom_vjp import custom_vjp
from ...transforms.vjp import vjp
from ..closures import refuse_traced
from ..operands import constant
from . import runge_kutta
from .probe import recorded_probe

# Of a right-hand side: f(y, t, leaves) -> y', vectors and a number.
RightHandSide = Callable[[Any, Any, Any], Any]


@dataclass(frozen=True)
class Scheme:
    """The settings of a solver.

    Attributes
    ----------
    name : str
        For errors: ``"odeint"`` or ``"solve_ivp"``.
    method : str
        SciPy's solver: ``"lsoda"`` for `scipy.integrate.odeint`, else of `scipy.integrate.solve_ivp`.
    rtol, atol : float
        The tolerances of each step.
    options : dict
        Further ones of SciPy's solver, for the first solve alone.
    limits : dict
        Those that hold for the adjoint equation too.
    adjoint : bool
        Whether it is the adjoint equation that is solved.
    """

    name: str
    method: Any
    rtol: float
    atol: Any
    options: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    adjoint: bool = False

    def of_adjoint(self) -> Scheme:
        """The scheme for the adjoint equation, whose components are others."""
        atol = float(np.min(np.asarray(self.atol)))
        rtol = float(np.min(np.asarray(self.rtol)))
        return replace(self, atol=atol, rtol=rtol, options={}, adjoint=True)


def solution(
    f: RightHandSide, y0: Any, ts: Any, leaves: Any, scheme: Scheme, known: Any = None
) -> Array:
    """The values (times, n) of the solution from y0 (n,), differentiable in y0, ts and leaves.

    Parameters
    ----------
    f : callable
        ``f(y, t, leaves)``.
    y0, ts
        Vectors.
    leaves : tuple
        Arrays that f depends on.
    scheme : Scheme
        How it is solved.
    known : raw array, optional
        The values, where they are known.

    Returns
    -------
    Array
    """

    def values(y0: Any, ts: Any, leaves: Any) -> Any:
        return Array(solved(f, y0, ts, leaves, scheme) if known is None else known)

    def forward(y0: Any, ts: Any, leaves: Any) -> Any:
        ys = solution(f, y0, ts, leaves, scheme, known)
        return ys, (ys, ts, leaves)

    differentiable = custom_vjp(values)
    differentiable.name = scheme.name
    differentiable.defvjp(forward, lambda residuals, ct: _pulled(f, residuals, ct, scheme))
    return differentiable(y0, ts, leaves)


def _pulled(f: RightHandSide, residuals: Any, ct: Any, scheme: Scheme) -> tuple[Any, Any, Any]:
    """The cotangents of y0, ts and leaves."""
    ys, ts, leaves = residuals
    count, n = ys.shape
    size = generated.max(generated.abs(constant(ct)))
    size = generated.where(size > 0, size, 1.0)
    ct = ct / size
    last = count - 1
    zero = zeros_on_device_of((1,), constant(ys))
    a, first_bar, ts_bar = ct[last, ...], zero, [zero] * count
    widths = [int(leaf.size) for leaf in leaves]
    p_bar = zeros_on_device_of((sum(widths),), constant(ys))

    def adjoint(state: Any, s: Any, leaves: Any) -> Any:
        """The time runs backwards: s = −t."""
        y, a = state[:n], state[n : 2 * n]
        out, pull = vjp(f, y, -s, leaves)
        y_bar, t_bar, leaves_bar = pull(a)
        flat = [generated.reshape(asarray(v), (-1,)) for v in (t_bar, *leaves_bar)]
        return generated.concat([-asarray(out), asarray(y_bar), *flat])

    for i in range(last, 0, -1):
        t_bar = generated.sum(ct[i, ...] * f(ys[i, ...], ts[i], leaves))
        ts_bar[i] = generated.reshape(t_bar, (1,))
        state = generated.concat([ys[i, ...], a, first_bar - ts_bar[i], p_bar])
        times = generated.stack([-ts[i], -ts[i - 1]])
        moved = solution(adjoint, state, times, leaves, scheme.of_adjoint())[1, ...]
        a = moved[n : 2 * n] + ct[i - 1, ...]
        first_bar, p_bar = moved[2 * n : 2 * n + 1], moved[2 * n + 1 :]
    ts_bar[0] = first_bar
    leaves_bar, start = [], 0
    for leaf, width in zip(leaves, widths, strict=True):
        leaves_bar.append(size * generated.reshape(p_bar[start : start + width], leaf.shape))
        start += width
    return size * a, size * generated.concat(ts_bar), tuple(leaves_bar)


# ── values ────────────────────────────────────────────────────────────────────────────────────


def raw_right_hand_side(f: RightHandSide, leaves: Any, name: str) -> Callable[[Any, Any], Any]:
    """``(t, y) -> y'`` of raw arrays."""

    def call(t: Any, y: Any) -> Any:
        out = f(Array(y), Array(t), leaves)
        refuse_traced(out, name, "the right-hand side")
        return backend_array(asarray(out))

    return call


def timed(f: Callable[[Any, Any], Any], like: RawArray) -> Callable[[Any, Any], Any]:
    """A right-hand side for a solver, which gives it floats and vectors that it writes to again."""
    home = backend_of(like)

    def call(t: Any, y: Any) -> Any:
        y = np.array(y, dtype=like.dtype) if isinstance(y, np.ndarray) else y
        return f(home.normalise(home.xp.zeros_on_device_of((), like) + float(t)), y)

    return call


def solved(f: RightHandSide, y0: Any, ts: Any, leaves: Any, scheme: Scheme) -> RawArray:
    """The values (times, n), by SciPy for NumPy's arrays, else by `runge_kutta`; as one step of a compiled program.

    Raises
    ------
    RuntimeError
        If the solver does not reach the end.
    """
    y0, ts = backend_array(y0), backend_array(ts)
    call = raw_right_hand_side(f, leaves, scheme.name)
    first = ts[0]
    called = [Callee(call, (first, y0))]
    run = functools.partial(_by_steps, scheme)
    return host_step(scheme.name, run, called, (y0, ts, recorded_probe(call, first, y0)))


def _by_steps(scheme: Scheme, called: Any, operands: Any) -> RawArray:
    """The values (times, n) of the solution of one right-hand side of raw arrays."""
    y0, ts, _ = operands
    call = timed(called[0], y0)
    if not isinstance(y0, np.ndarray):
        points = [float(ts[i]) for i in range(ts.shape[0])]
        rows = runge_kutta.solve(
            call, y0, points, float(np.min(scheme.rtol)), float(np.min(scheme.atol))
        )
        return backend_of(y0).xp.stack(rows, axis=0)
    wide, times = y0.astype(np.float64), np.asarray(ts, dtype=np.float64)
    if times.size == 1 or y0.size == 0:
        return np.repeat(y0[None], times.size, axis=0)
    out = (
        _by_odeint(call, wide, times, scheme)
        if scheme.method == "lsoda"
        else _by_solve_ivp(call, wide, times, scheme)
    )
    return out.astype(y0.dtype, copy=False)


# What is said where the adjoint equation cannot be solved.
BACKWARDS = (
    "; the adjoint equation carries the state backwards from each time to the one before, which a stiff system may not "
    "allow: give more times, as t_eval=numpy.linspace(start, stop, n) of solve_ivp with a larger n. Under an "
    "optimiser, a point that it tries may be such a system: begin nearer, or bound the parameters"
)


def _by_odeint(call: Any, y0: np.ndarray, times: np.ndarray, scheme: Scheme) -> np.ndarray:
    import scipy.integrate  # takes a tenth of a second

    with warnings.catch_warnings():
        if scheme.adjoint:
            warnings.simplefilter("ignore", scipy.integrate.ODEintWarning)
        out, info = scipy.integrate.odeint(
            call, y0, times, rtol=scheme.rtol, atol=scheme.atol, tfirst=True, full_output=True, **scheme.options,
            **scheme.limits,
        )  # fmt: skip
    if scheme.adjoint and info["message"] != "Integration successful.":
        raise RuntimeError(f"{scheme.name}: {info['message']}{BACKWARDS}")
    return out


def _by_solve_ivp(call: Any, y0: np.ndarray, times: np.ndarray, scheme: Scheme) -> np.ndarray:
    import scipy.integrate  # takes a tenth of a second

    later = times != times[0]
    if not later.any():
        return np.repeat(y0[None], times.size, axis=0)
    # SciPy takes the first time once; `t_eval` may begin with it, too
    repeated = int(np.argmax(later)) - 1
    found = scipy.integrate.solve_ivp(
        call, (times[0], times[-1]), y0, method=scheme.method, t_eval=times[repeated:], rtol=scheme.rtol,
        atol=scheme.atol, **scheme.options, **scheme.limits,
    )  # fmt: skip
    if not found.success:
        raise RuntimeError(f"{scheme.name}: {found.message}{BACKWARDS if scheme.adjoint else ''}")
    return np.concatenate([np.repeat(y0[None], repeated, axis=0), found.y.T])
