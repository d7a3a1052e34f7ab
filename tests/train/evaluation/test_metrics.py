"""The figures are scikit-learn's, and what is not defined is None, not 0 and not NaN."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from pullback.train import InputError
from pullback.train.evaluation.metrics import classification_metrics, regression_metrics

sk = pytest.importorskip("sklearn.metrics")


def sample(classes, n=150, seed=0):
    random = np.random.default_rng(seed)
    y = random.integers(0, classes, n)
    z = random.normal(size=(n, classes))
    z[np.arange(n), y] += 1.0
    p = np.exp(z)
    return y, p / p.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_of_a_classifier(classes):
    y, p = sample(classes)
    names = [f"c{i}" for i in range(classes)]
    found = classification_metrics(y, p, names)
    told = sk.classification_report(
        y, p.argmax(1), target_names=names, output_dict=True, zero_division=0.0
    )
    for row in (*found.per_class, found.macro_average, found.weighted_average):
        wanted = told[row.name.replace("average", "avg")]
        assert (row.precision, row.recall, row.f1) == pytest.approx(
            (wanted["precision"], wanted["recall"], wanted["f1-score"])
        )
        assert row.rows == wanted["support"]
    assert found.accuracy == told["accuracy"]
    assert found.balanced_accuracy == pytest.approx(sk.balanced_accuracy_score(y, p.argmax(1)))
    assert found.log_loss == sk.log_loss(y, p)
    settings = {} if classes == 2 else {"multi_class": "ovr"}
    scores = p[:, 1] if classes == 2 else p
    assert found.roc_auc == pytest.approx(sk.roc_auc_score(y, scores, **settings))
    weighted = sk.roc_auc_score(y, scores, average="weighted", **settings)
    assert found.weighted_average.roc_auc == pytest.approx(weighted)
    one_hot = np.eye(classes)[y]
    brier = ((p - one_hot) ** 2).sum(axis=1).mean() / (2 if classes == 2 else 1)
    assert found.brier_score == pytest.approx(brier)
    np.testing.assert_array_equal(found.confusion_matrix, sk.confusion_matrix(y, p.argmax(1)))
    assert found.notes == ()


def by_hand(came_true, sure, bins=15):
    """The expected calibration error as its definition reads."""
    total = 0.0
    for b in range(bins):
        mine = (sure > b / bins) & (sure <= (b + 1) / bins)
        if mine.any():
            total += mine.sum() * abs(sure[mine].mean() - came_true[mine].mean())
    return total / len(sure)


def test_the_calibration_error_is_its_definition():
    y, p = sample(2, 1000)
    found = classification_metrics(y, p, "ab").expected_calibration_error
    assert found == pytest.approx(by_hand(y == 1, p[:, 1]))
    y, p = sample(5, 1000)
    found = classification_metrics(y, p, "abcde").expected_calibration_error
    assert found == pytest.approx(by_hand(p.argmax(1) == y, p.max(1)))
    # probabilities that add up to a little more than 1
    assert (
        classification_metrics(np.asarray([1]), np.asarray([[0.0, 1 + 1e-12]]), "ab").accuracy == 1
    )


def test_what_is_not_defined_is_none_and_said():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y, p = sample(4)
        y, p = y[y < 3], p[y < 3]
        found = classification_metrics(y, p, ["a", "b", "c", "d"])
        absent = found.per_class[3]
        assert (absent.recall, absent.roc_auc, absent.rows) == (None, None, 0)
        assert absent.precision == 0.0
        assert found.notes == (
            "no row of d: without recall and ROC AUC, and left out of the averages",
        )
        recalls = [row.recall for row in found.per_class[:3]]
        assert (
            found.macro_average.recall == found.balanced_accuracy == pytest.approx(np.mean(recalls))
        )
        # one row
        one = classification_metrics(np.asarray([0]), np.asarray([[0.2, 0.8]]), ["a", "b"])
        assert (one.accuracy, one.roc_auc, one.macro_average.roc_auc) == (0.0, None, None)
        assert one.per_class[0].precision == 0.0
        assert "never predicted: a; such a precision counts as 0" in one.notes
        assert "all rows are a: ROC AUC is not defined" in one.notes
    with pytest.raises(InputError, match="no rows"):
        classification_metrics(y[:0], p[:0], "abcd")


def test_of_a_regression():
    random = np.random.default_rng(0)
    y = random.normal(size=(40, 2)) * [1.0, 1e6]
    z = y + random.normal(size=(40, 2)) * [0.3, 1e5]
    found = regression_metrics(y, z, ["a", "b"])
    for i, row in enumerate(found.per_target):
        assert row.r2 == sk.r2_score(y[:, i], z[:, i])
        assert row.mean_absolute_error == sk.mean_absolute_error(y[:, i], z[:, i])
        root = sk.root_mean_squared_error(y[:, i], z[:, i])
        assert row.root_mean_squared_error == pytest.approx(root)
    assert found.r2 == pytest.approx(sk.r2_score(y, z))
    assert found.notes == ()


@pytest.mark.parametrize(
    ("rows", "why"), [(1, "there is one row"), (5, "its true values do not vary")]
)
def test_r2_of_constant_targets_is_none(rows, why):
    y = np.stack([np.full(rows, 3.0), np.arange(rows)], axis=1)
    found = regression_metrics(y, y + 1.0, ["level", "b"])
    assert found.per_target[0].r2 is None
    assert found.r2 is None
    assert found.mean_absolute_error == 1.0
    assert found.notes[0].endswith(why)
    assert math.isfinite(found.root_mean_squared_error)
