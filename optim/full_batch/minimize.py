"""`minimize`: one front for full-batch methods, ours and SciPy's."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ...autograd.solve.implicit.lbfgs import NAME, method_name
from ...backend import backend_of
from ..proximal.penalties import l1_of, penalty_of
from .gradient_methods import conjugate_gradient, gradient_descent, l_bfgs, nesterov
from .least_squares import gauss_newton, levenberg_marquardt
from .line import SearchError
from .line_search import Armijo, Backtracking, Search, chosen
from .method import Method
from .newton import newton, newton_cg
from .problem import Point, Problem
from .proximal_methods import fista, ista
from .wolfe import StrongWolfe


class _Entry(NamedTuple):
    method: Method
    search: Search | None  # the default line search; None where a method takes none
    steps: int
    residuals: bool = False
    proximal: bool = False


METHODS: dict[str, _Entry] = {
    "gradient-descent": _Entry(gradient_descent, Backtracking(), 10_000),
    "nesterov": _Entry(nesterov, Backtracking(), 10_000),
    "conjugate-gradient": _Entry(conjugate_gradient, StrongWolfe(c2=0.1), 2000),
    NAME: _Entry(l_bfgs, StrongWolfe(), 2000),
    "newton": _Entry(newton, Armijo(), 200),
    "newton-cg": _Entry(newton_cg, Armijo(), 500),
    "gauss-newton": _Entry(gauss_newton, Armijo(), 200, True),
    "levenberg-marquardt": _Entry(levenberg_marquardt, None, 500, True),
    "fista": _Entry(fista, None, 10_000, proximal=True),
    "ista": _Entry(ista, None, 10_000, proximal=True),
}
"""Our methods: what steps, the line search and the number of steps where none are asked for."""

SCIPY = (
    "BFGS", "CG", "L-BFGS-B", "TNC", "SLSQP", "Newton-CG", "trust-ncg", "trust-krylov", "trust-exact", "trust-constr",
    "dogleg",
)  # fmt: skip
"""SciPy's methods that take gradients."""

_WITH_BOUNDS = frozenset({"L-BFGS-B", "TNC", "SLSQP", "trust-constr"})
_WITH_HESSIAN = frozenset({"trust-exact", "dogleg"})
_WITH_PRODUCTS = frozenset({"Newton-CG", "trust-ncg", "trust-krylov", "trust-constr"})


def minimize(
    f: Callable[..., Any],
    x0: Any,
    *,
    method: str = "l-bfgs",
    line_search: Any = None,
    gtol: float = 1e-5,
    ftol: float = 0.0,
    maxiter: int | None = None,
    callback: Callable[[Any], Any] | None = None,
    args: tuple[Any, ...] = (),
    history: bool = False,
    options: dict[str, Any] | None = None,
    prox: Any = None,
    l1: Any = None,
) -> Any:
    """Find a minimum of a function of a pytree, by its derivatives.

    Parameters
    ----------
    f : callable
        ``f(x, *args)``, x a pytree of `pb.Array`s in the structure of `x0`; returns one real number. For
        "gauss-newton" and "levenberg-marquardt": residuals r, an array or a pytree of arrays; ``½ ‖r‖²`` is minimised.
    x0 : pytree
        Where to start: floating-point arrays, real or complex, or numbers. The work is done on their device.
    method : str
        "gradient-descent", "nesterov", "conjugate-gradient", "l-bfgs" ("lbfgs" is the same; gradients); "newton" (the
        whole Hessian, damped), "newton-cg" (products with it); "gauss-newton", "levenberg-marquardt" (residuals);
        "fista", "ista" (proximal gradients, for a penalty with kinks or a constraint beside f, given by `prox`); or
        one of SciPy's methods that take gradients: "BFGS", "CG", "L-BFGS-B", "TNC", "SLSQP", "Newton-CG", "trust-ncg",
        "trust-krylov", "trust-exact", "trust-constr", "dogleg".
    line_search : str, float or record, optional
        "halving", "backtracking", "armijo", "exact", "wolfe"; a number is a fixed step; or a record such as
        ``pb.optim.StrongWolfe(c2=0.5)``. None for the method's own: "backtracking" for gradient descent and
        Nesterov's, "wolfe" for conjugate gradients and L-BFGS, "armijo" for Newton's and Gauss-Newton.
    gtol : float
        Stop at ``‖∇f‖ ≤ gtol``, the Euclidean norm over all leaves; for "fista" and "ista" at
        ``‖x − prox(x − s ∇f(x), s)‖ / s ≤ gtol``, which is the same where there is no penalty.
    ftol : float
        Stop at ``f_k − f_{k+1} ≤ ftol · max(|f_k|, |f_{k+1}|, 1)``; 0 for never.
    maxiter : int, optional
        Steps at most.
    callback : callable, optional
        ``callback(result)`` after each step, with ``x, fun, jac, nit`` so far; may raise `StopIteration`.
    args : tuple
        Further arguments of `f`, not differentiated.
    history : bool
        Keep ``result.history``: lists ``fun``, ``norm`` (of the gradient) and ``step``, the start included.
    options : dict, optional
        The method's own: ``first`` (first trial step), ``restart``, ``beta``, ``memory``, ``shift``, ``products``,
        ``rcond``, ``damping``, ``shrink``, ``backtracking``; for SciPy's methods what SciPy takes, and
        ``bounds``, a pair for each element of x, for "L-BFGS-B", "TNC", "SLSQP" and "trust-constr".
    prox : penalty, callable, dict or list, optional
        The penalty g of "fista" and "ista", which minimise f + g: a record of `pb.optim.proximal` such as ``L1(0.1)``,
        ``Box(0, 1)``; a dict or list of them in the structure of `x0`, None for a part without one; or a function
        ``prox(v, step)``, whose value is not known and not in ``fun``.
    l1 : float, array, dict or list, optional
        Short for ``prox=L1(l1)``, or for one on each part of `x0`.

    Returns
    -------
    scipy.optimize.OptimizeResult
        ``x`` and ``jac`` in the structure, dtypes, device and array type of `x0`; ``fun``, ``success``, ``status``,
        ``message``, ``nit``, ``nfev``, ``njev``, ``nhev``. Status 0: gradient small enough; 1: relative decrease small
        enough; 2: `maxiter` reached; 3: no further step found (the message says why; x is the last good point); 99:
        `callback` stopped. SciPy's methods have SciPy's status.

    Raises
    ------
    TypeError
        If `f` does not return one real number (residuals: arrays), or a leaf is not floating-point.
    ValueError
        For an unknown method, line search, option or bad tolerance; if `x0` holds NaN or infinity, or the objective
        or its gradient is not finite there.

    Notes
    -----
    With a penalty, ``fun`` is f + g and ``jac`` the gradient of f. What a callback is given has no ``jac`` there.
    The scalars of a line search (values, slopes) are read on the host, vectors never are. SciPy's methods are the
    exception: they keep their vectors on the host, so on a GPU each evaluation copies one there and one back.
    The result carries no derivative, and a compiled function cannot hold the steps, which go by values: call this with
    a compiled `f`, or use `pb.implicit.argmin`, which both can.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> banana = lambda x: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    >>> result = pb.optim.minimize(banana, np.asarray([-1.0, 2.0]), method="newton")
    >>> result.x.round(6), result.status
    (array([1., 1.]), 0)
    >>> line = lambda p, t: p["a"] * t + p["b"] - 2 * t - 1  # residuals
    >>> pb.optim.minimize(line, {"a": 0.0, "b": 0.0}, args=(pb.xp.arange(5.0),), method="gauss-newton").message
    'the gradient is small enough: its norm is below gtol'

    The LASSO: half the squared error, and the sum of absolute values:

    >>> A, b = pb.xp.asarray([[1.0, 0.0], [0.0, 1.0]]), pb.xp.asarray([3.0, 0.5])
    >>> error = lambda x: 0.5 * pb.xp.sum((A @ x - b) ** 2)
    >>> pb.optim.minimize(error, pb.xp.zeros(2), method="fista", l1=1.0).x
    Array([2., 0.], dtype=float64, device='cpu')
    """
    name = _method(method)
    _check_settings(gtol, ftol, maxiter)
    chosen_options = dict(options or {})
    with np.errstate(all="ignore"):  # trial points may lie outside the domain of f
        if name in SCIPY:
            if line_search is not None:
                raise ValueError(f"minimize: SciPy's method {name!r} has a line search of its own")
            _penalty(name, False, prox, l1)
            return _by_scipy(
                name, Problem(f, x0, args), gtol, ftol, maxiter, callback, history, chosen_options
            )
        entry = METHODS[name]
        if entry.search is None and line_search is not None:
            raise ValueError(f"minimize: method {name!r} takes no line search")
        search = chosen(line_search, entry.search or Backtracking())
        penalty = _penalty(name, entry.proximal, prox, l1)
        problem = Problem(f, x0, args, residuals=entry.residuals, penalty=penalty)
        if entry.proximal:
            chosen_options["gtol"] = gtol
        run = entry.method(problem, problem.start(), search, chosen_options)
        start = next(run)  # options are checked, whether a step is taken or not
        limit = entry.steps if maxiter is None else maxiter
        return _drive(problem, start, run, gtol, ftol, limit, callback, history)


def _method(method: str) -> str:
    """A method's name as the tables have it; SciPy's in any case of letters, after ours."""
    method = method_name(method)
    if isinstance(method, str) and method in METHODS:
        return method
    by_case = {name.lower(): name for name in SCIPY}
    if not isinstance(method, str) or method.lower() not in by_case:
        raise ValueError(
            f"minimize: method {method!r} is not one of {', '.join([*METHODS, *SCIPY])}"
        )
    return method if method in SCIPY else by_case[method.lower()]


def _penalty(name: str, proximal: bool, prox: Any, l1: Any) -> Any:
    """The penalty of a proximal method.

    Raises
    ------
    ValueError
        If another method is given one, or both arguments are.
    """
    if prox is None and l1 is None:
        return None
    if not proximal:
        raise ValueError(
            f"minimize: method {name!r} takes no penalty (prox=, l1=): use method='fista' or 'ista'"
        )
    if prox is not None and l1 is not None:
        raise ValueError("minimize: give prox= or l1=, not both")
    return penalty_of(prox) if l1 is None else l1_of(l1)


def _check_settings(gtol: float, ftol: float, maxiter: int | None) -> None:
    for name, value in (("gtol", gtol), ("ftol", ftol)):
        if not 0 <= value < math.inf:
            raise ValueError(f"minimize: {name}={value!r} has to be finite and ≥ 0")
    if maxiter is not None and (
        isinstance(maxiter, bool) or not isinstance(maxiter, int | np.integer) or maxiter < 0
    ):
        raise ValueError(f"minimize: maxiter={maxiter!r} has to be an integer ≥ 0")


PROXIMAL_MESSAGE = "the proximal step is small enough: its residual is below gtol"
MESSAGES = {
    0: "the gradient is small enough: its norm is below gtol",
    1: "the relative decrease is small enough: below ftol",
    2: "maxiter steps are taken",
    99: "callback raised StopIteration",
}


def _drive(
    problem: Problem, point: Point, run: Iterator[Point], gtol: float, ftol: float, limit: int,
    callback: Callable[[Any], Any] | None, history: bool,
) -> Any:  # fmt: skip
    """Ask a method for points until one is good enough, or there is no other."""
    record: dict[str, list[float]] = {"fun": [point.f], "norm": [point.norm], "step": [math.nan]}
    nit, status, message = 0, 0 if point.norm <= gtol else -1, ""
    while status < 0:
        if nit >= limit:
            status = 2
            break
        try:
            new = next(run)
        except SearchError as error:
            status, message = 3, f"no further step: {error}"
            break
        if not (math.isfinite(new.f) and math.isfinite(new.norm)):
            status = 3
            message = f"no further step: the objective is {new.f} after a step of {new.step:.3g}; take smaller ones"
            break
        decrease = point.f - new.f
        nit, old, point = nit + 1, point, new
        for name, value in (("fun", new.f), ("norm", new.norm), ("step", new.step)):
            record[name].append(value)
        if callback is not None and _stopped(callback, problem, point, nit):
            status = 99
        elif point.norm <= gtol:
            status = 0
        elif ftol and 0 <= decrease <= ftol * max(abs(old.f), abs(point.f), 1.0):
            status = 1
    if status == 0 and problem.penalty is not None:
        message = PROXIMAL_MESSAGE
    return _result(
        problem, point, nit, status, message or MESSAGES[status], record if history else None
    )


def _stopped(callback: Callable[[Any], Any], problem: Problem, point: Point, nit: int) -> bool:
    try:
        callback(_result(problem, point, nit, -1, "under way", None))
    except StopIteration:
        return True
    return False


def _result(
    problem: Problem, point: Point, nit: int, status: int, message: str, record: Any
) -> Any:
    from scipy.optimize import OptimizeResult  # 0.2 s, so only where it is used

    g = point.g
    if g is None and status >= 0:  # FISTA takes its gradients elsewhere
        g = problem.point(point.x).g
    result = OptimizeResult(
        x=problem.result(point.x), fun=point.f, jac=g if g is None else problem.result(g), nit=nit, nfev=problem.nfev,
        njev=problem.njev, nhev=problem.nhev, status=status, success=status in (0, 1), message=message,
    )  # fmt: skip
    if record is not None:
        result.history = record
    return result


# ── SciPy's methods ───────────────────────────────────────────────────────────────────────────


def _by_scipy(
    method: str, problem: Problem, gtol: float, ftol: float, maxiter: int | None,
    callback: Callable[[Any], Any] | None, history: bool, options: dict[str, Any],
) -> Any:  # fmt: skip
    """`scipy.optimize.minimize` on the flat vector, with our gradients, Hessians and products."""
    import scipy.optimize

    backend = backend_of(problem.x0)
    start = problem.start()
    record: dict[str, list[float]] = {"fun": [start.f], "norm": [start.norm], "step": [math.nan]}
    latest = start
    steps = 0

    def there(x: np.ndarray) -> Any:
        return backend.asarray(np.asarray(x, problem.dtype))

    def here(x: Any) -> np.ndarray:
        return np.asarray(backend.to_numpy(x), float)

    def value_and_gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal latest
        latest = problem.point(there(x))
        return latest.f, here(latest.g)

    def after_step(x: np.ndarray) -> None:
        nonlocal steps
        steps += 1
        moved = there(x)
        point = latest if bool(problem.xp.all(latest.x == moved)) else problem.point(moved)
        for name, value in (("fun", point.f), ("norm", point.norm), ("step", math.nan)):
            record[name].append(value)
        if callback is not None and _stopped(callback, problem, point, steps):
            raise _Stopped(point)

    settings: dict[str, Any] = {}
    if method in _WITH_HESSIAN:
        settings["hess"] = lambda x: here(problem.hessian(there(x)))
    elif method in _WITH_PRODUCTS:
        settings["hessp"] = lambda x, v: here(problem.hvp(there(x))(there(v)))
    if maxiter is not None:
        options.setdefault("maxfun" if method == "TNC" else "maxiter", maxiter)
    for name, value in _tolerances(method, gtol, ftol).items():
        options.setdefault(name, value)
    if callback is not None or history:
        settings["callback"] = lambda x, *_: after_step(x)
    if "bounds" in options:
        if method not in _WITH_BOUNDS:
            raise ValueError(
                f"minimize: method {method!r} knows no bounds; {', '.join(sorted(_WITH_BOUNDS))} do"
            )
        settings["bounds"] = [tuple(pair) for pair in np.asarray(options.pop("bounds"), float)]
    kept = record if history else None
    try:
        found = scipy.optimize.minimize(
            value_and_gradient,
            here(problem.x0),
            jac=True,
            method=method,
            options=options,
            **settings,
        )
    except _Stopped as stop:
        return _result(problem, stop.point, steps, 99, MESSAGES[99], kept)
    end = latest if np.array_equal(here(latest.x), found.x) else problem.point(there(found.x))
    result = _result(
        problem, end, int(getattr(found, "nit", steps)), int(found.status), str(found.message), kept
    )  # fmt: skip
    result.success = bool(found.success) and math.isfinite(end.f)
    return result


class _Stopped(Exception):
    """The exception that carries a callback's `StopIteration` through SciPy, two of whose methods do not know it."""

    def __init__(self, point: Point) -> None:
        super().__init__(point)
        self.point = point


def _tolerances(method: str, gtol: float, ftol: float) -> dict[str, float]:
    """Our tolerances in SciPy's words; its norm of the gradient is the largest element's."""
    if method in (
        "BFGS",
        "CG",
        "trust-ncg",
        "trust-krylov",
        "trust-exact",
        "trust-constr",
        "dogleg",
    ):
        return {"gtol": gtol}
    if method in ("L-BFGS-B", "TNC"):
        return {"gtol": gtol, "ftol": ftol}
    return {"ftol": ftol or 1e-12} if method == "SLSQP" else {"xtol": 1e-10}
