"""Conjugate gradients on NumPy's vectors in memory that stays: each pass over them counts where products are cheap."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .iteration import Run

Map = Callable[[Any], Any]

# In other precisions the scalars of `steps.py` say what overflows.
DTYPES = frozenset(map(np.dtype, ("float32", "float64", "complex64", "complex128")))


def applies(x: Any, run: Run) -> bool:
    """Whether the vectors are NumPy's, and each step is looked at."""
    return type(x) is np.ndarray and x.dtype in DTYPES and run.every == 1


def cg_in_place(
    A: Map, M: Map | None, x: np.ndarray, r: np.ndarray, tolerance: Any, run: Run
) -> tuple[np.ndarray, int, float, float, bool]:
    """`steps.cg_step` until ‖r‖ ≤ tolerance: x, steps, ‖r‖, tolerance, and whether all steps are used up.

    A and M may return their argument itself; they get vectors that are written to later.
    """
    limit, norm, made = float(tolerance), float(np.linalg.norm(r)), 0
    x, r = x.copy(), r.copy()
    z = r if M is None else M(r)
    p, work = z.copy(), np.empty_like(r)
    rho = np.vdot(r, z)
    with np.errstate(all="ignore"):
        while math.isfinite(norm) and norm > limit and made < run.maxiter:
            q = A(p)
            bend = np.vdot(p, q)
            alpha = rho / bend if bend != 0 else bend
            np.multiply(p, alpha, out=work)
            np.add(x, work, out=x)
            np.multiply(q, alpha, out=work)
            np.subtract(r, work, out=r)
            if M is None:
                new = np.vdot(r, r)
                norm = math.sqrt(new.real)
            else:
                z = M(r)
                new, norm = np.vdot(r, z), float(np.linalg.norm(r))
            np.multiply(p, new / rho if rho != 0 else rho, out=p)
            np.add(p, z, out=p)
            rho = new
            made += 1
            if run.callback is not None:
                run.callback(x.copy())
    return x, made, norm, limit, made >= run.maxiter
