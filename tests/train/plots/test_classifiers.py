"""Confusion matrices, ROC and calibration curves: scikit-learn's figures, labels that do not overlap."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import pullback as pb

sk = pytest.importorskip("sklearn.metrics")
pytest.importorskip("matplotlib")

P = pb.train.plots


def sample(classes, n=200, seed=0):
    random = np.random.default_rng(seed)
    y = random.integers(0, classes, n)
    z = random.normal(size=(n, classes))
    z[np.arange(n), y] += 1.5
    p = np.exp(z)
    return y, p / p.sum(axis=1, keepdims=True)


def test_the_cells_are_scikit_learns():
    y, p = sample(3)
    names = np.asarray(["low", "mid", "high $"])
    ax = P.confusion(names[y], names[p.argmax(1)], classes=names)
    table = sk.confusion_matrix(names[y], names[p.argmax(1)], labels=names)
    shares = table / table.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(ax.images[0].get_array(), shares)
    found = {text.get_position(): text.get_text() for text in ax.texts}
    assert found == {(j, i): str(table[i, j]) for i in range(3) for j in range(3) if table[i, j]}
    assert [t.get_text() for t in ax.get_yticklabels()] == ["low", "mid", r"high \$"]


@pytest.mark.parametrize("classes", [2, 26, 100])
def test_names_do_not_overlap(classes):
    names = [f"class {i} of a long name" for i in range(classes)]
    y, p = sample(classes, 8 * classes)
    labels = np.asarray(names)
    ax = P.confusion(labels[y], labels[p.argmax(1)], classes=names)
    ax.figure.draw_without_rendering()
    for axis, side in ((ax.xaxis, (0, 2)), (ax.yaxis, (1, 3))):
        boxes = [t.get_window_extent().extents for t in axis.get_ticklabels() if t.get_text()]
        spans = sorted((box[side[0]], box[side[1]]) for box in boxes)
        assert len(spans) >= min(classes, 26)
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))


@pytest.mark.parametrize("classes", [2, 3, 12])
def test_the_curves_are_scikit_learns(classes):
    y, p = sample(classes)
    ax = P.roc(y, p)
    areas = {c: sk.roc_auc_score(y == c, p[:, c]) for c in (range(classes) if classes > 2 else [1])}
    shown = ax.get_legend_handles_labels()[1]
    worst = sorted(areas, key=areas.get)[:4] if classes > 8 else list(areas)
    assert shown == [*(f"{c} (area {areas[c]:.4f})" for c in worst), "chance"]
    false, true, _ = sk.roc_curve(y == worst[0], p[:, worst[0]])
    line = next(line for line in ax.lines if line.get_label().startswith(f"{worst[0]} "))
    np.testing.assert_array_equal(line.get_xydata(), np.stack([false, true], axis=1))


def test_the_calibration_is_scikit_learns():
    curve = pytest.importorskip("sklearn.calibration").calibration_curve
    y, p = sample(2)
    share, mean = curve(y, p[:, 1], n_bins=15)
    for given in (p, p[:, 1]):
        points = P.calibration(y, given).lines[0].get_xydata()
        np.testing.assert_allclose(points, np.stack([mean, share], axis=1))
    y, p = sample(4)
    share, mean = curve(p.argmax(1) == y, p.max(1), n_bins=15)
    points = P.calibration(y, p).lines[0].get_xydata()
    np.testing.assert_allclose(points, np.stack([mean, share], axis=1))


def test_a_model_is_asked_about_x():
    X = np.random.default_rng(0).normal(size=(60, 2))
    names = np.where(X[:, 0] > 0, "up", "down")
    model = pb.train.LogisticRegression().fit(X, names)
    assert P.confusion(names, model, X).get_ylabel() == "true class"
    assert P.roc(names, model, X).get_legend_handles_labels()[1][0].startswith("up (area ")
    assert P.calibration(names, model, X).get_ylabel() == "share of up"


def test_a_class_without_rows_has_no_curve():
    ax = P.roc(["a", "a"], [[0.9, 0.1], [0.8, 0.2]], classes=["a", "b"])
    assert [text.get_text() for text in ax.texts] == ["one class alone: no curve"]


def test_labels_and_probabilities_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="the label 'c' is none of the classes"):
        P.confusion(["a", "c"], ["a", "a"], classes=["a", "b"])
    with pytest.raises(ValueError, match=r"probabilities of shape \(2, 3\) for 2 rows of 2"):
        P.roc([0, 1], np.ones((2, 3)))


def test_labels_of_two_types_are_refused():
    with pytest.raises(ValueError, match="both as texts or both as numbers"):
        pb.train.plots.confusion(np.asarray(["0", "1"], object), np.asarray([0, 1]))
