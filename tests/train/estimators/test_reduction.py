"""Tests of `train/estimators/reduction.py`."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import (
    load_digits,
    load_iris,
    load_wine,
)
from sklearn.model_selection import cross_val_score
from sklearn.multiclass import (
    OneVsOneClassifier,
    OneVsRestClassifier,
    OutputCodeClassifier,
)

import pullback as pb

REDUCTIONS = {
    "one versus all": OneVsRestClassifier,
    "one versus one": OneVsOneClassifier,
    "output codes": lambda model: OutputCodeClassifier(model, code_size=4, random_state=0),
    "tree": pb.train.TreeReductionClassifier,
    "random tree": lambda model: pb.train.TreeReductionClassifier(
        model, split="random", random_state=0
    ),
    "ordered tree": lambda model: pb.train.TreeReductionClassifier(model, split="ordered"),
}


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("load", [load_iris, load_wine])
def test_two_class_models_make_many_class_ones(reduction, load):
    X, y = load(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    model = REDUCTIONS[reduction](pb.train.LogisticRegression(max_iter=1000))
    assert cross_val_score(model, X, y, cv=3).mean() > 0.88


def test_a_tree_of_c_classes_has_c_minus_one_models_and_probabilities_that_add_up():
    X, y = load_digits(return_X_y=True)
    tree = pb.train.TreeReductionClassifier(pb.train.LogisticRegression(max_iter=50, tol=1e-2)).fit(
        X / 16, y
    )
    nodes = list(tree.nodes())
    assert len(nodes) == 9
    assert all(abs(len(node.left) - len(node.right)) <= 1 for node in nodes)
    np.testing.assert_allclose(tree.predict_proba(X / 16).sum(axis=1), 1)


def test_an_unknown_split_is_refused():
    with pytest.raises(ValueError, match="split='best'"):
        pb.train.TreeReductionClassifier(pb.train.LogisticRegression(), split="best").fit(
            [[0.0], [1.0]], [0, 1]
        )
