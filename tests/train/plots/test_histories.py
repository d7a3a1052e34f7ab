"""Curves: every point inside, the larger score above, whatever a run was like."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb
from pullback.train import Epoch, Fit, InputError

pytest.importorskip("matplotlib")

curves = pb.train.plots.curves


def fit(scores, losses=None):
    losses = [1.0 / (i + 1) for i in range(len(scores))] if losses is None else losses
    rows = [Epoch(i, i, a, s, a, s) for i, (a, s) in enumerate(zip(losses, scores, strict=True))]
    return Fit(None, rows[-1], rows)


def assert_inside(ax):
    """Every finite point of every line within the limits of the axes, and larger values above."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    assert low < high
    for line in ax.lines:
        if line.get_label() in ("training", "validation"):
            x, y = (np.asarray(v, float) for v in line.get_data())
            x, y = x[np.isfinite(y)], y[np.isfinite(y)]
            assert left <= x.min()
            assert x.max() <= right
            assert len(y)
            assert low <= y.min()
            assert y.max() <= high


@pytest.mark.parametrize(
    ("scores", "scale"),
    [
        ([-50.0, -3.0, 0.2, 0.7, 0.9, 0.91], "symlog"),
        ([-50.0] * 3 + [0.9] * 20, "symlog"),
        ([0.2, -1e9, -1e27, -math.inf, math.nan], "symlog"),
        ([-2e30, -3e30], "symlog"),
        ([0.1, 0.5], "linear"),
        ([-0.9, 0.5, 1.0], "linear"),
        ([0.3], "linear"),
        ([0.0, 0.0], "linear"),
    ],
)
def test_every_r2_is_inside(scores, scale):
    ax = curves(fit(scores), what="score", name="R2")
    ax.figure.draw_without_rendering()
    assert_inside(ax)
    assert ax.get_yscale() == scale
    assert ax.get_ylabel() == "R²"
    ticks = [t for t in ax.get_yticks() if ax.get_ylim()[0] <= t <= ax.get_ylim()[1]]
    assert ticks
    lost = sum(not math.isfinite(v) for v in scores) * 2
    assert [text.get_text() for text in ax.texts] == (
        [f"{lost} of the values are not finite"] if lost else []
    )


@pytest.mark.parametrize(
    ("losses", "scale"),
    [
        ([2.0, 1.0, 0.1], "log"),
        ([1e-3, 1e30, math.inf], "log"),
        ([1.0, -1.0], "linear"),
        ([1.0, 0.0], "linear"),
        ([0.7, 0.7], "log"),
        ([math.nan, 1.0], "log"),
    ],
)
def test_losses_are_logarithmic_where_they_are_positive(losses, scale):
    ax = curves(fit([0.1] * len(losses), losses))
    ax.figure.draw_without_rendering()
    assert ax.get_yscale() == scale
    assert_inside(ax)


def test_the_accuracy_of_the_first_epoch_is_inside():
    ax = curves(fit([0.1, *[0.97] * 30]), what="score", name="accuracy")
    assert_inside(ax)
    assert ax.yaxis.get_major_formatter()(0.5).endswith("%")


def test_a_file_a_folder_and_its_fit_are_the_same_curves(tmp_path):
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    settings = pb.train.Settings(data="iris", epochs=3, hidden=(3,), compile=False)
    done = pb.train.train(settings, runs=tmp_path, say=lambda _: None)
    for what in ("loss", "score"):
        drawn = [
            {line.get_label(): line.get_xydata().tolist() for line in curves(h, what=what).lines}
            for h in (done.fit, done.folder, str(done.folder / "metrics.csv"))
        ]
        assert drawn[0] == drawn[1] == drawn[2]
        assert set(drawn[0]) == {"training", "validation", "best weights"}


def test_what_is_no_history_is_refused(tmp_path):
    (tmp_path / "metrics.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"is not the metrics\.csv"):
        curves(tmp_path)
    with pytest.raises(ValueError, match="what='r2'; it is loss or score"):
        curves([1.0], what="r2")
    with pytest.raises(ValueError, match="had no score"):
        curves(fit([math.nan, math.nan]), what="score")
    with pytest.raises(ValueError, match="there are no losses"):
        curves([])


def test_axes_that_are_given_are_drawn_in():
    figure = pytest.importorskip("matplotlib.figure").Figure()
    left, right = figure.subplots(1, 2)
    assert curves({"a $": [2.0, 1.0], "b": [3.0, 1.0]}, ax=right) is right
    assert not left.lines
    assert [line.get_linestyle() for line in right.lines] == ["-", "--"]
