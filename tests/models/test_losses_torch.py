"""Losses against torch: values and gradients to 1e-10 in float64, in every reduction."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as sps

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture

torch = pytest.importorskip("torch", reason="the values to compare with are torch's")
F = torch.nn.functional
xp = pb.xp
M = pb.models
RNG = np.random.default_rng(10)
Z = RNG.standard_normal((6, 4)) * 3
T = RNG.standard_normal((6, 4))
HALF = (Z > T).astype(float)
COUNTS = RNG.integers(0, 6, (6, 4)).astype(float)
SOFT = sps.softmax(T, axis=1)
Y = np.array([0, 3, 1, 1, 2, 0])
CLASS = np.array([0.5, 1.0, 2.0, 0.25])
t = torch.tensor


def rows_of_kl(log_q, p, reduction, **options):
    """Torch keeps the classes apart in "none", and divides by their number in "mean", until its next version."""
    if reduction == "none":
        return F.kl_div(log_q, p, reduction="none", **options).sum(-1)
    return F.kl_div(log_q, p, reduction={"mean": "batchmean"}.get(reduction, reduction), **options)


# name: (ours, theirs), both of (outputs, reduction)
CASES = {
    "squared": (lambda z, r: M.squared_error(z, T, reduction=r), lambda z, r: F.mse_loss(z, t(T), reduction=r)),
    "absolute": (lambda z, r: M.absolute_error(z, T, reduction=r), lambda z, r: F.l1_loss(z, t(T), reduction=r)),
    "huber": (
        lambda z, r: M.huber(z, T, delta=1.7, reduction=r),
        lambda z, r: F.huber_loss(z, t(T), delta=1.7, reduction=r),
    ),
    "binary": (
        lambda z, r: M.binary_cross_entropy(z, HALF, reduction=r),
        lambda z, r: F.binary_cross_entropy_with_logits(z, t(HALF), reduction=r),
    ),
    "binary, soft": (
        lambda z, r: M.binary_cross_entropy(z, SOFT, reduction=r),
        lambda z, r: F.binary_cross_entropy_with_logits(z, t(SOFT), reduction=r),
    ),
    "binary, signed": (
        lambda z, r: M.binary_cross_entropy(z, 2 * HALF - 1, signed=True, reduction=r),
        lambda z, r: F.soft_margin_loss(z, t(2 * HALF - 1), reduction=r),
    ),
    "hinge": (
        lambda z, r: M.hinge(z, HALF, reduction=r),
        lambda z, r: F.margin_ranking_loss(z, torch.zeros_like(z), t(2 * HALF - 1), margin=1.0, reduction=r),
    ),
    "multiclass hinge": (
        lambda z, r: M.hinge(z, Y, kind="mean", margin=0.7, reduction=r),
        lambda z, r: F.multi_margin_loss(z, t(Y), margin=0.7, reduction=r),
    ),
    "poisson": (
        lambda z, r: M.poisson(z, COUNTS, reduction=r),
        lambda z, r: F.poisson_nll_loss(z, t(COUNTS), reduction=r),
    ),
    "poisson, full": (
        lambda z, r: M.poisson(z, COUNTS, full=True, reduction=r),
        lambda z, r: F.poisson_nll_loss(z, t(COUNTS), full=True, reduction=r),
    ),
    "poisson of rates": (
        lambda z, r: M.poisson(z * z, COUNTS, log_input=False, reduction=r),
        lambda z, r: F.poisson_nll_loss(z * z, t(COUNTS), log_input=False, reduction=r),
    ),
    "kl": (
        lambda z, r: M.kl_divergence(xp.log_softmax(z), SOFT, reduction=r),
        lambda z, r: rows_of_kl(F.log_softmax(z, -1), t(SOFT), r),
    ),
    "kl of logarithms": (
        lambda z, r: M.kl_divergence(xp.log_softmax(z), np.log(SOFT), log_target=True, reduction=r),
        lambda z, r: rows_of_kl(F.log_softmax(z, -1), t(np.log(SOFT)), r, log_target=True),
    ),
}  # fmt: skip

for smoothing in (0.0, 0.15):
    for weight in (None, CLASS):
        theirs = {"label_smoothing": smoothing, "weight": None if weight is None else t(weight)}
        ours = {"label_smoothing": smoothing, "class_weight": weight}
        name = f"cross-entropy, smoothing {smoothing}{'' if weight is None else ', class weights'}"
        CASES[name] = (
            lambda z, r, o=ours: M.cross_entropy(z, Y, reduction=r, **o),
            lambda z, r, o=theirs: F.cross_entropy(z, t(Y), reduction=r, **o),
        )
        CASES[f"{name}, ignored"] = (
            lambda z, r, o=ours: M.cross_entropy(z, Y, ignore_index=1, reduction=r, **o),
            lambda z, r, o=theirs: F.cross_entropy(z, t(Y), ignore_index=1, reduction=r, **o),
        )
        CASES[f"{name}, soft"] = (
            lambda z, r, o=ours: M.cross_entropy(z, SOFT, reduction=r, **o),
            lambda z, r, o=theirs: F.cross_entropy(z, t(SOFT), reduction=r, **o),
        )


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", CASES)
def test_losses_against_torch(name, reduction):
    ours, theirs = CASES[name]
    leaf = torch.tensor(Z, requires_grad=True)
    value = theirs(leaf, reduction)
    weigh = RNG.standard_normal(tuple(value.shape))
    (value * t(weigh)).sum().backward()
    np.testing.assert_allclose(
        pb.to_numpy(ours(Z, reduction)), value.detach().numpy(), rtol=1e-10, atol=1e-12
    )
    got = pb.grad(lambda z: xp.sum(ours(z, reduction) * weigh))(Z)
    np.testing.assert_allclose(got, leaf.grad.numpy(), rtol=1e-10, atol=1e-12)
