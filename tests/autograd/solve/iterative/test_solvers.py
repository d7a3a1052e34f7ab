"""Krylov solvers against dense solves and SciPy's; preconditioners; what fails says so."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

import pullback as pb
from pullback.autograd.solve.errors import ConvergenceError

from ._krylov import KINDS, OPERATORS, SOLVERS, TIGHT, N, matrix, preconditioner, random

xp, linalg = pb.xp, pb.linalg


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", OPERATORS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_solution(solver, form, kind):
    A = matrix(solver, KINDS[kind])
    b = random(N, dtype=A.dtype, seed=1)
    rtol = 1e-5 if kind == "float32" else 1e-11
    x, info = getattr(linalg, solver)(OPERATORS[form](A), b, rtol=rtol)
    assert x.dtype == A.dtype
    assert info == 0
    assert info.converged
    assert 0 < info.steps <= 3 * N
    assert info.residual <= info.tolerance == pytest.approx(rtol * np.linalg.norm(b), rel=1e-3)
    np.testing.assert_allclose(x, np.linalg.solve(A, b), rtol=30 * rtol, atol=30 * rtol)


@pytest.mark.parametrize("solver", SOLVERS)
def test_as_scipys(solver):
    A, b, x0 = matrix(solver, np.float64), random(N, seed=1), random(N, seed=2)
    theirs, code = getattr(scipy.sparse.linalg, solver)(A, b, x0, rtol=1e-10, maxiter=100)
    ours, info = getattr(linalg, solver)(A, b, x0, rtol=1e-10, maxiter=100)
    assert info == code == 0
    np.testing.assert_allclose(ours, theirs, rtol=1e-8)


@pytest.mark.parametrize("solver", SOLVERS)
def test_on_other_devices(solver, lib):
    """Nothing goes to the host but the checks; and the steps between them do no harm after convergence."""
    A, b = matrix(solver, np.float64), random(N, seed=1)
    M = preconditioner(solver, A)
    on = {k: lib.asarray(v) for k, v in {"A": A, "b": b, "M": M}.items()}
    for every in (None, 1, 7):
        x, info = getattr(linalg, solver)(
            on["A"], on["b"], M=on["M"], rtol=1e-10, check_every=every
        )
        assert info.steps <= 2 * N
        np.testing.assert_allclose(pb.to_numpy(x), np.linalg.solve(A, b), rtol=1e-8)
        g = pb.grad(
            lambda A, b, s=solver, e=every: xp.sum(
                getattr(linalg, s)(lambda v: A @ v, b, M=on["M"], rtol=1e-10, check_every=e)[0] ** 2
            ),
            argnums=(0, 1),
        )(on["A"], on["b"])
        assert all(lib.is_raw(d) for d in g)
        x = np.linalg.solve(A, b)
        lam = np.linalg.solve(A.T, 2 * x)
        np.testing.assert_allclose(lib.to_numpy(g[1]), lam, rtol=1e-7)
        np.testing.assert_allclose(lib.to_numpy(g[0]), -np.outer(lam, x), rtol=1e-7, atol=1e-9)


def test_looks_are_rare(monkeypatch):
    """Between two checks nothing is read: 40 steps with a look each 16 read six times, start and end included.

    The end are the true residual and the size that the system was divided by.
    """
    from pullback.autograd.solve.iterative import differentiable as krylov_solution
    from pullback.autograd.solve.iterative import iteration as krylov_run

    looks = []
    real = krylov_run.numbers

    def counted(space, *scalars):
        looks.append(len(scalars))
        return real(space, *scalars)

    monkeypatch.setattr(krylov_run, "numbers", counted)
    monkeypatch.setattr(krylov_solution, "numbers", counted)
    d = np.linspace(1, 40, 40)
    _, info = linalg.cg(lambda v: d * v, np.ones(40), rtol=1e-10, check_every=16)
    assert 33 <= info.steps <= 48
    assert len(looks) == 6


def test_any_shape_of_b():
    k = np.linspace(1, 2, 12).reshape(3, 4)
    b = random(3, 4)
    for solver in SOLVERS:
        x, _ = getattr(linalg, solver)(lambda v: k * v, b, **TIGHT)
        np.testing.assert_allclose(x, b / k, rtol=1e-10)
    A, B = matrix("gmres", np.float64), random(N, 3)
    np.testing.assert_allclose(linalg.gmres(A, B, **TIGHT)[0], np.linalg.solve(A, B), rtol=1e-9)
    x, info = linalg.cg(np.ones((0, 0)), np.ones(0))
    assert (x.shape, info) == ((0,), 0)


def test_real_b_with_complex_A():
    A, b = matrix("gmres", np.complex128), random(N)
    pb.check_grads(lambda b: linalg.gmres(A, b, **TIGHT)[0], (b,), order=2)
    np.testing.assert_allclose(linalg.gmres(A, b, **TIGHT)[0], np.linalg.solve(A, b), rtol=1e-9)


def test_starts_and_zeros():
    A, b = matrix("cg", np.float64), random(N)
    exact = np.linalg.solve(A, b)
    for solver in SOLVERS:
        f = getattr(linalg, solver)
        assert f(A, b, exact, rtol=1e-8)[1].steps == 0
        x, info = f(A, np.zeros(N), exact)
        assert (info.steps, info) == (0, 0)
        np.testing.assert_array_equal(x, np.zeros(N))
        g = pb.grad(lambda x0, f=f: xp.sum(f(A, b, x0, **TIGHT)[0]))(np.ones(N))
        np.testing.assert_array_equal(g, np.zeros(N))
        seen = []
        f(A, b, rtol=1e-10, callback=seen.append)
        np.testing.assert_allclose(seen[-1], exact, rtol=1e-6)


# ── preconditioners ───────────────────────────────────────────────────────────────────────────


# ── failures ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("solver", SOLVERS)
def test_failures_are_loud(solver):
    A, b = matrix(solver, np.float64), random(N)
    f = getattr(linalg, solver)
    few = {"maxiter": 2} if solver != "gmres" else {"maxiter": 1, "restart": 2}
    with pytest.raises(
        linalg.ConvergenceError, match=f"{solver}: not converged after 2 steps"
    ) as e:
        f(A, b, rtol=1e-12, **few)
    assert e.value.steps == 2
    assert e.value.tolerance == pytest.approx(1e-12 * np.linalg.norm(b))
    x, info = f(A, b, rtol=1e-12, check=False, **few)
    assert (info, info.converged) == (2, False)
    assert "not converged after 2" in repr(info)
    assert info.residual == pytest.approx(e.value.residual)
    assert info.residual == pytest.approx(np.linalg.norm(A @ np.asarray(x) - b), rel=1e-6)
    for bad in (np.nan, np.inf):
        with pytest.raises(linalg.ConvergenceError, match="b holds NaN or infinity"):
            f(A, np.where(np.arange(N) == 2, bad, b))
        message = r"A v .* holds NaN or infinity"
        with pytest.raises(linalg.ConvergenceError, match=message), np.errstate(invalid="ignore"):
            f(np.where(np.eye(N) == 1, bad, A), b)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: linalg.cg(np.ones((3, 2)), np.ones(3)), ValueError, r"A has shape \(3, 2\)"),
        (lambda: linalg.cg(np.ones(3), np.ones(3)), ValueError, "a matrix"),
        (lambda: linalg.cg(np.eye(3), np.ones(2)), ValueError, r"b \(2,\)"),
        (lambda: linalg.cg(np.eye(3), np.ones(3), np.ones(2)), ValueError, "x0 has shape"),
        (lambda: linalg.cg(3, np.ones(3)), TypeError, "A is a int"),
        (lambda: linalg.cg(lambda v: v[:2], np.ones(3)), ValueError, "A v has shape|broadcast"),
        (lambda: linalg.gmres(np.eye(3), np.ones(3), restart=0), ValueError, "restart=0"),
        (lambda: linalg.cg(np.eye(3), np.ones(3), check_every=0), ValueError, "check_every=0"),
        (lambda: linalg.ilu(object()), TypeError, "incomplete factors"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("A", "b"),
    [
        (np.zeros((3, 3)), np.ones(3)),
        (np.diag([1.0, 0.0]), np.ones(2)),
        (np.diag([1.0, 2.0, 0.0]), np.asarray([1.0, 2.0, 3.0])),
    ],
)
def test_minres_says_that_a_singular_system_has_no_solution(A, b):
    with pytest.raises(ConvergenceError):
        pb.linalg.minres(A, b)
    assert not pb.linalg.minres(A, b, check=False)[1].converged


def test_minres_solves_singular_systems_that_have_a_solution():
    x, info = pb.linalg.minres(np.diag([1.0, 0.0, -2.0]), np.asarray([1.0, 0.0, 4.0]))
    assert info.converged
    np.testing.assert_allclose(pb.to_numpy(x), [1.0, 0.0, -2.0], atol=1e-12)
