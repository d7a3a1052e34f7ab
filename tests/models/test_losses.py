"""Losses against their formulas, in the tails, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.special as sps

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture

M = pb.models
RNG = np.random.default_rng(5)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("shape", [(6,), (6, 1), (2, 3), ()])
def test_binary_cross_entropy_is_its_formula(signed, shape):
    z = RNG.standard_normal(shape) * 3
    y = RNG.integers(0, 2, shape)
    expected = np.mean(np.where(y == 1, np.logaddexp(0, -z), np.logaddexp(0, z)))
    for kind in (np.int64, np.float64, np.int8, np.float32):
        labels = (2 * y - 1 if signed else y).astype(kind)
        value, g = pb.value_and_grad(
            lambda z, labels=labels: M.binary_cross_entropy(z, labels, signed=signed)
        )(z)
        assert float(value) == pytest.approx(expected, rel=1e-13)
        np.testing.assert_allclose(g, (sps.expit(z) - y) / max(z.size, 1), rtol=1e-12)
    if not signed:
        soft = np.full(shape, 0.3)
        expected = np.mean(0.3 * np.logaddexp(0, -z) + 0.7 * np.logaddexp(0, z))
        assert float(M.binary_cross_entropy(z, soft)) == pytest.approx(expected, rel=1e-12)


def test_squared_error_is_its_formula():
    p, t = RNG.standard_normal((4, 2)), RNG.standard_normal((4, 2))
    value, g = pb.value_and_grad(lambda p: M.squared_error(p, t))(p)
    assert float(value) == pytest.approx(np.mean((p - t) ** 2))
    np.testing.assert_allclose(g, 2 * (p - t) / 8, rtol=1e-14)


@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_losses_are_stable_at_large_float32_logits(scale):
    z = np.array([[scale, -scale, 0.0], [0.0, scale, scale]], np.float32)
    y = np.array([1, 2])
    exact = -sps.log_softmax(z.astype(float), axis=1)[[0, 1], y].mean()
    value, g = pb.value_and_grad(lambda z: M.cross_entropy(z, y))(z)
    assert value.dtype == g.dtype == np.float32
    assert float(value) == pytest.approx(exact, rel=1e-6)
    np.testing.assert_allclose(
        g, (sps.softmax(z.astype(float), axis=1) - np.eye(3)[y]) / 2, atol=1e-7
    )
    labels = np.array([[0, 1, 1], [0, 1, 0]])
    value, g = pb.value_and_grad(lambda z: M.binary_cross_entropy(z, labels))(z)
    exact = np.mean(np.logaddexp(0, z.astype(float)) - labels * z)
    assert value.dtype == g.dtype == np.float32
    assert float(value) == pytest.approx(exact, rel=1e-6)
    np.testing.assert_allclose(g, (sps.expit(z.astype(float)) - labels) / 6, atol=1e-7)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: M.cross_entropy(np.ones((2, 3)), np.array([0.0, 1.0])),
            TypeError,
            "integer.*float64",
        ),
        (
            lambda: M.cross_entropy(np.ones((2, 3)), np.array([True, False])),
            TypeError,
            "integer.*bool",
        ),
        (lambda: M.cross_entropy(np.ones((2, 3)), [0, 1]), TypeError, "integer.*list"),
        (
            lambda: M.cross_entropy(np.ones((2, 3)), np.array([0, 1, 2])),
            ValueError,
            r"\(2, 3\).*\(2,\).*\(3,\)",
        ),
        (lambda: M.cross_entropy(np.ones((2, 3)), np.array([[0], [1]])), ValueError, r"\(2, 1\)"),
        (lambda: M.cross_entropy(np.ones(()), np.array(0)), ValueError, r"\(\)"),
        (lambda: M.cross_entropy(np.ones((0, 3)), np.zeros(0, int)), ValueError, "0 rows"),
        (
            lambda: M.cross_entropy(np.ones((2, 3)), np.array([0, 3])),
            IndexError,
            "label 3.*classes 0 … 2",
        ),
        (lambda: M.cross_entropy(np.ones((2, 3)), np.array([-1, 0])), IndexError, "label -1"),
        (
            lambda: M.cross_entropy(np.ones((2, 3)), np.array([255, 0], np.uint8)),
            IndexError,
            "label 255",
        ),
        (
            lambda: M.binary_cross_entropy(np.ones((2, 1)), np.ones(2)),
            ValueError,
            r"\(2, 1\).*\(2,\)",
        ),
        (lambda: M.squared_error(np.ones((2, 1)), np.ones(2)), ValueError, r"\(2, 1\).*\(2,\)"),
    ],
)
def test_label_and_shape_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    "loss", [lambda p: M.squared_error(p, p * 0 + 1), lambda p: M.binary_cross_entropy(p, p * 0)]
)
def test_targets_may_be_traced(loss):
    pb.check_grads(loss, (RNG.standard_normal((3, 2)),), order=2)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.uint64])
def test_labels_of_every_integer_dtype(kind):
    z = RNG.standard_normal((300, 200))
    y = (np.arange(300) % 100).astype(kind)
    expected = -sps.log_softmax(z, axis=1)[np.arange(300), y.astype(int)].mean()
    assert float(M.cross_entropy(z, y)) == pytest.approx(expected)
    assert np.abs(pb.grad(lambda z: M.cross_entropy(z, y))(z).sum()) < 1e-12


def test_losses_of_nan_are_nan():
    """So that a training loop can see it; not an exception, not a number."""
    z = np.array([[np.nan, 0.0], [0.0, 1.0]])
    with np.errstate(invalid="ignore"):  # numpy.logaddexp warns of a NaN that it is given
        losses = (
            M.cross_entropy(z, np.array([0, 1])),
            M.squared_error(z, z * 0),
            M.binary_cross_entropy(z, z * 0),
        )
    assert [math.isnan(float(loss)) for loss in losses] == [True] * 3
