"""Derivatives of fused functions at the ends of the range."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import pullback as pb

INF = np.inf


@pytest.mark.parametrize(
    ("x", "gradient"),
    [
        ([0.0, 0.0], [0.5, 0.5]),
        ([1000.0, 0.0], [1.0, 0.0]),
        ([-1000.0, -1000.0], [0.5, 0.5]),
        ([-INF, 0.0], [0.0, 1.0]),
        ([3.0], [1.0]),
    ],
)
def test_logsumexp_has_probabilities_for_its_gradient(x, gradient):
    out = pb.grad(pb.xp.special.logsumexp)(np.asarray(x))
    assert_allclose(out, gradient, atol=1e-300)


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e300])
def test_cross_entropy_has_softmax_minus_one_hot_for_its_gradient(scale):
    logits = np.asarray([[scale, 0.0, -scale], [0.0, 0.0, 0.0]])
    labels = np.asarray([0, 2])
    out = pb.grad(lambda z: pb.models.cross_entropy(z, labels))(logits)
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = shifted / shifted.sum(axis=1, keepdims=True)
    expected[[0, 1], labels] -= 1
    assert_allclose(out, expected / 2, rtol=1e-12, atol=1e-16)


def test_a_class_of_no_probability_has_no_gradient():
    logits = np.asarray([[0.0, -INF, 1.0]])
    out = pb.grad(lambda z: pb.models.cross_entropy(z, np.asarray([0])))(logits)
    assert out[0, 1] == 0
    assert np.isfinite(out).all()
    assert_allclose(out.sum(), 0, atol=1e-16)
