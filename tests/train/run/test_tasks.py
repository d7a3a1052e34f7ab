"""Tests of `train/run/tasks.py`."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb
from pullback.train.run.tasks import balanced

from .._loop import on_device


def test_accuracy_counts_the_largest_logit_or_the_sign():
    logits, y = on_device([[1.0, 2.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 1.0]], [1, 1, 2])
    assert pb.train.accuracy(logits, y) == 2 / 3
    logits, y = on_device([[-1.0], [2.0], [3.0], [-4.0]], [0, 1, 0, 0])
    assert pb.train.accuracy(logits, y) == 0.75


def test_accuracy_of_each_librarys_arrays(lib):
    """And of pullback's, as scores of rows of a graph are given them."""
    logits = lib.asarray([[1.0, 2.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    y = lib.asarray([1, 1, 2])
    rows = lib.asarray([0, 1, 2])
    assert pb.train.accuracy(logits, y) == 2 / 3
    assert pb.train.accuracy(pb.xp.take(pb.xp.asarray(logits), rows, axis=0), y) == 2 / 3


def test_r_squared_is_1_for_the_truth_and_0_for_the_mean():
    y = np.asarray([[1.0, 5.0], [2.0, 7.0], [6.0, 0.0]])
    assert pb.train.r_squared(*on_device(y, y)) == 1.0
    assert abs(pb.train.r_squared(*on_device(np.tile(y.mean(axis=0), (3, 1)), y))) < 1e-12


def test_probabilities_are_exact_in_both_tails():
    z = np.asarray([[-800.0], [-40.0], [0.0], [40.0], [800.0]])
    p = pb.train.probabilities(z)
    np.testing.assert_allclose(p[:, 1], [0.0, 4.248354255291589e-18, 0.5, 1.0, 1.0], rtol=1e-12)
    np.testing.assert_array_equal(p[:, 0], p[::-1, 1])
    p = pb.train.probabilities(np.asarray([[1000.0, 0.0, -1000.0], [1.0, 1.0, 1.0]]))
    np.testing.assert_allclose(p, [[1, 0, 0], [1 / 3] * 3], atol=1e-15)


@pytest.mark.parametrize(
    ("y", "classes", "outputs", "score"),
    [
        ([0, 1, 0], ("a", "b"), 1, "accuracy"),
        ([0, 1, 2], ("a", "b", "c"), 3, "accuracy"),
        ([[0.5, 1.0], [2.0, 3.0]], (), 2, "R2"),
    ],
)
def test_the_last_layer_follows_the_target(y, classes, outputs, score):
    kind = "classification" if classes else "regression"
    data = pb.train.Dataset("made", np.zeros((len(y), 1)), np.asarray(y), kind, classes)
    task = pb.train.task_for(data)
    assert (task.outputs, task.score_name) == (outputs, score)
    out, target = on_device(np.zeros((len(y), outputs)), np.asarray(y))
    assert math.isfinite(float(task.loss(out, target)))
    assert math.isfinite(task.score(out, target))


@pytest.mark.parametrize("classes", [2, 3])
def test_balanced_weights_and_their_loss_are_scikit_learn_s(classes):
    sklearn_weights = pytest.importorskip("sklearn.utils.class_weight")
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(classes)
    y = np.sort(random.permutation(np.arange(60) % (classes + 1)) % classes)
    logits = random.standard_normal((60, 1 if classes == 2 else classes))
    data = pb.train.Dataset("made", logits, y, "classification", ("a", "b", "c")[:classes])
    plain = pb.train.task_for(data)
    task = balanced(plain, y, classes)
    rows = sklearn_weights.compute_sample_weight("balanced", y)
    weights = sklearn_weights.compute_class_weight("balanced", classes=np.arange(classes), y=y)
    np.testing.assert_allclose(task.loss.weights, weights, rtol=1e-15)
    wanted = metrics.log_loss(y, pb.train.probabilities(logits), sample_weight=rows)
    out, target = on_device(logits, y)
    assert abs(float(task.loss(out, target)) - wanted) < 1e-12
    assert abs(float(plain.loss(out, target)) - wanted) > 1e-3
    # a mean over rows, so that losses of parts can be averaged; the score is without weights
    halves = [float(task.loss(*on_device(logits[i::2], y[i::2]))) for i in (0, 1)]
    assert abs(sum(halves) / 2 - wanted) < 1e-12
    assert task.score(out, target) == plain.score(out, target)
    # its gradient is that of the weighted mean
    slope = pb.grad(lambda z: task.loss(z, target))(out)
    p = pb.train.probabilities(logits)
    hot = np.eye(classes)[y]
    exact = rows[:, None] * (p - hot) / 60
    np.testing.assert_allclose(
        pb.to_numpy(slope), exact[:, 1:] if classes == 2 else exact, atol=1e-14
    )
    assert repr(task.loss) != repr(balanced(plain, y[:40], classes).loss)


def test_a_class_that_no_row_has_divides_nothing_by_zero():
    data = pb.train.Dataset(
        "made", np.zeros((2, 1)), np.asarray([0, 1]), "classification", tuple("abc")
    )
    task = balanced(pb.train.task_for(data), np.asarray([0, 1, 1, 1]), 3)
    np.testing.assert_allclose(task.loss.weights[:2], [4 / 3, 4 / 9])
    assert math.isfinite(task.loss.weights[2])
