"""Tests of `autograd/numpy/decompositions.py`."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from ._fronts import *  # noqa: F403 - the tests of rows
from ._fronts import R, X, Z, front

rng = np.random.default_rng(5)
A = rng.normal(size=(3, 3))
GENERAL = X(A + np.diag([1.0, 3.0, 6.0]))
POSITIVE = A @ A.T + np.eye(3)
# NumPy reads one triangle, of which differences know nothing: the gradient is that of a symmetric matrix
SYMMETRIC = {"gradients": "the gradient is that of a function of symmetric matrices"}

VECTORS = (None, 0, 1, 2, 3, 0.5, -1, -2, math.inf, -math.inf)
MATRICES = (None, "fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)

ROWS = [front("linalg.norm", R(2, 3, 2), o, 1) for o in VECTORS]
ROWS += [front("linalg.norm", R(3, 2, 3), o, (0, 2)) for o in MATRICES]
ROWS += [
    front("linalg.norm", R(2, 3)),
    front("linalg.norm", R(2, 2, 2), keepdims=True),
    front("linalg.norm", R(2, 3), 1, keepdims=True),
    front("linalg.norm", R(4), 3),
    front("linalg.norm", Z(2, 3), "nuc"),
    front("linalg.norm", Z(4)),
    front("linalg.norm", R(2, 3, 2), 2, (2, 0), True),
    *(
        front("linalg.cond", GENERAL, p, _rtol=1e-10)
        for p in (None, 2, -2, 1, -1, math.inf, "fro", "nuc")
    ),
    front("linalg.cond", X(rng.normal(size=(2, 3, 3))), 1, _rtol=1e-10),
    front("linalg.svdvals", R(4, 3), _rtol=1e-10),
    front("linalg.svd", R(4, 3), compute_uv=False, _rtol=1e-10),
    front(
        "linalg.svd", X(POSITIVE), compute_uv=False, hermitian=True, _rtol=1e-10, _skip=SYMMETRIC
    ),
    front("linalg.cholesky", X(POSITIVE), _skip=SYMMETRIC),
    front("linalg.cholesky", X(POSITIVE), upper=True, _skip=SYMMETRIC),
    front("linalg.eigvalsh", X(POSITIVE), _rtol=1e-10, _skip=SYMMETRIC),
    front("linalg.eigvalsh", X(POSITIVE), "U", _rtol=1e-10, _skip=SYMMETRIC),
    front("linalg.qr", X(rng.normal(size=(4, 3))), _rtol=1e-10),
    front("linalg.qr", X(rng.normal(size=(3, 3))), "r", _rtol=1e-10),
]
CONSTANTS = ("linalg.eig", "linalg.eigh", "linalg.eigvals", "linalg.matrix_rank")

linalg = pullback.numpy.linalg


def test_eigenvectors_rebuild_the_matrix():
    H = A + 1j * rng.normal(size=(3, 3))
    H = H @ H.conj().T
    for UPLO, given in (("L", np.tril(H)), ("U", np.triu(H))):
        w, V = linalg.eigh(given, UPLO)
        rebuilt = V @ (w[:, None] * pb.xp.conj(V.mT))
        np.testing.assert_allclose(pb.to_numpy(rebuilt), H, atol=1e-12)
        np.testing.assert_allclose(pb.to_numpy(linalg.eigvalsh(given, UPLO)), np.linalg.eigvalsh(H))
    w, V = linalg.eig(GENERAL.values)
    np.testing.assert_allclose(
        pb.to_numpy(V @ (w[:, None] * pb.xp.linalg.inv(V))), GENERAL.values, atol=1e-12
    )


def test_eigenvalues_are_real_where_numpys_are():
    for M in (GENERAL.values, np.asarray([[0.0, -1.0], [1.0, 0.0]]), np.eye(2) * 1j):
        got, wanted = linalg.eigvals(M), np.linalg.eigvals(M)
        assert got.dtype == wanted.dtype
        np.testing.assert_allclose(np.sort(pb.to_numpy(got)), np.sort(wanted), atol=1e-14)
        assert linalg.eig(M)[1].dtype == np.linalg.eig(M)[1].dtype
    pb.check_grads(lambda M: pullback.numpy.sum(linalg.eigvals(M) ** 3), (GENERAL.values,))


def test_hermitian_svd():
    H = POSITIVE - 3 * np.eye(3)
    U, s, Vh = linalg.svd(H, hermitian=True)
    np.testing.assert_allclose(pb.to_numpy((U * s) @ Vh), H, atol=1e-12)
    np.testing.assert_allclose(pb.to_numpy(s), np.linalg.svd(H, hermitian=True).S)


@pytest.mark.parametrize("full", [True, False])
def test_svd_rebuilds_the_matrix(full):
    M = rng.normal(size=(2, 4, 3))
    got, wanted = linalg.svd(M, full), np.linalg.svd(M, full)
    assert [x.shape for x in got] == [x.shape for x in wanted]
    np.testing.assert_allclose(
        pb.to_numpy((got[0][..., :3] * got[1][..., None, :]) @ got[2]), M, atol=1e-12
    )


def test_condition_of_singular_matrices():
    one, both = np.ones((2, 2)), np.stack([np.ones((2, 2)), np.diag([1.0, 2.0])])
    for p in (None, -2, 1, "fro"):
        for M in (one, both, np.diag([2.0, 0.0]), np.zeros((2, 2))):
            np.testing.assert_allclose(
                pb.to_numpy(linalg.cond(M, p)), np.linalg.cond(M, p), rtol=1e-12
            )


def test_the_derivative_of_an_infinite_condition_is_no_number():
    for p in (None, 1):
        with np.errstate(invalid="ignore"):
            g = pb.grad(lambda x, p=p: linalg.cond(x, p))(np.diag([1.0, 0.0]))
        assert not np.isfinite(g).all()


@pytest.mark.usefixtures("on_numpy")
def test_rank():
    cases = [
        (np.ones((3, 3)), {}),
        (A, {}),
        (A[0], {}),
        (np.zeros(2), {}),
        (POSITIVE, {"hermitian": True, "tol": 2.0}),
    ]
    cases += [
        (np.stack([A, np.ones((3, 3))]), {}),
        (np.stack([A, A]), {"rtol": [0.1, 0.9]}),
        (np.diag([1, 1e-3]), {"rtol": 0.1}),
    ]
    for M, settings in cases:
        np.testing.assert_array_equal(
            pb.to_numpy(linalg.matrix_rank(M, **settings)), np.linalg.matrix_rank(M, **settings)
        )


def test_norms_at_zero():
    for o in ("fro", "nuc", 1, 2, math.inf):
        np.testing.assert_array_equal(
            pb.grad(lambda x, o=o: linalg.norm(x, o))(np.zeros((2, 2))), 0.0
        )


def test_what_cannot_be():
    for name in ("cholesky", "eigh", "eigvals", "eig"):
        with pytest.raises(np.linalg.LinAlgError, match="square"):
            getattr(linalg, name)(np.ones((2, 3)))
    with pytest.raises(ValueError, match="UPLO"):
        linalg.eigh(np.eye(2), "X")
    with pytest.raises(ValueError, match="mode"):
        linalg.qr(np.eye(2), "raw")
    with pytest.raises(ValueError, match="of vectors"):
        linalg.norm(np.ones(2), "fro")
    with pytest.raises(ValueError, match="of matrices"):
        linalg.norm(np.eye(2), 5)
    with pytest.raises(ValueError, match="axis="):
        linalg.norm(np.ones((2, 2, 2)), 1)
    with pytest.raises(ValueError, match="pair"):
        linalg.norm(np.ones((2, 2, 2)), 1, (0, 1, 2))
    with pytest.raises(np.linalg.LinAlgError, match="condition"):
        linalg.cond(np.ones((0, 0)))
    with pytest.raises(ValueError, match="one setting"):
        linalg.matrix_rank(np.eye(2), tol=1.0, rtol=1.0)
