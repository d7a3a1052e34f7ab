"""Several trainings in one picture."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb
from pullback.train.stopping import Epoch

pytest.importorskip("matplotlib")


def history(factor, n=30, score=0.5):
    return [Epoch(i, i, factor**i, score, 0.5 + abs(0.1 * i - 1) * factor, score) for i in range(n)]


def test_trainings_differ_in_colour_and_shape_and_parts_in_dashes():
    told = {f"run {i}": history(0.9 - i / 20) for i in range(7)}
    fits = {
        k: pb.train.Fit(None, min(v, key=lambda e: e.validation_loss), v) for k, v in told.items()
    }
    ax = pb.train.plots.compare(fits)
    solid = [line for line in ax.lines if line.get_linestyle() == "-"]
    dashed = [line for line in ax.lines if line.get_linestyle() == "--"]
    best = [line for line in ax.lines if line.get_linestyle() == "None"]
    assert [len(part) for part in (solid, dashed, best)] == [7, 7, 7]
    assert len({line.get_color() for line in solid}) == 7
    assert len({line.get_marker() for line in solid}) == 7
    for a, b, c in zip(solid, dashed, best, strict=True):
        assert a.get_color() == b.get_color() == c.get_color()
        assert a.get_marker() == c.get_marker()
        assert (c.get_xdata()[0], c.get_ydata()[0]) == (10, 0.5)
    assert ax.get_yscale() == "log"
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == [*told, "validation", "training", "best epoch"]


@pytest.mark.parametrize("n", [1, 2, 30])
def test_what_is_not_finite_is_left_out_and_short_ones_are_seen(n):
    rows = history(0.9, n)
    rows[-1] = Epoch(n - 1, n, math.inf, 0.5, math.nan, 0.5)
    ax = pb.train.plots.compare({"a": rows, "b": history(0.5, n)})
    ax.figure.canvas.draw()
    assert np.isnan(ax.lines[0].get_ydata()[-1])
    assert (ax.lines[0].get_marker() != "None") == (n < 3)


def test_scores_and_axes_of_the_callers():
    figure_of = pb.train.plots.curves(history(0.9))
    ax = pb.train.plots.compare(
        {"a": history(0.9, score=-5.0), "b": history(0.5)}, what="score", ax=figure_of, legend=False
    )
    assert ax is figure_of
    assert ax.get_ylabel() == "score"


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="compare: there is nothing to draw"):
        pb.train.plots.compare({})
    with pytest.raises(ValueError, match="what='f1'; it is loss or score"):
        pb.train.plots.compare({"a": history(0.9)}, what="f1")
