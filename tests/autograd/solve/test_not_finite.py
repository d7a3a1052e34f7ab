"""NaN and infinities in a system make its solution and its cotangents NaN: no method makes a number of them."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ._not_finite import DIAGONAL, GOOD

xp, la = pb.xp, pb.linalg
UNREAD = {"symmetric": (0, 2), "hermitian": (0, 2), "positive": (0, 2), "lower": (0, 2), "upper": (2, 0),
          "unit lower": (1, 1), "diagonal": (0, 1), "tridiagonal": (0, 2)}  # fmt: skip
BAD = [np.inf, -np.inf, np.nan]
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of NaN


def spoilt(kind, value):
    A = GOOD[kind].copy()
    place = DIAGONAL.get(kind, (1, 1))
    A[place] = value
    return A


def nan(x, lib):
    return np.isnan(lib.to_numpy(getattr(x, "value", x)))


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("kind", GOOD)
def test_in_A(kind, value, lib):
    A, b = lib.asarray(spoilt(kind, value)), lib.asarray(np.ones(3))
    assert nan(la.solve(A, b, assume=kind), lib).all()
    assert nan(la.factorize(A, assume=kind).solve(b), lib).all()
    assert nan(pb.grad(lambda b: xp.sum(la.solve(A, b, assume=kind)))(b), lib).all()
    assert nan(pb.grad(lambda A: xp.sum(la.solve(A, b, assume=kind)))(A), lib).any()


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("kind", GOOD)
def test_in_b(kind, value):
    """The column alone; of LU and Cholesky too. (Other libraries' own solvers may leave the infinity in its place.)"""
    b = np.ones((3, 2))
    b[0, 1] = value
    v = pb.to_numpy(la.solve(GOOD[kind], b, assume=kind))
    assert np.isfinite(v[:, 0]).all()
    assert not np.isfinite(v[:, 1]).any()
    g = pb.grad(lambda A: xp.sum(la.solve(A, b, assume=kind)))(GOOD[kind])
    assert np.isnan(g).any()


@pytest.mark.parametrize("kind", UNREAD)
def test_what_is_not_read_does_not_count(kind, lib):
    A = GOOD[kind].copy()
    A[UNREAD[kind]] = np.nan
    b = lib.asarray(np.ones(3))
    v = la.solve(lib.asarray(A), b, assume=kind)
    np.testing.assert_allclose(
        lib.to_numpy(v.value), np.linalg.solve(GOOD[kind], np.ones(3)), rtol=1e-12
    )


BANDS = np.asarray([[5.0, 5, 5, 5], [1, 1, 1, 0], [1, 1, 0, 0]])
UPPER = np.triu(np.ones((4, 4))) + np.eye(4)
STORED = {
    "solve_banded (1, 1)": (
        lambda ab, b: la.solve_banded((1, 1), ab, b), np.asarray([[0.0, 1, 1, 1], [5, 5, 5, 5], [1, 1, 1, 0]])
    ),
    "solve_banded (2, 0)": (lambda ab, b: la.solve_banded((2, 0), ab, b), BANDS),
    "solveh_banded": (la.solveh_banded, np.asarray([[0.0, 1, 1, 1], [5, 5, 5, 5]])),
    "solveh_banded lower": (lambda ab, b: la.solveh_banded(ab, b, lower=True), BANDS[:2]),
    "solve_circulant": (la.solve_circulant, np.asarray([5.0, 1, 0, 1])),
    "solve_triangular": (la.solve_triangular, UPPER),
    "solve_triangular, transposed": (lambda A, b: la.solve_triangular(A, b, trans=1, lower=True), UPPER.T.copy()),
    "lstsq": (la.lstsq, np.vander([1.0, 2, 3, 5], 3)),
    "ridge": (lambda A, b: la.ridge(A, b, 0.1), np.vander([1.0, 2, 3, 5], 3)),
    "xp.linalg.solve": (lambda A, b: xp.linalg.solve(A, b), np.ones((4, 4)) + 4 * np.eye(4)),
}  # fmt: skip


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("name", STORED)
def test_of_stored_elements(name, value):
    f, stored = STORED[name]
    for place in np.ndindex(stored.shape):
        A = stored.copy()
        if A[place] == 0 and name != "solve_circulant":
            A[place] = value  # outside of the matrix, or of the triangle
            if "banded" in name or "triangular" in name:
                assert np.isfinite(pb.to_numpy(f(A, np.ones(4)))).all()
            continue
        A[place] = value
        assert np.isnan(pb.to_numpy(f(A, np.ones(4)))).all() or name == "xp.linalg.solve"
        assert np.isnan(pb.grad(lambda A: xp.sum(f(A, np.ones(4))))(A)).any()
        assert np.isnan(pb.grad(lambda b, A=A: xp.sum(f(A, b)))(np.ones(4))).all()
    b = np.ones(4)
    b[1] = value
    assert not np.isfinite(pb.to_numpy(f(stored, b))).any()


def test_sparse():
    A = pb.sparse.csr_array(np.diag([2.0, 1, 3]))
    assert np.isnan(pb.to_numpy(la.spsolve(A, np.asarray([np.inf, 1, 1])))).all()
    with pytest.raises(ValueError, match="NaN or infinity"):
        la.spsolve(pb.sparse.csr_array(np.diag([np.inf, 1, 3])), np.ones(3))


@pytest.mark.parametrize("solver", ["cg", "minres", "gmres", "bicgstab", "lsmr"])
@pytest.mark.parametrize("value", BAD)
def test_iterations_refuse(solver, value):
    for A, b in ((np.diag([value, 1.0]), np.ones(2)), (np.eye(2), np.asarray([value, 1.0]))):
        with pytest.raises(la.ConvergenceError):
            getattr(la, solver)(A, b)


@pytest.mark.parametrize("kind", ["general", "positive", "lower", "tridiagonal"])
def test_compiled(kind):
    """Whatever the recorded inputs were."""
    f = pb.compile(lambda A, b: la.solve(A, b, assume=kind))
    b = np.ones(3)
    for A in (GOOD[kind], spoilt(kind, np.inf), GOOD[kind], spoilt(kind, np.nan)):
        np.testing.assert_allclose(f(A, b), la.solve(A, b, assume=kind))
    spoilt_b = np.asarray([1.0, np.inf, 1.0])
    np.testing.assert_allclose(f(GOOD[kind], spoilt_b), la.solve(GOOD[kind], spoilt_b, assume=kind))
