"""Runs of an iteration until a check of the residual ends it, and the report of how it ended."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from ....backend import backend_of
from ...core.typing import XP
from ..errors import ConvergenceError

CHECK_EVERY = 16  # steps between two looks at the residual on a device: each look waits for it


class Info(int):
    """The end of an iteration: 0 if it converged, else the number of steps, as SciPy's `info`.

    Attributes
    ----------
    converged : bool
        Whether the tolerance was met.
    steps : int
        How many steps were made.
    residual : float
        The norm of the last residual.
    tolerance : float
        The norm that was asked for.
    why : str
        Why it ended, where it did not converge and more is known than that the steps are used up.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> x, info = pb.linalg.cg(np.asarray([[4.0, 1.0], [1.0, 3.0]]), np.asarray([1.0, 2.0]))
    >>> info == 0, info.converged, info.steps
    (True, True, 2)
    """

    converged: bool
    steps: int
    residual: float
    tolerance: float
    why: str

    # what a compiled function may use of it
    recorded_fields = ("converged", "steps", "residual", "tolerance")

    def __new__(
        cls, *, converged: bool, steps: int, residual: float, tolerance: float, why: str = ""
    ) -> Info:
        """An integer with these attributes."""
        made = super().__new__(cls, 0 if converged else max(steps, 1))
        made.converged, made.steps = converged, steps
        made.residual, made.tolerance, made.why = residual, tolerance, why
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, Any]]:
        """The arguments of `__new__`, which copies and pickles of an `int` leave out by themselves."""
        return (), dict(vars(self))

    def __repr__(self) -> str:
        word = "converged" if self.converged else "not converged"
        return f"<{word} after {self.steps} steps, residual {self.residual:.3g}, asked for {self.tolerance:.3g}>"


@dataclass(frozen=True)
class Iteration:
    """Settings of a Krylov solver and of its adjoint solve, as `cg` documents them."""

    rtol: float
    atol: float
    maxiter: int | None
    M: Any
    callback: Callable[[Any], Any] | None
    check: bool
    check_every: int | None
    adjoint_rtol: float | None
    adjoint_maxiter: int | None
    adjoint_x0: Any


class Run(NamedTuple):
    """Settings of one iteration."""

    maxiter: int
    every: int
    callback: Callable[[Any], Any] | None = None


def every_of(x: Any, wanted: int | None, solver: str) -> int:
    """Steps between checks: each step where looking is free.

    Raises
    ------
    ValueError
        If `wanted` is not a positive integer.
    """
    if wanted is None:
        return 1 if backend_of(x).name == "numpy" else CHECK_EVERY
    if wanted != int(wanted) or wanted < 1:
        raise ValueError(f"{solver}: check_every={wanted!r}; a positive integer is wanted")
    return int(wanted)


def numbers(xp: XP, *scalars: Any) -> list[float]:
    """0-d real arrays as Python numbers, in one transfer."""
    stacked = xp.stack([xp.asarray(s) for s in scalars]) if len(scalars) > 1 else scalars[0]
    host = backend_of(stacked).to_numpy(stacked)
    return [float(v) for v in host] if len(scalars) > 1 else [float(host)]


def iterate(
    xp: XP, step: Callable[[Any], Any], state: Any, tolerance: Any, run: Run
) -> tuple[Any, int, float, float]:
    """Step until ``state.norm <= tolerance``, or NaN, or `maxiter`: the state, steps, norm and tolerance.

    Between two checks the state is kept as it is once the tolerance is met, by masks on the device.
    """
    norm, limit = numbers(xp, state.norm, tolerance)
    made = 0
    while math.isfinite(norm) and norm > limit and made < run.maxiter:
        chunk = min(run.every, run.maxiter - made)
        taken = xp.zeros_like(state.norm)
        for _ in range(chunk):
            new = step(state)
            if chunk > 1:
                going = state.norm > tolerance
                taken = taken + xp.astype(going, taken.dtype)
                new = type(state)(*[xp.where(going, n, o) for n, o in zip(new, state, strict=True)])
            state = new
            if run.callback is not None:
                run.callback(state.x)
        if chunk > 1:
            norm, steps = numbers(xp, state.norm, taken)
            made += round(steps) if math.isfinite(steps) else chunk
        else:
            (norm,) = numbers(xp, state.norm)
            made += 1
    return state, made, norm, limit


class End(NamedTuple):
    """The end of an iteration, by the true residual, and by the residual that its recurrence carried along."""

    converged: bool
    steps: int
    residual: float
    tolerance: float
    carried: float
    used_up: bool

    def said(self, by: float) -> str:
        """The reason why it did not converge, if another than `maxiter`; residuals are printed times `by`."""
        if self.converged or not math.isfinite(self.residual):
            return ""
        if self.carried <= self.tolerance:
            return (
                f"the recurrence says {self.carried * by:.3g}, but of b - A x itself it is {self.residual * by:.3g}: "
                "rounding came between them, and starting again from there did not help. A is ill-conditioned, or not "
                "of the structure that the method is for"
            )
        if not self.used_up:
            return (
                "the iteration broke down: no further step makes the residual smaller. A is singular, or nearly so, "
                "or the tolerance is below what rounding allows"
            )
        return ""


def verified(
    xp: XP, method: Callable[..., Any], size: Callable[[Any, Any], Any], A: Any, b: Any, x: Any, r: Any,
    tolerance: Any, run: Run,
) -> tuple[Any, End]:  # fmt: skip
    """Run the method; look at r = b - A x itself where it ends; start again from there while that halves it at least.

    The residual of a recurrence drifts away from the true one, by rounding alone, and above all after a breakdown.

    Parameters
    ----------
    method : callable
        ``method(x, r, tolerance, run) -> x, steps, carried residual, tolerance, whether all steps are used up, state``.
    size : callable
        ``size(r, state)``: what has to be at most `tolerance`.
    """
    steps = 0
    best: Any = None
    while True:
        x_new, made, carried, limit, used_up, state = method(x, r, tolerance, run)
        steps += made
        r_new = b - A(x_new) if made else r
        norm = numbers(xp, size(r_new, state))[0] if made else carried
        better = best is None or norm < best.residual
        if better:
            halved = best is None or norm <= 0.5 * best.residual
            x, r = x_new, r_new
            best = End(norm <= limit, steps, norm, limit, carried, used_up)
        else:
            halved = False
            best = best._replace(steps=steps)
        run = run._replace(maxiter=run.maxiter - made if not used_up else 0)
        # what has met its tolerance by its own account alone is worth another try
        if best.converged or not halved or run.maxiter < 1 or not carried <= limit:
            return x, best


def refuse_nan(xp: XP, b: Any, residual: Any, solver: str) -> None:
    """Say which of b and A holds what is not a number, given that the first residual does.

    Raises
    ------
    ConvergenceError
        Always.
    """
    bad = not bool(xp.all(xp.isfinite(b)))
    what = "b" if bad else "A v (or the start x0)"
    raise ConvergenceError(
        f"{solver}: {what} holds NaN or infinity, before the first step",
        residual=math.nan, steps=0, tolerance=0.0,
    )  # fmt: skip


def conclude(solver: str, info: Info, maxiter: int, check: bool, hint: str) -> None:
    """Raise for what has not converged.

    Raises
    ------
    ConvergenceError
        With residual, steps and tolerance.
    """
    if info.converged or not check:
        return
    if not math.isfinite(info.residual):
        why = "the iteration broke down (NaN or infinity)"
    else:
        why = info.why or f"maxiter={maxiter} is used up: raise it, or give a preconditioner M"
    raise ConvergenceError(
        f"{solver}: not converged after {info.steps} steps: the residual's norm is {info.residual:.3g}, asked for was "
        f"{info.tolerance:.3g}; {why}. {hint}; check=False takes it as it is",
        residual=info.residual, steps=info.steps, tolerance=info.tolerance,
    )  # fmt: skip
