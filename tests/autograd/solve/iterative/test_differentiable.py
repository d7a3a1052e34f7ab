"""Gradients of the Krylov solvers against central differences, at first and second order, and against lineax."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._krylov import KINDS, PRECONDITIONERS, SOLVERS, TIGHT, N, kept, matrix, preconditioner, random

xp, linalg = pb.xp, pb.linalg


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("form", PRECONDITIONERS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_gradients_of_arrays(solver, form, kind):
    A = matrix(solver, KINDS[kind])
    b, M = random(N, dtype=A.dtype, seed=1), preconditioner(solver, A)

    def f(A, b):
        return getattr(linalg, solver)(kept(solver, A), b, M=PRECONDITIONERS[form](M), **TIGHT)[0]

    np.testing.assert_allclose(f(A, b), np.linalg.solve(A, b), rtol=1e-8)
    pb.check_grads(f, (A, b), order=2)


class Elements:
    """A sparse matrix whose elements are traced, by the least that is asked of one: `@`, `T` and `shape`."""

    def __init__(self, data, rows, columns, shape):
        self.data, self.rows, self.columns, self.shape = data, rows, columns, shape

    @property
    def T(self):
        return Elements(self.data, self.columns, self.rows, self.shape[::-1])

    def __matmul__(self, v):
        return xp.zeros_like(v).at[self.rows].add(self.data * v[self.columns])


@pytest.mark.parametrize("kind", ["real", "complex"])
def test_gradients_of_a_sparse_matrix_s_elements(kind):
    A = matrix("gmres", KINDS[kind]) * (np.abs(random(N, N)) > 0.5) + 4 * np.eye(N)
    rows, columns = np.nonzero(A)
    b = random(N, dtype=A.dtype, seed=1)
    for solver in ("gmres", "bicgstab"):
        pb.check_grads(
            lambda data, b, s=solver: getattr(linalg, s)(
                Elements(data, rows, columns, A.shape), b, M=linalg.jacobi(A), **TIGHT
            )[0],
            (A[rows, columns], b),
            order=2,
        )


@pytest.mark.usefixtures("only_new_objects")
def test_nothing_is_left_to_the_garbage_collector():
    gradient = pb.grad(lambda b: xp.sum(linalg.cg(lambda v: 2 * v + b * v, b)[0]))
    gradient(np.ones(3))
    gc.collect()
    gc.disable()
    try:
        gradient(np.ones(3))
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_forward_mode_and_checkpoints():
    A, b = matrix("gmres", np.float64), random(N)

    def f(b):
        return linalg.gmres(lambda v: A @ v + b * v, b, **TIGHT)[0]

    h = 1e-6
    expected = (np.asarray(f(b + h * b)) - np.asarray(f(b - h * b))) / (2 * h)
    np.testing.assert_allclose(pb.jvp(f, (b,), (b,))[1], expected, rtol=1e-6, atol=1e-9)
    plain = pb.grad(lambda b: xp.sum(f(b) ** 2))(b)
    np.testing.assert_allclose(
        pb.grad(lambda b: xp.sum(pb.checkpoint(f)(b) ** 2))(b), plain, rtol=1e-9
    )


def test_third_order():
    b = np.asarray([1.0, 2.0])

    def f(k):
        return xp.sum(linalg.gmres(lambda v: k * v, b, **TIGHT)[0])

    assert pb.grad(pb.grad(pb.grad(f)))(2.0) == pytest.approx(-6 * 3 / 2**4, rel=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_float32_stays(solver):
    A = matrix(solver, np.float32)
    b = random(N, dtype=np.float32, seed=1)
    f = getattr(linalg, solver)
    g = pb.grad(lambda A, b: xp.sum(f(kept(solver, A), b, rtol=1e-6)[0]), argnums=(0, 1))(A, b)
    assert [d.dtype for d in g] == [np.float32, np.float32]
    np.testing.assert_allclose(g[1], np.linalg.solve(A.T, np.ones(N)), rtol=1e-3, atol=1e-4)


def tiny_cotangents():
    """Trap 18: in float32 the square of a cotangent of norm 1e-13 underflows to nothing on the way of a dot product."""
    for solver in SOLVERS:
        A = matrix(solver, np.float32)
        b = random(N, dtype=np.float32, seed=1)
        M = preconditioner(solver, A)
        for small in (1e-13, 1e-25, 1e-36):
            f = getattr(linalg, solver)
            g = pb.grad(lambda b, f=f, A=A, M=M, c=small: xp.sum(f(A, b, rtol=1e-5, M=M)[0]) * c)(b)
            expected = np.linalg.solve(A.astype(float).T, np.ones(N)) * small
            np.testing.assert_allclose(g, expected, rtol=1e-3, atol=1e-4 * small)


def test_tiny_cotangents():
    tiny_cotangents()


def test_the_adjoint_s_own_settings():
    A, b = matrix("cg", np.float64), random(N)
    x = np.linalg.solve(A, b)
    lam = np.linalg.solve(A, np.ones(N))

    def g(**settings):
        return pb.grad(lambda b: xp.sum(linalg.cg(A, b, rtol=1e-3, **settings)[0]))(b)

    loose, tight = np.abs(g() - lam).max(), np.abs(g(adjoint_rtol=1e-13) - lam).max()
    assert tight < 1e-11 < loose
    with pytest.raises(linalg.ConvergenceError, match="cg: not converged after 1 steps"):
        g(adjoint_rtol=1e-13, adjoint_maxiter=1)
    # a warm start makes the one step enough
    np.testing.assert_allclose(
        g(adjoint_rtol=1e-10, adjoint_maxiter=1, adjoint_x0=lam), lam, rtol=1e-9
    )
    assert np.abs(x).max() > 0


# ── peers ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("solver", ["cg", "gmres", "bicgstab"])
def test_against_lineax(solver):
    jax = pytest.importorskip("jax", reason="a peer to compare with")
    lineax = pytest.importorskip("lineax", reason="a peer to compare with")
    jax.config.update("jax_enable_x64", True)
    A, b = matrix(solver, np.float64), random(N)
    theirs_solver = {"cg": "CG", "gmres": "GMRES", "bicgstab": "BiCGStab"}[solver]
    tags = lineax.positive_semidefinite_tag if solver == "cg" else ()

    def theirs(s, b):
        op = lineax.MatrixLinearOperator(A + s * jax.numpy.eye(N), tags)
        x = lineax.linear_solve(op, b, getattr(lineax, theirs_solver)(rtol=1e-12, atol=1e-12)).value
        return jax.numpy.sum(jax.numpy.sin(x))

    def ours(s, b):
        return xp.sum(xp.sin(getattr(linalg, solver)(lambda v: A @ v + s * v, b, **TIGHT)[0]))

    expected = jax.grad(theirs, argnums=(0, 1))(0.5, b)
    for mine, other in zip(pb.grad(ours, argnums=(0, 1))(0.5, b), expected, strict=True):
        np.testing.assert_allclose(mine, np.asarray(other), rtol=1e-7, atol=1e-9)
