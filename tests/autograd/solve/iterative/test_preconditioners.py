"""Tests of `autograd/solve/iterative/preconditioners.py`."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._krylov import KINDS, N, matrix, random

linalg = pb.linalg


def test_preconditioners_save_steps():
    n = 200
    d = np.linspace(1, 1e4, n)
    A = scipy.sparse.diags_array([d, np.ones(n - 1), np.ones(n - 1)], offsets=[0, 1, -1]).tocsr()
    b = random(n)
    plain = linalg.cg(A, b, maxiter=5000)[1].steps
    assert linalg.cg(A, b, M=linalg.jacobi(A))[1].steps < plain / 5
    assert linalg.gmres(A, b, M=linalg.ilu(A))[1].steps <= 3
    np.testing.assert_allclose(linalg.jacobi(A.toarray())(b), b / d)
    assert linalg.jacobi(scipy.sparse.csr_array(np.zeros((2, 2)))).matvec(np.ones(2)).tolist() == [
        1,
        1,
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_ilu_has_its_adjoint(kind):
    A = matrix("gmres", KINDS[kind])
    M = linalg.ilu(A)
    z, w = random(N, dtype=np.complex128), random(N, dtype=np.complex128, seed=5)
    assert np.vdot(w, M.matvec(z)) == pytest.approx(np.vdot(M.rmatvec(w), z), rel=1e-5)
    r = random(N, dtype=KINDS[kind])
    assert M.matvec(r).dtype == KINDS[kind]
    np.testing.assert_allclose(A @ M.matvec(r), r, rtol=1e-3, atol=1e-4)


xp = pb.xp


def transposed_preconditioners():
    """Trap 18: the adjoint's preconditioner is Mᴴ; with M in its place the adjoint would not converge in N steps."""
    n = 60
    A = scipy.sparse.diags_array(
        [np.linspace(1, 300, n), np.full(n - 1, 25.0), np.full(n - 2, -9.0)], offsets=[0, 1, 2]
    ).tocsr()
    turned = scipy.sparse.csr_array(np.fliplr(np.diag(np.linspace(5, 60, n))))
    A = (A + turned + 80 * scipy.sparse.eye_array(n)).tocsr()
    dense, b = A.toarray(), random(n)
    M = np.linalg.inv(dense)
    few = {"gmres": {"restart": 5, "maxiter": 1}, "bicgstab": {"maxiter": 5}}
    for solver, settings in few.items():
        f = functools.partial(getattr(linalg, solver), A, rtol=1e-8, **settings)
        for form in (M, lambda r: M @ r, linalg.ilu(A)):
            g = pb.grad(lambda b, f=f, form=form: xp.sum(f(b, M=form)[0]))(b)
            np.testing.assert_allclose(
                g, np.linalg.solve(dense.T, np.ones(n)), rtol=1e-5, atol=1e-8
            )
    # cg: Hermitian by its values, but written as two triangular factors one after the other
    H = dense @ dense.T
    L = np.linalg.cholesky(H)
    inv = np.linalg.inv(L)
    M2 = linalg.LinearOperator(lambda r: inv.T @ (inv @ r))
    pb.check_grads(
        lambda s: linalg.cg(lambda v: H @ v + s * v, b, M=M2, rtol=1e-12)[0],
        (np.asarray(0.3),),
        order=2,
    )


def test_transposed_preconditioners():
    transposed_preconditioners()


def _quotient(row):
    return lambda v: pb.xp.divide(v, row)


def _diagonal(row):
    return pb.xp.reshape(1 / row, (-1, 1)) * pb.xp.eye(4)


def _sparse(row):
    return pb.sparse.csr_array((1 / row, np.arange(4), np.arange(5)))


@pytest.mark.parametrize("method", ["cg", "gmres", "bicgstab", "minres"])
@pytest.mark.parametrize("inverse", [_quotient, _diagonal, _sparse])
@pytest.mark.usefixtures("backend")
def test_one_that_differs_from_row_to_row(lib, method, inverse):
    """By what its function closes over, or as a matrix, within vmap: then each row is solved by itself."""
    A = np.diag([3.0, 4.0, 5.0, 6.0]) + 0.5
    A, b = lib.asarray(A), lib.asarray([1.0, 2.0, 0.0, -1.0])
    rows = lib.asarray([[1.0, 2.0, 3.0, 4.0], [4.0, 1.0, 1.0, 2.0]])

    def solved(row):
        return getattr(pb.linalg, method)(A, b, M=inverse(row))[0]

    found = pb.vmap(solved)(rows)
    for i in range(2):
        np.testing.assert_array_equal(pb.to_numpy(found[i, ...]), pb.to_numpy(solved(rows[i, ...])))


@pytest.mark.parametrize("method", ["cg", "gmres", "bicgstab", "minres"])
@pytest.mark.parametrize("inverse", [_quotient, _diagonal, _sparse])
@pytest.mark.usefixtures("backend")
def test_one_that_alone_is_made_of_an_argument_of_a_compiled_function(lib, method, inverse):
    A = lib.asarray(np.diag([3.0, 4.0, 5.0, 6.0]) + 0.5)
    b, rows = lib.asarray([1.0, 2.0, 0.0, -1.0]), [[1.0, 2.0, 3.0, 4.0], [4.0, 1.0, 1.0, 2.0]]

    def solved(row):
        return getattr(pb.linalg, method)(A, b, M=inverse(row))[0]

    compiled, of_rows = pb.compile(solved, fast=False), pb.compile(pb.vmap(solved), fast=False)
    wanted = np.stack([pb.to_numpy(solved(lib.asarray(row))) for row in rows])
    for i, row in enumerate(rows):
        np.testing.assert_allclose(pb.to_numpy(compiled(lib.asarray(row))), wanted[i], rtol=1e-12)
    np.testing.assert_allclose(pb.to_numpy(of_rows(lib.asarray(rows))), wanted, rtol=1e-12)
