"""Tests of `train/estimators/labels.py`."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import (
    load_breast_cancer,
    load_iris,
)

import pullback as pb

from ..cli._cli import folder  # noqa: F401 - fixtures
from ..data._targets import (
    BASES,
    INTO_64_BITS,
    X,
    _quiet,  # noqa: F401 - a fixture
    array,
    labels,
)
from ._logistic import LINEAR, rng

KINDS = {
    "MLPClassifier": lambda: pb.train.MLPClassifier((4,), max_iter=2, random_state=0),
    "LogisticRegression": lambda: pb.train.LogisticRegression(),
    "SoftmaxRegression": lambda: pb.train.SoftmaxRegression(),
    "TreeReductionClassifier": lambda: pb.train.TreeReductionClassifier(
        pb.train.LogisticRegression()
    ),
}


@pytest.mark.parametrize("name", INTO_64_BITS)
@pytest.mark.parametrize("form", [list, array, tuple], ids=["list", "array", "tuple"])
@pytest.mark.parametrize("kind", KINDS)
def test_classes_are_those_that_were_given(kind, form, name):
    values = labels(BASES[name])
    model = KINDS[kind]().fit(X, form(values))
    assert model.classes_.tolist() == sorted(set(values))
    assert set(model.predict(X).tolist()) <= set(values)


@pytest.mark.parametrize("kind", KINDS)
def test_labels_that_would_be_rounded_are_refused(kind):
    for values in ([2**63, -(2**63) + 1] * 20, [2**53 + 1, 0.5] * 20, [2**70, 2**70 + 1] * 20):
        with pytest.raises(ValueError, match="give them as strings"):
            KINDS[kind]().fit(X, values)
    texts = [str(v) for v in [2**63, -1] * 20]
    assert set(KINDS[kind]().fit(X, texts).classes_.tolist()) == set(texts)


def test_labels_of_another_dtype_are_compared_exactly():
    """NumPy compares int64 with uint64 and with float64 as float64, where 2^53 + 1 is 2^53."""
    classes = [2**53, 2**53 + 1, 2**53 + 2]
    model = pb.train.MLPClassifier((4,), random_state=0)
    model.partial_fit(X[:3], np.asarray(classes, np.uint64), classes=np.asarray(classes, np.int64))
    model.partial_fit(X[:2], np.asarray([2.0**53, 2.0**53 + 2]))
    for wrong in (np.asarray([2**53 + 3], np.uint64), np.asarray([2.0**53 + 4]), [2**53 - 1]):
        with pytest.raises(ValueError, match="not among the classes"):
            model.partial_fit(X[:1], wrong)
    with pytest.raises(ValueError, match="not those of the first call"):
        model.partial_fit(
            X[:3], classes, classes=np.asarray([c + (c % 2) for c in classes] + [0], np.uint64)
        )
    warm = pb.train.MLPClassifier((4,), max_iter=1, warm_start=True).fit(X, [2**53, 2**53 + 2] * 20)
    with pytest.raises(ValueError, match="same classes"):
        warm.fit(X, np.asarray([2**53 + 1, 2**53 + 2] * 20, np.uint64))


def test_ties_are_broken_by_the_seed_and_the_row_alone():
    X = rng().normal(size=(200, 2))
    y = np.arange(200) % 3
    model = pb.train.SoftmaxRegression(random_state=0).fit(X, y)
    model.coef_[:], model.intercept_[:] = 0, 0  # all classes tie in every row
    first = model.predict(X)
    assert set(first) == {0, 1, 2}
    np.testing.assert_array_equal(first, model.predict(X))
    np.testing.assert_array_equal(first[::-1], model.predict(X[::-1]))
    np.testing.assert_array_equal(first[:7], model.predict(X[:7]))
    other = pb.train.SoftmaxRegression(random_state=1).fit(X, y)
    other.coef_[:], other.intercept_[:] = 0, 0
    assert np.any(first != other.predict(X))


def test_samples_are_drawn_from_the_probabilities():
    X, y = load_iris(return_X_y=True)
    model = pb.train.LogisticRegression(max_iter=500).fit(X, y)
    row = X[[77]]
    drawn = model.sample(np.repeat(row, 20000, axis=0), random_state=0)
    share = np.bincount(drawn, minlength=3) / 20000
    np.testing.assert_allclose(share, model.predict_proba(row)[0], atol=0.015)
    again = model.sample(np.repeat(row, 20000, axis=0), random_state=0)
    np.testing.assert_array_equal(drawn, again)


@pytest.mark.parametrize("kind", LINEAR)
def test_weights_of_classes_that_leave_nothing(kind):
    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    only_ones = np.where(y == 1, 1.0, 0.0)
    model = kind(class_weight="balanced", max_iter=np.int64(500)).fit(X, y, only_ones)
    assert np.all(model.predict(X) == 1)
    for class_weight, message in [
        ({0: 0.0, 1: 0.0}, "no sample has a weight above 0"),
        ({0: -1.0}, "finite and at least 0"),
        ({0: np.inf}, "finite and at least 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            kind(class_weight=class_weight).fit(X, y)
