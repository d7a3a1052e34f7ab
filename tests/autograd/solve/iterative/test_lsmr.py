"""Least squares by LSMR against the pseudo-inverse, and their gradients."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

import pullback as pb

from ._iteration import hilbert
from ._krylov import KINDS, random

xp, linalg = pb.xp, pb.linalg


SHAPES = {"tall": (8, 5), "square": (6, 6), "wide": (5, 8)}
LSMR = {"atol": 1e-13, "btol": 1e-13}


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("damp", [0.0, 0.7])
@pytest.mark.parametrize("form", ["array", "callable", "sparse"])
@pytest.mark.parametrize("shape", SHAPES)
def test_lsmr(shape, form, damp, kind):
    m, n = SHAPES[shape]
    A, b = random(m, n, dtype=KINDS[kind]), random(m, dtype=KINDS[kind], seed=1)

    def f(A, b):
        if form == "callable":
            A = linalg.LinearOperator(lambda v, A=A: A @ v, shape=(m, n))
        x, info = linalg.lsmr(A, b, damp=damp, **LSMR)
        assert info == 0
        return x

    def expected(A, b):
        AH = A.conj().T
        return (
            np.linalg.pinv(A) @ b
            if not damp
            else np.linalg.solve(AH @ A + damp**2 * np.eye(n), AH @ b)
        )

    np.testing.assert_allclose(f(A, b), expected(A, b), rtol=1e-8, atol=1e-10)
    if form == "sparse":
        S = scipy.sparse.csr_array(A)
        np.testing.assert_allclose(f(S, b), expected(A, b), rtol=1e-8, atol=1e-10)
        pb.check_grads(lambda b: f(S, b), (b,), order=1)
    else:
        pb.check_grads(f, (A, b), order=2)


def test_lsmr_s_rest(lib):
    A, b = random(8, 3), random(8, seed=1)
    exact = np.linalg.lstsq(A, b, rcond=None)[0]
    x, info = linalg.lsmr(lib.asarray(A), lib.asarray(b), **LSMR)
    assert info.steps <= 6
    np.testing.assert_allclose(pb.to_numpy(x), exact, rtol=1e-9)
    if lib.name == "numpy":
        x, info = linalg.lsmr(lambda v: A @ v, b, exact + 1e-3, **LSMR)
        np.testing.assert_allclose(x, exact, rtol=1e-9)
        np.testing.assert_array_equal(linalg.lsmr(A, 0 * b)[0], np.zeros(3))
        g = pb.grad(lambda b: xp.sum(linalg.lsmr(A.astype("f"), b)[0]))(b.astype("f"))
        assert g.dtype == np.float32
        with pytest.raises(ValueError, match=r"shape of x.*shape=\(m, n\)"):
            linalg.lsmr(lambda v: A @ v, b)
        with pytest.raises(linalg.ConvergenceError, match="lsmr"):
            linalg.lsmr(A, b, maxiter=1, **LSMR)
        with pytest.raises(linalg.ConvergenceError, match="b holds NaN"):
            linalg.lsmr(A, b * np.nan)


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
