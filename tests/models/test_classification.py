"""Tests of `models/classification.py`."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.special as sps

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture
from .test_losses import RNG
from .test_losses_options import CLASS, ROWS, SOFT, Y, Z
from .test_losses_tails import DTYPES, MASKED, PROBABILITIES, close, kl, log_softmax

M = pb.models


def test_cross_entropy_is_its_formula():
    z = RNG.standard_normal((6, 4)) * 3
    y = np.array([0, 3, 1, 1, 2, 0])
    expected = -sps.log_softmax(z, axis=1)[np.arange(6), y].mean()
    value, g = pb.value_and_grad(lambda z: M.cross_entropy(z, y))(z)
    assert float(value) == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(
        g, (sps.softmax(z, axis=1) - np.eye(4)[y]) / 6, rtol=1e-12, atol=1e-16
    )
    np.testing.assert_allclose(
        float(M.cross_entropy(z.reshape(2, 3, 4), y.reshape(2, 3))), expected, rtol=1e-14
    )


OPTIONS = [
    dict(zip(("label_smoothing", "class_weight", "sample_weight", "ignore_index"), values, strict=True))
    for values in itertools.product((0.0, 0.3), (None, CLASS), (None, ROWS), (None, 1, -100))
]  # fmt: skip


def by_hand(z, y, label_smoothing, class_weight, sample_weight, ignore_index):
    """Losses and what they count for, row by row."""
    losses, counts = [], []
    w = np.ones(4) if class_weight is None else class_weight
    for i, label in enumerate(y):
        s = 1.0 if sample_weight is None else sample_weight[i]
        if label == ignore_index:
            losses.append(0.0)
            counts.append(0.0)
            continue
        t = (1 - label_smoothing) * np.eye(4)[label] + label_smoothing / 4
        losses.append(-s * (w * t * sps.log_softmax(z[i])).sum())
        counts.append(s * w[label])
    return np.array(losses), np.array(counts)


@pytest.mark.parametrize("options", OPTIONS)
def test_cross_entropy_with_options(options):
    y = Y.copy()
    if options["ignore_index"] == -100:
        y[[0, 4]] = -100
    losses, counts = by_hand(Z, y, **options)
    for reduction, expected in {
        "none": losses,
        "sum": losses.sum(),
        "mean": losses.sum() / counts.sum(),
    }.items():
        got = pb.to_numpy(M.cross_entropy(Z, y, reduction=reduction, **options))
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-15)
    f = lambda z: M.cross_entropy(z, y, **options)
    pb.check_grads(f, (Z,), order=2)
    g = pb.grad(f)(Z)
    assert not g[y == options["ignore_index"]].any()


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, CLASS])
def test_cross_entropy_of_soft_labels(smoothing, weights):
    t = (1 - smoothing) * SOFT + smoothing / 4
    w = np.ones(4) if weights is None else weights
    expected = -(w * t * sps.log_softmax(Z, axis=1)).sum(1).mean()
    f = lambda z, t: M.cross_entropy(z, t, label_smoothing=smoothing, class_weight=weights)
    assert float(f(Z, SOFT)) == pytest.approx(expected, rel=1e-12)
    pb.check_grads(f, (Z, SOFT), order=2)
    if not smoothing and weights is None:  # probabilities of 0 and 1 are integer labels
        assert float(M.cross_entropy(Z, np.eye(4)[Y])) == pytest.approx(
            float(M.cross_entropy(Z, Y)), rel=1e-14
        )


def test_kl_divergence_means():
    log_q = sps.log_softmax(Z, axis=1)
    rows = (SOFT * (np.log(SOFT) - log_q)).sum(1)
    assert float(M.kl_divergence(log_q, SOFT)) == pytest.approx(rows.mean())
    assert float(M.kl_divergence(log_q, SOFT, sample_weight=ROWS)) == pytest.approx(
        np.average(rows, weights=ROWS)
    )
    assert float(M.kl_divergence(log_q, np.exp(log_q))) == pytest.approx(0, abs=1e-15)
    one_hot = np.eye(4)[Y]
    value, g = pb.value_and_grad(lambda q: M.kl_divergence(q, one_hot))(log_q)
    assert float(value) == pytest.approx(-log_q[np.arange(6), Y].mean())
    assert np.isfinite(g).all()
    pb.check_grads(lambda p: M.kl_divergence(log_q, p), (SOFT,), order=2)


xp = pb.xp


INF = math.inf


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("fast", [None, False, True])
def test_many_classes_by_one_operation(dtype, fast):
    """The mean of rows of which most are certain: the loss of each, and a gradient whose every part has its digits."""
    z = np.array(
        [
            [50.0, 10.0, 12.0, -20.0],
            [0.0, 3.0, 60.0, 3.0],
            [1.0, 1.0, 1.0, 1.0],
            [5.0, -70.0, 0.0, 5.0],
        ],
        dtype,
    )
    y = np.array([0, 2, 1, 3])
    off = np.exp(z.astype(float) - z[np.arange(4), y].astype(float)[:, None])
    off[np.arange(4), y] = 0
    others = off.sum(1)
    slope = off / (1 + others)[:, None]
    slope[np.arange(4), y] = -others / (1 + others)
    for rows in ([0], [1], [0, 1], [0, 1, 2, 3]):
        f = pb.value_and_grad(lambda z, y=y[rows]: M.cross_entropy(z, y))
        f = f if fast is None else pb.compile(f, fast=fast)
        for _ in range(2):
            value, g = f(z[rows])
        close(pb.to_numpy(value), np.log1p(others[rows]).mean(), dtype)
        close(pb.to_numpy(g), slope[rows] / len(rows), dtype)
        hess = pb.jacobian(pb.grad(lambda z, y=y[rows]: M.cross_entropy(z, y)))(z[rows])
        p = slope[rows[0]] + np.eye(4)[y[rows[0]]]
        expected = p * -slope[rows[0]]  # p (1 − p) of the label
        k = y[rows[0]]
        close(hess[0, k, 0, k], expected[k] / len(rows), dtype)


@pytest.mark.parametrize("y", [0.0, 1e-12, 0.3, 0.5, 0.7, 1 - 1e-12, 1.0])
def test_soft_labels_of_two_classes(y):
    """(1 − y) softplus(z) + y softplus(−z), with respect to z and to y."""
    f = lambda z, y: M.binary_cross_entropy(z, y, reduction="sum")
    for z in (-700.0, -40.0, -1.0, 0.0, 2.0, 40.0, 700.0):
        z, t = np.asarray(z), np.asarray(y)
        value = (1 - y) * np.logaddexp(0, z) + y * np.logaddexp(0, -z)
        slope = (1 - y) / (1 + np.exp(-z)) - y / (1 + np.exp(z))
        got, (gz, gy) = pb.value_and_grad(f, argnums=(0, 1))(z, t)
        np.testing.assert_allclose(float(got), value, rtol=1e-14)
        np.testing.assert_allclose(gz, slope, rtol=1e-9, atol=1e-300)
        np.testing.assert_allclose(gy, -z, rtol=1e-14)


def _expected(weights):
    log_p = log_softmax(MASKED)
    share = PROBABILITIES * weights
    terms = np.where(share == 0, 0.0, share * np.where(share == 0, 0.0, log_p))
    slope = np.exp(log_p) * share.sum(-1, keepdims=True) - share
    return -terms.sum(-1), slope


ENTROPY = (PROBABILITIES * np.log(np.where(PROBABILITIES > 0, PROBABILITIES, 1))).sum(-1)


ZERO_TIMES_INFINITY = {
    "cross-entropy": (lambda z, **o: M.cross_entropy(z, PROBABILITIES, **o), 0.0, np.ones(3)),
    "cross-entropy, class weights": (
        lambda z, **o: M.cross_entropy(z, PROBABILITIES, class_weight=np.array([2.0, 3.0, 0.5]), **o),
        0.0,
        np.array([2.0, 3.0, 0.5]),
    ),
    "kl": (kl, ENTROPY, np.ones(3)),
    "kl of logarithms": (
        lambda z, **o: M.kl_divergence(
            xp.log_softmax(z), np.log(PROBABILITIES, out=np.full((2, 3), -INF), where=PROBABILITIES > 0),
            log_target=True, **o,
        ),
        ENTROPY,
        np.ones(3),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ZERO_TIMES_INFINITY)
def test_a_class_of_probability_0_at_a_logit_of_minus_infinity(name):
    loss, added, weights = ZERO_TIMES_INFINITY[name]
    values, slope = _expected(weights)
    f = lambda z: xp.sum(loss(z, reduction="none"))
    for dtype in DTYPES:
        z = MASKED.astype(dtype)
        np.testing.assert_allclose(
            pb.to_numpy(loss(z, reduction="none")), values + added, rtol=1e-6, atol=2e-7
        )
        np.testing.assert_allclose(pb.grad(f)(z), slope, rtol=1e-6, atol=1e-7)
        hessian = pb.hessian(f)(z)
        assert np.isfinite(hessian).all()
        assert not hessian[0, 1].any()
        compiled = pb.compile(pb.grad(f), fast=False)
        for _ in range(2):
            np.testing.assert_allclose(compiled(z), slope, rtol=1e-6, atol=1e-7)


def test_a_row_of_minus_infinity_alone_is_nan():
    z = np.full((1, 3), -INF)
    with np.errstate(all="ignore"):
        assert math.isnan(float(M.cross_entropy(z, np.array([0]))))
        assert math.isnan(float(M.cross_entropy(z, np.eye(3)[[0]])))
