"""Determinants of stored matrices, and settings and bad input of solvers that once passed unseen."""

import numpy as np
import pytest
import scipy.sparse

import pullback as pb


def _matrix(seed, n, low, up, dtype):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, n)).astype(dtype)
    if np.dtype(dtype).kind == "c":
        A = A + 1j * rng.standard_normal((n, n)).astype(dtype)
    i = np.arange(n)
    below = i[:, None] - i[None, :]
    return np.where((below <= low) & (-below <= up), A, 0)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize(
    ("assume", "widths"), [("tridiagonal", (1, 1)), ("banded", (2, 1)), ("banded", (0, 3))]
)
@pytest.mark.parametrize("seed", range(4))
def test_slogdet_of_bands_is_the_dense_one(assume, widths, seed, dtype):
    A = _matrix(seed, 6, *widths, dtype)
    F = pb.linalg.factorize(A, assume=assume, bandwidths=widths, check=False)
    for got, want in zip(F.slogdet(), np.linalg.slogdet(A), strict=True):
        np.testing.assert_allclose(pb.to_numpy(got), want, rtol=1e-10)


@pytest.mark.parametrize(("assume", "widths"), [("tridiagonal", (1, 1)), ("banded", (2, 1))])
def test_logdet_of_bands_has_its_gradients(assume, widths):
    A = _matrix(1, 5, *widths, "float64")

    def logdet(A):
        F = pb.linalg.factorize(A, assume=assume, bandwidths=widths)
        return F.logdet() + pb.xp.sum(F.solve(np.ones(5)) ** 2)

    got = pb.grad(lambda A: pb.linalg.factorize(A, assume=assume, bandwidths=widths).logdet())(A)
    np.testing.assert_allclose(got, np.where(A != 0, np.linalg.inv(A).T, 0), rtol=1e-9, atol=1e-12)
    pb.check_grads(logdet, (A,), order=2)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("seed", range(4))
def test_slogdet_of_sparse_matrices_is_the_dense_one(seed, dtype):
    A = _matrix(seed, 7, 2, 3, dtype)
    F = pb.linalg.factorize(scipy.sparse.csc_array(A))
    for got, want in zip(F.slogdet(), np.linalg.slogdet(A), strict=True):
        np.testing.assert_allclose(pb.to_numpy(got), want, rtol=1e-10)


def test_logdet_of_sparse_matrices_has_its_gradients():
    A = scipy.sparse.csr_array(_matrix(3, 6, 1, 2, "float64"))

    def logdet(data):
        A_ = pb.sparse.csr_array((data, A.indices, A.indptr), shape=A.shape)
        return pb.linalg.factorize(A_).logdet()

    row, col = A.tocoo().coords
    np.testing.assert_allclose(
        pb.grad(logdet)(A.data), np.linalg.inv(A.toarray()).T[row, col], rtol=1e-9
    )
    pb.check_grads(logdet, (A.data,), order=2)


def test_factorize_passes_the_ordering_on():
    A = scipy.sparse.csc_array(_matrix(3, 6, 1, 2, "float64"))
    F = pb.linalg.factorize(A, permc_spec="NATURAL")
    np.testing.assert_allclose(pb.to_numpy(F.solve(A @ np.ones(6))), np.ones(6), rtol=1e-9)
    assert F._solver.permc_spec == "NATURAL"
    with pytest.raises(ValueError, match="permc_spec"):
        pb.linalg.factorize(A.toarray(), permc_spec="NATURAL")
