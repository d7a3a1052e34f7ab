"""Fused functions and their decompositions are the same functions."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import pullback as pb
from pullback.autograd.compile.optimise import decompose
from pullback.backend.generic import namespace as generic

X = np.random.default_rng(0).standard_normal((3, 4))
W = np.random.default_rng(1).standard_normal((4, 2))
B = np.asarray([0.5, -0.5])


class Plain:
    """NumPy's namespace with the one name that the decompositions add."""

    def __getattr__(self, name):
        return {"relu": lambda x: np.maximum(x, 0)}.get(name) or getattr(np, name)


def test_linear():
    assert_allclose(decompose.linear(Plain(), X, W, B), X @ W + B)
    assert_allclose(decompose.linear_relu(Plain(), X, W, B), np.maximum(X @ W + B, 0))
    assert_allclose(decompose.linear_vjp_W(Plain(), X @ W, X), X.T @ (X @ W))


@pytest.mark.parametrize("shape", [(5, 3, 4), (2, 2, 3, 4)])
def test_the_weights_cotangent_sums_over_all_rows(shape):
    x = np.random.default_rng(2).standard_normal(shape)
    ct = x @ W
    expected = x.reshape(-1, 4).T @ ct.reshape(-1, 2)
    assert_allclose(generic.linear_vjp_W(np, ct, x), expected)
    assert_allclose(decompose.linear_vjp_W(np, ct, x), expected)


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1), -1])
@pytest.mark.parametrize("keepdims", [False, True])
def test_mean(axis, keepdims):
    out = decompose.mean(np, X, axis=axis, keepdims=keepdims)
    assert_allclose(out, np.mean(X, axis=axis, keepdims=keepdims))


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), (-1, 0)])
def test_expand_dims(axis):
    assert decompose.expand_dims(np, X, axis).shape == np.expand_dims(X, axis).shape


def test_compiled_cross_entropy_is_the_eager_one():
    labels = np.asarray([0, 3, 1])

    def f(x):
        return pb.models.cross_entropy(x, labels)

    for x in (X, X * 1000, np.where(X < -1, -np.inf, X)):
        assert_allclose(pb.compile(f)(x), f(x), rtol=1e-12)
        assert_allclose(pb.compile(pb.grad(f))(x), pb.grad(f)(x), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("bounds", [(-0.5, 0.5), (None, 0.1), (0, None), (None, None), (1.0, -1.0)])
def test_clip(bounds):
    x = np.asarray([-np.inf, -2.0, -0.0, 0.3, 2.0, np.inf, np.nan])
    plain = Plain()
    plain.undecomposed_clip = np.clip
    expected = x if bounds == (None, None) else np.clip(x, *bounds)
    assert np.array_equal(decompose.clip(plain, x, *bounds), expected, equal_nan=True)


def test_the_square_of_booleans_is_an_integer():
    x = np.asarray([True, False])
    f = pb.compile(pb.xp.square)
    for _ in range(2):
        assert f(x).dtype == pb.xp.square(x).dtype == np.int8
