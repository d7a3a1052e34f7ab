"""The perceptron with dropout and batch normalisation."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.train.networks.perceptron import build_mlp, count_mlp

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

X = np.random.default_rng(0).standard_normal((20, 5)).astype("float32")


@pytest.mark.parametrize("activation", ["relu", "tanh", "identity"])
@pytest.mark.parametrize("hidden", [(8, 4), ()])
def test_without_both_it_is_the_plain_one(activation, hidden):
    model = build_mlp(5, hidden, 3, activation=activation, seed=4)
    plain = pb.models.MLP((5, *hidden, 3), activation=activation, seed=4)
    np.testing.assert_allclose(pb.to_numpy(model(X)), pb.to_numpy(plain(X)), rtol=1e-6)


def test_in_training_units_are_left_out_and_statistics_renewed():
    model = build_mlp(5, (64,), 3, dropout=0.5, batch_norm=True)
    key = pb.random.key(0)
    y, after = model.training(X, key=key)
    assert not np.allclose(pb.to_numpy(y), pb.to_numpy(model(X)))
    norm, renewed = model.layers[1], after.layers[1]
    assert not np.allclose(pb.to_numpy(norm.running_mean), pb.to_numpy(renewed.running_mean))
    # in inference there is neither: the same each time, whatever the batch
    np.testing.assert_allclose(pb.to_numpy(model(X))[:3], pb.to_numpy(model(X[:3])), atol=1e-6)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_its_numbers_are_counted(batch_norm):
    model = build_mlp(5, (8, 4), 3, dropout=0.1, batch_norm=batch_norm)
    sizes = sum(leaf.size for leaf in pb.tree.leaves(model))
    assert count_mlp(5, (8, 4), 3, dropout=0.1, batch_norm=batch_norm) == sizes
