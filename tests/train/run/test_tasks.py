"""Tests of `train/run/tasks.py`."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb

from .._loop import on_device


def test_accuracy_counts_the_largest_logit_or_the_sign():
    logits, y = on_device([[1.0, 2.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 1.0]], [1, 1, 2])
    assert pb.train.accuracy(logits, y) == 2 / 3
    logits, y = on_device([[-1.0], [2.0], [3.0], [-4.0]], [0, 1, 0, 0])
    assert pb.train.accuracy(logits, y) == 0.75


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
