"""Roots with SciPy's signatures: `root`, `fsolve`, `root_scalar`, `brentq` and its relatives, `newton`, `fixed_point`.

With g(x, p) = 0, dx/dp = −(∂g/∂x)⁻¹ ∂g/∂p.
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
from ..operands import floating, host
from .solution import differentiable, hidden, start_of, tapes_of
from .step import callee, found_by, number, wide

INSTEAD = "pb.implicit.root"
# The methods of `scipy.optimize.root` that take a Jacobian.
WITH_JACOBIAN = ("hybr", "lm")


def _tuple(args: Any) -> tuple[Any, ...]:
    return args if isinstance(args, tuple) else (args,)


def root(
    fun: Callable[..., Any],
    x0: ArrayLike,
    args: Any = (),
    method: str = "hybr",
    jac: Any = None,
    tol: float | None = None,
    callback: Any = None,
    options: Any = None,
) -> Any:
    """x with fun(x, …) = 0, by `scipy.optimize.root`, differentiable in `args` and in what fun closes over.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)``: as many numbers as x has.
    x0
        Where to start; gets no gradient.
    args : tuple
        Parameters.
    method, tol, callback, options
        As SciPy's.
    jac : bool or callable, optional
        As SciPy's; where it is not given and the method takes one, it is made by differentiation.

    Returns
    -------
    scipy.optimize.OptimizeResult
        With differentiable ``x`` and ``fun``.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> from pullback.scipy import optimize
    >>> solve = lambda p: optimize.root(lambda x: x**3 - p, np.ones(1)).x[0]
    >>> np.round(pb.grad(solve)(np.asarray(8.0)), 9)  # 1/(3 p^(2/3))
    np.float64(0.083333333)
    """
    import scipy.optimize  # takes a fifth of a second

    fun, args = bound(fun), _tuple(args)
    start = start_of(x0, "root", INSTEAD)
    own = jac if callable(jac) else None
    paired = jac is True

    def equation(x: Any) -> Any:
        out = fun(asarray(x), *args)
        return generated.reshape(floating(out[0] if paired else out), (-1,))

    functions = {"f": callee(equation, start)}
    if own is not None:
        functions["slope"] = callee(lambda x: asarray(own(x, *args)), start)
    elif method in WITH_JACOBIAN and jac is not False:
        functions["slope"] = callee(jacobian(equation), start)

    def solver(called: Any, operands: Any) -> Any:
        f, *slope = (wide(g, start.dtype) for g in called.values())
        found = scipy.optimize.root(
            f, operands[0], method=method, jac=slope[0] if slope else None, tol=tol, callback=callback, options=options
        )  # fmt: skip
        return np.asarray(found.x, dtype=start.dtype), found

    probe = equation(Array(start))
    tapes = tapes_of(probe)
    with hidden(tapes):
        x, found = found_by("root", solver, functions, (start,), backend_array(probe))
    x = differentiable(x, equation, tapes, False)
    found.x = x
    found.fun = equation(x)
    return found


def fsolve(
    func: Callable[..., Any],
    x0: ArrayLike,
    args: Any = (),
    fprime: Any = None,
    full_output: int = 0,
    col_deriv: int = 0,
    xtol: float = 1.49012e-8,
    maxfev: int = 0,
    band: Any = None,
    epsfcn: Any = None,
    factor: float = 100,
    diag: Any = None,
) -> Array:
    """x with func(x, …) = 0, by `root` with the method "hybr".

    Raises
    ------
    NotImplementedError
        For `full_output`, `col_deriv` and `band`.
    """
    if full_output or col_deriv or band is not None:
        raise NotImplementedError(
            "fsolve: full_output, col_deriv and band are not there; root returns all"
        )
    options: dict[str, Any] = {"xtol": xtol, "maxfev": maxfev, "factor": factor}
    options |= {k: v for k, v in (("eps", epsfcn), ("diag", diag)) if v is not None}
    return root(func, x0, args, jac=fprime, options=options).x


# ── one unknown ───────────────────────────────────────────────────────────────────────────────


def root_scalar(
    f: Callable[..., Any],
    args: Any = (),
    method: str | None = None,
    bracket: Any = None,
    fprime: Any = None,
    fprime2: Any = None,
    x0: Any = None,
    x1: Any = None,
    xtol: float | None = None,
    rtol: float | None = None,
    maxiter: int | None = None,
    options: Any = None,
) -> Any:
    """The root of a function of one number, by `scipy.optimize.root_scalar`.

    Parameters
    ----------
    f : callable
        ``f(x, *args)``.
    args : tuple
        Parameters.
    method, bracket, x0, x1, xtol, rtol, maxiter, options
        As SciPy's.
    fprime, fprime2
        As SciPy's; for ``method="newton"`` and "halley" made by differentiation where they are not given.

    Returns
    -------
    scipy.optimize.RootResults
        With a differentiable ``root``.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> from pullback.scipy.optimize import root_scalar
    >>> solve = lambda p: root_scalar(lambda x: x * x - p, bracket=[0.0, 10.0]).root
    >>> np.round(pb.grad(solve)(np.asarray(4.0)), 9)
    np.float64(0.25)
    """
    return _root_scalar(
        f, args, method, bracket, fprime, fprime2, x0, x1, xtol, rtol, maxiter, options, lambda found: None
    )  # fmt: skip


def _root_scalar(
    f: Any, args: Any, method: Any, bracket: Any, fprime: Any, fprime2: Any, x0: Any, x1: Any, xtol: Any, rtol: Any,
    maxiter: Any, options: Any, check: Callable[[Any], None],
) -> Any:  # fmt: skip
    """`root_scalar`; `check` raises where SciPy's result is not good enough."""
    import scipy.optimize  # takes a fifth of a second

    f, args = bound(f), _tuple(args)
    bracket, x0, x1 = host((bracket, x0, x1), "root_scalar: the bracket or the start")
    first = x0 if x0 is not None else bracket[0] if bracket is not None else None
    if first is None:
        raise ValueError("root_scalar: give a bracket, or x0")
    start = start_of(float(first), "root_scalar", INSTEAD)

    def of_number(x: Any) -> Any:
        return generated.reshape(floating(f(x, *args)), ())

    example = np.asarray(float(first))
    functions, slopes = {"f": callee(of_number, example)}, {}
    wanted = {"newton": 1, "halley": 2}.get(method or "", 0)
    for order, (name, given) in enumerate((("fprime", fprime), ("fprime2", fprime2)), start=1):
        if callable(given):
            functions[name] = callee(_of_array(given, args), example)
        elif given:
            slopes[name] = given
        elif order <= wanted:
            slope = grad(of_number) if order == 1 else grad(grad(of_number))
            functions[name] = callee(slope, example)

    def solver(called: Any, operands: Any) -> Any:
        numbers = {name: number(g) for name, g in called.items()}
        found = scipy.optimize.root_scalar(
            numbers.pop("f"), method=method, bracket=bracket, x0=x0, x1=x1, xtol=xtol, rtol=rtol, maxiter=maxiter,
            options=options, **slopes, **numbers,
        )  # fmt: skip
        check(found)
        return np.asarray([float(found.root)], dtype=start.dtype), found

    probe = of_number(Array(example))
    tapes = tapes_of(probe)
    with hidden(tapes):
        x, found = found_by("root_scalar", solver, functions, (), backend_array(probe))
    found.root = scalar_solution(x, of_number, tapes)
    return found


def _of_array(f: Callable[..., Any], args: tuple[Any, ...]) -> Callable[[Any], Any]:
    return lambda x: asarray(f(x, *args))


def scalar_solution(x: Any, of_number: Callable[[Any], Any], tapes: list[Any]) -> Any:
    """The solution x (1,) of an equation of one number, as a differentiable number."""

    def equation(v: Any) -> Any:
        return generated.reshape(of_number(generated.reshape(asarray(v), ())), (1,))

    return generated.reshape(differentiable(x, equation, tapes, False), ())


def _bracketed(method: str) -> Callable[..., Any]:
    def function(
        f: Callable[..., Any],
        a: Any,
        b: Any,
        args: Any = (),
        xtol: float = 2e-12,
        rtol: float = 8.881784197001252e-16,
        maxiter: int = 100,
        full_output: bool = False,
        disp: bool = True,
    ) -> Any:
        def check(found: Any) -> None:
            if disp and not found.converged:
                raise RuntimeError(f"{method}: no convergence after {found.iterations} iterations")

        found = _root_scalar(
            f, args, method, [a, b], None, None, None, None, xtol, rtol, maxiter, None, check
        )
        return (found.root, found) if full_output else found.root

    function.__name__ = function.__qualname__ = method
    function.__doc__ = (
        f"The root of a function of one number between a and b, by SciPy's `{method}`.\n\n"
        "    Differentiable in `args` and what f closes over.\n\n"
        f"    The arguments are those of `scipy.optimize.{method}`; the derivative is that of `root_scalar`.\n    "
    )
    return function


brentq, brenth, ridder, bisect = (
    _bracketed(name) for name in ("brentq", "brenth", "ridder", "bisect")
)


def newton(
    func: Callable[..., Any],
    x0: Any,
    fprime: Any = None,
    args: Any = (),
    tol: float = 1.48e-8,
    maxiter: int = 50,
    fprime2: Any = None,
    x1: Any = None,
    rtol: float = 0.0,
    full_output: bool = False,
    disp: bool = True,
) -> Any:
    """The root of a function of one number by Newton's method, whose derivative is made where it is not given.

    Parameters
    ----------
    func : callable
        ``func(x, *args)``.
    x0 : float
        Where to start: one number. (For many at once use `pb.implicit.root`.)
    fprime, fprime2, args, tol, maxiter, x1, rtol, full_output, disp
        As SciPy's; with `x1` by secants.

    Returns
    -------
    Array, or (Array, RootResults)

    Raises
    ------
    RuntimeError
        If it does not converge, unless `disp` is False.
    """
    if np.ndim(backend_array(x0)) != 0:
        raise NotImplementedError("newton: one number; pb.implicit.root solves for arrays")
    method = "secant" if x1 is not None else "halley" if fprime2 is not None else "newton"

    def check(found: Any) -> None:
        if disp and not found.converged:
            raise RuntimeError(
                f"newton: no convergence after {found.iterations} iterations, at {float(found.root)}"
            )

    found = _root_scalar(
        func, args, method, None, fprime, fprime2, x0, x1, tol, rtol or None, maxiter, None, check
    )
    return (found.root, found) if full_output else found.root


def fixed_point(
    func: Callable[..., Any],
    x0: ArrayLike,
    args: Any = (),
    xtol: float = 1e-8,
    maxiter: int = 500,
    method: str = "del2",
) -> Array:
    """x with x = func(x, …), by `scipy.optimize.fixed_point`: dx/dp = (1 − ∂f/∂x)⁻¹ ∂f/∂p."""
    import scipy.optimize  # takes a fifth of a second

    args = _tuple(args)
    start = start_of(x0, "fixed_point", "pb.implicit.fixed_point")
    shape = np.shape(backend_array(asarray(x0)))

    def mapped(x: Any) -> Any:
        return generated.reshape(floating(func(generated.reshape(asarray(x), shape), *args)), (-1,))

    def solver(called: Any, operands: Any) -> Any:
        call = wide(called["f"], start.dtype)
        found = scipy.optimize.fixed_point(
            call, operands[0], xtol=xtol, maxiter=maxiter, method=method
        )
        return np.asarray(found, dtype=start.dtype), None

    probe = mapped(Array(start))
    tapes = tapes_of(probe)
    with hidden(tapes):
        functions = {"f": callee(mapped, start)}
        x, _ = found_by("fixed_point", solver, functions, (start,), backend_array(probe))
    x = differentiable(x, lambda v: asarray(v) - mapped(v), tapes, False)
    return generated.reshape(x, shape)
