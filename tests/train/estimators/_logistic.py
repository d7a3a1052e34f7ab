"""Helpers of `test_logistic.py` and the test files split from it."""

from __future__ import annotations

import numpy as np

import pullback as pb


def rng(seed=0):
    return np.random.default_rng(seed)


LINEAR = [pb.train.LogisticRegression, pb.train.SoftmaxRegression]
