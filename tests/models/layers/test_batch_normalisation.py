"""Tests of `models/layers/batch_normalisation.py` for channels; those for features are in `test_normalisation.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ..test_module_layers import perturbed

M = pb.models
IMAGES = np.random.default_rng(3).standard_normal((3, 4, 2, 5))


@pytest.mark.parametrize("affine", [True, False])
def test_channels_are_the_features_of_all_places(affine):
    """The same as for features, of images with their channels last."""
    of_images = perturbed(M.BatchNorm2d.init(4, affine=affine, dtype="float64"))
    parts = (of_images.scale, of_images.shift, of_images.running_mean, of_images.running_var)
    of_features = M.BatchNorm(*parts)
    last = np.moveaxis(IMAGES, 1, -1)
    y, new = of_images.training(IMAGES)
    expected, wanted = of_features.training(last)
    assert type(new) is M.BatchNorm2d
    close = {"rtol": 1e-12, "atol": 1e-13}
    np.testing.assert_allclose(pb.to_numpy(y), np.moveaxis(pb.to_numpy(expected), -1, 1), **close)
    np.testing.assert_allclose(new.running_var, wanted.running_var, rtol=1e-12)
    np.testing.assert_allclose(
        pb.to_numpy(new(IMAGES)), np.moveaxis(pb.to_numpy(wanted(last)), -1, 1), **close
    )


def test_the_axis_is_1_by_name_or_setting():
    for norm in (M.BatchNorm1d, M.BatchNorm2d, M.BatchNorm3d):
        assert norm.init(3).axis == 1
    assert M.BatchNorm.init(3).axis == -1
    assert M.BatchNorm.init(4, axis=1)(IMAGES.astype("f")).dtype == np.float32
    y, _ = M.BatchNorm1d.init(4, dtype="float64").training(IMAGES[:, :, 0, 0])
    np.testing.assert_allclose(pb.to_numpy(y).mean(0), 0, atol=1e-12)


def test_refusals():
    with pytest.raises(
        ValueError, match=r"BatchNorm2d: .*\(3, 4, 2, 5\); their axis 1 has to be 5"
    ):
        M.BatchNorm2d.init(5)(IMAGES)
    with pytest.raises(ValueError, match=r"BatchNorm2d: inputs of shape \(4,\)"):
        M.BatchNorm2d.init(4)(IMAGES[0, :, 0, 0])
    with pytest.raises(ValueError, match=r"BatchNorm3d: a training batch .* has 1 values"):
        M.BatchNorm3d.init(4).training(IMAGES[:1, :, :1, :1, None])
    with pytest.raises(ValueError, match=r"BatchNorm2d.init: axis=1.5"):
        M.BatchNorm2d.init(4, axis=1.5)
