"""Tests of `autograd/scipy/linalg/decompositions.py`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

import pullback as pb
from pullback.scipy import linalg

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._rows import COMPLEX, NEAR_ONE, POSITIVE, RNG, TALL, WIDE, A, B, b, make, table_tests


def _by_cholesky(lower):
    return lambda m: lambda a, b: m.cho_solve(m.cho_factor(a, lower), b)


def _by_lu(trans):
    return lambda m: lambda a, b: m.lu_solve(m.lu_factor(a), b, trans=trans)


SECOND = NEAR_ONE @ NEAR_ONE.T
ROWS = [
    make("cholesky", "upper", POSITIVE, symmetrised=True),
    make("cholesky", "lower", POSITIVE, lower=True, symmetrised=True),
    *(
        make(
            "cho_solve",
            f"lower={lower}",
            POSITIVE,
            right,
            both=_by_cholesky(lower),
            symmetrised=True,
        )
        for lower in (False, True)
        for right in (b, B)
        if not (lower and right is b)
    ),
    *(
        make("lu", label, value, libraries="numpy")
        for label, value in (("square", A), ("tall", TALL), ("wide", WIDE), ("complex", COMPLEX))
    ),
    make("lu", "two", A, permute_l=True, libraries="numpy"),
    make("lu", "indices", A, p_indices=True, libraries="numpy"),
    make("lu_factor", "square", A, libraries="numpy"),
    *(
        make("lu_solve", f"trans={trans}", A, b, both=_by_lu(trans), libraries="numpy")
        for trans in (0, 1, 2)
    ),
    make("lu_solve", "complex", COMPLEX, B, both=_by_lu(2), libraries="numpy"),
    make("svd", "values", TALL, compute_uv=False),
    make("svdvals", "wide", WIDE),
    make("polar", "right", A),
    make("polar", "tall", TALL),
    make("polar", "left", A, side="left"),
    make("orthogonal_procrustes", "tall", TALL, RNG.standard_normal((6, 3))),
    make("eigvalsh", "plain", POSITIVE, symmetrised=True),
    make("eigvalsh", "part", POSITIVE, subset_by_index=(1, 2), symmetrised=True),
    make("eigvalsh", "upper", POSITIVE, lower=False, symmetrised=True),
    make(
        "eigvalsh",
        "generalised",
        POSITIVE,
        np.eye(4) + 0.1 * SECOND,
        both=lambda m: (
            lambda a, b: m.eigvalsh(
                a, 0.5 * (np.asarray(b) + np.asarray(b).T if isinstance(b, list) else b + b.T)
            )
        ),
        symmetrised=True,
        rtol=1e-8,
    ),
]
globals().update(table_tests(ROWS, ("cholesky", "cho_solve", "svdvals")))


@pytest.mark.parametrize("mode", ["full", "economic"])
@pytest.mark.parametrize("a", [TALL, WIDE, COMPLEX], ids=["tall", "wide", "complex"])
def test_triangles(a, mode):
    """QR and RQ have signs of their own: the product, the factors' form, and gradients of what has no sign."""
    Q, R = (pb.to_numpy(x) for x in linalg.qr(a, mode=mode))
    assert [x.shape for x in (Q, R)] == [x.shape for x in scipy.linalg.qr(a, mode=mode)]
    np.testing.assert_allclose(Q @ R, a, atol=1e-12)
    np.testing.assert_array_equal(np.tril(R, -1), 0)
    R, Q = (pb.to_numpy(x) for x in linalg.rq(a, mode=mode))
    assert [x.shape for x in (R, Q)] == [x.shape for x in scipy.linalg.rq(a, mode=mode)]
    np.testing.assert_allclose(R @ Q, a, atol=1e-12)
    np.testing.assert_allclose(np.abs(R), np.abs(scipy.linalg.rq(a, mode=mode)[0]), atol=1e-12)


def test_gradients_of_triangles():
    pb.check_grads(lambda a: linalg.qr(a, mode="r")[0], (TALL,), order=2)
    pb.check_grads(lambda a: linalg.rq(a, mode="economic"), (WIDE,), order=2)


def test_eigenvectors():
    second = np.eye(4) + 0.1 * SECOND
    w, v = linalg.eigh(POSITIVE, second)
    w, v = pb.to_numpy(w), pb.to_numpy(v)
    np.testing.assert_allclose(POSITIVE @ v, second @ v * w, atol=1e-10)
    np.testing.assert_allclose(v.T @ second @ v, np.eye(4), atol=1e-10)

    def projector(a):
        v = linalg.eigh(0.5 * (a + a.T), subset_by_index=(0, 1))[1]
        return v @ v.T

    pb.check_grads(projector, (POSITIVE,), order=2)
    w, v = linalg.eig(NEAR_ONE)
    np.testing.assert_allclose(
        NEAR_ONE @ pb.to_numpy(v), pb.to_numpy(v) * pb.to_numpy(w), atol=1e-10
    )
    pb.check_grads(lambda a: pb.xp.sum(linalg.eigvals(a) ** 2), (NEAR_ONE,), order=2)
    np.testing.assert_allclose(
        np.sort(pb.to_numpy(linalg.eigvals(NEAR_ONE, second)).real),
        np.sort(scipy.linalg.eigvals(NEAR_ONE, second).real),
        rtol=1e-9,
    )


def test_singular_vectors():
    U, s, Vh = linalg.svd(TALL)
    assert U.shape == (6, 6)
    U, s, Vh = linalg.svd(TALL, full_matrices=False)
    np.testing.assert_allclose(pb.to_numpy((U * s) @ Vh), TALL, atol=1e-12)


def test_which_triangle_cholesky_reads():
    x = np.triu(POSITIVE)
    np.testing.assert_allclose(
        pb.to_numpy(linalg.cholesky(x)), scipy.linalg.cholesky(x), rtol=1e-12
    )
    x = np.tril(POSITIVE)
    np.testing.assert_allclose(
        pb.to_numpy(linalg.cholesky(x, lower=True)),
        scipy.linalg.cholesky(x, lower=True),
        rtol=1e-12,
    )


def test_pivots_of_batches_and_devices(lib):
    if lib.name == "numpy":
        with pytest.raises(ValueError, match="a matrix is wanted"):
            linalg.lu(np.zeros((2, 2, 2)))
        return
    with pytest.raises(NotImplementedError, match=r"pb\.linalg\.factorize"):
        linalg.lu(lib.asarray(A))


def test_what_is_refused():
    with pytest.raises(NotImplementedError, match="pivoting"):
        linalg.qr(A, pivoting=True)
    with pytest.raises(NotImplementedError, match="subset_by_value"):
        linalg.eigh(A, subset_by_value=(0, 1))
    with pytest.raises(NotImplementedError, match="left"):
        linalg.eig(A, left=True)
    with pytest.raises(ValueError, match="mode='raw'"):
        linalg.qr(A, mode="raw")
    with pytest.raises(np.linalg.LinAlgError):
        linalg.cholesky(-np.eye(2))
