"""Minima with SciPy's signatures: `minimize` and `minimize_scalar`.

With ∇f(x, p) = 0, dx/dp = −(∇²f)⁻¹ ∂(∇f)/∂p. At an active bound x moves with it.
"""

from __future__ import annotations

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
from ...transforms.jvp import hvp
from ..operands import constant, floating, host
from .roots import _tuple, scalar_solution
from .solution import (
    INSTEAD,
    bounds_of,
    differentiable,
    hidden,
    scipy_bounds,
    start_of,
    tapes_of,
    within_bounds,
)
from .step import callee, found_by, number, wide

# Methods of `scipy.optimize.minimize` without gradients, and those that want products with the Hessian.
WITHOUT_GRADIENT = ("nelder-mead", "powell", "cobyla", "cobyqa")
WITH_HESSIAN = ("newton-cg", "trust-ncg", "trust-krylov", "trust-constr")
WITH_MATRIX = ("dogleg", "trust-exact")


def minimize(
    fun: Callable[..., Any],
    x0: ArrayLike,
    args: Any = (),
    method: Any = None,
    jac: Any = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    tol: float | None = None,
    callback: Any = None,
    options: Any = None,
) -> Any:
    """x that minimises fun(x, …), by `scipy.optimize.minimize`, differentiable in `args`, closures and bounds.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)``: one real number, twice differentiable.
    x0
        Where to start; gets no gradient.
    args : tuple
        Parameters.
    method, tol, callback, options
        As SciPy's.
    jac, hess, hessp
        As SciPy's; what is not given and the method wants is made by differentiation.
    bounds
        As SciPy's; where one is active, x moves with it.
    constraints
        As SciPy's, where nothing is traced; else refused.

    Returns
    -------
    scipy.optimize.OptimizeResult
        With differentiable ``x`` and ``fun``.

    Raises
    ------
    NotImplementedError
        For constraints of a function of traced arrays, and for arrays of other libraries than NumPy.

    Notes
    -----
    The derivative is taken where SciPy stopped; the default tolerance of some methods is wide (`tol`).

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> from pullback.scipy.optimize import minimize
    >>> fit = lambda p: minimize(lambda x: pb.xp.sum((x - p) ** 4 + (x - p) ** 2), np.zeros(2), tol=1e-10).x
    >>> np.round(pb.jacobian(fit)(np.asarray([1.0, 2.0])), 6) + 0.0
    array([[1., 0.],
           [0., 1.]])
    """
    import scipy.optimize  # takes a fifth of a second

    fun, args = bound(fun), _tuple(args)
    start = start_of(x0, "minimize", INSTEAD)
    given, low, high = bounds_of(bounds, start.size)
    paired = jac is True
    own = jac if callable(jac) else None

    def objective(x: Any) -> Any:
        out = fun(asarray(x), *args)
        return generated.reshape(floating(out[0] if paired else out), ())

    def gradient(x: Any) -> Any:
        return grad(objective)(asarray(x))

    probe = objective(Array(start))
    tapes = tapes_of((probe, low, high))
    if constraints and tapes:
        raise NotImplementedError(
            "minimize: constraints of a problem with traced arrays; eliminate unknowns by the equalities, or solve "
            "the conditions of Karush, Kuhn and Tucker with pb.implicit.root"
        )
    name = method.lower() if isinstance(method, str) else ""
    settings: dict[str, Any] = {
        "method": method, "constraints": constraints, "tol": tol, "callback": callback, "options": options,
    }  # fmt: skip
    functions = {"fun": callee(objective, start)}
    if own is not None:
        functions["jac"] = callee(lambda x: asarray(own(x, *args)), start)
    elif jac is not None and not paired:
        settings["jac"] = jac
    elif name not in WITHOUT_GRADIENT:
        functions["jac"] = callee(gradient, start)
    if callable(hess):
        functions["hess"] = callee(lambda x: asarray(hess(x, *args)), start)
    elif hess is not None:
        settings["hess"] = hess
    elif callable(hessp):
        functions["hessp"] = callee(
            lambda x, p: asarray(hessp(backend_array(x), backend_array(p), *_constants(args))), start, start
        )  # fmt: skip
    elif name in WITH_HESSIAN:
        functions["hessp"] = callee(lambda x, p: asarray(hvp(objective, x, p)), start, start)
    elif name in WITH_MATRIX:
        functions["hess"] = callee(jacobian(gradient), start)

    def solver(called: Any, operands: Any) -> Any:
        x0, *given = operands
        named: dict[str, Callable[..., Any]] = {
            k: wide(f, start.dtype) for k, f in called.items() if k != "hessp"
        }
        if "hessp" in called:
            named["hessp"] = _products(called["hessp"], start.dtype)
        value = named.pop("fun")
        found = scipy.optimize.minimize(
            lambda x: float(value(x)), x0, bounds=scipy_bounds(tuple(given)), **settings, **named
        )
        return np.asarray(found.x, dtype=start.dtype), found

    with hidden(tapes):
        x, found = found_by("minimize", solver, functions, (start, *given), backend_array(probe))
    equation, free = (gradient, True) if not given else within_bounds(gradient, low, high, x)
    found.x = differentiable(x, equation, tapes, free)
    found.fun = objective(found.x)
    return found


def _constants(args: tuple[Any, ...]) -> list[Any]:
    """Arguments as constants."""
    return [constant(a) for a in args]


def _products(f: Callable[[Any, Any], Any], dtype: Any) -> Callable[[Any, Any], Any]:
    """``(x, p) -> ∇²f(x) p`` of SciPy's arrays."""

    def call(x: Any, p: Any) -> Any:
        return np.asarray(
            f(np.asarray(x, dtype=dtype), np.asarray(p, dtype=dtype)), dtype=np.float64
        )

    return call


def minimize_scalar(
    fun: Callable[..., Any],
    bracket: Any = None,
    bounds: Any = None,
    args: Any = (),
    method: str | None = None,
    tol: float | None = None,
    options: Any = None,
) -> Any:
    """The number that minimises a function, by `scipy.optimize.minimize_scalar`; arguments as SciPy's.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)``, twice differentiable.
    bracket, bounds, method, tol, options
        As SciPy's; constants.
    args : tuple
        Parameters.

    Returns
    -------
    scipy.optimize.OptimizeResult
        With differentiable ``x`` and ``fun``. SciPy finds x to about the root of the precision, as it takes no
        derivative: so far the derivative is that of a neighbour. At an end of `bounds` it is 0.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> from pullback.scipy.optimize import minimize_scalar
    >>> fit = lambda p: minimize_scalar(lambda x: (x - p) ** 2 + x**2).x
    >>> np.round(pb.grad(fit)(np.asarray(2.0)), 6)
    np.float64(0.5)
    """
    import scipy.optimize  # takes a fifth of a second

    fun, args = bound(fun), _tuple(args)
    bracket, bounds = host((bracket, bounds), "minimize_scalar: the bracket or the bounds")

    def of_number(x: Any) -> Any:
        return generated.reshape(floating(fun(x, *args)), ())

    first = bounds[0] if bounds is not None else bracket[0] if bracket is not None else 0.0
    start = start_of(float(first), "minimize_scalar", INSTEAD)
    example = np.asarray(float(first))

    def solver(called: Any, operands: Any) -> Any:
        found = scipy.optimize.minimize_scalar(
            number(called["f"]), bracket=bracket, bounds=bounds, method=method, tol=tol, options=options
        )  # fmt: skip
        x = float(found.x)
        at_end = bounds is not None and _at_an_end(x, bounds)
        return (np.asarray([x], dtype=start.dtype), np.asarray(at_end)), found

    probe = of_number(Array(example))
    tapes = tapes_of(probe)
    with hidden(tapes):
        functions = {"f": callee(of_number, example)}
        (x, at_end), found = found_by(
            "minimize_scalar", solver, functions, (), backend_array(probe)
        )
    end = generated.reshape(Array(x), ())

    def slope(v: Any) -> Any:
        if bounds is None:
            return grad(of_number)(v)
        # at an end x stays where it is
        return generated.where(Array(at_end), v - end, grad(of_number)(v))

    found.x = scalar_solution(x, slope, tapes)
    found.fun = of_number(found.x)
    return found


def _at_an_end(x: float, bounds: Any) -> bool:
    return min(abs(x - float(b)) for b in bounds) <= 1e-5 * (1.0 + abs(x))


def rosen(x: ArrayLike) -> Array:
    """Rosenbrock's function, ``Σ 100 (x_{i+1} − x_i²)² + (1 − x_i)²``."""
    x = floating(x)
    r = x[1:] - x[:-1] * x[:-1]
    d = 1.0 - x[:-1]
    return generated.sum(100.0 * (r * r) + d * d, axis=0)
