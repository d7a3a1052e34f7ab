"""No iterative solver says "converged" before it has looked at the true residual."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

import pullback as pb

linalg, xp = pb.linalg, pb.xp
SOLVERS = ["cg", "minres", "gmres", "bicgstab"]


def hilbert(n, dtype):
    A = scipy.linalg.hilbert(n).astype(dtype)
    return A + 1j * 1e-3 * (np.triu(A, 1) - np.tril(A, -1)) if np.dtype(dtype).kind == "c" else A


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


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
@pytest.mark.parametrize("shape", [(12, 12), (14, 8), (8, 14)])
def test_lsmr_looks_at_the_normal_equations(shape, dtype):
    A = hilbert(14, dtype)[: shape[0], : shape[1]]
    b = np.cos(np.arange(shape[0])).astype(dtype)
    tol = 1e-8 if dtype != "float32" else 1e-5
    x, info = linalg.lsmr(A, b, atol=tol, btol=tol, maxiter=3000, check=False)
    r = b - A @ pb.to_numpy(x)
    size = np.linalg.norm(A) * 60  # what lsmr knows of ‖A‖ grows with its steps
    good = np.linalg.norm(r) <= tol * (np.linalg.norm(b) + size * np.linalg.norm(x))
    good |= np.linalg.norm(A.conj().T @ r) <= tol * size * np.linalg.norm(r)
    assert good or not info.converged


def test_lsmr_s_bounds_of_zero_are_never_met_by_anything():
    A, b = np.diag([1.0, 2.0]), np.ones(2)
    for how in ({"btol": 0.0}, {"atol": 0.0}):
        x, info = linalg.lsmr(A, b, **how)
        np.testing.assert_allclose(x, [1, 0.5], rtol=1e-5)
        assert info.converged


BREAKDOWNS = [
    (np.diag([1.0, 0.0, 2.0]), np.ones(3)),
    (np.zeros((4, 4)), np.ones(4)),
    (np.ones((3, 3)), np.asarray([1.0, 2.0, 3.0])),
    (np.eye(5, k=1), np.ones(5)),
]


@pytest.mark.parametrize("case", range(len(BREAKDOWNS)))
def test_gmres_says_that_it_broke_down(case, lib):
    A, b = (lib.asarray(x) for x in BREAKDOWNS[case])
    with pytest.raises(linalg.ConvergenceError, match="broke down: no further step") as found:
        linalg.gmres(A, b, maxiter=2000)
    assert found.value.steps < 20
    assert "used up" not in str(found.value)


@pytest.mark.parametrize("solver", SOLVERS)
def test_used_up_is_said_where_it_is(solver):
    A = np.diag(np.arange(1.0, 41.0)) + (0 if solver in ("cg", "minres") else np.eye(40, k=1))
    how = {"restart": 2} if solver == "gmres" else {}
    with pytest.raises(linalg.ConvergenceError, match="maxiter=2 is used up"):
        getattr(linalg, solver)(A, np.ones(40), maxiter=2, rtol=1e-12, **how)
