"""Batch statistics over ranks are those of the whole batch: outputs, running ones, gradients of both orders."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.models.layers.over_ranks import over_ranks, ranks_of_batch

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

D, M = pb.distributed, pb.models
RANDOM = np.random.default_rng(2)
SIZES = [3, 1, 4]  # rows of each rank
PARTS = [slice(0, 3), slice(3, 4), slice(4, 8)]
LAYERS = {
    "features": (lambda dtype: M.BatchNorm.init(2, dtype=dtype), (8, 2)),
    "images": (lambda dtype: M.BatchNorm2d.init(2, dtype=dtype), (8, 2, 3, 2)),
    "no affine": (lambda dtype: M.BatchNorm.init(2, affine=False, dtype=dtype), (8, 2)),
}


def raw(x):
    return pb.to_numpy(x.value if isinstance(x, pb.Array) else x)


def value(x, weights, norm):
    y, after = norm.training(x)
    return pb.xp.sum(y * y * y * weights), (y, after.running_mean, after.running_var)


def gradient(x, weights, norm):
    return pb.value_and_grad(value, has_aux=True)(x, weights, norm)


def check(lib, layer, dtype, wrap):
    make, shape = LAYERS[layer]
    x = lib.asarray(RANDOM.normal(size=shape).astype(dtype))
    weights = lib.asarray(RANDOM.normal(size=shape).astype(dtype))
    with pb.backend.use("numpy"):
        norm = make(dtype)
    norm, one = pb.tree.map(lib.asarray, norm), lib.asarray(np.asarray(1.0))
    (_, (y, mean, var)), slope = gradient(x, weights, norm)

    def on_rank():
        group, own = D.world(), PARTS[D.rank()]

        @wrap
        def call(x, weights, norm, weight):
            with over_ranks(group, weight):
                return gradient(x, weights, norm)

        for _ in range(3):
            out = call(x[own, ...], weights[own, ...], norm, one)
        return out

    found = D.simulate(on_rank, 3)
    rtol = 1e-10 if dtype == "float64" else 2e-3
    for rank, ((_, (own_y, own_mean, own_var)), own_slope) in enumerate(found):
        part = PARTS[rank]
        np.testing.assert_allclose(raw(own_y), raw(y)[part], rtol=rtol, atol=rtol)
        np.testing.assert_allclose(raw(own_slope), raw(slope)[part], rtol=rtol, atol=rtol)
        np.testing.assert_allclose(raw(own_mean), raw(mean), rtol=rtol)
        np.testing.assert_allclose(raw(own_var), raw(var), rtol=rtol)
        assert str(raw(own_y).dtype) == str(raw(own_mean).dtype) == dtype
        np.testing.assert_array_equal(raw(own_mean), raw(found[0][0][1][1]))
        np.testing.assert_array_equal(raw(own_var), raw(found[0][0][1][2]))


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_statistics_are_those_of_all_rows(lib, layer, dtype):
    check(lib, layer, dtype, lambda call: call)


@pytest.mark.parametrize("layer", LAYERS)
def test_statistics_of_a_program_are_those_of_all_rows(layer, lib):
    check(lib, layer, "float64", lambda call: pb.compile(call, fast=False))


def test_rows_that_every_rank_has_are_counted_once():
    x, norm = RANDOM.normal(size=(2, 3)), M.BatchNorm.init(3, dtype="float64")
    y, after = norm.training(x)

    def on_rank():
        with over_ranks(D.world(), np.asarray(1 / 3)):
            return norm.training(x)

    for own_y, own in D.simulate(on_rank, 3):
        np.testing.assert_allclose(raw(own_y), raw(y), rtol=1e-12)
        np.testing.assert_allclose(raw(own.running_var), raw(after.running_var), rtol=1e-12)


def test_second_derivatives_are_those_of_all_rows():
    """The derivative of a slope along a direction, as `hvp` takes it: two sweeps through the sums over ranks."""
    x, v = RANDOM.normal(size=(8, 2)), RANDOM.normal(size=(8, 2))
    norm = M.BatchNorm.init(2, dtype="float64")

    def value(x):
        return pb.xp.sum(norm.training(x)[0] ** 3)

    expected = pb.grad(lambda x: pb.xp.sum(pb.grad(value)(x) * v))(x)

    def on_rank():
        own = PARTS[D.rank()]
        with over_ranks(D.world(), np.asarray(1.0)):
            return pb.grad(lambda x: pb.xp.sum(pb.grad(value)(x) * v[own]))(x[own])

    for rank, found in enumerate(D.simulate(on_rank, 3)):
        np.testing.assert_allclose(found, expected[PARTS[rank]], rtol=1e-9, atol=1e-11)


def test_outside_the_batch_is_all_here():
    assert ranks_of_batch() is None
    with over_ranks(D.world(), np.asarray(1.0)):
        assert ranks_of_batch() is not None
    assert ranks_of_batch() is None
