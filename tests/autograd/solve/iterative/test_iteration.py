"""No iterative solver says "converged" before it has looked at the true residual."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

import pullback as pb

from ._iteration import hilbert

linalg, xp = pb.linalg, pb.xp
SOLVERS = ["cg", "minres", "gmres", "bicgstab"]


@pytest.mark.parametrize("rtol", [1e-3, 1e-6, 1e-10, 1e-14])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("n", [5, 8, 12])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # what diverges overflows
def test_converged_is_said_of_the_true_residual(solver, n, dtype, rtol):
    A, b = hilbert(n, dtype), np.ones(n, dtype)
    x, info = getattr(linalg, solver)(A, b, rtol=rtol, maxiter=500, check=False)
    true = float(np.linalg.norm(b - A @ pb.to_numpy(x)))
    if info.converged:
        assert (
            true
            <= 1.001 * rtol * np.linalg.norm(b)
            + 4 * n * np.finfo(dtype).eps * np.linalg.norm(x) * 2
        )
    if np.isfinite(info.residual):
        np.testing.assert_allclose(info.residual, true, rtol=0.5, atol=1e-4 * np.linalg.norm(b))
    if not info.converged:
        with pytest.raises(linalg.ConvergenceError):
            getattr(linalg, solver)(A, b, rtol=rtol, maxiter=500)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_error_says_both_residuals():
    A, b = scipy.linalg.hilbert(12), np.ones(12)
    with pytest.raises(
        linalg.ConvergenceError, match=r"the recurrence says .* but of b - A x itself it is"
    ) as found:
        linalg.minres(A, b, rtol=1e-10, maxiter=5000)
    assert found.value.residual > 1e3 * found.value.tolerance


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_of_the_adjoint_solve_too():
    """b = A · 1 is easy to solve for; the adjoint's right-hand side is not."""
    A = scipy.linalg.hilbert(12)
    loss = lambda b: xp.sum(
        linalg.minres(A, b, rtol=1e-4, adjoint_rtol=1e-10, adjoint_maxiter=5000)[0]
    )
    loss(A @ np.ones(12))
    with pytest.raises(linalg.ConvergenceError, match="minres"):
        pb.grad(loss)(A @ np.ones(12))


def test_a_second_start_reaches_what_the_first_one_lost():
    """The recurrence of cg drifts by some digits: from where it ends it goes on."""
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(rng.normal(size=(60, 60)))[0]
    A = (Q * np.logspace(0, 9, 60)) @ Q.T
    A, b = (A + A.T) / 2, rng.normal(size=60)
    x, info = linalg.minres(A, b, rtol=1e-6, maxiter=20000)
    assert np.linalg.norm(b - A @ pb.to_numpy(x)) <= 1e-6 * np.linalg.norm(b) * 1.001
    assert info.converged


@pytest.mark.parametrize("solver", SOLVERS)
def test_used_up_is_said_where_it_is(solver):
    A = np.diag(np.arange(1.0, 41.0)) + (0 if solver in ("cg", "minres") else np.eye(40, k=1))
    how = {"restart": 2} if solver == "gmres" else {}
    with pytest.raises(linalg.ConvergenceError, match="maxiter=2 is used up"):
        getattr(linalg, solver)(A, np.ones(40), maxiter=2, rtol=1e-12, **how)


def test_minres_reports_the_true_residual():
    A, b = np.diag([1.0, 2.0, 0.0]), np.asarray([1.0, 2.0, 3.0])
    x, info = pb.linalg.minres(A, b, check=False)
    assert not info.converged
    np.testing.assert_allclose(info.residual, np.linalg.norm(b - A @ pb.to_numpy(x)), rtol=1e-9)
