"""Failure is loud, says why, and is the same on every library; and MKL, where it is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

import pullback as pb
from pullback.backend.numpy import mkl as _mkl

from .direct.test_solve import host

xp, la = pb.xp, pb.linalg
ONES, ALMOST = np.ones((3, 3)), np.diag([1.0, 1e-17, 1.0])
INDEFINITE = np.diag([1.0, 2.0, -1.0, 1.0])
LARGE = np.eye(40)
LARGE[39, 39] = 0
SINGULAR, NOT_POSITIVE = la.SingularMatrixError, la.NotPositiveDefiniteError

FAILURES = [
    ("general", ONES, SINGULAR, "infinite"),
    ("general", ALMOST, SINGULAR, "1.0e+17"),
    ("general", LARGE, SINGULAR, "infinite"),
    ("general", np.stack([np.eye(40), LARGE]), SINGULAR, "[1]"),
    ("general", np.stack([np.eye(3), ALMOST]), SINGULAR, "[1]"),
    ("symmetric", ONES, SINGULAR, "infinite"),
    ("symmetric", ALMOST, SINGULAR, "1.0e+17"),
    ("hermitian", ALMOST + 0j, SINGULAR, "1.0e+17"),
    ("positive", INDEFINITE, NOT_POSITIVE, "order 3"),
    ("positive", np.stack([np.eye(4), INDEFINITE]), NOT_POSITIVE, "matrix [1]"),
    ("positive", np.stack([np.eye(40), np.diag(np.r_[np.ones(39), -1])]), NOT_POSITIVE, "order 40"),
    ("positive", ALMOST, SINGULAR, "1.0e+17"),
    ("lower", np.diag([1.0, 0.0]), SINGULAR, "pivot 1"),
    ("upper", np.stack([np.eye(2), np.diag([1.0, 0.0])]), SINGULAR, "matrix [1]"),
    ("diagonal", np.diag([1.0, 0.0]), SINGULAR, "pivot 1"),
    ("tridiagonal", ALMOST, SINGULAR, "e+17"),
    ("banded", np.diag([1.0, 0.0, 1.0]), SINGULAR, "infinite"),
    ("circulant", ONES, SINGULAR, "condition number"),
]


@pytest.mark.parametrize(("assume", "A", "error", "says"), FAILURES)
def test_failures(assume, A, error, says, lib):
    """By the message, too, on NumPy; other libraries may find the failure, or the place of it, by other means."""
    given, b = lib.asarray(A), lib.asarray(np.ones(A.shape[-1], A.dtype))
    for call in (la.solve, lambda A, b, **how: la.factorize(A, **how).solve(b)):
        with pytest.raises(error) as found:
            call(given, b, assume=assume)
        assert isinstance(found.value, np.linalg.LinAlgError)
        if lib.name == "numpy":
            assert says in str(found.value) or (A.ndim == 3 and A.shape[-1] <= 32)
    with pytest.raises(error):  # under a derivative, too
        pb.grad(lambda A: xp.sum(xp.abs(la.solve(A, b, assume=assume))))(given)


@pytest.mark.parametrize(("assume", "A", "error", "says"), FAILURES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # divisions by 0 are what was asked for
def test_without_checks_nothing_is_raised(assume, A, error, says, lib):
    if lib.name == "array_api_strict":
        warnings.simplefilter("ignore")
    v = la.solve(lib.asarray(A), lib.asarray(np.ones(A.shape[-1], A.dtype)), assume=assume, check=False)  # fmt: skip
    v = host(v, lib)
    assert not np.all(np.abs(v) < 1e6)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_the_limit_is_the_precision_of_the_dtype(dtype):
    eps = np.finfo(dtype).eps
    for assume in ("general", "symmetric", "hermitian", "positive", "tridiagonal"):
        bad, good = (np.diag([1, size, 1, 1]).astype(dtype) for size in (eps / 4, eps * 4))
        b = np.ones(4, dtype)
        with pytest.raises(SINGULAR):
            la.solve(bad, b, assume=assume)
        la.solve(good, b, assume=assume)


def test_nan_and_infinities_pass_through(lib):
    for value in (np.nan, np.inf):
        A = np.eye(3)
        A[1, 1] = value
        for assume in ("general", "symmetric", "lower", "diagonal"):
            v = host(la.solve(lib.asarray(A), lib.asarray(np.ones(3)), assume=assume), lib)
            assert v[0] == 1.0 or np.isnan(v[0])


OUT_OF_STRUCTURE = {
    "symmetric": [[1.0, 2.0], [3.0, 4.0]],
    "hermitian": [[1j, 0], [0, 1]],
    "positive": [[2.0, 1.0], [0.0, 2.0]],
    "lower": [[1.0, 2.0], [3.0, 4.0]],
    "upper": [[1.0, 2.0], [3.0, 4.0]],
    "unit lower": [[2.0, 0.0], [3.0, 1.0]],
    "unit upper": [[1.0, 0.0], [3.0, 1.0]],
    "diagonal": [[1.0, 2.0], [0.0, 4.0]],
    "tridiagonal": [[1.0, 0, 2.0], [0, 1, 0], [0, 0, 1]],
    "circulant": [[1.0, 2.0], [3.0, 1.0]],
}


@pytest.mark.parametrize("assume", OUT_OF_STRUCTURE)
def test_structure_is_checked_where_asked_for(assume, lib):
    A = lib.asarray(OUT_OF_STRUCTURE[assume])
    b = lib.asarray(np.ones(A.shape[-1]), A.dtype if lib.name == "numpy" else None)
    for function in (la.solve, lambda A, b, **how: la.factorize(A, **how)):
        with pytest.raises(la.StructureError, match=f'assume="{assume}"'):
            function(A, b, assume=assume, check="structure")
    eye = lib.asarray(np.eye(A.shape[-1]))
    la.solve(eye, lib.asarray(np.ones(A.shape[-1])), assume=assume, check="structure")


def test_structure_of_a_band_that_is_named():
    A = np.eye(3) + np.diag([1.0], 2)
    with pytest.raises(la.StructureError):
        la.solve(A, np.ones(3), assume="banded", bandwidths=(1, 1), check="structure")
    la.solve(A, np.ones(3), assume="banded", check="structure")


def test_rounding_is_no_breach_of_symmetry():
    X = np.random.default_rng(0).normal(size=(30, 50))
    A = (X * np.linspace(1, 2, 50)) @ X.T
    A[0, 1] = np.nextafter(A[0, 1], 10)
    la.solve(A, np.ones(30), assume="positive", check="structure")


def test_the_standard_s_functions_raise_as_numpys(lib):
    A, b = lib.asarray(ONES), lib.asarray(np.ones(3))
    if lib.name != "array_api_strict":  # whose errors are NumPy's own
        for call in (lambda A: xp.linalg.solve(A, b), xp.linalg.inv):
            with pytest.raises(SINGULAR):
                call(A)
        with pytest.raises(NOT_POSITIVE):
            xp.linalg.cholesky(lib.asarray(INDEFINITE))
    with pytest.raises(np.linalg.LinAlgError):
        pb.grad(lambda A: xp.sum(xp.linalg.solve(A, b)))(A)
    with pytest.raises(np.linalg.LinAlgError):
        pb.grad(lambda A: xp.linalg.slogdet(A)[1])(A)
    almost = lib.asarray(ALMOST)  # which NumPy solves
    np.testing.assert_allclose(host(xp.linalg.solve(almost, b), lib), [1, 1e17, 1])
    pb.grad(lambda A: xp.sum(xp.linalg.solve(A, b)))(almost)


def test_messages_of_the_standard_s_functions():
    with pytest.raises(NOT_POSITIVE, match="order 3"):
        xp.linalg.cholesky(INDEFINITE)
    with pytest.raises(NOT_POSITIVE, match=r"matrix \[1\].*order 3"):
        xp.linalg.cholesky(np.stack([np.eye(4), INDEFINITE]))
    with pytest.raises(SINGULAR, match=r"matrix \[1\].*pivot 1"):
        xp.linalg.inv(np.stack([np.eye(3), ONES]))


def test_rank_deficient_least_squares():
    A = np.ones((4, 2))
    with pytest.raises(SINGULAR, match="full rank"):
        la.lstsq(A, np.ones(4))
    with pytest.raises(SINGULAR, match="full rank"):
        la.lstsq(A.T, np.ones(2))
    la.ridge(A, np.ones(4), 0.1)
    with pytest.raises(np.linalg.LinAlgError):
        la.ridge(A, np.ones(4), 0.0)


# ── MKL ───────────────────────────────────────────────────────────────────────────────────────


def _run(code: str, **environment: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_switch():
    code = "from pullback.backend.numpy import mkl as _mkl; print(_mkl.load(), _mkl.describe())"
    assert _run(code, PULLBACK_MKL="0").startswith("None off (PULLBACK_MKL=0)")
    wrong = """
from pullback.backend.numpy import mkl as _mkl
try: _mkl.load()
except RuntimeError as error: print(error)
"""
    assert "PULLBACK_MKL='yes'" in _run(wrong, PULLBACK_MKL="yes")
    if _mkl.library() is None:
        assert "pip install mkl" in _run(wrong, PULLBACK_MKL="1")


with_mkl = pytest.mark.skipif(_mkl.library() is None, reason="the package mkl is not installed")


@with_mkl
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_mkl_s_routines(dtype):
    mkl = _mkl.load()
    rng = np.random.default_rng(0)
    A = rng.normal(size=(6, 6)) + 6 * np.eye(6)
    A = (A + (1j * rng.normal(size=A.shape) if dtype[0] == "c" else 0)).astype(dtype)
    b = rng.normal(size=(6, 2)).astype(dtype)
    atol = 1e-5 if dtype in ("float32", "complex64") else 1e-12
    close = lambda x, y: np.testing.assert_allclose(x, y, atol=atol)
    lu = np.array(A, order="F")
    pivots, info = mkl.getrf(lu)
    assert info == 0
    for transposed in (False, True):
        x = np.array(b, order="F")
        mkl.getrs(lu, pivots, x, transposed)
        close((A.T if transposed else A) @ x, b)
    S = A @ A.conj().T
    c, x = np.array(S, order="F"), np.array(b, order="F")
    assert mkl.potrf(c, True) == 0
    mkl.potrs(c, x, True)
    close(S @ x, b)
    mkl.potri(c, True)
    close(np.tril(c), np.tril(np.linalg.inv(S)))
    if dtype[0] == "f":
        for a in (A, np.asfortranarray(A)):
            for other in (b, np.asfortranarray(b)):
                out = np.ones((6, 2), dtype)
                close(mkl.gemm(a, other, out, alpha=2.0, beta=1.0), 2 * (A @ b) + 1)


@with_mkl
def test_solvers_by_mkl():
    rng = np.random.default_rng(0)
    A, b = rng.normal(size=(200, 200)) + 20 * np.eye(200), rng.normal(size=(200, 3))
    for matrix, assume in ((A, "general"), (A @ A.T, "positive")):
        for order in "CF":
            F = la.factorize(np.array(matrix, order=order), assume=assume)
            for columns in (b, b[:, 0]):
                wanted = np.linalg.solve(matrix, columns)
                np.testing.assert_allclose(host(F.solve(columns)), wanted, atol=1e-12)
            np.testing.assert_allclose(host(F.logdet()), np.linalg.slogdet(matrix)[1])
            np.testing.assert_allclose(host(F.slogdet()[0]), np.linalg.slogdet(matrix)[0])
            np.testing.assert_allclose(host(F.inv()), np.linalg.inv(matrix), atol=1e-12)
    np.testing.assert_allclose(host(xp.linalg.cholesky(A @ A.T)), np.linalg.cholesky(A @ A.T))
