"""Tests of `autograd/compile/optimise/convolutions.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.optimise import convolutions
from pullback.backend.numpy.networks import convolution, pooling

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp, models = pb.xp, pb.models
X, W, B = (
    np.random.default_rng(seed).normal(size=shape)
    for seed, shape in enumerate([(4, 3, 8, 7), (8, 3, 3, 3), (8,)])
)


def conv(x: Any, W: Any, b: Any) -> Any:
    return models.conv(x, W, b, padding=1)


def usual(x: Any, W: Any, b: Any) -> Any:
    return models.max_pool(models.relu(conv(x, W, b)), 2)


def overlapping(x: Any, W: Any, b: Any) -> Any:
    return models.max_pool(models.relu(conv(x, W, b)), 3, stride=2)


def maxima_alone(x: Any, W: Any, b: Any) -> Any:
    return models.max_pool(conv(x, W, b), 2)


def relu_alone(x: Any, W: Any, b: Any) -> Any:
    return models.relu(conv(x, W, b))


def padded_windows(x: Any, W: Any, b: Any) -> Any:
    return models.max_pool(models.relu(conv(x, W, b)), 3, padding=1)


def read_twice(x: Any, W: Any, b: Any) -> Any:
    z = conv(x, W, b)
    r = models.relu(z)
    return models.max_pool(r, 2) + models.max_pool(xp.tanh(r), 2) + xp.sum(z)


def another_mask(x: Any, W: Any, b: Any) -> Any:
    r = conv(x, W, b)
    return models.max_pool(xp.where(r > 0.5, r, 0.0), 2) + models.max_pool(xp.maximum(r, 0.0), 2)


# what stays of relu, max_pool and pool_scatter in a program of value and gradients
CASES = [
    (usual, 0, 0, 0),
    (overlapping, 0, 0, 0),
    (maxima_alone, 0, 0, 0),
    (relu_alone, 0, 0, 0),
    (padded_windows, 0, 1, 1),
    (read_twice, 1, 2, 2),
    (another_mask, 0, 2, 2),
]


@pytest.mark.parametrize(("layer", "relus", "pools", "scatters"), CASES)
def test_gradients_are_as_without(layer, relus, pools, scatters):
    pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")

    def loss(x: Any, W: Any, b: Any) -> Any:
        return xp.sum(layer(x, W, b) ** 2)

    f = pb.value_and_grad(loss, argnums=(0, 1, 2))
    compiled = pb.compile(f, fast=True)
    compiled(X, W, B)
    value, grads = compiled(X, W, B)
    expected, theirs = f(X, W, B)
    np.testing.assert_allclose(value, expected, 1e-10)
    for ours, one in zip(grads, theirs, strict=True):
        np.testing.assert_allclose(ours, one, 1e-8, 1e-8)
    text = compiled.program(X, W, B)
    assert text.count("= relu(") == relus
    assert text.count("= max_pool(") == pools
    assert text.count("= pool_scatter(") == scatters


def test_second_derivatives():
    pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")

    def slope(W: Any) -> Any:
        return xp.sum(pb.grad(lambda W: xp.sum(usual(X, W, B) ** 2))(W) ** 2)

    compiled = pb.compile(pb.grad(slope), fast=True)
    compiled(W)
    np.testing.assert_allclose(compiled(W), pb.grad(slope)(W), 1e-8, 1e-8)


def test_what_is_returned_is_kept():
    pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")

    def f(x: Any) -> Any:
        r = models.relu(conv(x, W, B))
        return r, models.max_pool(r, 2)

    compiled = pb.compile(f, fast=True)
    compiled(X)
    for ours, theirs in zip(compiled(X), f(X), strict=True):
        np.testing.assert_allclose(ours, theirs, 1e-12, 1e-12)


SETTINGS: dict[str, Any] = {
    "stride": (1, 1), "padding": ((0, 0),) * 2, "dilation": (1, 1), "groups": 1,
}  # fmt: skip
WINDOWS: dict[str, Any] = {
    "window": (2, 2), "stride": (2, 2), "padding": ((0, 0),) * 2, "dilation": (1, 1),
}  # fmt: skip


def test_joined_functions_do_one_after_another():
    z = convolution.convolution(X, W, B, **SETTINGS)
    first = convolutions._one_after_another(convolution.convolution, lambda x: np.maximum(x, 0))
    r = first(X, W, B, relu=True, **SETTINGS)
    np.testing.assert_array_equal(r, np.maximum(z, 0))
    both = convolutions._one_after_another(first, pooling.max_pool)
    pool = {"spatial": z.shape[2:], **WINDOWS}
    best, offsets = both(X, W, B, relu=True, pool=pool, **SETTINGS)
    expected = pooling.max_pool(r, **WINDOWS)
    np.testing.assert_array_equal(best, expected[0])
    np.testing.assert_array_equal(offsets, expected[1])
    scattered = pooling.pool_scatter(best, offsets, **pool)
    joined = convolutions._of_scatter(convolution.convolution_vjp_W, pooling.pool_scatter, 1)
    ours = joined(X, best, offsets, pool=pool, spatial=(3, 3), **SETTINGS)
    theirs = convolution.convolution_vjp_W(X, scattered, spatial=(3, 3), **SETTINGS)
    np.testing.assert_array_equal(ours, theirs)
