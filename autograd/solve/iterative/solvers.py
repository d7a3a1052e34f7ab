"""Krylov methods: linear systems whose matrix is known by its products alone.

Each is called as SciPy's, is right for any shape of b, and is differentiable to any order in b and in all that A
depends on: if A is a function, also in what it closes over. The derivative is one more solve, of the adjoint system
Aᴴ λ = c, with the adjoint Mᴴ of the preconditioner (see `adjoint.py`); M itself and the start x0 change the way and
not the solution, and get no gradient.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ...core.array import Array
from .differentiable import by_conjugate_gradients, by_cycles, by_steps, solution
from .iteration import Info, Iteration
from .steps import bicgstab_start, bicgstab_step, minres_start, minres_step


def cg(
    A: Any,
    b: Any,
    x0: Any = None,
    *,
    rtol: float = 1e-5,
    atol: float = 0.0,
    maxiter: int | None = None,
    M: Any = None,
    callback: Callable[[Any], Any] | None = None,
    check: bool = True,
    check_every: int | None = None,
    adjoint_rtol: float | None = None,
    adjoint_maxiter: int | None = None,
    adjoint_x0: Any = None,
) -> tuple[Array, Info]:
    """Solve A x = b by conjugate gradients, for a Hermitian positive definite A.

    Parameters
    ----------
    A : array (n, n), sparse matrix, callable or LinearOperator
        A function ``A(v) -> A v`` maps arrays of b's shape to such; it is called with `pb.Array`, again in the adjoint
        solve: arrays that it closes over must not be changed between `pb.vjp` and its pull. (Matrices are copied.)
    b : array
        Of any shape; (n,) for matrices.
    x0 : array, optional
        Where to start; zeros if not given. Gets no gradient.
    rtol, atol : float
        The iteration ends where ‖b − A x‖ ≤ max(rtol ‖b‖, atol).
    maxiter : int, optional
        Steps at most; 10 times the size of b if not given. (`gmres`: cycles of `restart` steps.)
    M : array, sparse matrix, callable or LinearOperator, optional
        An approximate inverse of A, Hermitian and positive definite for `cg` and `minres`. A function gets raw arrays.
        For the adjoint, its adjoint is derived by `vjp` unless a LinearOperator brings it. Gets no gradient. What a
        function closes over must not be changed before the pull, as for A.
    callback : callable, optional
        ``callback(x)`` after each step (`gmres`: each cycle), with a raw array.
    check : bool
        Raise if the tolerance is not met, here and in the adjoint solve.
    check_every : int, optional
        Steps between two looks at the residual, each of which waits for the device; 1 on NumPy, else 16.
    adjoint_rtol, adjoint_maxiter, adjoint_x0 : optional
        Those of the adjoint solve Aᴴ λ = c, for the c that the loss gives x; the first two as `rtol` and `maxiter`
        if not given.

    Returns
    -------
    x : Array
        The solution.
    info : Info
        Equal to 0 if converged; has `converged`, `steps`, `residual` and `tolerance`.

    Raises
    ------
    ConvergenceError
        If the tolerance is not met (with residual, steps, tolerance), or b or A v holds NaN.
    TypeError, ValueError
        If A is not a linear operator, or the shapes do not match.

    Notes
    -----
    The pullback is one more solve by this method: Aᵀ λ = ct gives b_bar = λ and A_bar = −λ xᵀ, at the elements that a
    sparse A has. What a function A uses gets its share by the pullback of A at −λ.

    References
    ----------
    Hestenes and Stiefel, Methods of conjugate gradients for solving linear systems, 1952.
    Saad, Iterative methods for sparse linear systems, 2003, chapter 6.

    Examples
    --------
    The gradient with respect to a number that the operator closes over:

    >>> import pullback as pb
    >>> b = pb.asarray([1.0, 2.0, 3.0])
    >>> def energy(k):
    ...     x, info = pb.linalg.cg(lambda v: k * v, b)
    ...     return pb.xp.sum(x * b)
    >>> pb.value_and_grad(energy)(2.0)
    (7.0, -3.5)
    """
    settings = Iteration(
        rtol, atol, maxiter, M, callback, check, check_every, adjoint_rtol, adjoint_maxiter, adjoint_x0
    )  # fmt: skip
    return solution("cg", cg, by_conjugate_gradients, A, b, x0, settings, hermitian=True)


def minres(
    A: Any,
    b: Any,
    x0: Any = None,
    *,
    rtol: float = 1e-5,
    atol: float = 0.0,
    maxiter: int | None = None,
    M: Any = None,
    callback: Callable[[Any], Any] | None = None,
    check: bool = True,
    check_every: int | None = None,
    adjoint_rtol: float | None = None,
    adjoint_maxiter: int | None = None,
    adjoint_x0: Any = None,
) -> tuple[Array, Info]:
    """Solve A x = b for a Hermitian A, which may be indefinite, by minimal residuals.

    Parameters
    ----------
    A : array (n, n), sparse matrix, callable or LinearOperator
        Hermitian. A function ``A(v) -> A v`` maps arrays of b's shape to such; it is called again in the adjoint
        solve: arrays that it closes over must not be changed between `pb.vjp` and its pull. (Matrices are copied.)
    b : array
        Of any shape; (n,) for matrices.
    x0 : array, optional
        Where to start; zeros if not given. Gets no gradient.
    rtol, atol : float
        The iteration ends where ‖b − A x‖ ≤ max(rtol ‖b‖, atol).
    maxiter : int, optional
        Steps at most; 10 times the size of b if not given.
    M : array, sparse matrix, callable or LinearOperator, optional
        An approximate inverse of A, Hermitian and positive definite. A function gets raw arrays; its adjoint is
        derived by `vjp` unless a LinearOperator brings it. Gets no gradient.
    callback : callable, optional
        ``callback(x)`` after each step, with a raw array.
    check : bool
        Raise if the tolerance is not met, here and in the adjoint solve.
    check_every : int, optional
        Steps between two looks at the residual, each of which waits for the device; 1 on NumPy, else 16.
    adjoint_rtol, adjoint_maxiter, adjoint_x0 : optional
        Those of the adjoint solve; the first two as `rtol` and `maxiter` if not given.

    Returns
    -------
    x : Array
        The solution.
    info : Info
        Equal to 0 if converged; has `converged`, `steps`, `residual` and `tolerance`.

    Raises
    ------
    ConvergenceError
        If the tolerance is not met (with residual, steps, tolerance), or b or A v holds NaN.
    TypeError, ValueError
        If A is not a linear operator, or the shapes do not match.

    Notes
    -----
    The pullback is one more solve by this method, with the transposed matrix: Aᵀ λ = ct gives b_bar = λ and
    A_bar = −λ xᵀ, at the elements that a sparse A has. What a function A uses gets its share by the pullback of A
    at −λ.

    References
    ----------
    Paige and Saunders, Solution of sparse indefinite systems of linear equations, 1975.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> x, info = pb.linalg.minres(pb.asarray([[0.0, 1.0], [1.0, 0.0]]), pb.asarray([1.0, 2.0]))
    >>> np.round(pb.to_numpy(x), 12)
    array([2., 1.])
    """
    settings = Iteration(
        rtol, atol, maxiter, M, callback, check, check_every, adjoint_rtol, adjoint_maxiter, adjoint_x0
    )  # fmt: skip
    return solution(
        "minres", minres, by_steps(minres_start, minres_step), A, b, x0, settings, hermitian=True
    )


def bicgstab(
    A: Any,
    b: Any,
    x0: Any = None,
    *,
    rtol: float = 1e-5,
    atol: float = 0.0,
    maxiter: int | None = None,
    M: Any = None,
    callback: Callable[[Any], Any] | None = None,
    check: bool = True,
    check_every: int | None = None,
    adjoint_rtol: float | None = None,
    adjoint_maxiter: int | None = None,
    adjoint_x0: Any = None,
) -> tuple[Array, Info]:
    """Solve A x = b for any regular A by stabilised biconjugate gradients: short recurrences, little memory.

    Parameters
    ----------
    A : array (n, n), sparse matrix, callable or LinearOperator
        Regular. A function ``A(v) -> A v`` maps arrays of b's shape to such; it is called again in the adjoint
        solve: arrays that it closes over must not be changed between `pb.vjp` and its pull. (Matrices are copied.)
    b : array
        Of any shape; (n,) for matrices.
    x0 : array, optional
        Where to start; zeros if not given. Gets no gradient.
    rtol, atol : float
        The iteration ends where ‖b − A x‖ ≤ max(rtol ‖b‖, atol).
    maxiter : int, optional
        Steps at most; 10 times the size of b if not given.
    M : array, sparse matrix, callable or LinearOperator, optional
        An approximate inverse of A. A function gets raw arrays; its adjoint is derived by `vjp`
        unless a LinearOperator brings it. Gets no gradient.
    callback : callable, optional
        ``callback(x)`` after each step, with a raw array.
    check : bool
        Raise if the tolerance is not met, here and in the adjoint solve.
    check_every : int, optional
        Steps between two looks at the residual, each of which waits for the device; 1 on NumPy, else 16.
    adjoint_rtol, adjoint_maxiter, adjoint_x0 : optional
        Those of the adjoint solve; the first two as `rtol` and `maxiter` if not given.

    Returns
    -------
    x : Array
        The solution.
    info : Info
        Equal to 0 if converged; has `converged`, `steps`, `residual` and `tolerance`.

    Raises
    ------
    ConvergenceError
        If the tolerance is not met (with residual, steps, tolerance), or b or A v holds NaN.
    TypeError, ValueError
        If A is not a linear operator, or the shapes do not match.

    Notes
    -----
    Where the method breaks down it starts again from where it is. Preconditioned from the right, so that the
    residual is the system's own.

    The pullback is one more solve by this method, with the transposed matrix: Aᵀ λ = ct gives b_bar = λ and
    A_bar = −λ xᵀ, at the elements that a sparse A has. What a function A uses gets its share by the pullback of A
    at −λ.

    References
    ----------
    Van der Vorst, Bi-CGSTAB: a fast and smoothly converging variant of Bi-CG, 1992.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> x, info = pb.linalg.bicgstab(pb.asarray([[2.0, 1.0], [0.0, 1.0]]), pb.asarray([3.0, 1.0]))
    >>> np.round(pb.to_numpy(x), 12)
    array([1., 1.])
    """
    settings = Iteration(
        rtol, atol, maxiter, M, callback, check, check_every, adjoint_rtol, adjoint_maxiter, adjoint_x0
    )  # fmt: skip
    return solution(
        "bicgstab",
        bicgstab,
        by_steps(bicgstab_start, bicgstab_step),
        A,
        b,
        x0,
        settings,
        hermitian=False,
    )


def gmres(
    A: Any,
    b: Any,
    x0: Any = None,
    *,
    rtol: float = 1e-5,
    atol: float = 0.0,
    restart: int = 20,
    maxiter: int | None = None,
    M: Any = None,
    callback: Callable[[Any], Any] | None = None,
    check: bool = True,
    check_every: int | None = None,
    adjoint_rtol: float | None = None,
    adjoint_maxiter: int | None = None,
    adjoint_x0: Any = None,
) -> tuple[Array, Info]:
    """Solve A x = b for any regular A by generalised minimal residuals.

    Parameters
    ----------
    A : array (n, n), sparse matrix, callable or LinearOperator
        Regular. A function ``A(v) -> A v`` maps arrays of b's shape to such; it is called again in the adjoint
        solve: arrays that it closes over must not be changed between `pb.vjp` and its pull. (Matrices are copied.)
    b : array
        Of any shape; (n,) for matrices.
    x0 : array, optional
        Where to start; zeros if not given. Gets no gradient.
    rtol, atol : float
        The iteration ends where ‖b − A x‖ ≤ max(rtol ‖b‖, atol).
    restart : int
        Vectors kept, b's size each; the method starts again after so many steps.
    maxiter : int, optional
        Cycles of `restart` steps at most, as SciPy counts them; 10 times the size of b if not given.
    M : array, sparse matrix, callable or LinearOperator, optional
        An approximate inverse of A. A function gets raw arrays; its adjoint is derived by `vjp`
        unless a LinearOperator brings it. Gets no gradient.
    callback : callable, optional
        ``callback(x)`` after each cycle, with a raw array.
    check : bool
        Raise if the tolerance is not met, here and in the adjoint solve.
    check_every : int, optional
        Steps between two looks at the residual, each of which waits for the device; 1 on NumPy, else 16.
    adjoint_rtol, adjoint_maxiter, adjoint_x0 : optional
        Those of the adjoint solve; the first two as `rtol` and `maxiter` if not given.

    Returns
    -------
    x : Array
        The solution.
    info : Info
        Equal to 0 if converged; has `converged`, `steps`, `residual` and `tolerance`.

    Raises
    ------
    ConvergenceError
        If the tolerance is not met (with residual, steps, tolerance), or b or A v holds NaN.
    TypeError, ValueError
        If A is not a linear operator, or the shapes do not match.

    Notes
    -----
    Preconditioned from the right, so that the residual is the system's own.

    The pullback is one more solve by this method, with the transposed matrix: Aᵀ λ = ct gives b_bar = λ and
    A_bar = −λ xᵀ, at the elements that a sparse A has. What a function A uses gets its share by the pullback of A
    at −λ.

    References
    ----------
    Saad and Schultz, GMRES: a generalized minimal residual algorithm for solving nonsymmetric linear systems, 1986.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> x, info = pb.linalg.gmres(pb.asarray([[2.0, 1.0], [0.0, 1.0]]), pb.asarray([3.0, 1.0]))
    >>> np.round(pb.to_numpy(x), 12), info.steps
    (array([1., 1.]), 2)
    """
    if restart != int(restart) or restart < 1:
        raise ValueError(f"gmres: restart={restart!r}; a positive integer is wanted")
    settings = Iteration(
        rtol, atol, maxiter, M, callback, check, check_every, adjoint_rtol, adjoint_maxiter, adjoint_x0
    )  # fmt: skip
    run = functools.partial(by_cycles, restart)
    return solution(
        "gmres", functools.partial(gmres, restart=restart), run, A, b, x0, settings, hermitian=False
    )
