"""Tests of `playground/expression/view.py`: what the figure is given."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("bokeh", reason="Bokeh is not installed (extra `playground`)")

from pullback.playground.expression.graph import evaluate, graph_of
from pullback.playground.expression.parse import parse
from pullback.playground.expression.steps import steps_of
from pullback.playground.expression.view import BLUE, ORANGE, GraphView


def _shown(text, **values):
    nodes = graph_of(parse(text))
    evaluation = evaluate(nodes, {k: np.asarray(v, float) for k, v in values.items()})
    steps = steps_of(nodes, evaluation)
    view = GraphView()
    view.show(nodes, evaluation, steps[0])
    return view, steps


def test_values_and_signals_appear_when_their_turn_comes():
    view, steps = _shown("x*y + x", x=2, y=3)
    assert view._boxes.data["title"] == ["x", "y", "v1 = x · y", "v2 = v1 + x"]
    assert view._boxes.data["value"] == ["2", "3", "", ""]
    assert set(view._edges.data["colour"]).isdisjoint({BLUE, ORANGE})
    view.walk(steps[1])
    assert view._boxes.data["value"] == ["2", "3", "6", ""]
    assert view._edges.data["colour"].count(BLUE) == 2
    view.walk(steps[4])
    assert view._boxes.data["signal"] == ["", "", "δ = 1", "δ = 1"]
    assert sorted(view._labels.data["text"]) == ["", "", "1", "1"]
    view.walk(steps[-1])
    assert view._boxes.data["signal"] == ["δ = 4", "δ = 2", "δ = 1", "δ = 1"]
    assert set(view._edges.data["colour"]) == {ORANGE}
    assert sorted(view._labels.data["text"]) == ["1", "1", "2", "3"]


def test_one_unit_is_one_pixel():
    view, _ = _shown("sin(cos(x))", x=1)
    plot = view.figure
    assert plot.x_range.end - plot.x_range.start == pytest.approx(plot.frame_width, abs=0.5)
    assert plot.y_range.end - plot.y_range.start == pytest.approx(plot.frame_height, abs=0.5)


def test_a_picture_is_cleared_and_a_variable_alone_is_drawn():
    view, steps = _shown("x", x=1)
    assert view._boxes.data["value"] == ["1"]
    view.walk(steps[-1])
    assert view._boxes.data["signal"] == ["δ = 1"]
    view.clear()
    assert all(
        len(values) == 0
        for source in (view._boxes, view._edges, view._labels)
        for values in source.data.values()
    )
