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


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("axis", [None, -1])
def test_logsumexp_of_nan_has_the_gradient_nan(lib, axis, compiled):
    """A gradient of 0 would hide it; only a row whose sum is infinite has none."""
    rows = np.asarray([[np.nan, 0.0], [1.0, 1.0], [-np.inf, -np.inf], [-np.inf, 2.0]])
    f = pb.grad(lambda x: pb.xp.sum(pb.xp.special.logsumexp(x, axis=axis)))
    x = lib.asarray(rows)
    with np.errstate(all="ignore"):  # the logarithm of 0, as in NumPy
        g = lib.to_numpy((pb.compile(f) if compiled else f)(x))
    if axis is None:
        assert np.isnan(g).all()
    else:
        np.testing.assert_array_equal(g, [[np.nan, np.nan], [0.5, 0.5], [0, 0], [0, 1]])
