"""Tests of `train/estimators/reduction.py`."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator
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
    "one versus all, drawn": lambda model: pb.train.OneVersusAllClassifier(model, random_state=0),
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
    # a draw among claims, and among all classes where there is none, loses what scores would tell
    assert cross_val_score(model, X, y, cv=3).mean() > (0.75 if "drawn" in reduction else 0.88)


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


class Claims(BaseEstimator):
    """A two-class model that claims what lies beyond the smallest of its own samples."""

    def fit(self, X, y):
        self.classes_, self.low_ = np.asarray([0, 1]), X[y == 1].min()
        return self

    def predict(self, X):
        return (X[:, 0] >= self.low_).astype(int)


def claimed(seed=0):
    """Classes a, b, c begin at 0, 10, 20: whatever is beyond 20 is claimed by all three, below 0 by none."""
    X = np.asarray([[0.0], [1.0], [10.0], [11.0], [20.0], [21.0]])
    return pb.train.OneVersusAllClassifier(Claims(), random_state=seed).fit(X, list("aabbcc"))


def test_one_of_all_that_claim_a_sample_is_drawn():
    model = claimed()
    assert model.claims([[-1.0], [5.0], [15.0], [25.0]]).sum(axis=1).tolist() == [0, 1, 2, 3]
    for start, stop, labels in ((0, 9, "a"), (10, 19, "ab"), (20, 30, "abc"), (-9, -1, "abc")):
        X = np.linspace([float(start)], [float(stop)], 600)
        found, counts = np.unique(model.predict(X), return_counts=True)
        assert "".join(found) == labels
        assert (abs(counts - 600 / len(labels)) < 80).all()
        probabilities = model.shares(X)
        np.testing.assert_allclose(probabilities[:, : len(labels)], 1 / len(labels))
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_the_draw_is_the_seed_s_and_the_sample_s():
    X = np.linspace([20.0], [30.0], 200)
    model = claimed()
    first = model.predict(X)
    assert (first == claimed().predict(X)).all()
    assert (first[::-1] == model.predict(X[::-1])).all()
    assert (first[:7] == model.predict(X[:7])).all()
    assert (first != claimed(seed=1).predict(X)).any()
    drawn = [model.sample(X, random_state=s).tolist() for s in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_one_class_and_weights():
    one = pb.train.OneVersusAllClassifier(pb.train.LogisticRegression()).fit(
        [[0.0], [1.0]], ["a", "a"]
    )
    assert one.predict([[5.0]]).tolist() == ["a"]
    X, y = load_iris(return_X_y=True)
    weights = np.where(y == 2, 0.0, 1.0)
    model = pb.train.OneVersusAllClassifier(pb.train.LogisticRegression(max_iter=500))
    weighted = model.fit(X, y, sample_weight=weights)
    assert not weighted.claims(X)[:, 2].any()
