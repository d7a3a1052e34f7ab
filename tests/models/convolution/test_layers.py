"""Tests of `models/convolution/layers.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp
M = pb.models
CONVOLUTIONS = (M.Conv1d, M.Conv2d, M.Conv3d)
TRANSPOSED = (M.ConvTranspose1d, M.ConvTranspose2d, M.ConvTranspose3d)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_layers_are_their_functions(dims):
    x = np.random.default_rng(0).standard_normal((2, 4, 5, 6, 5)[: dims + 2])
    settings = {"stride": 2, "dilation": 2, "groups": 2}
    layer = CONVOLUTIONS[dims - 1].init(4, 6, 2, padding=[1] * dims, dtype="float64", **settings)
    assert (layer.W.shape, layer.b.shape) == ((6, 2, *(2,) * dims), (6,))
    expected = M.conv(x, layer.W, layer.b, padding=1, **settings)
    np.testing.assert_array_equal(pb.to_numpy(layer(x)), pb.to_numpy(expected))
    back = TRANSPOSED[dims - 1].init(4, 6, 2, output_padding=1, dtype="float64", **settings)
    assert back.W.shape == (4, 3, *(2,) * dims)
    expected = M.conv_transpose(x, back.W, back.b, output_padding=1, **settings)
    np.testing.assert_array_equal(pb.to_numpy(back(x)), pb.to_numpy(expected))


def test_channels_last_and_no_bias():
    layer = M.Conv2d.init(3, 2, 3, padding="same", bias=False, channels_last=True)
    assert layer.b is None
    assert layer(np.ones((1, 5, 4, 3), "f")).shape == (1, 5, 4, 2)
    back = M.ConvTranspose2d.init(3, 2, 3, bias=False, channels_last=True)
    assert back(np.ones((1, 5, 4, 3), "f")).shape == (1, 7, 6, 2)


def test_a_seed_gives_the_same_layer():
    a, b, c = (M.Conv2d.init(3, 2, 3, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a.W, b.W)
    assert not np.array_equal(a.W, c.W)
    bound = 1 / np.sqrt(27)
    assert np.abs(a.W).max() <= bound
    assert a.W.dtype == a.b.dtype == np.float32


def test_a_network_learns_in_training_mode():
    """Bars in two directions, told apart; normalisation and pooling in `Sequential`, compiled."""
    rng = np.random.default_rng(0)
    x = np.zeros((32, 1, 6, 6), "f")
    labels = np.arange(32) % 2
    for image, label in zip(x, labels, strict=True):
        place = rng.integers(6)
        image[0, place] += 1 - label
        image[0, :, place] += label
    model = M.Sequential(
        M.Conv2d.init(1, 4, 3, padding=1), M.BatchNorm2d.init(4), "relu", M.MaxPool2d(2),
        M.Conv2d.init(4, 4, 2, seed=1), M.GroupNorm.init(2, 4), "relu", M.GlobalAvgPool(), M.Linear.init(4, 2),
    )  # fmt: skip
    opt = pb.optim.Adam(lr=0.02)
    state = opt.init(model)

    @pb.compile(fast=False)
    def step(model, state):
        def loss(model):
            logits, new = model.training(x)
            return xp.softmax_cross_entropy(logits, labels), new

        (value, new), g = pb.value_and_grad(loss, has_aux=True)(model)
        return value, *opt.step(new, g, state)

    values = []
    for _ in range(40):
        value, model, state = step(model, state)
        values.append(float(value))
    assert values[-1] < 0.3 * values[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: M.Conv2d.init(0, 2, 3), r"Conv2d.init: inputs=0; it has to be an integer"),
        (lambda: M.Conv1d.init(3, 2, (3, 3)), r"Conv1d.init: kernel=\(3, 3\) has 2 entries, and there are 1 "),
        (lambda: M.Conv2d.init(3, 2, 3, groups=2), r"Conv2d.init: inputs=3 cannot be split into groups=2"),
        (lambda: M.Conv2d.init(3, 2, 3, padding="full"), r"Conv2d.init: padding='full'; it is 'valid'"),
        (lambda: M.ConvTranspose2d.init(3, 2, 3, padding="same"), r"ConvTranspose2d.init: padding='same' and"),
        (lambda: M.ConvTranspose2d.init(3, 2, 3, output_padding=1), r"output_padding=1; .* less than the stride"),
        (lambda: M.ConvTranspose3d.init(2, 3, 3, groups=2), r"ConvTranspose3d.init: outputs=3 cannot be split"),
        (lambda: M.Conv2d.init(3, 2, 3)(np.ones((2, 4, 5, 5))), r"conv: inputs of 4 channels, and W"),
    ],
)  # fmt: skip
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
