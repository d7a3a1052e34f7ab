"""Tests of `autograd/numpy/linear_systems.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from ._fronts import *  # noqa: F403 - the tests of rows
from ._fronts import R, X, Z, front

rng = np.random.default_rng(3)
S = X(rng.normal(size=(3, 3)) + 3 * np.eye(3))
B = X(rng.normal(size=(2, 3, 3)) + 3 * np.eye(3))
C = X(rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3)) + 3 * np.eye(3))
T = X(rng.normal(size=(2, 3, 6)) + 2 * np.eye(6).reshape(2, 3, 6))

ROWS = [
    front("linalg.solve", S, R(3)),
    front("linalg.solve", B, R(3)),
    front("linalg.solve", B, R(2, 3, 2)),
    front("linalg.solve", C, Z(3, 2)),
    front("linalg.inv", B),
    front("linalg.inv", C),
    front("linalg.det", B),
    front("linalg.slogdet", S),
    front("linalg.pinv", R(4, 3), _rtol=1e-10),
    front("linalg.pinv", R(2, 3), rtol=None, _rtol=1e-10),
    front("linalg.lstsq", R(5, 3), R(5), _rtol=1e-10),
    front("linalg.lstsq", R(5, 3), R(5, 2), _rtol=1e-10),
    front("linalg.lstsq", R(2, 4), R(2), _rtol=1e-10),
    front("linalg.matrix_power", B, 3),
    front("linalg.matrix_power", S, -2, _rtol=1e-10),
    front("linalg.tensorinv", T, ind=2, _rtol=1e-10),
    front("linalg.tensorsolve", T, R(2, 3), _rtol=1e-10),
    front("linalg.tensorsolve", X(rng.normal(size=(2, 4, 2))), R(2, 2), axes=(1,), _rtol=1e-10),
    front("linalg.multi_dot", [R(3, 2), R(2, 4), R(4, 2)]),
    front("linalg.multi_dot", [R(3), R(3, 4), R(4, 2), R(2)]),
    front("linalg.multi_dot", [R(2, 3), R(3)]),
]


def test_lstsq_without_full_rank():
    A = np.asarray([[1.0, 2.0], [2.0, 4.0], [0.5, 1.0]])
    b = np.asarray([1.0, 0.0, 2.0])
    for got, wanted in zip(pullback.numpy.linalg.lstsq(A, b), np.linalg.lstsq(A, b), strict=True):
        np.testing.assert_allclose(pb.to_numpy(got), wanted, rtol=1e-12, atol=1e-14)
    pb.check_grads(lambda b: pullback.numpy.linalg.lstsq(A, b)[0], (b,))


def test_lstsq_drops_what_rcond_says():
    A, b = np.diag([1.0, 1e-3]), np.asarray([1.0, 1.0])
    for got, wanted in zip(
        pullback.numpy.linalg.lstsq(A, b, 0.1), np.linalg.lstsq(A, b, 0.1), strict=True
    ):
        np.testing.assert_allclose(pb.to_numpy(got), wanted, atol=1e-14)


def test_lstsq_to_the_precision_of_the_machine():
    A, b = np.ones((2, 2)), np.ones(2)
    for got, wanted in zip(
        pullback.numpy.linalg.lstsq(A, b, -1), np.linalg.lstsq(A, b, -1), strict=True
    ):
        np.testing.assert_allclose(pb.to_numpy(got), wanted, atol=1e-14)


def test_hermitian_pinv():
    A = np.asarray([[2.0, 1.0], [1.0, 3.0]])
    got = pullback.numpy.linalg.pinv(A, hermitian=True)
    np.testing.assert_allclose(pb.to_numpy(got), np.linalg.pinv(A, hermitian=True))
    g = pb.grad(lambda A: pullback.numpy.linalg.pinv(A, hermitian=True)[0, 1])(A)
    np.testing.assert_allclose(g, g.T)


def test_the_cheapest_order():
    from pullback.autograd.numpy.linear_systems import _best_splits

    assert _best_splits([10, 100, 5, 50])[0, 2] == 1
    assert _best_splits([50, 5, 100, 10])[0, 2] == 0


def test_lists():
    np.testing.assert_allclose(
        pb.to_numpy(pullback.numpy.linalg.solve([[2, 0], [0, 4]], [1, 2])), [0.5, 0.5]
    )
    np.testing.assert_array_equal(
        pb.to_numpy(pullback.numpy.linalg.matrix_power([[1, 1], [0, 1]], 3)), [[1, 3], [0, 1]]
    )


def test_what_cannot_be():
    linalg = pullback.numpy.linalg
    for name in ("inv", "det", "slogdet"):
        with pytest.raises(np.linalg.LinAlgError, match="square"):
            getattr(linalg, name)(np.ones((2, 3)))
    with pytest.raises(np.linalg.LinAlgError):
        linalg.solve(np.zeros((2, 2)), np.ones(2))
    with pytest.raises(np.linalg.LinAlgError, match="lstsq"):
        linalg.lstsq(np.ones((2, 2)), np.ones(3))
    with pytest.raises(ValueError, match="one setting"):
        linalg.pinv(np.eye(2), rcond=0.1, rtol=0.1)
    with pytest.raises(ValueError, match="positive"):
        linalg.tensorinv(np.ones((2, 2)), 0)
    with pytest.raises(np.linalg.LinAlgError, match="square"):
        linalg.tensorsolve(np.ones((2, 3)), np.ones(2))
    with pytest.raises(ValueError, match="two arrays"):
        linalg.multi_dot([np.ones(2)])
    with pytest.raises(np.linalg.LinAlgError, match="ends"):
        linalg.multi_dot([np.ones((2, 2)), np.ones(2), np.ones((2, 2))])
