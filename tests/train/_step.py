"""Helpers of `test_replay.py` and of the tests of estimators."""

from __future__ import annotations

import numpy as np

import pullback as pb

M = pb.models


SQUARED = M.squared_error


RNG = np.random.default_rng(5)


X = RNG.normal(size=(61, 3))


Y = np.sin(X[:, :1]) - X[:, 1:2]


EAGER = {"compile": False}


def branching(outputs, y):
    value = SQUARED(outputs, y)
    return value * 2 if value > 1e9 else value
