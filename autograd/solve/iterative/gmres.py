"""GMRES with restarts, preconditioned from the right, so that its residual is that of the system itself.

The basis and the Hessenberg matrix stay on the device. At a check the new columns of the matrix come to the host in
one transfer, and are rotated there; the coefficients of the solution, a few numbers, go back. Each new vector is
orthogonalised twice by classical Gram-Schmidt: two products with the basis instead of one small one per vector, and as
orthogonal as Householder's (Giraud, Langou and Rozložník, 2005). On NumPy, where looking is free, once where that left
most of the vector (the criterion of Rutishauser and of Daniel, Gragg, Kaufman and Stewart, 1976).

Source: Saad and Schultz, GMRES: a generalized minimal residual algorithm, 1986.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ....backend import backend_of
from ...core.dtypes import as_numpy
from ...core.namespaces import namespace_of
from ...core.typing import XP
from .iteration import Run, numbers
from .steps import length, ratio

Map = Callable[[Any], Any]

# The share of a vector's length above which one orthogonalisation is enough.
MOST_LEFT = 0.5**0.5


def gmres_run(
    xp: XP, A: Map, M: Map, b: Any, x: Any, r: Any, tolerance: Any, restart: int, run: Run
) -> tuple[Any, int, float, float, bool]:
    """Cycles of at most `restart` steps: x, steps, norm of the residual, tolerance, and whether all are used up."""
    norm, limit = numbers(xp, length(xp, r), tolerance)
    steps, stalled = 0, False
    for _ in range(run.maxiter):
        if not math.isfinite(norm) or norm <= limit:
            break
        update, made = _cycle(xp, A, M, r, norm, limit, restart, run.every)
        moved = x + M(update)
        r_moved = b - A(moved)
        (after,) = numbers(xp, length(xp, r_moved))
        steps += made
        if made == 0 or after >= norm:
            # a breakdown without progress: further cycles would do the same
            stalled = True
            break
        x, r, norm = moved, r_moved, after
        if run.callback is not None:
            run.callback(x)
    return x, steps, norm, limit, not stalled


def _cycle(
    xp: XP, A: Map, M: Map, r: Any, norm: float, limit: float, restart: int, every: int
) -> tuple[Any, int]:
    """The combination of basis vectors that minimises the residual, and how many they are."""
    n = r.shape[0]
    restart = min(restart, n)
    host = type(r) is np.ndarray
    size = _host_length if host else functools.partial(length, xp)
    # each row is written before it is read, and zeros would be one more pass
    Q = np.empty((restart + 1, n), r.dtype) if host else xp.zeros_on_device_of((restart + 1, n), r)
    H = xp.zeros_on_device_of((restart + 1, restart), r)
    Q[0, :] = r / norm
    triangle = Triangle(restart, norm, as_numpy(r.dtype))
    done = 0
    while done < restart and not triangle.ended(limit):
        upto = min(done + every, restart)
        for j in range(done, upto):
            w = A(M(Q[j, :]))
            basis = Q[: j + 1, :]
            dual = xp.conj(basis) if xp.isdtype(r.dtype, "complex floating") else basis
            start = size(w)
            h = dual @ w
            w = w - h @ basis
            left = size(w)
            if not host or not left > MOST_LEFT * start:
                correction = dual @ w
                w = w - correction @ basis
                h = h + correction
                left = size(w)
            H[: j + 1, j] = h
            # what is left of a vector in the span of the others is rounding: a happy breakdown
            left = xp.where(
                left > 10 * float(xp.finfo(w.dtype).eps) * start, left, xp.zeros_like(left)
            )
            H[j + 1, j] = xp.astype(left, w.dtype)
            Q[j + 1, :] = ratio(xp, xp.ones_like(left), left) * w
        columns = backend_of(H).to_numpy(H[: upto + 1, done:upto])
        for column in columns.T:
            if not triangle.ended(limit):
                triangle.append(column)
        done = upto
    y = triangle.solution()
    if len(y) == 0:
        return xp.zeros_like(r), 0
    return backend_of(r).asarray(y) @ Q[: len(y), :], len(y)


def _host_length(x: np.ndarray) -> Any:
    """The 2-norm on NumPy, by one product where its squares are numbers that are neither 0 nor infinite."""
    square = np.vdot(x, x).real
    return np.sqrt(square) if 0 < square < math.inf else length(namespace_of(x), x)


class Triangle:
    """The least-squares problem of GMRES on the host: columns come in one by one and are rotated to a triangle."""

    def __init__(self, restart: int, norm: float, dtype: np.dtype) -> None:
        self.R = np.zeros((restart, restart), dtype)
        # rotations are a few numbers, for which Python's own are faster than NumPy's
        self.g: list[Any] = [norm, *[0.0] * restart]
        self.rotations: list[tuple[Any, Any]] = []
        self.columns = 0
        self.broken = False

    def ended(self, limit: float) -> bool:
        """Whether the tolerance is met, or no further column makes sense."""
        return self.broken or not abs(self.g[self.columns]) > limit

    def append(self, column: np.ndarray) -> None:
        """Rotate a column of the Hessenberg matrix into the triangle."""
        k = self.columns
        rotated = column[: k + 2].tolist()
        for i, (c, s) in enumerate(self.rotations):
            top, low = rotated[i], rotated[i + 1]
            rotated[i], rotated[i + 1] = c * top + s * low, -s.conjugate() * top + c * low
        a, b = rotated[k], rotated[k + 1].real
        length = math.hypot(a.real, a.imag)
        size = math.hypot(length, b)
        self.broken = bool(b == 0)
        # A is singular on this space: nothing to gain from the column
        if size == 0 or not math.isfinite(size):
            self.broken = True
            return
        phase = a / length if a != 0 else 1.0
        c, s = length / size, phase * b / size
        self.R[:k, k], self.R[k, k] = rotated[:k], phase * size
        self.g[k], self.g[k + 1] = c * self.g[k], -s.conjugate() * self.g[k]
        self.rotations.append((c, s))
        self.columns += 1

    def solution(self) -> np.ndarray:
        """The coefficients of the basis vectors."""
        k = self.columns
        y = np.asarray(self.g[:k], self.R.dtype)
        for i in range(k - 1, -1, -1):
            y[i] = (y[i] - self.R[i, i + 1 : k] @ y[i + 1 :]) / self.R[i, i]
        return y
