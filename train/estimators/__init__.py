"""Estimators in scikit-learn's protocol; they need the extra ``train`` (scikit-learn)."""

from .linear import LinearRegression, Ridge
from .logistic import LogisticRegression, SoftmaxRegression
from .mlp import MLPClassifier, MLPRegressor
from .reduction import Node, TreeReductionClassifier

__all__ = [
    "LinearRegression",
    "LogisticRegression",
    "MLPClassifier",
    "MLPRegressor",
    "Node",
    "Ridge",
    "SoftmaxRegression",
    "TreeReductionClassifier",
]
