"""Tests of `autograd/solve/direct/least_squares.py`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._solve import draw, host
from .test_solve import MIXES

la = pb.linalg


SINGULAR = la.SingularMatrixError


def test_rank_deficient_least_squares():
    A = np.ones((4, 2))
    with pytest.raises(SINGULAR, match="full rank"):
        la.lstsq(A, np.ones(4))
    with pytest.raises(SINGULAR, match="full rank"):
        la.lstsq(A.T, np.ones(2))
    la.ridge(A, np.ones(4), 0.1)
    with pytest.raises(np.linalg.LinAlgError):
        la.ridge(A, np.ones(4), 0.0)


xp = pb.xp


LEAST_SQUARES = [
    ((5, 3), (5,)),
    ((5, 3), (5, 2)),
    ((2, 5, 3), (5,)),
    ((5, 3), (4, 5, 1)),
    ((3, 3), (3,)),
    ((3, 5), (3,)),
    ((3, 5), (2, 3, 1)),
    ((2, 3, 5), (3, 2)),
    ((1, 4), (1,)),
    ((4, 1), (4, 0)),
]


@pytest.mark.parametrize("numbers", MIXES[:3], ids="-".join)
@pytest.mark.parametrize("shapes", LEAST_SQUARES, ids=str)
def test_lstsq(shapes, numbers, lib):
    A, b = draw(shapes[0], numbers[0]), draw(shapes[1], numbers[1], 1)
    if lib.name == "array_api_strict":
        number = "complex128" if "complex" in numbers else "float64"  # which mixes nothing
        A, b = A.astype(number), b.astype(number)
    x = la.lstsq(lib.asarray(A), lib.asarray(b))
    wanted = np.linalg.pinv(A) @ b
    assert x.shape == wanted.shape
    np.testing.assert_allclose(host(x, lib), wanted, atol=1e-12)
    if lib.name == "numpy":
        pb.check_grads(la.lstsq, (A, b), order=2 if len(shapes[1]) < 3 else 1, rtol=1e-5)


def test_lstsq_agrees_with_scipy_and_keeps_single_precision():
    A, b = draw((6, 3)).astype("float32"), draw((6,)).astype("float32")
    x = la.lstsq(A, b)
    assert x.dtype == np.float32
    np.testing.assert_allclose(host(x), scipy.linalg.lstsq(A, b)[0], rtol=1e-4)
    grads = pb.grad(lambda A, b: xp.sum(la.lstsq(A, b)), argnums=(0, 1))(A, b)
    assert [g.dtype.name for g in grads] == ["float32", "float32"]


def test_lstsq_factorises_once(monkeypatch):
    calls = []
    qr = np.linalg.qr
    monkeypatch.setattr(np.linalg, "qr", lambda *args, **more: calls.append(1) or qr(*args, **more))
    A, b = draw((5, 3)), draw((5,))
    inner = pb.grad(lambda A: xp.sum(la.lstsq(A, b) ** 2))
    pb.grad(lambda A: xp.sum(inner(A) ** 2))(A)
    assert len(calls) == 1


@pytest.mark.parametrize("number", ["real", "complex"])
@pytest.mark.parametrize("shapes", LEAST_SQUARES[:8], ids=str)
def test_ridge(shapes, number, lib):
    A, b = draw(shapes[0], number), draw(shapes[1], number, 1)
    n = shapes[0][-1]
    G = A.conj().mT @ A + 0.3 * np.eye(n)
    wanted = np.linalg.solve(G, A.conj().mT @ b if b.ndim > 1 else (A.conj().mT @ b[:, None]))
    wanted = wanted if b.ndim > 1 else wanted[..., 0]
    x = la.ridge(lib.asarray(A), lib.asarray(b), 0.3)
    np.testing.assert_allclose(host(x, lib), wanted, atol=1e-12)
    if lib.name == "numpy":
        order = 2 if len(shapes[1]) < 3 else 1
        pb.check_grads(la.ridge, (A, b, 0.3), order=order, rtol=1e-5)
        weights = np.linspace(0.2, 1, n)
        pb.check_grads(la.ridge, (A, b, weights), order=1, rtol=1e-5)


def test_ridge_at_zero_is_least_squares():
    A, b = draw((5, 3)), draw((5,))
    np.testing.assert_allclose(host(la.ridge(A, b, 0.0)), host(la.lstsq(A, b)))
    wide, c = draw((3, 5)), draw((3,))
    np.testing.assert_allclose(host(la.ridge(wide, c, 0.0)), host(la.lstsq(wide, c)))
    pb.check_grads(
        lambda alpha: la.ridge(A, b, alpha, check=False), (0.0,)
    )  # steps to either side of 0


def test_least_squares_refuse_what_does_not_fit():
    with pytest.raises(ValueError, match=r"lstsq: A \(…, m, n\)"):
        la.lstsq(np.ones((3, 2)), np.ones(2))
    with pytest.raises(ValueError, match="ridge"):
        la.ridge(np.ones(3), np.ones(3), 1.0)
    with pytest.raises(ValueError, match="alpha"):
        la.ridge(np.ones((3, 2)), np.ones(3), np.ones(3))


@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (2, 2), (1, 1)])
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
def test_lstsq_of_zeros_is_numpys(shape, dtype, lib):
    """0; as a function of b it is constant, and as a function of A it jumps: no derivative."""
    A, b = np.zeros(shape, dtype), np.ones(shape[0], dtype)
    given, right = lib.asarray(A), lib.asarray(b)
    out = la.lstsq(given, right)
    np.testing.assert_array_equal(lib.to_numpy(out.value), np.linalg.lstsq(A, b)[0])
    loss = lambda A, b: xp.sum(xp.real(la.lstsq(A, b)) if dtype[0] == "c" else la.lstsq(A, b))
    g_A, g_b = pb.grad(loss, argnums=(0, 1))(given, right)
    assert np.isnan(lib.to_numpy(g_A)).all()
    np.testing.assert_array_equal(lib.to_numpy(g_b), 0)


def test_lstsq_of_a_batch_with_zeros():
    tall = np.vander([1.0, 2, 3], 2)
    x = pb.to_numpy(la.lstsq(np.stack([0 * tall, tall]), np.ones((2, 3, 1))))
    np.testing.assert_array_equal(x[0], 0)
    np.testing.assert_allclose(x[1], np.linalg.lstsq(tall, np.ones((3, 1)))[0], atol=1e-12)
    with pytest.raises(la.SingularMatrixError):  # of rank 1 it is refused as before
        la.lstsq(np.ones((3, 2)), np.ones(3))


@pytest.mark.parametrize("alpha", [-0.1, np.asarray(-0.1), np.asarray([0.1, -0.1])])
def test_ridge_refuses_negative_weights(alpha):
    with pytest.raises(ValueError, match="negative"):
        pb.linalg.ridge(np.asarray([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]), np.ones(3), alpha)
