"""Tests of `backend/numpy/lapack.py`."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import pullback as pb
from pullback.backend.numpy.lapack import spread

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ...autograd.solve.direct._solve import draw, host

xp = pb.xp


@pytest.mark.parametrize("n", [5, 130, 300])
@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("number", ["real", "complex"])
def test_cholesky_in_blocks(n, upper, number):
    """Large real matrices are pulled back in blocks: against the formula with triangular solves."""
    X = draw((n, n), number)
    A = X @ X.conj().T + n * np.eye(n)
    c = draw((n, n), number, 1)
    f = functools.partial(xp.linalg.cholesky, upper=upper)
    np.testing.assert_allclose(
        host(f(A)), np.linalg.cholesky(A, upper=upper), atol=1e-10 * np.sqrt(n)
    )
    _, pull = pb.vjp(f, A)
    L = np.linalg.cholesky(A)
    L_bar = (c.T if upper else c.conj()) if number == "complex" else (c.T if upper else c)
    M = L.T @ L_bar
    left = np.linalg.solve(L.T, 0.5 * (np.tril(M) + np.tril(M, -1)))
    wanted = np.linalg.solve(L.conj().T, left.T).T
    wanted = np.conj(0.5 * (wanted + wanted.conj().T))
    np.testing.assert_allclose(pull(c)[0], wanted, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_spread_of_a_diagonal(dtype):
    for diagonal in ([3.0, -2.0, 4.0], [1.0], [0.0, 2.0], [2.0, np.nan, 1.0], [np.inf, 1.0]):
        sizes = np.abs(np.asarray(diagonal, dtype))
        np.testing.assert_array_equal(
            spread(np.asarray(diagonal, dtype)), np.min(sizes) / np.max(sizes)
        )
