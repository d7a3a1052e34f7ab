"""Roots by Newton's method and its relatives, on flat raw vectors: J d = −r, and a step along d to a smaller r."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array
from ...core.dtypes import as_numpy, is_complex
from ...core.namespaces import namespace_of
from ...functions import namespace as functions
from ..iterative.iteration import Info, numbers
from ..iterative.solvers import gmres
from .line_search import backtrack, decreases_enough

Map = Callable[..., Any]

# The methods of `scipy.optimize.root` that want the Jacobian.
EXACT = ("hybr", "lm")

HALVINGS = 30
CHECKED = 256  # unknowns up to which what SciPy found is looked at by the Jacobian
DECREASE = 1e-4  # of what a linear model promises (Armijo)


def newton(g: Map, v: Any, model: Any, rtol: float, atol: float, maxiter: int) -> tuple[Any, Info]:
    """Steps along ``model.direction(v, r)`` until a full one is shorter than `rtol` times ‖v‖.

    It is the v of that step, and no larger one of the way: a step from far away that is small beside where it came from
    says nothing about the root. Only a root near 0 needs a trace of the largest v, or no step to it is ever small.
    """
    xp = namespace_of(v)

    def at(v: Any) -> tuple[Any, float, float]:
        r = g(v)
        return r, *numbers(xp, xp.linalg.vector_norm(r), xp.linalg.vector_norm(v))

    r, norm, size = at(v)
    eps = float(np.finfo(as_numpy(v.dtype)).eps)
    largest = scale = size
    step, steps, converged, renewed, why = math.inf, 0, norm <= atol, False, ""
    while not converged and math.isfinite(norm) and steps < maxiter:
        d = model.direction(v, r)
        (step,) = numbers(xp, xp.linalg.vector_norm(d))
        steps += 1
        found = _line_search(at, v, d, norm) if math.isfinite(step) else None
        if found is None:
            if not renewed and model.renew():  # the direction was of an old Jacobian
                renewed = True
                continue
            # at the rounding error of g no step makes it smaller
            converged = step <= eps**0.5 * scale
            why = "" if converged else "no step makes the residual smaller"
            break
        before = norm
        t, new, r_new, norm, size = found
        largest = max(largest, size)
        scale = max(size, eps**0.75 * largest)
        model.learn(t * d, r_new - r)
        v, r = new, r_new
        small = t == 1.0 and step <= rtol * scale
        if small and norm > 0.5 * before and not renewed and model.renew():
            renewed, small = True, False  # nor does a small step of an old Jacobian say anything
        elif not small:
            renewed = False
        converged = norm <= atol or small
    return v, Info(
        converged=converged,
        steps=steps,
        residual=norm,
        tolerance=max(atol, rtol * norm / step * scale if step and math.isfinite(step) else 0.0),
        why=why,
    )


def _line_search(at: Callable[[Any], Any], v: Any, d: Any, norm: float) -> Any:
    """The longest of the steps 1, 1/2, 1/4, … that makes the residual smaller, or None."""

    def trial(t: float) -> Any:
        new = v + t * d
        r, shorter, size = at(new)
        if decreases_enough(shorter, norm, -norm, t, DECREASE):
            return t, new, r, shorter, size
        return None

    return backtrack(trial, 1.0, 0.5, HALVINGS)[0]


class Newton:
    """Directions with the Jacobian of each point: ``slope(v)`` is that, or ``slope(v, w)`` its products.

    The products' systems are solved as exactly as the last step deserves (Eisenstat and Walker, choice 2).
    """

    def __init__(self, slope: Map, dense: bool) -> None:
        self.slope, self.dense = slope, dense
        self.last: float | None = None

    def direction(self, v: Any, r: Any) -> Any:
        """d with J d = −r."""
        if self.dense:
            return backend_array(functions.linalg.solve(Array(self.slope(v)), Array(-r)))
        (norm,) = numbers(namespace_of(r), namespace_of(r).linalg.vector_norm(r))
        forcing = 0.1 if self.last is None else min(0.1, 0.9 * (norm / self.last) ** 2)
        self.last = norm
        return _by_products(self.slope, v, r, max(forcing, 1e-6))

    def learn(self, step: Any, change: Any) -> None:
        """Do nothing, since each Jacobian is computed anew."""

    def renew(self) -> bool:
        """Report that no better direction is to be had."""
        return False


class Broyden:
    """Directions with the Jacobian of the first point, corrected by what each step shows of it.

    The good update, on the inverse: H ← H + (s − H y) (sᴴ H) / (sᴴ H y), kept as pairs of vectors.
    """

    def __init__(self, slope: Map, dense: bool) -> None:
        self.slope, self.dense = slope, dense
        self.first: Callable[[Any], Any] | None = None
        self.pairs: list[tuple[Any, Any]] = []

    def direction(self, v: Any, r: Any) -> Any:
        """−H r."""
        if self.first is None:
            self.first, self.pairs = self._inverse(v), []
        return -self._apply(r)

    def _inverse(self, v: Any) -> Callable[[Any], Any]:
        if self.dense:
            H = backend_array(functions.linalg.inv(Array(self.slope(v))))
            return lambda r: H @ r
        return lambda r: -_by_products(self.slope, v, r, 1e-6)

    def _apply(self, r: Any) -> Any:
        xp = namespace_of(r)
        out = self.first(r)  # type: ignore[misc]  # set by `direction`
        for u, s in self.pairs:
            out = out + u * xp.vecdot(s, out)
        return out

    def learn(self, step: Any, change: Any) -> None:
        """H is to map the change of r to the step."""
        xp = namespace_of(step)
        Hy = self._apply(change)
        size = xp.vecdot(step, Hy)
        if numbers(xp, xp.abs(size))[0] > 0:
            self.pairs.append(((step - Hy) / size, step))

    def renew(self) -> bool:
        """Compute the Jacobian again at the next point, if any correction has been made since."""
        worn = bool(self.pairs)
        self.first = None
        return worn


def _by_products(slope: Map, v: Any, r: Any, rtol: float) -> Any:
    def push(w: Any) -> Any:
        return Array(slope(v, backend_array(w)))

    rtol = max(rtol, 10 * float(np.finfo(as_numpy(v.dtype)).eps))
    d, info = gmres(
        push, Array(-r), rtol=rtol, restart=min(v.shape[0], 50), maxiter=20, check=False
    )
    # what no product with J makes smaller leaves d = 0, which is no sign of a root: J is singular here
    stuck = not info.converged and info.residual * rtol > 0.999 * info.tolerance
    return backend_array(d) * math.nan if stuck else backend_array(d)


def by_scipy(
    called: Sequence[Map], v: Any, method: str, rtol: float, maxiter: int
) -> tuple[Any, Info]:
    """Solve by `scipy.optimize.root`, on NumPy and for real numbers; `called` are g and, if it is wanted, its Jacobian.

    Raises
    ------
    ValueError
        If SciPy has no such method, or the arrays are not real ones of NumPy.
    """
    import scipy.optimize

    known = ("hybr", "lm", "broyden1", "broyden2", "anderson", "linearmixing", "diagbroyden", "excitingmixing",
             "krylov", "df-sane")  # fmt: skip
    if method not in known:
        raise ValueError(
            f"root: method={method!r}; there are 'newton', 'newton-krylov', 'broyden', and on NumPy "
            f"{', '.join(map(repr, known))}"
        )
    if backend_of(v).name != "numpy" or is_complex(v.dtype):
        raise ValueError(f"root: method={method!r} is SciPy's, for real NumPy arrays; use 'newton'")
    g = called[0]
    found = scipy.optimize.root(
        lambda u: np.asarray(g(np.asarray(u, v.dtype))),
        v,
        jac=(lambda u: np.asarray(called[1](np.asarray(u, v.dtype)))) if method in EXACT else None,
        method=method,
        tol=rtol,
        options={"maxfev" if method in ("hybr", "df-sane") else "maxiter": maxiter},
    )
    v = np.asarray(found.x, v.dtype)
    r = g(v)
    norm = float(np.linalg.norm(r))
    steps = int(found.get("nit", found.get("nfev", 0)))
    converged, why = bool(found.success) and math.isfinite(norm), ""
    if converged and norm > 0 and not _leads_to_a_root(called, v, r):
        converged, why = (
            False,
            f"SciPy's {method} ended where the residual is small compared with its neighbours' alone",
        )
    return v, Info(converged=converged, steps=steps, residual=norm, tolerance=rtol, why=why)


def _leads_to_a_root(called: Sequence[Map], v: np.ndarray, r: np.ndarray) -> bool:
    """Whether Newton's step from v is short and leads to r = 0: SciPy's methods also end at a minimum of ‖r‖."""
    if v.shape[0] > CHECKED:
        return True
    J = np.asarray(called[1](v))
    if not np.isfinite(J).all():
        return False
    d = np.linalg.lstsq(J, -r)[0]
    left, size = float(np.linalg.norm(J @ d + r)), float(np.linalg.norm(r))
    longest = 1e-2 * max(float(np.linalg.norm(v)), 1e-3)
    return left <= 0.1 * size and float(np.linalg.norm(d)) <= longest
