"""The convolutional network: as many layers as the image asks for, whatever its size."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.train.networks.images import build_cnn, flat_features, plan


@pytest.mark.parametrize(
    "image",
    [(1, 8, 8), (1, 28, 28), (3, 32, 32), (1, 1, 1), (2, 1, 9), (1, 3, 5), (4, 17, 60)],
)
def test_every_size_of_image_has_a_network(image):
    model = build_cnn(image, (6,), 4, dropout=0.2)
    x = np.random.default_rng(0).normal(size=(3, *image)).astype("float32")
    x = pb.asarray(x)
    assert model(x).shape == (3, 4)
    assert model.training(x, key=pb.random.key(0))[0].shape == (3, 4)
    flat = [i for i, layer in enumerate(model.layers) if isinstance(layer, pb.models.Flatten)]
    for layer in model.layers[: flat[0] + 1]:
        x = layer(x)
    assert x.shape == (3, flat_features(image))


def test_sides_are_halved_while_four_pixels_are_left():
    sides = (3, 4, 7, 8, 15, 16, 28, 32, 224, 5000)
    assert [plan(n, n)[1] for n in sides] == [0, 0, 0, 1, 1, 2, 2, 3, 5, 5]
