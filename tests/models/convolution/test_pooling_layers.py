"""Tests of `models/convolution/pooling_layers.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

M = pb.models
X = np.random.default_rng(0).standard_normal((2, 3, 6, 4, 5))


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_layers_are_their_functions(dims):
    x = X.reshape(2, 3, 6, 20) if dims == 2 else X.reshape(2, 3, 120) if dims == 1 else X
    largest = (M.MaxPool1d, M.MaxPool2d, M.MaxPool3d)[dims - 1]
    mean = (M.AvgPool1d, M.AvgPool2d, M.AvgPool3d)[dims - 1]
    for ours, wanted in (
        (largest(2, 1, 1), M.max_pool(x, 2, stride=1, padding=1)),
        (largest(2, dilation=2, ceil_mode=True), M.max_pool(x, 2, dilation=2, ceil_mode=True)),
        (mean(3, 2, 1, True, False), M.avg_pool(
            x, 3, stride=2, padding=1, ceil_mode=True, count_include_pad=False)),
    ):  # fmt: skip
        np.testing.assert_array_equal(pb.to_numpy(ours(x)), pb.to_numpy(wanted))
        np.testing.assert_array_equal(pb.to_numpy(ours(x[0])), pb.to_numpy(wanted)[0])


def test_channels_last():
    x = np.moveaxis(X[..., 0], 1, -1)
    assert M.MaxPool2d(2, channels_last=True)(x).shape == (2, 3, 2, 3)
    assert M.AvgPool2d(2, channels_last=True)(x).shape == (2, 3, 2, 3)
    assert M.GlobalAvgPool(channels_last=True)(x).shape == (2, 3)
    assert M.Upsample(2, channels_last=True)(x).shape == (2, 12, 8, 3)


def test_global_mean_flatten_and_upsample():
    np.testing.assert_allclose(pb.to_numpy(M.GlobalAvgPool()(X)), X.mean((2, 3, 4)), rtol=1e-13)
    np.testing.assert_array_equal(pb.to_numpy(M.Flatten()(X)), X.reshape(2, -1))
    np.testing.assert_array_equal(pb.to_numpy(M.Flatten(1, 2)(X)), X.reshape(2, 18, 4, 5))
    np.testing.assert_array_equal(pb.to_numpy(M.Flatten(0)(X)), X.reshape(-1))
    assert M.Flatten()(X[:0]).shape == (0, 360)
    up = M.Upsample(size=(3, 3, 3), mode="trilinear")(X)
    np.testing.assert_array_equal(
        pb.to_numpy(up), pb.to_numpy(M.upsample(X, size=3, mode="linear"))
    )


def test_they_hold_no_parameters_and_say_their_settings():
    for layer in (M.MaxPool2d(2), M.AvgPool1d(3, 1), M.GlobalAvgPool(), M.Flatten(), M.Upsample(2)):
        assert pb.tree.leaves(layer) == []
    assert "MaxPool2d(2)" in M.MaxPool2d(2).summary()
    assert "AvgPool1d(3, 1)" in M.AvgPool1d(3, 1).summary()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: M.MaxPool2d(0), r"MaxPool2d: window=0; it has to be an integer of at least 1"),
        (lambda: M.MaxPool2d((2, 2, 2)), r"MaxPool2d: window=\(2, 2, 2\) has 3 entries, and there are 2"),
        (lambda: M.MaxPool1d(2, 0), r"MaxPool1d: stride=0"),
        (lambda: M.AvgPool3d(2, padding="full"), r"AvgPool3d: padding='full'"),
        (lambda: M.MaxPool2d(2, dilation=0), r"MaxPool2d: dilation=0"),
        (lambda: M.MaxPool2d(2)(np.ones((2, 3))), r"max_pool: inputs of shape \(2, 3\); in 2 dimensions"),
        (lambda: M.Flatten()(np.ones(3)), r"Flatten: inputs of shape \(3,\) have no axes from 1 to -1"),
        (lambda: M.Upsample(), r"Upsample: scale=None and size=None"),
        (lambda: M.Upsample(2, mode="area"), r"Upsample: mode='area' is none of"),
    ],
)  # fmt: skip
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
