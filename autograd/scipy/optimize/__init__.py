"""`pullback.scipy.optimize`: SciPy's minimisers, root finders and fits, with gradients through their solutions.

SciPy solves; gradients that it wants are made by differentiation; and the solution is a differentiable function of
`args`, of what the function closes over and of bounds, by the implicit function theorem. `pb.implicit` and `pb.optim`
have solvers of their own that run on every device, to full precision, for pytrees. What has no derivative (`linprog`,
`differential_evolution`, …) runs by SciPy, on constants.

Examples
--------
>>> import numpy as np, pullback as pb
>>> from pullback.scipy import optimize
>>> f = lambda x, p: pb.xp.sum((x - p) ** 2) + x[0] ** 4
>>> cost = lambda p: optimize.minimize(f, np.zeros(2), args=(p,), tol=1e-10).fun
>>> np.round(pb.grad(cost)(np.asarray([1.0, 2.0])), 6) + 0.0
array([0.820491, 0.      ])
"""

from __future__ import annotations

from typing import Any

from ..operands import on_constants
from .fits import curve_fit, least_squares
from .minima import minimize, minimize_scalar, rosen
from .roots import (
    bisect,
    brenth,
    brentq,
    fixed_point,
    fsolve,
    newton,
    ridder,
    root,
    root_scalar,
)

__all__ = [
    "bisect", "brenth", "brentq", "curve_fit", "fixed_point", "fsolve", "least_squares", "minimize", "minimize_scalar",
    "newton", "ridder", "root", "root_scalar", "rosen",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import scipy.optimize  # takes a fifth of a second

    theirs = getattr(scipy.optimize, name, None)
    if not callable(theirs):
        raise AttributeError(f"pullback.scipy.optimize has no function {name!r}, nor has SciPy")
    advice = "minimize, least_squares, root and root_scalar are there, and pb.implicit"
    found = theirs if isinstance(theirs, type) else on_constants("scipy.optimize", name, advice)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
