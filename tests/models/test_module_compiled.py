"""Layers, losses and feature maps in compiled functions: the numbers are those of eager execution, on every call."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture
from .layers.test_features import MAPS
from .test_classification import OPTIONS
from .test_losses_options import LOSSES, ROWS, Y, Z
from .test_module_layers import KEY, LAYERS

xp = pb.xp
M = pb.models


# Their kernels have tests of their own; those of all that is around them would take seconds to compile.
WITHOUT_KERNELS = {"attention", "attention of turned pairs", "transformer block"}


def same_as_eager(f, *args, fast=None):
    compiled = pb.compile(f, fast=fast)
    expected = pb.tree.leaves(f(*args))
    for _ in range(2):
        for a, b in zip(pb.tree.leaves(compiled(*args)), expected, strict=True):
            np.testing.assert_allclose(
                pb.to_numpy(xp.asarray(a)), pb.to_numpy(xp.asarray(b)), rtol=1e-9, atol=1e-11
            )


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    """Training and inference, gradients and new state; the key is an argument, so that each call may draw anew."""
    layer, x = LAYERS[name]

    def both(layer, x, key):
        def loss(model):
            y, new = model.training(x, key=key)
            return xp.sum(y * y), new

        inference = layer(xp.asarray(x))
        if not pb.tree.leaves(layer):
            return inference, layer.training(x, key=key)
        return inference, pb.value_and_grad(loss, has_aux=True)(layer)

    same_as_eager(both, layer, x, KEY, fast=False if name in WITHOUT_KERNELS else None)


def test_a_compiled_dropout_draws_by_its_key():
    f = pb.compile(lambda x, key: M.Dropout(0.5).training(x, key=key)[0])
    x = np.ones(64)
    a, b, c = (pb.to_numpy(f(x, pb.random.key(i))) for i in (1, 2, 1))
    np.testing.assert_array_equal(a, c)
    assert (a != b).any()


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    def f(z, w):
        return pb.value_and_grad(lambda z: LOSSES[name][0](z, sample_weight=w))(z)

    same_as_eager(f, Z, ROWS)


@pytest.mark.parametrize("options", [OPTIONS[0], OPTIONS[4], OPTIONS[7], OPTIONS[-2]])
def test_cross_entropy_with_options(options):
    """Labels and weights are arguments, which the program does not read."""
    options = dict(options)
    given = options.pop("sample_weight")

    def f(z, y, w):
        weights = None if given is None else w
        return pb.value_and_grad(lambda z: M.cross_entropy(z, y, sample_weight=weights, **options))(
            z
        )

    same_as_eager(f, Z, Y, ROWS)


@pytest.mark.parametrize("name", MAPS)
def test_feature_maps(name):
    x = Z[:, :3].copy()
    same_as_eager(lambda m, x: pb.value_and_grad(lambda x: xp.sum(m(x) ** 2))(x), MAPS[name], x)
