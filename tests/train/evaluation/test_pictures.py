"""The pictures of an evaluation: all panels, whatever the numbers of classes and targets."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.train.evaluation.pictures import (
    classification_figure,
    regression_figure,
    separate_pictures,
)

pytest.importorskip("matplotlib")
pytest.importorskip("sklearn", reason="needs scikit-learn")


@pytest.mark.parametrize("classes", [2, 40])
def test_of_a_classifier(classes):
    random = np.random.default_rng(0)
    y, p = random.integers(0, classes, 60), random.dirichlet(np.ones(classes), 60)
    names = [f"class {i}" for i in range(classes)]
    figure = classification_figure(y, p, names, title="a $ title")
    labels = [ax.get_xlabel() for ax in figure.axes]
    assert labels[:2] == ["predicted class", "false positive rate"]
    assert "probability" in labels[2]
    figure.draw_without_rendering()
    # nothing of a panel is outside of the picture, or in another one
    boxes = [ax.get_tightbbox().extents for ax in figure.axes]
    width, height = figure.get_size_inches() * figure.dpi
    for box in boxes:
        assert box[0] >= 0
        assert box[1] >= 0
        assert box[2] <= width
        assert box[3] <= height
    assert boxes[0][2] <= boxes[1][0]
    assert boxes[1][2] <= boxes[2][0]


def test_of_a_regression():
    y = np.random.default_rng(0).normal(size=(30, 6)) * 1e6
    names = [f"t{i}" for i in range(6)]
    figure = regression_figure(y, y * 0.9, names, title="data")
    assert [ax.get_xlabel() for ax in figure.axes][:2] == ["true t0", "predicted t0"]
    assert len(figure.axes) == 8
    assert "the first 4 of 6 targets" in figure.get_suptitle()


def test_each_in_a_file_of_its_own():
    y = np.asarray([0, 1, 1])
    drawn = separate_pictures("classification", y, np.eye(2)[y] * 0.8 + 0.1, ["a", "b"], title="t")
    assert list(drawn) == ["confusion.png", "roc.png", "calibration.png"]
    assert all(png.startswith(b"\x89PNG") for png in drawn.values())
    one = np.ones((2, 1))
    drawn = separate_pictures("regression", one, one, ["a"], title="t")
    assert list(drawn) == ["predicted.png", "residuals.png"]
    assert all(png.startswith(b"\x89PNG") for png in drawn.values())
