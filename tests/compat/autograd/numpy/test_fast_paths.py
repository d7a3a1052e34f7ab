"""Tests of `compat/autograd/numpy/fast_paths.py`: what bypasses the general way gives what that gives."""

import numpy as np
import pytest

import pullback as pb
from pullback.compat.autograd import numpy as anp
from pullback.compat.autograd.numpy import fast_paths
from pullback.compat.autograd.test_util import check_grads

X = np.asarray([[0.3, 0.7, 0.2], [0.9, 0.4, 0.6]])


@pytest.mark.parametrize("name", fast_paths.UNARY)
def test_functions_of_one_array(name):
    f = getattr(anp, name)
    x = X + 1.0 if name == "arccosh" else X
    assert np.array_equal(f(x), getattr(np, name)(x))
    check_grads(f)(x)
    check_grads(f)(x[0, 0])
    check_grads(lambda x: f(x, dtype=np.float64), order=1, modes=["rev"])(x)
    assert f(x[0].tolist()).tolist() == pytest.approx(getattr(np, name)(x[0]).tolist())


@pytest.mark.parametrize("name", fast_paths.BINARY)
def test_functions_of_two_arrays(name):
    f = getattr(anp, name)
    other = X.T.copy() if name == "matmul" else np.asarray([1.5, 0.25, 0.75])
    assert np.array_equal(f(X, other), getattr(np, name)(X, other))
    check_grads(f, (0, 1))(X, other)
    check_grads(lambda x: f(x, other))(X)
    check_grads(lambda y: f(X, y))(other)
    if name != "matmul":
        check_grads(lambda x: f(x, 2), order=1)(X)
        check_grads(lambda x: f([2.0, 1.0, 3.0], x), order=1)(X)


@pytest.mark.parametrize("name", fast_paths.REDUCTIONS)
def test_reductions(name):
    f = getattr(anp, name)
    for settings in ({}, {"axis": 0}, {"axis": (0, 1), "keepdims": True}):
        assert np.array_equal(f(X, **settings), getattr(np, name)(X, **settings))
        check_grads(lambda x, s=settings: f(x, **s))(X)
    check_grads(lambda x: f([x, x * 2]))(1.5)


@pytest.mark.parametrize(
    ("a", "b"), [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 2)), ((2, 2, 3), (3, 2)), ((), (2, 3)),
                 ((2, 3), ()), ((2, 3), (2, 3, 2))],
)  # fmt: skip
def test_dot(a, b):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(a), rng.standard_normal(b)
    assert np.allclose(anp.dot(x, y), np.dot(x, y))
    check_grads(anp.dot, (0, 1))(x, y)
    check_grads(lambda y: anp.dot(x, y), order=1)(y)
    check_grads(lambda x: anp.dot(x, y), order=1)(x)


@pytest.mark.parametrize("axes", [0, 1, ([0], [1])])
def test_tensordot(axes):
    x, y = X[:, :2], X[:, 1:]
    assert np.allclose(anp.tensordot(x, y, axes), np.tensordot(x, y, axes))
    check_grads(lambda x, y: anp.tensordot(x, y, axes), (0, 1))(x, y)
    check_grads(lambda x, y: anp.tensordot(x, y, axes=axes), (0, 1), order=1)(x, y)


def test_dtypes_that_differ_are_brought_together():
    x = X.astype(np.float32)
    assert anp.dot(x, np.asarray([1, 2, 3])).dtype == np.float64
    out = pb.grad(lambda x: anp.sum(anp.dot(x, np.asarray([1.0, 2.0, 3.0]))))(x)
    assert out.dtype == np.float32
