"""Tests of `models/initialisation.py`."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb
from pullback.models.initialisation import draw, variance

from .._host import numpy_is_active  # noqa: F401 - a fixture

M = pb.models


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("he", lambda n, m: 2 / n),
        ("glorot", lambda n, m: 2 / (n + m)),
        ("lecun", lambda n, m: 1 / n),
    ],
)
def test_variances(name, expected):
    for n, m in ((400, 100), (50, 700)):
        assert variance(name, n, m) == pytest.approx(expected(n, m))
        W = draw(name, (n, m), np.random.default_rng(0))
        assert W.shape == (n, m)
        assert W.var() == pytest.approx(expected(n, m), rel=0.03)
        assert abs(W.mean()) < 4 * W.std() / math.sqrt(W.size)


def test_the_table_of_initialisers_is_complete():
    assert set(M.INITIALISERS) == {"he", "glorot", "lecun"}
    with pytest.raises(ValueError, match=r"'xavier'.*he, glorot, lecun"):
        M.MLP([2, 3], init="xavier")


@pytest.mark.parametrize(
    ("activation", "init", "kinds"),
    [
        ("relu", None, ["he", "he", "lecun"]),
        ("gelu", None, ["he", "he", "lecun"]),
        ("tanh", None, ["glorot", "glorot", "lecun"]),
        ("relu", "glorot", ["glorot"] * 3),
    ],
)
def test_default_initialisation_of_an_mlp(activation, init, kinds):
    model = M.MLP([300, 200, 250, 100], activation=activation, init=init, dtype="float64")
    for layer, kind in zip(model.layers, kinds, strict=True):
        assert layer.W.var() == pytest.approx(variance(kind, *layer.W.shape), rel=0.05)
        np.testing.assert_array_equal(layer.b, 0)


def test_he_keeps_the_signal_s_size_through_many_relu_layers():
    model = M.MLP([256] * 12, seed=1)
    out = pb.to_numpy(model(np.random.default_rng(0).standard_normal((64, 256)).astype("f")))
    assert 0.2 < out.std() < 5


def test_the_same_seed_gives_the_same_model():
    one, two, other = (M.MLP([5, 4, 3], seed=s) for s in (3, 3, 4))
    for a, b, c in zip(*(pb.tree.leaves(m) for m in (one, two, other)), strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.ndim == 1 or (a != c).any()
    rng = np.random.default_rng(3)
    np.testing.assert_array_equal(M.MLP([5, 4, 3], seed=rng).layers[0].W, one.layers[0].W)
    assert (M.MLP([5, 4, 3], seed=rng).layers[0].W != one.layers[0].W).any()
