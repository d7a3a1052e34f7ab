"""scikit-learn's own checks of the estimators that have no file of such checks."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import check_estimator

import pullback as pb

ESTIMATORS = [
    pb.train.ElasticNet(), pb.train.GaussianProcessRegressor(), pb.train.KernelRidge(), pb.train.Lasso(),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # the checks warn of much, and we want their verdict alone
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_the_checks_of_scikit_learn(estimator):
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    assert len(results) > 50
    assert [(r["check_name"], r["exception"]) for r in results if r["status"] == "failed"] == []
