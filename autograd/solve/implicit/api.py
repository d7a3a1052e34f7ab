"""`pb.implicit`: roots, fixed points and minima as differentiable functions of what their equations depend on.

The iteration runs on plain values and leaves nothing on a tape. The derivative is that of the equation at its solution,
one linear system with the transposed Jacobian (the derivation is in `adjoint.py`), whatever the number of steps. So
memory does not grow with the steps, and the gradient is that of the solution and not of the way to it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...core.array import Array, backend_array
from ...core.dtypes import as_numpy, is_complex
from ...core.namespaces import namespace_of
from ...core.tracer_like import Callee, host_step
from ...core.typing import Cotangent
from ...functions import namespace as functions
from ...transforms.bindings import bound
from ...transforms.grad import grad
from ...transforms.jacobian import jacobian
from ..adjoint import hidden, implicit_solution, open_tapes
from ..direct.solve import solve
from ..errors import ConvergenceError
from ..iterative.differentiable import conj
from ..iterative.iteration import Info, Run, every_of
from ..iterative.linear_operator import LinearOperator, pullback_of
from ..iterative.solvers import cg, gmres
from . import callees
from .fixed_point import anderson, plain
from .flatten import Flat, as_array
from .lbfgs import method_name
from .minimize import METHODS as MINIMISERS
from .minimize import Settings, minimum
from .newton import CHECKED, EXACT, Broyden, Newton, by_scipy, newton

__all__ = ["argmin", "fixed_point", "root"]

DENSE = 256  # unknowns up to which a Jacobian is written out and factored; beyond, only its products are used

LINEAR_SOLVERS = ("auto", "dense", "gmres", "cg")


class Linear(NamedTuple):
    """Settings of the linear systems with the Jacobian."""

    solver: str
    rtol: float | None = None
    maxiter: int | None = None
    check: bool = True

    def dense(self, n: int) -> bool:
        """Whether the Jacobian is written out."""
        return self.solver == "dense" or (self.solver == "auto" and n <= DENSE)


def root(
    g: Callable[..., Any],
    v0: Any,
    *p: Any,
    method: str = "newton",
    rtol: float | None = None,
    atol: float = 0.0,
    maxiter: int = 100,
    linear_solver: str = "auto",
    adjoint_rtol: float | None = None,
    adjoint_maxiter: int | None = None,
    check: bool = True,
) -> Any:
    """v with g(v, *p) = 0, differentiable to any order in p and in what g closes over.

    dv/dp = −(∂g/∂v)⁻¹ ∂g/∂p; a gradient costs one solve with (∂g/∂v)ᵀ.

    Parameters
    ----------
    g : callable
        ``g(v, *p)`` returns what has the structure and shapes of v. For complex v it has to be holomorphic in v.
        It is called again when the derivative is taken: constant arrays that it closes over, or that p holds, must not
        be changed between `pb.vjp` and its pull, or the gradient would be that of another equation.
    v0 : array, float or pytree of them
        Where to start. Gets no gradient.
    *p
        Parameters: arrays or pytrees.
    method : str
        ``"newton"``; ``"newton-krylov"``, which needs no Jacobian but its products; ``"broyden"``, which computes it
        once and corrects it; on NumPy also the names of `scipy.optimize.root`, such as ``"hybr"``.
    rtol : float, optional
        The iteration ends when a full step is shorter than `rtol` times ‖v‖; eps^(3/4) if not given, 2e-12 in
        float64. Convergence is quadratic or nearly so: the error is much smaller than the last step. (Near a root at 0,
        eps^(3/4) times the largest ‖v‖ so far stands for ‖v‖.)
    atol : float
        It also ends when ‖g(v)‖ ≤ atol.
    maxiter : int
        Steps at most.
    linear_solver : str
        ``"dense"``: LU of the Jacobian; ``"gmres"``: products with it; ``"auto"``: dense up to 256 unknowns.
    adjoint_rtol, adjoint_maxiter : optional
        Relative residual and restarts of the derivative's GMRES; 1e-10 in float64 (eps^(2/3)) if not given.
    check : bool
        Raise if it does not converge.

    Returns
    -------
    Array, or the structure of `v0` with such leaves
        The root.

    Raises
    ------
    ConvergenceError
        With residual ‖g(v)‖, steps and tolerance.
    SingularMatrixError
        If the Jacobian is singular on the way or at the root.
    ValueError
        If g does not return the structure of v, or a setting is unknown.

    Notes
    -----
    Steps are halved until ‖g‖ decreases. Kelley, Solving nonlinear equations with Newton's method, 2003; Eisenstat and
    Walker, Choosing the forcing terms in an inexact Newton method, 1996; Broyden, 1965. Derivatives: Blondel et al.,
    Efficient and modular implicit differentiation, 2022.

    Examples
    --------
    The square root and its first two derivatives:

    >>> import pullback as pb
    >>> def sqrt(p):
    ...     return pb.implicit.root(lambda v, p: v * v - p, 1.0, p)
    >>> sqrt(4.0)
    Array(2., dtype=float64, device='cpu')
    >>> pb.grad(sqrt)(4.0), pb.grad(pb.grad(sqrt))(4.0)
    (0.25, -0.03125)
    """
    linear = _linear("root", linear_solver, adjoint_rtol, adjoint_maxiter, check)
    flat = Flat.of(v0, "root")
    g = bound(g)  # the adjoint calls it again, maybe when its variables are others

    def equation(v: Any) -> Any:
        return flat.ravel(g(flat.unravel(v), *p), "root: g(v, *p)")

    def plan(v: Any) -> Plan:
        n = v.shape[0]
        tolerance = rtol if rtol is not None else _eps(v) ** 0.75
        called = [callees.values(equation, v)]
        if method not in ("newton", "newton-krylov", "broyden"):
            if n <= CHECKED or method in EXACT:
                called.append(callees.matrix(equation, v))
            return lambda called, v: by_scipy(called, v, method, tolerance, maxiter), called
        dense = linear.dense(n) and method != "newton-krylov"
        called.append((callees.matrix if dense else callees.products)(equation, v))
        model = Broyden if method == "broyden" else Newton

        def run(called: Any, v: Any) -> tuple[Any, Info]:
            return newton(called[0], v, model(called[1], dense), tolerance, atol, maxiter)

        return run, called

    return _solution("root", equation, flat, plan, linear, check)


def fixed_point(
    T: Callable[..., Any],
    v0: Any,
    *p: Any,
    method: str = "anderson",
    rtol: float | None = None,
    atol: float = 0.0,
    maxiter: int = 1000,
    history: int = 5,
    mixing: float = 1.0,
    linear_solver: str = "auto",
    adjoint_rtol: float | None = None,
    adjoint_maxiter: int | None = None,
    check: bool = True,
    check_every: int | None = None,
) -> Any:
    """v with v = T(v, *p), differentiable to any order in p and in what T closes over.

    dv/dp = (1 − ∂T/∂v)⁻¹ ∂T/∂p; a gradient costs one solve with (1 − ∂T/∂v)ᵀ.

    Parameters
    ----------
    T : callable
        ``T(v, *p)`` returns what has the structure and shapes of v. For complex v it has to be holomorphic in v.
        It is called again when the derivative is taken; what it uses must not be changed until then, as in `root`.
    v0 : array, float or pytree of them
        Where to start. Gets no gradient.
    *p
        Parameters: arrays or pytrees.
    method : str
        ``"plain"``: v ← T(v), for contractions; ``"anderson"``: the combination of the last few v and T(v) that
        would be nearest to a fixed point if T were linear.
    rtol, atol : float
        It ends where ‖T(v) − v‖ ≤ rtol · ‖T(v)‖ + atol; `rtol` is eps^(3/4) if not given, 2e-12 in float64. (Near a
        fixed point at 0, eps^(3/4) times the largest ‖v‖ so far stands for ‖T(v)‖.)
    maxiter : int
        Evaluations of T at most.
    history, mixing : int, float
        Of Anderson's method: how many differences are kept, and the weight of T(v) against v.
    linear_solver, adjoint_rtol, adjoint_maxiter, check
        As in `root`.
    check_every : int, optional
        Steps between two looks at the residual; 1 on NumPy, else 16.

    Returns
    -------
    Array, or the structure of `v0` with such leaves
        The fixed point.

    Raises
    ------
    ConvergenceError
        With the residual ‖T(v) − v‖, steps and tolerance.
    ValueError
        If T does not return the structure of v, or a setting is unknown.

    Notes
    -----
    Anderson, Iterative procedures for nonlinear integral equations, 1965; Walker and Ni, 2011. Deep equilibrium models:
    Bai, Kolter and Koltun, 2019.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> v = pb.implicit.fixed_point(lambda v, p: pb.xp.cos(p * v), 1.0, 1.0)
    >>> round(float(v), 10)
    0.7390851332
    >>> s = np.sin(0.7390851332)  # dv/dp = −v sin v / (1 + sin v)
    >>> d = pb.grad(lambda p: pb.implicit.fixed_point(lambda v: pb.xp.cos(p * v), 1.0))(1.0)
    >>> np.round(d + 0.7390851332 * s / (1 + s), 9)
    np.float64(-0.0)
    """
    linear = _linear("fixed_point", linear_solver, adjoint_rtol, adjoint_maxiter, check)
    if method not in ("plain", "anderson"):
        raise ValueError(f"fixed_point: method={method!r}; there are 'plain' and 'anderson'")
    if history != int(history) or history < 1:
        raise ValueError(f"fixed_point: history={history!r}; a positive integer is wanted")
    flat = Flat.of(v0, "fixed_point")
    T = bound(T)

    def mapped(v: Any) -> Any:
        return flat.ravel(T(flat.unravel(v), *p), "fixed_point: T(v, *p)")

    def plan(v: Any) -> Plan:
        tolerance = rtol if rtol is not None else _eps(v) ** 0.75
        run = Run(maxiter, every_of(v, check_every, "fixed_point"))
        way = plain if method == "plain" else functools.partial(anderson, history, mixing)
        return lambda called, v: way(called[0], v, tolerance, atol, run), [
            callees.values(mapped, v)
        ]

    return _solution("fixed_point", lambda v: as_array(v) - mapped(v), flat, plan, linear, check)


def argmin(
    f: Callable[..., Any],
    v0: Any,
    *p: Any,
    method: str = "newton",
    rtol: float | None = None,
    atol: float = 0.0,
    maxiter: int = 1000,
    linear_solver: str = "auto",
    adjoint_rtol: float | None = None,
    adjoint_maxiter: int | None = None,
    check: bool = True,
) -> Any:
    """v that minimises f(v, *p), differentiable to any order in p and in what f closes over.

    dv/dp = −(∇²f)⁻¹ ∂(∇f)/∂p; a gradient costs one solve with the Hessian of the inner problem.

    Parameters
    ----------
    f : callable
        ``f(v, *p)`` returns one real number. Twice differentiable, with a positive definite Hessian at the minimum.
        It is called again when the derivative is taken; what it uses must not be changed until then, as in `root`.
    v0 : array, float or pytree of them
        Where to start; real. Gets no gradient.
    *p
        Parameters: arrays or pytrees.
    method : str
        ``"newton"``, ``"l-bfgs"`` (``"lbfgs"`` is the same) or ``"gradient"`` (with the steps of Barzilai and Borwein).
    rtol : float, optional
        Newton's method ends where its next step is shorter than `rtol` times ‖v‖, or than `rtol` times the way from v0
        if that is longer. If not given: eps^(3/4), and only when the gradient falls no further. The others end where
        ‖∇f‖ ≤ rtol · (the largest ‖∇f‖ so far), eps^0.45 if not given, 9e-8 in float64, and Newton's step is short too.
    atol : float
        It also ends when ‖∇f‖ ≤ atol. A point where the Hessian is indefinite is no end, whatever the gradient is.
    maxiter : int
        Steps at most.
    linear_solver : str
        ``"dense"``: the Hessian itself; ``"cg"``: Hessian-vector products; ``"auto"``: dense up to 256 unknowns.
    adjoint_rtol, adjoint_maxiter, check
        As in `root`.

    Returns
    -------
    Array, or the structure of `v0` with such leaves
        The point of the minimum.

    Raises
    ------
    ConvergenceError
        With residual ‖∇f‖, steps and tolerance; the message says why it ended.
    TypeError
        For complex v.

    Notes
    -----
    Newton's method goes by trust regions (Moré and Sorensen, Computing a trust region step, 1983; with products,
    Steihaug, 1983). From a maximum or a saddle it goes down the most negative curvature, always the same way. Nocedal
    and Wright, Numerical optimization, 2nd edition, 2006, chapters 3, 4, 6 and 7.

    Examples
    --------
    Ridge regression, and the derivative of its solution in the weight of the ridge:

    >>> import pullback as pb
    >>> X, y = pb.asarray([[1.0], [2.0]]), pb.asarray([1.0, 3.0])
    >>> def fit(weight):
    ...     loss = lambda v: pb.xp.sum((X @ v - y) ** 2) + weight * pb.xp.sum(v**2)
    ...     return pb.implicit.argmin(loss, pb.asarray([0.0]))[0]
    >>> fit(2.0)  # 7 / (5 + weight)
    Array(1., dtype=float64, device='cpu')
    >>> round(pb.grad(fit)(2.0), 12)
    -0.142857142857
    """
    linear = _linear("argmin", linear_solver, adjoint_rtol, adjoint_maxiter, check)
    if linear.solver == "auto":
        linear = linear._replace(solver="auto-cg")
    method = method_name(method)
    if method not in MINIMISERS:
        raise ValueError(f"argmin: method={method!r}; there are {', '.join(map(repr, MINIMISERS))}")
    flat = Flat.of(v0, "argmin")
    f = bound(f)
    if is_complex(flat.start.dtype):
        raise TypeError(
            "argmin: v is complex; give its real and imaginary parts as a pair of arrays"
        )

    def objective(v: Any) -> Any:
        return f(flat.unravel(v), *p)

    def plan(v: Any) -> Plan:
        dense = linear.dense(v.shape[0]) or (linear.solver == "auto-cg" and v.shape[0] <= DENSE)
        tolerance = rtol if rtol is not None else _eps(v) ** (0.75 if method == "newton" else 0.45)
        settings = Settings(method, dense, tolerance, atol, maxiter, rtol is None)
        curvature = callees.curvature_matrix if dense else callees.curvature_products
        called = [callees.slopes(objective, v), curvature(objective, v)]
        return lambda called, v: minimum(called[0], called[1], v, settings), called

    def gradient(v: Any) -> Any:
        return grad(objective)(as_array(v))

    return _solution("argmin", gradient, flat, plan, linear, check)


# ── what the three share ──────────────────────────────────────────────────────────────────────


# How a solution is found: ``run(functions, v) -> v, info`` on raw vectors, and the functions that it calls.
Plan = tuple[Callable[[Any, Any], tuple[Any, Info]], list[Callee]]


def _solution(
    name: str, equation: Callable[[Any], Any], flat: Flat, plan: Callable[[Any], Plan], linear: Linear, check: bool
) -> Any:  # fmt: skip
    """The solution of equation(v) = 0 that a plan finds, as a differentiable function."""
    probe = equation(Array(flat.start))
    tapes = open_tapes(probe)
    xp = namespace_of(flat.start)
    start = xp.astype(flat.start, backend_array(probe).dtype)
    with hidden(tapes):
        run, called = plan(start)

        def solve(functions: Any, operands: Any) -> Any:
            v, info = run(functions, operands[0])
            if check and not info.converged:
                raise _not_converged(name, info)
            return v

        v = host_step(name, solve, called, (start, backend_array(probe)))

    def adjoint(ct: Cotangent, v: Any) -> Any:
        return transposed_solve(equation, v, ct, linear)

    return flat.unravel(implicit_solution(v, lambda v: -equation(v), adjoint, tapes))


def _not_converged(name: str, info: Info) -> ConvergenceError:
    why = f"{info.why}; " if info.why else ""
    return ConvergenceError(
        f"{name}: not converged after {info.steps} steps: the residual's norm is {info.residual:.3g}, asked for "
        f"was {info.tolerance:.3g}; {why}start nearer, raise maxiter or rtol, or try another method; check=False "
        "takes it as it is",
        residual=info.residual, steps=info.steps, tolerance=info.tolerance,
    )  # fmt: skip


def transposed_solve(equation: Callable[[Any], Any], v: Any, ct: Cotangent, linear: Linear) -> Any:
    """λ with (∂R/∂v)ᵀ λ = ct, differentiable."""
    v = as_array(v)
    n = v.shape[0]
    if linear.dense(n) or (linear.solver == "auto-cg" and n <= DENSE):
        E = functions.matrix_transpose(jacobian(equation)(v))
        # rows of one size: what the check then finds to be singular is no matter of units
        sizes = functions.stop_gradient(functions.max(functions.abs(E), axis=-1))
        weights = 1 / functions.where(sizes == 0, functions.ones_like(sizes), sizes)
        return solve(functions.expand_dims(weights, axis=-1) * E, weights * ct)
    rtol = linear.rtol if linear.rtol is not None else _eps(backend_array(v)) ** (2 / 3)
    by = cg if linear.solver in ("cg", "auto-cg") else functools.partial(gmres, restart=min(n, 50))
    transpose = LinearOperator(pullback_of(equation, v))  # w ↦ Eᴴ w
    out, _ = by(transpose, conj(ct), rtol=rtol, maxiter=linear.maxiter, check=linear.check)
    return conj(out)


def _linear(name: str, solver: str, rtol: float | None, maxiter: int | None, check: bool) -> Linear:
    if solver not in LINEAR_SOLVERS:
        raise ValueError(
            f"{name}: linear_solver={solver!r}; there are {', '.join(map(repr, LINEAR_SOLVERS))}"
        )
    return Linear(solver, rtol, maxiter, check)


def _eps(v: Any) -> float:
    return float(np.finfo(as_numpy(v.dtype)).eps)


def __dir__() -> list[str]:
    return sorted(__all__)
