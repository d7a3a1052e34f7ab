"""What the losses refuse: weights, reductions, shapes, labels and settings that cannot be."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp
M = pb.models
E5 = np.zeros((2, 3))
I2 = np.array([0, 1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: M.absolute_error(E5, E5[:, :1]),
            ValueError,
            r"absolute_error.*\(2, 3\).*\(2, 1\)",
        ),
        (lambda: M.huber(E5, E5[0]), ValueError, r"huber.*\(2, 3\).*\(3,\)"),
        (lambda: M.huber(E5, E5, delta=0), ValueError, "delta=0"),
        (lambda: M.huber(E5, E5, delta=math.nan), ValueError, "delta=nan"),
        (lambda: M.poisson(E5, E5[0]), ValueError, r"poisson.*\(3,\)"),
        (lambda: M.poisson(E5, E5 - 1), ValueError, "counts have to be at least 0, and one is -1"),
        (lambda: M.kl_divergence(E5, E5[0]), ValueError, r"kl_divergence.*\(3,\)"),
        (lambda: M.kl_divergence(E5, E5 + 2), ValueError, "probabilities have to be from 0 to 1"),
        (
            lambda: M.kl_divergence(E5, E5, reduction="x"),
            ValueError,
            "choose one of mean, sum, none",
        ),
        (lambda: M.kl_divergence(E5, E5, sample_weight=E5), ValueError, r"of shape \(2, 3\)"),
        (
            lambda: M.binary_cross_entropy(E5, E5 + 2),
            ValueError,
            "labels have to be from 0 to 1, and one is 2",
        ),
        (lambda: M.binary_cross_entropy(E5, E5 - 1), ValueError, "one is -1"),
        (lambda: M.binary_cross_entropy(E5, E5 - 2, signed=True), ValueError, "from -1 to 1"),
        (lambda: M.hinge(E5, E5 - 1), ValueError, "hinge: labels have to be from 0 to 1"),
        (
            lambda: M.hinge(E5, np.array([0, 3])),
            IndexError,
            "hinge: label 3 is not one of the classes 0 … 2",
        ),
        (lambda: M.hinge(E5, np.array([0.0, 1.0])), TypeError, "integers, not float64"),
        (lambda: M.hinge(E5, np.array([0, 1, 1])), ValueError, r"\(2, 3\).*\(2,\).*\(3,\)"),
        (lambda: M.hinge(E5, I2, kind="min"), ValueError, "'min'.*max, mean"),
        (lambda: M.cross_entropy(E5, I2, label_smoothing=1.5), ValueError, "label_smoothing=1.5"),
        (
            lambda: M.cross_entropy(E5, I2, label_smoothing=math.nan),
            ValueError,
            "label_smoothing=nan",
        ),
        (
            lambda: M.cross_entropy(E5, I2, class_weight=np.ones(2)),
            ValueError,
            r"class_weight of shape \(2,\) for 3",
        ),
        (
            lambda: M.cross_entropy(E5, I2, class_weight=-np.ones(3)),
            ValueError,
            "class_weight are finite and not",
        ),
        (lambda: M.cross_entropy(E5, E5, ignore_index=0), ValueError, "for integer labels"),
        (
            lambda: M.cross_entropy(E5, E5 - 1),
            ValueError,
            "probabilities have to be from 0 to 1, and one is -1",
        ),
        (
            lambda: M.cross_entropy(E5, E5[:, :2]),
            TypeError,
            r"of the logits' shape \(2, 3\).*\(2, 2\)",
        ),
        (
            lambda: M.cross_entropy(E5, np.array([0, 5]), reduction="sum"),
            IndexError,
            "label 5.*0 … 2",
        ),
        (lambda: M.cross_entropy(E5, np.array([0, -1]), ignore_index=2), IndexError, "label -1"),
        (
            lambda: M.squared_error(E5[:0], E5[:0]),
            ValueError,
            r"squared_error: a mean over no losses.*\(0, 3\)",
        ),
        (lambda: M.l2_penalty([]), ValueError, "l2_penalty: no floating-point"),
        (lambda: M.l1_penalty([I2]), ValueError, "l1_penalty: no floating-point"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()
