"""How an iteration is run: until a check of the residual says to stop, and what is said then."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from ...backend import backend_of
from .errors import ConvergenceError

CHECK_EVERY = 16  # steps between two looks at the residual on a device: each look waits for it


class Info(int):
    """How an iteration ended: 0 if it converged, else the number of steps, as SciPy's `info`.

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

    def __new__(cls, *, converged: bool, steps: int, residual: float, tolerance: float) -> Info:
        """An integer with these attributes."""
        made = super().__new__(cls, 0 if converged else max(steps, 1))
        made.converged, made.steps = converged, steps
        made.residual, made.tolerance = residual, tolerance
        return made

    def __repr__(self) -> str:
        word = "converged" if self.converged else "not converged"
        return f"<{word} after {self.steps} steps, residual {self.residual:.3g}, asked for {self.tolerance:.3g}>"


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


def numbers(xp: Any, *scalars: Any) -> list[float]:
    """0-d real arrays as Python numbers, in one transfer."""
    stacked = xp.stack([xp.asarray(s) for s in scalars]) if len(scalars) > 1 else scalars[0]
    host = backend_of(stacked).to_numpy(stacked)
    return [float(v) for v in host] if len(scalars) > 1 else [float(host)]


def iterate(
    xp: Any, step: Callable[[Any], Any], state: Any, tolerance: Any, run: Run
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


def refuse_nan(xp: Any, b: Any, residual: Any, solver: str) -> None:
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
    why = (
        f"maxiter={maxiter} is used up: raise it, or give a preconditioner M"
        if math.isfinite(info.residual)
        else "the iteration broke down (NaN or infinity)"
    )
    raise ConvergenceError(
        f"{solver}: not converged after {info.steps} steps: the residual's norm is {info.residual:.3g}, asked for was "
        f"{info.tolerance:.3g}; {why}. {hint}; check=False takes it as it is",
        residual=info.residual, steps=info.steps, tolerance=info.tolerance,
    )  # fmt: skip
