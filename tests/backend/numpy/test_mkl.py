"""Tests of `backend/numpy/mkl.py`."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import pullback as pb
from pullback.backend.numpy import mkl as _mkl

from ...autograd.solve.direct._solve import host

xp = pb.xp


la = pb.linalg


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
