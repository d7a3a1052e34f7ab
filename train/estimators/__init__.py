"""Estimators in scikit-learn's protocol; they need the extra ``train`` (scikit-learn)."""

from .any_network import NetworkClassifier, NetworkRegressor
from .elastic_net import ElasticNet, Lasso
from .gaussian_process import GaussianProcessRegressor
from .kernel_ridge import KernelRidge
from .linear import LinearRegression, Ridge
from .logistic import LogisticRegression, SoftmaxRegression
from .mlp import MLPClassifier, MLPRegressor
from .reduction import Node, OneVersusAllClassifier, TreeReductionClassifier

__all__ = [
    "ElasticNet",
    "GaussianProcessRegressor",
    "KernelRidge",
    "Lasso",
    "LinearRegression",
    "LogisticRegression",
    "MLPClassifier",
    "MLPRegressor",
    "NetworkClassifier",
    "NetworkRegressor",
    "Node",
    "OneVersusAllClassifier",
    "Ridge",
    "SoftmaxRegression",
    "TreeReductionClassifier",
]
