"""Fits with SciPy's signatures: `least_squares` and `curve_fit`, which are minima of sums of squares.

With ∇f(x, p) = 0, dx/dp = −(∇²f)⁻¹ ∂(∇f)/∂p. At an active bound x moves with it.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.array import Array, backend_array
from ...core.generated import xp as generated
from ...core.typing import ArrayLike
from ...functions.creation import asarray
from ...transforms.bindings import bound
from ...transforms.grad import grad
from ...transforms.jacobian import jacobian
from ..linalg import cholesky, inv, solve_triangular
from ..operands import floating, floating_arrays
from .roots import _tuple
from .solution import (
    INSTEAD,
    bounds_of,
    differentiable,
    hidden,
    on_host,
    scipy_bounds,
    start_of,
    tapes_of,
    within_bounds,
)
from .step import callee, found_by, wide


def _soft_l1(z: Any) -> Any:
    return 2.0 * (generated.sqrt(1.0 + z) - 1.0)


def _huber(z: Any) -> Any:
    outside = z > 1.0
    return generated.where(outside, 2.0 * generated.sqrt(generated.where(outside, z, 1.0)) - 1.0, z)


# SciPy's loss functions ρ of the squares of residuals over `f_scale`.
LOSSES: dict[str, Callable[[Any], Any]] = {
    "linear": lambda z: z,
    "soft_l1": _soft_l1,
    "huber": _huber,
    "cauchy": generated.log1p,
    "arctan": generated.atan,
}


def least_squares(
    fun: Callable[..., Any],
    x0: ArrayLike,
    jac: Any = "2-point",
    bounds: Any = (-np.inf, np.inf),
    method: str = "trf",
    ftol: Any = 1e-8,
    xtol: Any = 1e-8,
    gtol: Any = 1e-8,
    x_scale: Any = None,
    loss: str = "linear",
    f_scale: float = 1.0,
    diff_step: Any = None,
    tr_solver: Any = None,
    tr_options: Any = None,
    jac_sparsity: Any = None,
    max_nfev: Any = None,
    verbose: int = 0,
    args: Any = (),
    kwargs: Any = None,
    callback: Any = None,
    workers: Any = None,
) -> Any:
    """x that minimises ``½ Σ ρ(r_i²)`` of residuals r = fun(x, …), by `scipy.optimize.least_squares`.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args, **kwargs)``: the residuals.
    x0
        Where to start; gets no gradient.
    jac
        As SciPy's; the default, "2-point", is replaced by differentiation.
    bounds
        As SciPy's; where one is active, x moves with it.
    loss : str
        ``"linear"``, ``"soft_l1"``, ``"huber"``, ``"cauchy"`` or ``"arctan"``.
    f_scale : float
        The residual beyond which `loss` is weaker.
    callback, workers
        As SciPy's, where it has them.
    args, kwargs
        Parameters, in which x is differentiable, as in what fun closes over.
    method, ftol, xtol, gtol, x_scale, diff_step, tr_solver, tr_options, jac_sparsity, max_nfev, verbose
        As SciPy's.

    Returns
    -------
    scipy.optimize.OptimizeResult
        With differentiable ``x``, ``fun`` and ``cost``.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> from pullback.scipy.optimize import least_squares
    >>> A = np.asarray([[1.0], [2.0]])
    >>> fit = lambda y: least_squares(lambda x: A @ x - y, np.zeros(1)).x[0]
    >>> np.round(pb.grad(fit)(np.asarray([1.0, 3.0])), 9)
    array([0.2, 0.4])
    """
    return _least_squares(
        fun, x0, jac, bounds, loss, f_scale, args, kwargs,
        {
            "method": method, "ftol": ftol, "xtol": xtol, "gtol": gtol, "diff_step": diff_step, "tr_solver": tr_solver,
            "jac_sparsity": jac_sparsity, "max_nfev": max_nfev, "verbose": verbose, "x_scale": x_scale,
            "tr_options": tr_options, "callback": callback, "workers": workers,
        },
        lambda found: None,
    )  # fmt: skip


# The settings of `scipy.optimize.least_squares` that are passed where they are given and SciPy has them.
_OPTIONAL = ("x_scale", "tr_options", "callback", "workers")


# The arguments of `least_squares` that say what is minimised, and not how.
_OF_THE_PROBLEM = ("fun", "x0", "jac", "bounds", "loss", "f_scale", "args", "kwargs")


def _least_squares(
    fun: Any, x0: Any, jac: Any, bounds: Any, loss: str, f_scale: float, args: Any, kwargs: Any,
    settings: dict[str, Any], check: Callable[[Any], None],
) -> Any:  # fmt: skip
    """`least_squares`; `check` raises where SciPy's result is not good enough."""
    import scipy.optimize  # takes a fifth of a second

    if loss not in LOSSES:
        raise ValueError(f"least_squares: loss={loss!r}; one of {', '.join(map(repr, LOSSES))}")
    fun, args, kwargs = bound(fun), _tuple(args), kwargs or {}
    start = start_of(x0, "least_squares", INSTEAD)
    given, low, high = bounds_of(
        bounds if hasattr(bounds, "lb") else scipy.optimize.Bounds(*bounds), start.size
    )

    def residuals(x: Any) -> Any:
        return generated.reshape(floating(fun(asarray(x), *args, **kwargs)), (-1,))

    def cost(x: Any) -> Any:
        r = residuals(x) / f_scale
        return 0.5 * f_scale**2 * generated.sum(LOSSES[loss](r * r))

    def gradient(x: Any) -> Any:
        return grad(cost)(asarray(x))

    known = inspect.signature(scipy.optimize.least_squares).parameters
    settings = {
        k: v for k, v in settings.items() if k not in _OPTIONAL or (v is not None and k in known)
    }
    functions = {"f": callee(residuals, start)}
    if callable(jac):
        functions["jac"] = callee(lambda x: asarray(jac(x, *args, **kwargs)), start)
    elif jac == "2-point":
        functions["jac"] = callee(jacobian(residuals), start)

    def solver(called: Any, operands: Any) -> Any:
        x0, *given = operands
        f, *slope = (wide(g, start.dtype) for g in called.values())
        found = scipy.optimize.least_squares(
            f, x0, jac=slope[0] if slope else jac, bounds=scipy_bounds(tuple(given)), loss=loss, f_scale=f_scale,
            **settings,
        )  # fmt: skip
        check(found)
        return np.asarray(found.x, dtype=start.dtype), found

    probe = residuals(Array(start))
    tapes = tapes_of((probe, low, high))
    with hidden(tapes):
        x, found = found_by(
            "least_squares", solver, functions, (start, *given), backend_array(probe)
        )
    equation, free = within_bounds(gradient, low, high, x)
    found.x = differentiable(x, equation, tapes, free)
    found.fun = residuals(found.x)
    found.cost = cost(found.x)
    return found


def curve_fit(
    f: Callable[..., Any],
    xdata: Any,
    ydata: ArrayLike,
    p0: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    check_finite: bool = True,
    bounds: Any = (-np.inf, np.inf),
    method: str | None = None,
    jac: Any = None,
    *,
    full_output: bool = False,
    nan_policy: Any = None,
    **kwargs: Any,
) -> tuple[Array, Array]:
    """The parameters p that minimise ``Σ ((f(x, p) − y)/σ)²``, and their covariance; called as SciPy's.

    Parameters
    ----------
    f : callable
        ``f(xdata, *p)``.
    xdata, ydata
        The data, in which both results are differentiable.
    p0
        Where to start: ones by default.
    sigma
        Standard deviations (m,), or the covariance (m, m).
    absolute_sigma : bool
        Whether `sigma` is more than relative weights.
    bounds, method, **kwargs
        As SciPy's, for `least_squares`.
    check_finite : bool
        Whether NaN and infinities in ydata are an error.
    jac, full_output, nan_policy
        Refused: the Jacobian is made by differentiation.

    Returns
    -------
    popt, pcov : Array

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> from pullback.scipy.optimize import curve_fit
    >>> x = np.asarray([0.0, 1.0, 2.0])
    >>> slope = lambda y: curve_fit(lambda x, a, b: a * x + b, x, y)[0][0]
    >>> np.round(pb.grad(slope)(np.asarray([0.0, 1.0, 2.5])), 9) + 0.0
    array([-0.5,  0. ,  0.5])
    """
    if jac is not None or full_output or nan_policy is not None:
        raise NotImplementedError(
            "curve_fit: jac, full_output and nan_policy are not there; the Jacobian is made by differentiation"
        )
    (y,) = floating_arrays(ydata)
    value = backend_array(y)
    if check_finite and isinstance(value, np.ndarray) and not np.isfinite(value).all():
        raise ValueError("curve_fit: ydata must not contain infs or NaNs")
    if p0 is None:
        count = len(inspect.signature(f).parameters) - 1
        p0 = _first_guess(*_ends(bounds, count))
    p0 = np.atleast_1d(np.asarray(backend_array(asarray(on_host(p0))), dtype=np.float64))
    weights = None if sigma is None else floating(sigma)

    f = bound(f)

    def residuals(p: Any) -> Any:
        r = floating(f(xdata, *(p[i] for i in range(p0.size)))) - y
        if weights is None:
            return r
        if weights.ndim < 2:
            return r / weights
        return solve_triangular(cholesky(weights, lower=True), r, lower=True)

    kwargs.setdefault("max_nfev", kwargs.pop("maxfev", None))
    method = method or ("lm" if _unbounded(bounds) else "trf")
    settings = inspect.signature(least_squares).bind(
        residuals, p0, bounds=bounds, method=method, **kwargs
    )
    settings.apply_defaults()
    given = dict(settings.arguments)
    shared = {k: given.pop(k) for k in _OF_THE_PROBLEM}
    found = _least_squares(**shared, settings=given, check=_fitted)
    J = jacobian(residuals)(found.x)
    covariance = inv(generated.matrix_transpose(J) @ J)
    m, n = J.shape
    if not absolute_sigma:
        if m <= n:
            return found.x, covariance * math.inf
        covariance = covariance * (2.0 * found.cost / (m - n))
    return found.x, covariance


def _fitted(found: Any) -> None:
    """Raise for a fit that did not succeed."""
    if not found.success:
        raise RuntimeError(f"curve_fit: Optimal parameters not found: {found.message}")


def _first_guess(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """SciPy's: 1, or the middle of finite bounds, or 1 from the finite one."""
    guess = np.ones(low.shape)
    above, below = np.isfinite(low), np.isfinite(high)
    both = above & below
    guess[both] = 0.5 * (low[both] + high[both])
    guess[above & ~below] = low[above & ~below] + 1
    guess[~above & below] = high[~above & below] - 1
    return guess


def _ends(bounds: Any, count: int) -> list[np.ndarray]:
    """The values of the bounds of so many parameters."""
    ends = (bounds.lb, bounds.ub) if hasattr(bounds, "lb") else bounds
    values = [np.asarray(backend_array(asarray(on_host(e))), dtype=np.float64) for e in ends]
    return [np.broadcast_to(v, (count,)) for v in values]


def _unbounded(bounds: Any) -> bool:
    ends = (bounds.lb, bounds.ub) if hasattr(bounds, "lb") else bounds
    return not any(np.isfinite(np.asarray(backend_array(asarray(on_host(e))))).any() for e in ends)
