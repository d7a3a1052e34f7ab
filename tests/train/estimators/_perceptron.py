"""Helpers of `test_perceptron.py` and the test files split from it."""

from __future__ import annotations

from sklearn.datasets import load_diabetes


def standardised(load):
    X, y = load(return_X_y=True)
    X = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9)
    return X, (y - y.mean()) / y.std() if load is load_diabetes else y
