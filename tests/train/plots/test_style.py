"""What pictures share: no pyplot, texts as they stand."""

from __future__ import annotations

import sys
import warnings

import pytest

import pullback as pb
from pullback.train.plots import style

pytest.importorskip("matplotlib")


def test_no_state_of_pyplot_is_touched():
    before = "matplotlib.pyplot" in sys.modules
    pb.train.plots.curves([2.0, 1.0])
    assert ("matplotlib.pyplot" in sys.modules) == before
    if before:
        assert sys.modules["matplotlib.pyplot"].get_fignums() == []


def test_texts_are_drawn_as_they_stand():
    ax = pb.train.plots.curves({"$x^2$ and $\\frac{a": [2.0, 1.0], "名前": [3.0, 1.0]})
    ax.set_title(style.wrapped("one $ and two $$ " * 9, 40))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert style.png(ax.figure).startswith(b"\x89PNG")
    assert ax.get_title().count("\n") == 2


@pytest.mark.parametrize(("count", "step"), [(1, 1), (40, 1), (41, 2), (100, 5), (1000, 50)])
def test_ticks_name_all_or_each_so_many(count, step):
    ax = style.new_figure(3, 3).subplots()
    style.name_ticks(ax.xaxis, [str(i) for i in range(count)], most=40, font=8, rotate=True)
    assert [t.get_text() for t in ax.get_xticklabels()] == [str(i) for i in range(0, count, step)]
