"""Factors by the functions of the standard alone, on a library that has no more."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import pullback as pb

strict = pytest.importorskip("array_api_strict", reason="a peer, not a dependency")
la = pb.linalg

RNG = np.random.default_rng(0)
GENERAL = RNG.standard_normal((2, 4, 4)) + 4 * np.eye(4)
MATRICES = {
    "general": GENERAL,
    "symmetric": GENERAL + np.swapaxes(GENERAL, 1, 2),
    "positive definite": GENERAL @ np.swapaxes(GENERAL, 1, 2),
    "lower triangular": np.tril(GENERAL),
    "upper triangular": np.triu(GENERAL),
}
B = RNG.standard_normal((2, 4, 3))


def host(x):
    return np.asarray(pb.to_numpy(x))


@pytest.mark.parametrize("assume", MATRICES)
@pytest.mark.parametrize("transposed", [False, True])
def test_a_factor_solves_with_a_matrix_and_its_transpose(assume, transposed):
    A = MATRICES[assume]
    factor = la.factorize(strict.asarray(A), assume=assume)
    out = factor.solve(strict.asarray(B), transposed=transposed)
    expected = np.linalg.solve(np.swapaxes(A, 1, 2) if transposed else A, B)
    assert_allclose(host(out), expected, rtol=1e-9, atol=1e-12)


def test_a_singular_matrix_is_refused():
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        la.factorize(strict.asarray(np.ones((3, 3))))


def test_a_matrix_that_is_not_positive_names_its_minor():
    A = np.diag([1.0, -1.0, 1.0])
    with pytest.raises(np.linalg.LinAlgError, match="minor of order 2"):
        la.factorize(strict.asarray(A), assume="positive definite")
