"""Tests of `playground/training/features.py`."""

from __future__ import annotations

import numpy as np

import pullback as pb
from pullback.playground.training.features import FEATURES, columns


def test_each_feature_is_what_its_name_says():
    X = np.asarray([[1.5, -2.0], [0.25, 3.0]])
    a, b = X.T
    wanted = [a, b, a**2, b**2, a * b, np.sin(a), np.sin(b)]
    assert len(wanted) == len(FEATURES)
    assert np.allclose(pb.to_numpy(columns(X, list(FEATURES))), np.stack(wanted, 1))


def test_the_order_is_that_which_is_asked_for():
    X = np.asarray([[1.5, -2.0]])
    assert pb.to_numpy(columns(X, ["x1x2", "x1"])).tolist() == [[-3.0, 1.5]]
