"""Tests of `models/kernels/base.py`: kernels of kernels, constants and noise, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._kernels import COMPOSED, ROWS, X, Y, as_arrays

K, xp = pb.models.kernels, pb.xp


@pytest.mark.parametrize(("mine", "theirs"), COMPOSED, ids=[str(t) for _, t in COMPOSED])
def test_as_scikit_learn_has_them(mine, theirs):
    np.testing.assert_allclose(pb.to_numpy(mine(X)), theirs(X), rtol=1e-12)
    np.testing.assert_allclose(pb.to_numpy(mine(X, Y)), theirs(X, Y), rtol=1e-12)
    np.testing.assert_allclose(pb.to_numpy(mine.diag(X)), theirs.diag(X), rtol=1e-12)


@pytest.mark.parametrize("kernel", [m for m, _ in COMPOSED], ids=[str(t) for _, t in COMPOSED])
def test_derivatives(kernel):
    kernel = as_arrays(kernel)
    pb.check_grads(lambda k, X, Y: k(X, Y), (kernel, X, Y), order=2)
    pb.check_grads(lambda k, X: k(X), (kernel, X), order=2)
    pb.check_grads(lambda k, X: k.diag(X), (kernel, X), order=2)


@pytest.mark.parametrize(
    "kernel", [m for m, _ in ROWS + COMPOSED], ids=[str(t) for _, t in ROWS + COMPOSED]
)
def test_every_library_and_float32(kernel, lib):
    there = lambda v: lib.asarray(v, "float32")
    kernel = pb.tree.map(lambda p: there(np.asarray(p)), kernel)
    x, y = there(X), there(Y)
    for out in (kernel(x), kernel(x, y), kernel.diag(x)):
        assert lib.is_raw(out.value)
        assert out.dtype == "float32"
    g = pb.grad(lambda k: xp.sum(k(x, y) ** 2))(kernel)
    assert all(lib.is_raw(leaf) for leaf in pb.tree.leaves(g))
    assert all(lib.to_numpy(leaf).dtype == np.float32 for leaf in pb.tree.leaves(g))
    plain = pb.tree.map(lambda p: lib.to_numpy(p).astype(float), kernel)
    np.testing.assert_allclose(
        lib.to_numpy(kernel(x, y).value), pb.to_numpy(plain(X, Y)), rtol=2e-5, atol=1e-5
    )


def test_noise_is_of_points_not_of_places():
    k = K.White(0.5)
    same = np.zeros((2, 1))
    np.testing.assert_array_equal(pb.to_numpy(k(same)), 0.5 * np.eye(2))
    np.testing.assert_array_equal(pb.to_numpy(k(same, same)), np.zeros((2, 2)))
    both = K.RBF() + 0.5 * K.White(2.0)
    np.testing.assert_allclose(pb.to_numpy(both(same)), np.ones((2, 2)) + np.eye(2))


@pytest.mark.parametrize("scale", [[0.5, 2.0], np.float64(0.7)], ids=["list", "number of NumPy"])
def test_lists_and_numbers_of_numpy_are_of_the_points_library(scale, lib):
    x = lib.asarray(X[:, :2])
    out = K.RBF(scale)(x)
    assert lib.is_raw(out.value)
    np.testing.assert_allclose(
        lib.to_numpy(out.value), pb.to_numpy(K.RBF(np.asarray(scale))(X[:, :2]))
    )


def test_numbers_are_constant_kernels():
    for kernel in (3.0 * K.RBF(), K.RBF() * 3.0, 3 * K.RBF()):
        np.testing.assert_allclose(pb.to_numpy(kernel.diag(X)), 3)
    np.testing.assert_allclose(pb.to_numpy((1.0 + K.RBF()).diag(X)), 2)


def test_a_kernel_of_ones_own():
    class Brownian(K.Kernel):
        def matrix(self, X, Y):
            return xp.minimum(X, xp.matrix_transpose(Y))

        def diag(self, X):
            return X[:, 0]

    t = np.asarray([[1.0], [2.0]])
    np.testing.assert_array_equal(pb.to_numpy((2.0 * Brownian())(t)), [[2, 2], [2, 4]])
    with pytest.raises(NotImplementedError, match="has no matrix"):
        K.Kernel()(t)


@pytest.mark.parametrize("bad", [np.zeros(3), np.zeros((2, 2, 2))])
def test_points_have_two_axes(bad):
    with pytest.raises(ValueError, match=r"points are an array \(n, d\)"):
        K.RBF()(bad)
