"""What the losses refuse: weights, reductions, shapes, labels and settings that cannot be."""

from __future__ import annotations

import itertools
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
        (
            lambda: M.squared_error(np.ones((4, 1)), np.ones(4)),
            ValueError,
            r"\(4, 1\) and targets of shape \(4,\).*; targets\[\.\.\., None\] has the axis",
        ),
        (
            lambda: M.huber(np.ones(4), np.ones((4, 1))),
            ValueError,
            r"; predictions\[\.\.\., None\]",
        ),
        (lambda: M.huber(np.ones(4), np.ones(3)), ValueError, "have to agree$"),
        (lambda: M.l2_penalty([]), ValueError, "l2_penalty: no floating-point"),
        (lambda: M.l1_penalty([I2]), ValueError, "l1_penalty: no floating-point"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()


NAN = math.nan


Z = np.array([0.3, -0.7, 1.0])


Z3 = np.array([[0.1, 0.2, 0.3]])


REFUSED = {
    "0 of signed labels": (M.binary_cross_entropy, np.array([1, 0, -1]), {"signed": True}, "-1 or 1, and one is 0"),
    "0.0 of signed labels": (M.binary_cross_entropy, np.array([1, 0.0, -1]), {"signed": True}, "-1 or 1, and one is 0"),
    "½ of signed labels": (M.binary_cross_entropy, np.array([1, 0.5, -1]), {"signed": True}, "one is 0.5"),
    "NaN of signed labels": (M.binary_cross_entropy, np.array([1, NAN, -1]), {"signed": True}, "one is nan"),
    "signed bools": (M.binary_cross_entropy, np.array([True, False, True]), {"signed": True}, "one is False"),
    "signed uints": (M.binary_cross_entropy, np.array([1, 0, 1], np.uint8), {"signed": True}, "one is 0"),
    "−1 of 0 and 1": (M.binary_cross_entropy, np.array([1, -1, 1]), {}, "from 0 to 1, and one is -1"),
    "2 of 0 and 1": (M.binary_cross_entropy, np.array([1, 2, 1]), {}, "from 0 to 1, and one is 2"),
    "hinge, 0 of signed": (M.hinge, np.array([1, 0, -1]), {"signed": True}, "-1 or 1, and one is 0"),
    "hinge, −1 of 0 and 1": (M.hinge, np.array([1, -1, 1]), {}, "one is -1"),
    "hinge, ½": (M.hinge, np.array([1, 0.5, 0]), {}, "0 or 1, and one is 0.5"),
    "hinge, NaN": (M.hinge, np.array([1, NAN, 0]), {}, "0 or 1, and one is nan"),
    "poisson, −1": (M.poisson, np.array([1, -1, 0]), {}, "at least 0, and one is -1"),
    "kl, above 1": (M.kl_divergence, np.array([0.5, 1.5, 0.0]), {}, "from 0 to 1, and one is 1.5"),
    "kl, log above 0": (M.kl_divergence, np.array([-1.0, 0.5, -1.0]), {"log_target": True}, "one is 0.5"),
    "soft, above 1": (M.cross_entropy, np.array([0.5, 1.5, 0.0]), {}, "from 0 to 1, and one is 1.5"),
    "soft, below 0": (M.cross_entropy, np.array([0.5, -0.5, 1.0]), {}, "from 0 to 1, and one is -0.5"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_labels_that_are_none(name):
    """Refused on the host, traced too; NaN where they are not read, in a recorded program."""
    loss, labels, options, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        loss(Z, labels, **options)
    with pytest.raises(ValueError, match=message):
        pb.grad(lambda z: loss(z, labels, **options))(Z)
    if labels.dtype.kind == "f":
        with pytest.raises(ValueError, match=message):
            pb.grad(lambda t: loss(Z, t, **options))(labels)
    compiled = pb.compile(lambda z, y: loss(z, y, **options), fast=False)
    for _ in range(2):
        assert math.isnan(float(compiled(Z, labels)))


def test_labels_that_are_none_on_a_device():
    strict = pytest.importorskip(
        "array_api_strict", reason="its second device is one that is not read"
    )
    device = strict.Device("device1")
    place = lambda a: strict.asarray(a, device=device)
    host = lambda x: np.from_dlpack(x.value.to_device(strict.Device("CPU_DEVICE")))
    for loss, labels, options, _ in REFUSED.values():
        if loss in (M.kl_divergence, M.cross_entropy):
            assert np.isnan(host(loss(place(Z), place(labels), reduction="none", **options)))
            continue
        bad = (labels == 0) if options else (labels < 0) | (labels > 1)
        if labels.dtype.kind == "f":
            bad = ~np.isin(labels, (-1, 1) if options else (0, 1))
        got = host(loss(place(Z), place(labels), reduction="none", **options))
        np.testing.assert_array_equal(np.isnan(got), bad)
    got = host(M.hinge(place(np.zeros((3, 2))), place(np.array([0, 5, -1])), reduction="none"))
    np.testing.assert_array_equal(np.isnan(got), [False, True, True])


def test_labels_that_are_right_pass():
    for dtype, signed in itertools.product(
        [np.int8, np.int64, np.float32, np.float64, np.float16], [False, True]
    ):
        labels = np.array([1, -1 if signed else 0, 1], dtype)
        for loss in (M.binary_cross_entropy, M.hinge):
            assert np.isfinite(float(loss(Z, labels, signed=signed)))
    rounded = np.array([1 + 5e-7, 0.0, 0.0])
    assert np.isfinite(float(M.kl_divergence(np.log([0.5, 0.25, 0.25]), rounded)))
    assert np.isfinite(float(M.cross_entropy(Z3[0], rounded)))
    assert math.isnan(float(M.binary_cross_entropy(Z, np.array([NAN, 1.0, 0.0]))))
