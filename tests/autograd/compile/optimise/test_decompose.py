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


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize(
    "bounds",
    [(-0.5, 0.5), (None, 0.1), (0, None), (-0.0, 0.0), (1.0, -1.0), (np.nan, 1.0), (0, 1e300)],
)
def test_clip(bounds, dtype, fast):
    """NumPy's numbers, NaN included, and with two bounds the signs of zeros."""
    x = np.asarray([-np.inf, -2.0, -0.0, 0.0, 0.3, 2.0, np.inf, np.nan] * 5)
    if dtype == "int64":
        x = np.arange(-2, 3)
        bounds = tuple(None if b is None or b != b else int(np.clip(b, -3, 3)) for b in bounds)
    x = x.astype(dtype)
    with np.errstate(all="ignore"):
        out = np.asarray(pb.compile(lambda x: pb.xp.clip(x, *bounds), fast=fast)(x))
        expected = np.clip(x, *bounds)
    assert out.dtype == expected.dtype
    assert np.array_equal(out, expected, equal_nan=True)
    assert None in bounds or np.array_equal(np.signbit(out), np.signbit(expected))


def test_the_square_of_booleans_is_an_integer():
    x = np.asarray([True, False])
    f = pb.compile(pb.xp.square)
    for _ in range(2):
        assert f(x).dtype == pb.xp.square(x).dtype == np.int8
