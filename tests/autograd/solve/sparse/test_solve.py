"""Tests of `autograd/solve/sparse/solve.py`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as ss
import scipy.sparse.linalg

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._edge_cases import B, S
from ._formats import (
    host,
    kind,  # noqa: F401 - a fixture
    matrix,
    rng,
)

xp = pb.xp


sparse = pb.sparse


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("columns", [None, 1, 3])
def test_systems_are_differentiable(kind, dtype, columns):  # noqa: F811 - a fixture
    A = kind(matrix(5, 5, dtype))
    b = rng(1).normal(size=5 if columns is None else (5, columns))
    for rhs in (b, b + 0.5j):
        want = np.linalg.solve(host(A.toarray()), rhs)
        np.testing.assert_allclose(host(pb.linalg.spsolve(A, rhs)), want, rtol=1e-10)
        pb.check_grads(pb.linalg.spsolve, (A, rhs), order=2)


@pytest.mark.parametrize("how", [{}, {"transposed": True}, {"adjoint": True}], ids=str)
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_a_factor_serves_many_right_hand_sides(kind, how, dtype):  # noqa: F811 - a fixture
    A = kind(matrix(5, 5, dtype))
    D, b = host(A.toarray()), rng(1).normal(size=5)
    D = {"": D, "transposed": D.T, "adjoint": D.conj().T}["".join(how)]
    np.testing.assert_allclose(
        host(pb.linalg.factorize(A).solve(b, **how)), np.linalg.solve(D, b), rtol=1e-10
    )

    def f(A, b):
        factor = pb.linalg.factorize(A)
        return factor.solve(factor.solve(b, **how)) + factor.solve(2 * b)

    pb.check_grads(f, (A, b), order=2)


def test_one_factorisation_for_value_and_all_derivatives(monkeypatch):
    made = []
    original = scipy.sparse.linalg.splu
    monkeypatch.setattr(
        scipy.sparse.linalg, "splu", lambda *a, **k: made.append(1) or original(*a, **k)
    )
    A, b = sparse.csr_array(matrix()), np.ones(6)
    f = lambda A: xp.sum(pb.linalg.spsolve(A, b) ** 2)
    pb.value_and_grad(f)(A)
    assert len(made) == 1
    made.clear()
    pb.grad(lambda A: xp.sum(pb.grad(f)(A).data ** 2))(A)
    assert len(made) == 1


def test_singular_matrices_are_told():
    b = np.ones(3)
    exactly = sparse.csr_array(np.asarray([[1.0, 2.0, 0], [2.0, 4.0, 0], [0, 0, 1.0]]))
    empty_row = sparse.csr_array(np.asarray([[1.0, 2.0, 0], [0, 0, 0], [0, 1.0, 1.0]]))
    for A in (exactly, empty_row):
        with pytest.raises(pb.linalg.SingularMatrixError, match="singular"):
            pb.linalg.spsolve(A, b)
    D = np.diag([1.0, 1.0, 1e-17])
    D[0, 1] = 1.0
    nearly = sparse.csr_array(D)
    with pytest.raises(pb.linalg.SingularMatrixError, match=r"condition number is about 2.0e\+17"):
        pb.linalg.spsolve(nearly, b)
    np.testing.assert_allclose(host(pb.linalg.spsolve(nearly, b, check=False)), [0, 1, 1e17])
    badly = np.diag([1.0, 1e-13, 1.0])
    np.testing.assert_allclose(host(pb.linalg.spsolve(sparse.csr_array(badly), b)), [1, 1e13, 1])


@pytest.mark.parametrize(
    ("matrix", "says"),
    [
        (np.asarray([[1.0, 0, 0], [0, 1.0, 1.0], [0, 1.0, 1.0]]), "a pivot is exactly zero, its"),
        (np.asarray([[1.0, 2.0, 0], [0, 1.0, 1.0], [0, 0, 0]]), r"\(row 2 holds no element"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_an_exactly_singular_matrix_names_no_pivot_that_is_not_zero(matrix, says, check):
    with pytest.raises(pb.linalg.SingularMatrixError, match=says):
        pb.linalg.spsolve(sparse.csr_array(matrix), B, check=check)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_scale_alone_makes_no_matrix_singular(size):
    v = pb.linalg.spsolve(S * size, B * size)
    np.testing.assert_allclose(pb.to_numpy(v), np.linalg.solve(S.toarray(), B))


def test_unequal_scales_beyond_the_range_are_told():
    with pytest.raises(pb.linalg.SingularMatrixError, match="infinite"):
        pb.linalg.spsolve(ss.csr_array(np.diag([1e-200, 1e200])), np.ones(2))


@pytest.mark.parametrize(
    "setting", [{"assume": "positive"}, {"refine": 1}, {"bandwidths": (1, 1)}], ids=str
)
def test_settings_of_dense_factors_are_refused(setting):
    with pytest.raises(ValueError, match="not for sparse matrices"):
        pb.linalg.factorize(sparse.csr_array(S), **setting)


@pytest.mark.parametrize("zero_block", [20, 60])
def test_saddle_points_with_zeros_on_the_diagonal_are_solved(zero_block):
    """The default for symmetric patterns prefers diagonal pivots: it has to leave them where they are zero."""
    r = np.random.default_rng(zero_block)
    H = ss.random_array((100, 100), density=0.05, rng=r) + 4 * ss.eye_array(100)
    C = ss.random_array((zero_block, 100), density=0.2, rng=r)
    K = ss.block_array([[H + H.T, C.T], [C, None]]).tocsr()
    b = r.normal(size=100 + zero_block)
    np.testing.assert_allclose(K @ pb.to_numpy(pb.linalg.spsolve(K, b)), b, atol=1e-9)
