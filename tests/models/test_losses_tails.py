"""Losses where 1 swallows what stands beside it, at infinite logits, and of samples that weigh nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp
M = pb.models
INF, NAN = math.inf, math.nan
TAILS = [0.0, 0.5, 5.0, 18.0, 40.0, 80.0, 700.0]
DTYPES = ["float32", "float64"]
# mpmath 1.3, 50 digits: −log σ(z), −σ(−z) and σ(z) σ(−z) by z
EXACT = {
    0.0: (0.69314718055994531, -0.5, 0.25),
    0.5: (0.47407698418010668, -0.37754066879814544, 0.23500371220159449),
    5.0: (0.0067153484891180686, -0.0066928509242848556, 0.0066480566707901549),
    18.0: (1.5229979628736488e-8, -1.5229979512760349e-8, 1.5229979280808073e-8),
    40.0: (4.248354255291589e-18, -4.248354255291589e-18, 4.248354255291589e-18),
    80.0: (1.8048513878454152e-35, -1.8048513878454152e-35, 1.8048513878454152e-35),
    700.0: (9.8596765437597709e-305, -9.8596765437597709e-305, 9.8596765437597709e-305),
}


# loss(z, y) of margins z (n,) that favour label y = 1, and of those that favour y = 0
TWO = {
    "binary": lambda z, y: M.binary_cross_entropy(z if y else -z, np.full(z.shape, y), reduction="none"),
    "binary, floats": lambda z, y: M.binary_cross_entropy(
        z if y else -z, np.full(z.shape, float(y)), reduction="none"
    ),
    "binary, bools": lambda z, y: M.binary_cross_entropy(z if y else -z, np.full(z.shape, bool(y)), reduction="none"),
    "binary, signed": lambda z, y: M.binary_cross_entropy(
        z if y else -z, np.full(z.shape, 2 * y - 1), signed=True, reduction="none"
    ),
    "binary, weighted": lambda z, y: M.binary_cross_entropy(
        z if y else -z, np.full(z.shape, y), sample_weight=np.ones(z.shape), reduction="none"
    ),
    "binary, mean": lambda z, y: xp.stack(
        [M.binary_cross_entropy(z[i] if y else -z[i], np.asarray(y)) for i in range(z.shape[0])]
    ),
    "cross-entropy": lambda z, y: xp.stack(
        [
            M.cross_entropy(xp.stack([z[i] + 2, 0 * z[i] + 2])[None], np.zeros(1, int))
            for i in range(z.shape[0])
        ]
    ),
    "cross-entropy, each": lambda z, y: M.cross_entropy(
        _pair(z, y), np.full(z.shape, 1 - y), reduction="none"
    ),
    "cross-entropy, soft": lambda z, y: M.cross_entropy(
        _pair(z, y), np.eye(2)[np.full(z.shape, 1 - y)], reduction="none"
    ),
    "cross-entropy, weights": lambda z, y: M.cross_entropy(
        _pair(z, y), np.full(z.shape, 1 - y), class_weight=np.ones(2), ignore_index=7, reduction="none"
    ),
    "kl": lambda z, y: M.kl_divergence(
        xp.log_softmax(_pair(z, y)), np.eye(2)[np.full(z.shape, 1 - y)], reduction="none"
    ),
    "estimators', one output": lambda z, y: _estimators()(z[:, None] if y else -z[:, None], np.full(z.shape, y)),
    "estimators'": lambda z, y: _estimators()(_pair(z, y), np.full(z.shape, 1 - y)),
}  # fmt: skip


def _pair(z, y):
    """Logits (n, 2) whose class 1 − y is ahead by z."""
    low = 0 * z + 2
    return xp.stack([z + low, low] if y else [low, z + low], axis=-1)


def _estimators():
    from pullback.train.estimators.losses import CLASSIFICATION

    return CLASSIFICATION["log_loss"].losses


def close(got, expected, dtype):
    tiny = float(np.finfo(dtype).smallest_normal)
    np.testing.assert_allclose(got, expected, rtol=4e-6 if dtype == "float32" else 1e-13, atol=tiny)


@pytest.mark.parametrize("y", [0, 1])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TWO)
def test_two_classes_in_the_right_tail(name, dtype, y):
    """At y = 1 and large z the loss is e^(−z), its derivatives −e^(−z) and e^(−z); not 0."""
    z = np.array(TAILS, dtype)
    loss = lambda z: TWO[name](z, y)
    total = lambda z: xp.sum(loss(z))
    values, first, second = zip(*EXACT.values(), strict=True)
    close(pb.to_numpy(loss(z)), values, dtype)
    close(pb.grad(total)(z), first, dtype)
    close(pb.grad(lambda z: xp.sum(pb.grad(total)(z)))(z), second, dtype)
    compiled = pb.compile(lambda z: (loss(z), pb.grad(total)(z)), fast=False)
    for scale in (0.0, 1.0):  # a program's second call has other inputs
        value, slope = compiled(z * scale)
    close(pb.to_numpy(value), values, dtype)
    close(pb.to_numpy(slope), first, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TWO)
def test_two_classes_in_the_wrong_tail(name, dtype):
    """At large z against the label: z + e^(−z), 1 − e^(−z) and e^(−z)."""
    z = -np.array(TAILS, dtype)
    total = lambda z: xp.sum(TWO[name](z, 1))
    values, first, second = (np.array(part) for part in zip(*EXACT.values(), strict=True))
    close(pb.to_numpy(TWO[name](z, 1)), values - z.astype(float), dtype)
    close(pb.grad(total)(z), -1 - first, dtype)
    close(pb.grad(lambda z: xp.sum(pb.grad(total)(z)))(z), second, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_log_sums_beside_one_large_term(dtype):
    for z in (18.0, 40.0, 80.0):
        x = np.array([[0.0, -z, -z], [-z, -z - 3, 0.0]], dtype)
        small = math.exp(-z)
        rest = np.array([2 * small, (1 + math.exp(-3)) * small])
        close(pb.to_numpy(xp.logsumexp(x, axis=1)), np.log1p(rest), dtype)
        close(pb.to_numpy(xp.log_softmax(x)[0, 0]), -np.log1p(rest[0]), dtype)
        g = pb.grad(lambda x: xp.log_softmax(x)[0, 0])(x)
        close(g[0], np.array([2, -1, -1]) * small / (1 + rest[0]), dtype)
    ties = np.array([3.0, 3.0, 3.0, -50.0], dtype)
    close(pb.to_numpy(xp.logsumexp(ties)), 3 + math.log(3), dtype)
    for x, expected in (
        ([-INF, -INF], -INF),
        ([INF, 0.0], INF),
        ([-INF, 2.0], 2.0),
        ([NAN, 0.0], NAN),
    ):
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(pb.to_numpy(xp.logsumexp(np.array(x, dtype))), expected)


# ── 0 · ∞ ─────────────────────────────────────────────────────────────────────────────────────────

MASKED = np.array([[1.0, -INF, 2.0], [0.5, 0.5, -INF]])
PROBABILITIES = np.array([[0.25, 0.0, 0.75], [1.0, 0.0, 0.0]])
FREE = np.array([[1.0, 2.0], [0.5, 0.5]])  # the same without what is masked, by hand below


def log_softmax(z):
    with np.errstate(divide="ignore"):
        return z - np.log(np.exp(z).sum(-1, keepdims=True))


def kl(z, **options):
    return M.kl_divergence(xp.log_softmax(z), PROBABILITIES, **options)


def test_hard_labels_and_class_weights_of_0():
    for options in ({}, {"reduction": "sum"}, {"ignore_index": 9}, {"sample_weight": np.ones(2)}):
        value, g = pb.value_and_grad(
            lambda z, o=options: M.cross_entropy(z, np.array([0, 1]), **o)
        )(MASKED)
        assert np.isfinite(float(value))
        assert np.isfinite(g).all()
    weights = np.array([1.0, 0.0, 1.0])
    for y in (np.array([1, 0]), np.eye(3)[[1, 0]]):  # class 1 of row 0 is at −∞, and weighs nothing
        value, g = pb.value_and_grad(
            lambda z, y=y: M.cross_entropy(z, y, class_weight=weights, reduction="sum")
        )(MASKED)
        np.testing.assert_allclose(float(value), math.log(2), rtol=1e-14)
        np.testing.assert_allclose(g, [[0, 0, 0], [-0.5, 0.5, 0]], atol=1e-16)
    value = M.cross_entropy(MASKED, np.array([1, 0]), reduction="none")  # here it is the label
    np.testing.assert_allclose(pb.to_numpy(value), [INF, math.log(2)])
    smooth = M.cross_entropy(MASKED, np.array([0, 0]), label_smoothing=0.1, reduction="none")
    np.testing.assert_array_equal(pb.to_numpy(smooth), INF)
    whole = M.cross_entropy(FREE, np.array([0, 0]), label_smoothing=1.0, reduction="none")
    np.testing.assert_allclose(pb.to_numpy(whole), -log_softmax(FREE).mean(-1))


def test_the_derivative_by_a_probability_of_0():
    """−log q, not 0, where it is finite."""
    log_q = np.log([[0.2, 0.3, 0.5]])
    for loss in (M.cross_entropy, lambda z, t: M.cross_entropy(z, t, class_weight=np.ones(3))):
        g = pb.grad(lambda t, loss=loss: loss(log_q, t))(np.array([[1.0, 0.0, 0.0]]))
        np.testing.assert_allclose(g, -log_q, rtol=1e-13)


# name: (loss(z), value, derivative) of one number
SINGLE = {
    "binary at ∞": (lambda z: M.binary_cross_entropy(z, np.asarray(1)), INF, 0.0, 0.0),
    "binary at −∞": (lambda z: M.binary_cross_entropy(z, np.asarray(0.0)), -INF, 0.0, 0.0),
    "binary, wrong at ∞": (lambda z: M.binary_cross_entropy(z, np.asarray(0)), INF, INF, 1.0),
    "binary, signed at ∞": (lambda z: M.binary_cross_entropy(z, np.asarray(1), signed=True), INF, 0.0, 0.0),
    "poisson of count 0": (lambda z: M.poisson(z, np.asarray(0)), -INF, 0.0, 0.0),
    "poisson of rate 0": (lambda z: M.poisson(z, np.asarray(0), log_input=False, eps=0.0), 0.0, 0.0, 1.0),
    "hinge at ∞": (lambda z: M.hinge(z, np.asarray(1)), INF, 0.0, 0.0),
    "hinge, wrong at ∞": (lambda z: M.hinge(z, np.asarray(0)), INF, INF, 1.0),
    "huber at ∞": (lambda z: M.huber(z, np.asarray(0.0)), INF, INF, 1.0),
    "huber at −∞": (lambda z: M.huber(z, np.asarray(0.0)), -INF, INF, -1.0),
    "absolute at −∞": (lambda z: M.absolute_error(z, np.asarray(0.0)), -INF, INF, -1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", SINGLE)
def test_limits_at_infinity(name):
    loss, at, value, slope = SINGLE[name]
    for dtype in DTYPES:
        with np.errstate(all="ignore"):
            got, g = pb.value_and_grad(loss)(np.asarray(at, dtype))
        assert (float(got), float(g)) == (value, slope)


def test_poisson_s_eps_does_not_vanish():
    """1e-8 is 0 in float16: the logarithm of a rate of 0 is finite, its derivative too."""
    value, g = pb.value_and_grad(lambda z: M.poisson(z, np.asarray(1), log_input=False))(
        np.asarray(0.0, np.float16)
    )
    assert np.isfinite(float(value))
    assert np.isfinite(float(g))


# ── weights of 0 ──────────────────────────────────────────────────────────────────────────────────

ROWS = np.array([[1.0, 2.0, 0.5], [NAN, INF, -INF], [0.3, -1.0, 2.0]])
GOOD = ROWS[[0, 2]]
W0 = np.array([2.0, 0.0, 1.0])
WEIGHTED = {
    "squared": lambda z, y, **o: M.squared_error(z, np.ones(z.shape), **o),
    "absolute": lambda z, y, **o: M.absolute_error(z, np.ones(z.shape), **o),
    "huber": lambda z, y, **o: M.huber(z, np.ones(z.shape), **o),
    "binary": lambda z, y, **o: M.binary_cross_entropy(z, np.eye(3)[y], **o),
    "binary, signed": lambda z, y, **o: M.binary_cross_entropy(
        z, 2 * np.eye(3)[y] - 1, signed=True, **o
    ),
    "hinge": lambda z, y, **o: M.hinge(z, np.eye(3)[y], **o),
    "multiclass hinge": lambda z, y, **o: M.hinge(z, y, **o),
    "poisson": lambda z, y, **o: M.poisson(z, np.eye(3)[y], **o),
    "poisson of rates": lambda z, y, **o: M.poisson(z * z, np.eye(3)[y], log_input=False, **o),
    "cross-entropy": lambda z, y, **o: M.cross_entropy(z, y, **o),
    "cross-entropy, smooth": lambda z, y, **o: M.cross_entropy(z, y, label_smoothing=0.1, **o),
    "cross-entropy, soft": lambda z, y, **o: M.cross_entropy(z, np.eye(3)[y], **o),
    "kl": lambda z, y, **o: M.kl_divergence(xp.log_softmax(z), np.eye(3)[y], **o),
}


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", WEIGHTED)
def test_a_sample_of_weight_0_counts_for_nothing(name, reduction):
    """Were it NaN or infinite: the value is that without it, and its gradient 0 where the loss takes it as it is."""
    loss, y = WEIGHTED[name], np.array([0, 1, 2])
    wanted, slope = pb.value_and_grad(
        lambda z: loss(z, y[[0, 2]], sample_weight=W0[[0, 2]], reduction=reduction)
    )(GOOD)
    f = pb.value_and_grad(lambda z, w: loss(z, y, sample_weight=w, reduction=reduction))
    for run in (f, pb.compile(f, fast=False)):
        with np.errstate(all="ignore"):
            for _ in range(2):
                value, g = run(ROWS, W0)
        np.testing.assert_allclose(float(value), float(wanted), rtol=1e-13)
        np.testing.assert_allclose(pb.to_numpy(g)[[0, 2]], slope, rtol=1e-12, atol=1e-16)
        if "z * z" not in name and name not in (
            "squared",
            "absolute",
            "huber",
            "poisson of rates",
            "kl",
        ):
            assert not pb.to_numpy(g)[1].any()


def test_ignored_rows_of_nan_have_no_gradient():
    y = np.array([0, -100, 2])
    for options in (
        {},
        {"label_smoothing": 0.1},
        {"class_weight": np.ones(3)},
        {"reduction": "sum"},
    ):
        value, g = pb.value_and_grad(
            lambda z, o=options: M.cross_entropy(z, y, ignore_index=-100, **o)
        )(ROWS)
        assert np.isfinite(float(value))
        assert np.isfinite(g).all()
        assert not g[1].any()
