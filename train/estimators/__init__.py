"""Estimators in scikit-learn's protocol; they need the extra ``train`` (scikit-learn)."""

from ._linear import LinearRegression, Ridge
from ._logistic import LogisticRegression, SoftmaxRegression
from ._mlp import MLPClassifier, MLPRegressor
from ._reduction import Node, TreeReductionClassifier

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
