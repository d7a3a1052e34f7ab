"""Tests of `autograd/solve/iterative/linear_operator.py`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._krylov import KINDS, OPERATORS, SOLVERS, TIGHT, N, matrix, random

xp = pb.xp


linalg = pb.linalg


def test_a_preconditioner_that_cannot_be_transposed_says_so():
    A, b = matrix("gmres", np.float64), random(N)
    lu = scipy.sparse.linalg.splu(scipy.sparse.csc_array(A))
    g = pb.grad(lambda b, M: xp.sum(linalg.gmres(A, b, M=M)[0]))
    with pytest.raises(TypeError) as e:
        g(b, lu.solve)
    assert any("LinearOperator(matvec, rmatvec)" in note for note in e.value.__notes__)
    M = linalg.LinearOperator(lu.solve, lambda r: lu.solve(r, "H"))
    np.testing.assert_allclose(g(b, M), np.linalg.solve(A.T, np.ones(N)), rtol=1e-4)


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("form", OPERATORS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_gradients_of_b_for_each_operator(solver, form, kind):
    A = matrix(solver, KINDS[kind])
    b = random(N, dtype=A.dtype, seed=1)
    op = OPERATORS[form](A)
    pb.check_grads(lambda b: getattr(linalg, solver)(op, b, **TIGHT)[0] ** 2, (b,), order=2)


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_gradients_of_closures(solver, kind):
    A = matrix(solver, KINDS[kind])
    b, p = random(N, dtype=A.dtype, seed=1), np.linspace(0.1, 1, N)

    def f(p, b):
        return getattr(linalg, solver)(lambda v: A @ v + xp.sin(p) * v, b, **TIGHT)[0]

    pb.check_grads(f, (p, b), order=2)

    def dense(p, b):
        return xp.linalg.solve(A + xp.sin(p) * np.eye(N), b)

    def loss(f):
        return lambda p: xp.sum(xp.abs(f(p, b)) ** 2)

    for order in (pb.grad, lambda f: pb.hessian(f)):
        np.testing.assert_allclose(order(loss(f))(p), order(loss(dense))(p), rtol=1e-7, atol=1e-9)
