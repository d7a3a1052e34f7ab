"""Losses with weights, reductions and other options: formulas, gradients, tails, and what they refuse."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.special as sps

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp
M = pb.models
RNG = np.random.default_rng(9)
Z = RNG.standard_normal((6, 4)) * 2
T = RNG.standard_normal((6, 4))
Y = np.array([0, 3, 1, 1, 2, 0])
HALF = (Z > T).astype(np.int64)
SOFT = sps.softmax(T, axis=1)
ROWS = RNG.uniform(0.1, 2, 6)  # weights
ALL = RNG.uniform(0.1, 2, (6, 4))
CLASS = np.array([0.5, 1.0, 2.0, 0.25])
D = Z - T
KL = (SOFT * (np.log(SOFT) - sps.log_softmax(Z, axis=1))).sum(1)


def hinge_of(z, y, kind):
    own = z[np.arange(len(y)), y][:, None]
    lacking = np.where(np.arange(z.shape[1]) == y[:, None], 0, np.maximum(0, 1 + z - own))
    return lacking.max(1) if kind == "max" else lacking.mean(1)


# name: (loss(outputs, **options), losses by a formula)
ELEMENTWISE = {
    "squared": (lambda z, **k: M.squared_error(z, T, **k), D**2),
    "absolute": (lambda z, **k: M.absolute_error(z, T, **k), abs(D)),
    "huber": (
        lambda z, **k: M.huber(z, T, delta=0.8, **k),
        np.where(abs(D) <= 0.8, D**2 / 2, 0.8 * (abs(D) - 0.4)),
    ),
    "binary": (
        lambda z, **k: M.binary_cross_entropy(z, HALF, **k),
        np.logaddexp(0, np.where(HALF, -Z, Z)),
    ),
    "binary, signed": (
        lambda z, **k: M.binary_cross_entropy(z, 2 * HALF - 1, signed=True, **k),
        np.logaddexp(0, np.where(HALF, -Z, Z)),
    ),
    "hinge": (lambda z, **k: M.hinge(z, HALF, **k), np.maximum(0, 1 - (2 * HALF - 1) * Z)),
    "hinge, signed": (
        lambda z, **k: M.hinge(z, 2 * HALF - 1, signed=True, margin=0.5, **k),
        np.maximum(0, 0.5 - (2 * HALF - 1) * Z),
    ),
    "poisson": (lambda z, **k: M.poisson(z, Y[:, None] + 0 * HALF, **k), np.exp(Z) - Y[:, None] * Z),
    "poisson of rates": (
        lambda z, **k: M.poisson(xp.exp(z), Y[:, None] + 0 * HALF, log_input=False, eps=0.0, **k),
        np.exp(Z) - Y[:, None] * Z,
    ),
}  # fmt: skip
BY_ROW = {
    "kl": (lambda z, **k: M.kl_divergence(xp.log_softmax(z), SOFT, **k), KL),
    "kl of logarithms": (
        lambda z, **k: M.kl_divergence(xp.log_softmax(z), np.log(SOFT), log_target=True, **k),
        KL,
    ),
    "cross-entropy": (lambda z, **k: M.cross_entropy(z, Y, **k), -sps.log_softmax(Z, axis=1)[np.arange(6), Y]),
    "cross-entropy, soft": (
        lambda z, **k: M.cross_entropy(z, SOFT, **k),
        -(SOFT * sps.log_softmax(Z, axis=1)).sum(1),
    ),
    "multiclass hinge": (lambda z, **k: M.hinge(z, Y, **k), hinge_of(Z, Y, "max")),
    "multiclass hinge, mean": (lambda z, **k: M.hinge(z, Y, kind="mean", **k), hinge_of(Z, Y, "mean")),
}  # fmt: skip
LOSSES = ELEMENTWISE | BY_ROW


@pytest.mark.parametrize("weights", ["none", "rows", "all"])
@pytest.mark.parametrize("name", LOSSES)
def test_reductions_and_weights(name, weights):
    """Weighted means divide by the sum of the weights."""
    loss, losses = LOSSES[name]
    w = {"none": None, "rows": ROWS, "all": ALL if name in ELEMENTWISE else ROWS}[weights]
    spread = (
        np.ones_like(losses)
        if w is None
        else np.broadcast_to(w.reshape(w.shape + (1,) * (losses.ndim - w.ndim)), losses.shape)
    )
    for reduction, expected in {
        "none": losses * spread,
        "sum": (losses * spread).sum(),
        "mean": (losses * spread).sum() / spread.sum(),
    }.items():
        got = loss(Z, sample_weight=w, reduction=reduction)
        np.testing.assert_allclose(pb.to_numpy(got), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_gradients_against_central_differences(name, reduction):
    loss, _ = LOSSES[name]
    for w in (None, ROWS):
        pb.check_grads(lambda z, w=w: loss(z, sample_weight=w, reduction=reduction), (Z,), order=2)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_of_float32_are_float32(name):
    loss, _ = LOSSES[name]
    z = Z.astype("f")
    targets_are_double = name.split(",")[0] in (
        "squared",
        "absolute",
        "huber",
        "kl",
        "kl of logarithms",
    )
    for options in ({}, {"sample_weight": ROWS.astype("f"), "reduction": "sum"}):
        value, g = pb.value_and_grad(lambda z, o=options: loss(z, **o))(z)
        assert g.dtype == np.float32
        assert value.dtype == np.float32 or targets_are_double


def test_losses_on_every_library(lib):
    f = lambda a: lib.asarray(a, np.float32 if np.asarray(a).dtype.kind == "f" else None)
    z, t, y, half, w, c, soft = map(f, (Z, T, Y, HALF, ROWS, CLASS, SOFT))
    counts = f(Y[:, None] + 0 * HALF)
    calls = {
        "squared": lambda z, **k: M.squared_error(z, t, **k),
        "absolute": lambda z, **k: M.absolute_error(z, t, **k),
        "huber": lambda z, **k: M.huber(z, t, delta=0.8, **k),
        "binary": lambda z, **k: M.binary_cross_entropy(z, half, **k),
        "hinge": lambda z, **k: M.hinge(z, half, **k),
        "multiclass hinge": lambda z, **k: M.hinge(z, y, **k),
        "poisson": lambda z, **k: M.poisson(z, counts, **k),
        "cross-entropy": lambda z, **k: M.cross_entropy(z, y, **k),
        "cross-entropy, soft": lambda z, **k: M.cross_entropy(z, soft, **k),
    }
    for name, loss in calls.items():
        for reduction, weights in itertools.product(("mean", "sum", "none"), (None, w)):
            value = loss(z, reduction=reduction, sample_weight=weights)
            assert lib.is_raw(value.value)
            assert lib.to_numpy(value.value).dtype == np.float32
            expected = LOSSES[name][0](
                Z, reduction=reduction, sample_weight=None if weights is None else ROWS
            )
            np.testing.assert_allclose(
                lib.to_numpy(value.value), pb.to_numpy(expected), rtol=3e-5, atol=1e-6
            )
        assert lib.is_raw(pb.grad(lambda z, loss=loss: loss(z, sample_weight=w))(z))
    options = {"label_smoothing": 0.1, "class_weight": c, "sample_weight": w, "ignore_index": 1}
    value, g = pb.value_and_grad(lambda z: M.cross_entropy(z, y, **options))(z)
    assert lib.is_raw(g)
    host = {**options, "class_weight": CLASS, "sample_weight": ROWS}
    assert float(lib.to_numpy(value)) == pytest.approx(
        float(M.cross_entropy(Z, Y, **host)), rel=1e-5
    )
    q = M.kl_divergence(xp.log_softmax(z), soft)
    assert float(lib.to_numpy(q.value)) == pytest.approx(
        float(M.kl_divergence(xp.log_softmax(Z), SOFT)), rel=1e-4
    )


# ── cross-entropy ──────────────────────────────────────────────────────────────────────────────────


def test_a_mean_in_which_nothing_counts_is_nan():
    ignored = np.full(6, 7)
    assert math.isnan(float(M.cross_entropy(Z, ignored, ignore_index=7)))
    assert float(M.cross_entropy(Z, ignored, ignore_index=7, reduction="sum")) == 0
    assert math.isnan(float(M.squared_error(Z, T, sample_weight=np.zeros(6))))


def test_labels_out_of_range_on_a_device_make_the_row_s_loss_nan():
    strict = pytest.importorskip(
        "array_api_strict", reason="its second device is one that is not read"
    )
    device = strict.Device("device1")
    z, y = (strict.asarray(a, device=device) for a in (Z, np.array([0, 9, -1, 1, 2, 0])))
    losses = M.cross_entropy(z, y, reduction="none").value.to_device(strict.Device("CPU_DEVICE"))
    np.testing.assert_array_equal(
        np.isnan(np.from_dlpack(losses)), [False, True, True, False, False, False]
    )


@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_every_loss_is_stable_at_large_float32_logits(scale):
    z = np.array([[scale, -scale, 0.0], [0.0, scale, scale]], np.float32)
    exact = z.astype(float)
    y, half = np.array([1, 2]), np.array([[0, 1, 1], [0, 1, 0]])
    soft = np.array([[0.25, 0.5, 0.25], [0.0, 0.0, 1.0]], np.float32)
    w = np.array([1.0, 3.0], np.float32)
    calls = [
        lambda z: M.cross_entropy(
            z, y, label_smoothing=0.1, class_weight=np.ones(3, z.dtype), sample_weight=w
        ),
        lambda z: M.cross_entropy(z, y, ignore_index=1),
        lambda z: M.cross_entropy(z, soft),
        lambda z: M.binary_cross_entropy(z, half, sample_weight=w, reduction="sum"),
        lambda z: M.binary_cross_entropy(z, 2 * half - 1, signed=True),
        lambda z: M.hinge(z, half),
        lambda z: M.hinge(z, y),
        lambda z: M.kl_divergence(xp.log_softmax(z), soft),
        lambda z: M.huber(z, soft),
        lambda z: M.absolute_error(z, soft),
    ]
    for loss in calls:
        value, g = pb.value_and_grad(loss)(z)
        wanted, slope = pb.value_and_grad(loss)(exact)
        assert value.dtype == g.dtype == np.float32
        assert np.isfinite(g).all()
        assert float(value) == pytest.approx(float(wanted), rel=2e-6, abs=1e-7)
        np.testing.assert_allclose(g, slope, rtol=1e-5, atol=1e-6)


# ── penalties ──────────────────────────────────────────────────────────────────────────────────────


def test_penalties():
    model = M.Sequential(M.Linear.init(3, 2, dtype="float64"), M.BatchNorm.init(2, dtype="float64"))
    W = model.layers[0].W
    assert float(M.l2_penalty(model)) == pytest.approx(
        (W**2).sum() + 2
    )  # γ = 1; no running statistics
    assert float(M.l1_penalty([model.layers[0].W, None])) == pytest.approx(abs(W).sum())
    g = pb.grad(M.l2_penalty)(model)
    np.testing.assert_allclose(g.layers[0].W, 2 * W)
    assert not g.layers[1].running_var.any()
    np.testing.assert_array_equal(
        pb.grad(M.l1_penalty)([np.array([-2.0, 0.0, 3.0])])[0], [-1, 0, 1]
    )
    pb.check_grads(M.l2_penalty, ({"a": Z, "b": (T, W)},), order=2)
    pb.check_grads(M.l1_penalty, ({"a": Z, "b": (T, W)},), order=1)
    z = np.array([3 + 4j, 1j])
    assert float(M.l2_penalty(z)) == pytest.approx(26)
    assert float(M.l1_penalty(z)) == pytest.approx(6)
    np.testing.assert_allclose(pb.grad(M.l2_penalty)(z), 2 * z)
    assert M.l2_penalty(Z.astype("f")).dtype == np.float32


# ── what KL and Poisson add ────────────────────────────────────────────────────────────────────────


def test_poisson_in_full_is_nearly_the_likelihood():
    y = np.array([0.0, 1.0, 5.0, 40.0])
    z = np.log(np.array([0.5, 1.5, 4.0, 42.0]))
    exact = np.exp(z) - y * z + sps.gammaln(y + 1)
    np.testing.assert_allclose(
        pb.to_numpy(M.poisson(z, y, full=True, reduction="none")), exact, atol=0.02
    )
    pb.check_grads(lambda z, y: M.poisson(z, y, full=True), (z, y + 0.5), order=2)


# ── refusals ───────────────────────────────────────────────────────────────────────────────────────

BAD = {
    "negative": np.array([1.0, -1, 1, 1, 1, 1]),
    "nan": np.array([1.0, math.nan, 1, 1, 1, 1]),
    "inf": np.full(6, math.inf),
}


@pytest.mark.parametrize("weights", BAD)
@pytest.mark.parametrize("name", LOSSES)
def test_bad_sample_weights_are_refused(name, weights):
    with pytest.raises(ValueError, match="sample_weight are finite and not negative, and one is"):
        LOSSES[name][0](Z, sample_weight=BAD[weights])


@pytest.mark.parametrize("name", LOSSES)
def test_bad_reductions_and_shapes_of_weights_are_refused(name):
    with pytest.raises(ValueError, match=r"reduction 'average'.*mean, sum, none"):
        LOSSES[name][0](Z, reduction="average")
    with pytest.raises(ValueError, match=r"sample_weight of shape \(5,\)"):
        LOSSES[name][0](Z, sample_weight=ROWS[:5])
