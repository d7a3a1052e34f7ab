"""Tests of `models/layers/normalisation.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ..test_module_layers import X, perturbed

xp = pb.xp


M = pb.models


def test_batch_norm_is_its_formula():
    """Training by the batch, with the unbiased running variance; inference by the running statistics."""
    norm = perturbed(M.BatchNorm.init(4, momentum=0.3, eps=0.01, dtype="float64"))
    mean, var = X.mean(0), X.var(0)
    y, new = norm.training(X)
    np.testing.assert_allclose(
        pb.to_numpy(y), (X - mean) / np.sqrt(var + 0.01) * norm.scale + norm.shift, rtol=1e-12
    )
    np.testing.assert_allclose(new.running_mean, 0.7 * norm.running_mean + 0.3 * mean, rtol=1e-13)
    np.testing.assert_allclose(
        new.running_var, 0.7 * norm.running_var + 0.3 * X.var(0, ddof=1), rtol=1e-13
    )
    assert (new.momentum, new.eps) == (0.3, 0.01)
    assert new.scale is norm.scale
    expected = (X - new.running_mean) / np.sqrt(new.running_var + 0.01) * norm.scale + norm.shift
    np.testing.assert_allclose(pb.to_numpy(new(X)), expected, rtol=1e-12)
    np.testing.assert_allclose(pb.to_numpy(new(X[:1])), expected[:1], rtol=1e-12)  # one row


@pytest.mark.parametrize("shape", [(1, 4), (0, 4), (4,), (1, 1, 4)])
def test_batch_norm_of_one_row_in_training_is_refused(shape):
    with pytest.raises(ValueError, match=r"two or more"):
        M.BatchNorm.init(4).training(np.ones(shape, "f"))


def test_batch_norm_of_two_equal_rows_is_finite():
    norm = M.BatchNorm.init(2, dtype="float64")
    x = np.full((2, 2), 3.0)
    y, new = norm.training(x)
    np.testing.assert_array_equal(pb.to_numpy(y), 0)
    np.testing.assert_allclose(new.running_var, 0.9)
    assert np.isfinite(pb.grad(lambda x: xp.sum(norm.training(x)[0] ** 2))(x)).all()


def test_batch_norm_of_large_float32_numbers_keeps_its_digits():
    """The variance is that of centred numbers: not E x² − (E x)², which is 0 or negative here."""
    x = (1e4 + np.array([[0.0], [1.0], [2.0], [3.0]])).astype("f")
    y, _ = M.BatchNorm.init(1).training(x)
    np.testing.assert_allclose(
        pb.to_numpy(y)[:, 0], [-1.341635, -0.447212, 0.447212, 1.341635], rtol=1e-4
    )


def test_layer_and_rms_norm_are_their_formulas():
    norm = perturbed(M.LayerNorm.init(4, eps=0.1, dtype="float64"))
    expected = (X - X.mean(1, keepdims=True)) / np.sqrt(X.var(1, keepdims=True) + 0.1)
    np.testing.assert_allclose(pb.to_numpy(norm(X)), expected * norm.scale + norm.shift, rtol=1e-12)
    rms = perturbed(M.RMSNorm.init(4, eps=0.1, dtype="float64"))
    expected = X / np.sqrt((X**2).mean(1, keepdims=True) + 0.1)
    np.testing.assert_allclose(pb.to_numpy(rms(X)), expected * rms.scale, rtol=1e-12)


def test_group_norm_is_its_formula():
    x = np.random.default_rng(2).standard_normal((2, 6, 3, 2))
    norm = perturbed(M.GroupNorm.init(3, 6, eps=0.1, dtype="float64"))
    rows = x.reshape(2, 3, -1)
    expected = (rows - rows.mean(2, keepdims=True)) / np.sqrt(rows.var(2, keepdims=True) + 0.1)
    expected = expected.reshape(x.shape) * norm.scale[:, None, None] + norm.shift[:, None, None]
    np.testing.assert_allclose(pb.to_numpy(norm(x)), expected, rtol=1e-12, atol=1e-13)
    features = M.GroupNorm.init(3, 6, dtype="float64")(x[:, :, 0, 0])
    np.testing.assert_allclose(pb.to_numpy(features).reshape(2, 3, 2).sum(2), 0, atol=1e-12)


def test_group_norm_refuses():
    with pytest.raises(ValueError, match=r"GroupNorm.init: 6 channels .* 4 groups"):
        M.GroupNorm.init(4, 6)
    with pytest.raises(ValueError, match=r"inputs of shape \(2, 5\); they are \(batch, 6"):
        M.GroupNorm.init(3, 6)(np.ones((2, 5)))
