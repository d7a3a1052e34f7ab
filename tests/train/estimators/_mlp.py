"""Data for the tests of the perceptrons."""

from __future__ import annotations

from sklearn.datasets import load_diabetes


def standardised(load):
    X, y = load(return_X_y=True)
    X = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9)
    return X, (y - y.mean()) / y.std() if load is load_diabetes else y
