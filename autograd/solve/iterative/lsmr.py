"""Least squares by products alone: `lsmr`, and the systems of its derivative.

For a tall A of full rank the solution of min ‖A x − b‖ satisfies R(x) = Aᴴ A x − Aᴴ b = 0, so the adjoint system is
(Aᴴ A) λ = c. Its matrix has the square of A's condition number; but c lies in the range of Aᴴ, and

    Aᴴ z = c  (of least norm, z = (Aᴴ)⁺ c),    A λ = z  (consistent),    λ = A⁺ (A⁺)ᴴ c,

two solves with the condition of A itself. For a wide A the solution of least norm is x = Aᴴ y with A Aᴴ y = b, which is
the same system of Aᴴ. Damping adds rows: min ‖A x − b‖² + d² ‖x‖² is min ‖[A; d] x − [b; 0]‖².
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from ...core.array import Array, backend_array
from ...core.dtypes import as_numpy
from ...core.namespaces import namespace_of
from ...core.tracer_like import host_step
from ...core.typing import Cotangent
from ...functions import namespace as functions
from ..adjoint import hidden, implicit_solution, open_tapes
from .differentiable import conj, inexact
from .iteration import Info, Run, conclude, every_of, iterate, refuse_nan, verified
from .linear_operator import LinearOperator, as_operator, flat_map
from .steps import Limits, excess, length, lsmr_start, lsmr_step

HINT = "a rank-deficient A has no derivative; damp= makes it regular"


def lsmr(
    A: Any,
    b: Any,
    x0: Any = None,
    *,
    damp: float = 0.0,
    atol: float = 1e-6,
    btol: float = 1e-6,
    maxiter: int | None = None,
    callback: Callable[[Any], Any] | None = None,
    check: bool = True,
    check_every: int | None = None,
    adjoint_rtol: float | None = None,
    adjoint_maxiter: int | None = None,
) -> tuple[Array, Info]:
    """Minimise ‖A x − b‖² + damp² ‖x‖² by products with A and Aᴴ.

    Parameters
    ----------
    A : array (m, n), sparse matrix, callable or LinearOperator
        Of full rank, for derivatives. A function needs x0, or ``LinearOperator(f, shape=(m, n))``; it is called again
        for the derivative: arrays that it closes over must not be changed between `pb.vjp` and its pull.
    b : array
        (m,), or what A maps to.
    x0 : array, optional
        Where to start; if A is wide, only its shape is used. Gets no gradient.
    damp : float
        Damping, a constant.
    atol, btol : float
        The iteration ends where ‖r‖ ≤ btol ‖b‖ + atol ‖A‖ ‖x‖ or ‖Aᴴ r‖ ≤ atol ‖A‖ ‖r‖.
    maxiter : int, optional
        Steps at most; 10 times the smaller of m and n if not given.
    callback, check, check_every
        As in `cg`.
    adjoint_rtol, adjoint_maxiter : optional
        Tolerance and steps of each of the two solves of the derivative; atol and maxiter if not given.

    Returns
    -------
    x : Array
        The solution; of least norm if A is wide and not damped.
    info : Info
        Its residual and tolerance are the better of the two above, as a multiple of what was asked for.

    Raises
    ------
    ConvergenceError
        If no tolerance is met, or b or A v holds NaN.
    ValueError
        If nothing says which shape x has.

    References
    ----------
    Fong and Saunders, LSMR: an iterative algorithm for sparse least-squares problems, 2011.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> A, b = np.asarray([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]), np.asarray([1.0, 3.0, 5.0])
    >>> x, info = pb.linalg.lsmr(A, b)
    >>> np.round(pb.to_numpy(x), 6), info.converged
    (array([1., 2.]), True)
    """
    b = inexact(b)
    if as_numpy(b.dtype) == "float16":
        raise TypeError(
            "lsmr: b is float16, in which its tolerances are no numbers; use float32: b.astype('float32')"
        )
    op = _with_shape(as_operator(A, "lsmr"), b, x0)
    domain = op.shape[1]
    if 0 in (*domain, *b.shape):  # no equation or no unknown: 0 is the shortest solution
        return _zeros(domain, b), Info(converged=True, steps=0, residual=0.0, tolerance=0.0)
    if damp:
        op, b = _damped(op, b, damp)
    probe = b - op(_zeros(domain, b))
    if probe.dtype != b.dtype:
        b = functions.astype(b, probe.dtype)
    smaller = min(math.prod(b.shape), math.prod(domain))
    maxiter = max(1, 10 * smaller) if maxiter is None else maxiter
    rtol = atol if adjoint_rtol is None else adjoint_rtol
    gram_settings: dict[str, Any] = {
        "rtol": rtol,
        "maxiter": maxiter if adjoint_maxiter is None else adjoint_maxiter,
        "check": check,
        "check_every": check_every,
    }
    run = Run(maxiter, every_of(backend_array(b), check_every, "lsmr"), callback)
    tapes = open_tapes(probe)
    wide = math.prod(domain) > math.prod(b.shape)
    with hidden(tapes):
        start = None if x0 is None or wide else backend_array(x0)
        v, info = _minimise(op, backend_array(b), start, probe, atol, btol, run, check, "lsmr")
    if wide:
        return (op.H(gram(op.H, b, start=v, **gram_settings)) if tapes else Array(v)), info

    def adjoint(ct: Cotangent, _: Any) -> Any:
        return conj(gram(op, conj(ct), **gram_settings))

    return implicit_solution(v, lambda v: op.H(b - op(v)), adjoint, tapes), info


def gram(
    op: LinearOperator,
    c: Any,
    *,
    rtol: float,
    maxiter: int,
    check: bool,
    check_every: int | None,
    start: Any = None,
) -> Any:
    """μ with Aᴴ A μ = c for a tall A, differentiable; `start` is the z of least norm with Aᴴ z = c, if known."""
    c = inexact(c)
    probe = c - op.H(op(Array(namespace_of(backend_array(c)).zeros_like(backend_array(c)))))
    tapes = open_tapes(probe)
    with hidden(tapes):
        run = Run(maxiter, every_of(backend_array(c), check_every, "lsmr"))
        z = start
        if z is None:
            z, _ = _minimise(
                op.H, backend_array(c), None, probe, rtol, rtol, run, check, "lsmr, adjoint solve"
            )
        mu, _ = _minimise(op, z, None, probe, rtol, rtol, run, check, "lsmr, adjoint solve")
    solve_gram = functools.partial(
        gram, rtol=rtol, maxiter=maxiter, check=check, check_every=check_every
    )
    return implicit_solution(
        mu, lambda mu: c - op.H(op(mu)), lambda ct, _: conj(solve_gram(op, conj(ct))), tapes
    )


def _minimise(
    op: LinearOperator, b: Any, x0: Any, probe: Any, atol: float, btol: float, run: Run, check: bool, name: str
) -> tuple[Any, Info]:  # fmt: skip
    """The iteration as one step; `probe` depends on all that `op` does."""
    xp = namespace_of(b)
    domain, into = op.shape[1], tuple(b.shape)
    zeros = backend_array(_zeros((math.prod(domain),), Array(b)))
    maps = [
        flat_map(op, domain, zeros, wrap=True),
        flat_map(op.H, into, xp.reshape(b, (-1,)), wrap=True),
    ]
    solve = functools.partial(_raw_minimise, domain, atol, btol, run, check, name)
    return host_step("lsmr", solve, maps, (b, x0, zeros, backend_array(probe)))


def _raw_minimise(
    domain: tuple[int, ...], atol: float, btol: float, run: Run, check: bool, name: str, maps: Any, operands: Any
) -> tuple[Any, Info]:  # fmt: skip
    """The iteration on flat vectors, for b scaled to size 1, by the maps A and Aᴴ."""
    (A, AH), (b, x0, x, _) = maps, operands
    xp = namespace_of(b)
    flat_b = xp.reshape(b, (-1,))
    largest = xp.max(xp.abs(flat_b))
    zero = largest == 0
    # NaN and infinity stay as they are: the first look at the residual finds them
    usable = ~zero & xp.isfinite(largest)
    scale = xp.where(usable, largest, xp.ones_like(largest))
    flat_b = flat_b / scale
    maxiter = run.maxiter
    r = flat_b
    if x0 is not None:
        x0 = xp.reshape(xp.astype(x0, b.dtype), (-1,))
        x = xp.where(zero, x, x0 / scale)
        r = flat_b - A(x)
    limits = Limits(atol, btol, length(xp, flat_b))
    step = functools.partial(lsmr_step, xp, A, AH, limits)
    callback = run.callback
    if callback is not None:
        run = run._replace(callback=lambda x: callback(xp.reshape(x * scale, domain)))
    start = functools.partial(lsmr_start, xp, A, AH)

    def method(
        x: Any, r: Any, tolerance: Any, run: Run
    ) -> tuple[Any, int, float, float, bool, Any]:
        state, made, carried, limit = iterate(xp, step, start(x, r, limits), tolerance, run)
        return state.x, made, carried, limit, made >= run.maxiter, state

    def size(r: Any, state: Any) -> Any:
        return excess(xp, limits, state, length(xp, r), length(xp, AH(r)))

    one = xp.ones_like(limits.norm_b)
    x, end = verified(xp, method, size, A, flat_b, x, r, one, run)
    if end.steps == 0 and not math.isfinite(end.residual) and check:
        refuse_nan(xp, b, r, "lsmr")
    info = Info(
        converged=end.converged, steps=end.steps, residual=end.residual, tolerance=end.tolerance, why=end.said(1.0)
    )  # fmt: skip
    conclude(name, info, maxiter, check, HINT)
    return xp.reshape(x * scale, domain), info


def _with_shape(op: LinearOperator, b: Array, x0: Any) -> LinearOperator:
    """The operator with the shapes that it maps to and from.

    Raises
    ------
    ValueError
        If nothing says them, or they do not fit b.
    """
    if x0 is not None:
        domain = tuple(backend_array(x0).shape)
    elif op.shape is None:
        raise ValueError(
            "lsmr: the shape of x is not known; give x0, or pb.linalg.LinearOperator(f, shape=(m, n))"
        )
    else:
        rows = op.shape[0]
        domain = (op.domain or ()) + (tuple(b.shape[1:]) if isinstance(rows, int) else ())
        if isinstance(rows, int) and tuple(b.shape[:1]) != (rows,):
            raise ValueError(
                f"lsmr: A has shape {tuple(op.shape)}, b {tuple(b.shape)}; (m, n) and (m,) are wanted"
            )
    return LinearOperator(
        op.matvec, op.rmatvec, (tuple(b.shape), domain), op.derived_from, op.stored
    )


def _damped(op: LinearOperator, b: Array, damp: float) -> tuple[LinearOperator, Array]:
    """[A; damp] and [b; 0], flat."""
    into, domain = op.shape
    m, H = math.prod(into), op.H

    def matvec(v: Any) -> Any:
        return functions.concat(
            [functions.reshape(op(v), (-1,)), damp * functions.reshape(v, (-1,))]
        )

    def rmatvec(w: Any) -> Any:
        return H(functions.reshape(w[:m], into)) + damp * functions.reshape(w[m:], domain)

    rest = _zeros((math.prod(domain),), b)
    b = functions.concat([functions.reshape(b, (-1,)), rest])
    return LinearOperator(matvec, rmatvec, (tuple(b.shape), domain)), b


def _zeros(shape: tuple[int, ...], like: Array) -> Array:
    return Array(namespace_of(backend_array(like)).zeros_on_device_of(shape, backend_array(like)))
