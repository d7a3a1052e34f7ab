"""Tests of `playground/expression/tables.py`: what is in them as the walk goes on."""

from __future__ import annotations

import re
from html import unescape

import numpy as np

from pullback.playground.expression.graph import evaluate, graph_of
from pullback.playground.expression.parse import parse
from pullback.playground.expression.steps import steps_of
from pullback.playground.expression.tables import gradient_table, nodes_table


def _rows(html):
    return [
        [unescape(re.sub("<[^>]*>", "", cell)) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        for row in re.findall(r"<tr>.*?</tr>", html)
    ]


def _graph(text, **values):
    nodes = graph_of(parse(text))
    evaluation = evaluate(nodes, {k: np.asarray(v, float) for k, v in values.items()})
    return nodes, evaluation, steps_of(nodes, evaluation)


def test_the_nodes_fill_up():
    nodes, evaluation, steps = _graph("x*y + x", x=2, y=3)
    assert _rows(nodes_table(nodes, evaluation, steps[1]))[1:] == [
        ["x", "an input", "2", "", ""],
        ["y", "an input", "3", "", ""],
        ["v1", "x · y", "6", "", ""],
        ["v2", "v1 + x", "", "", ""],
    ]
    assert _rows(nodes_table(nodes, evaluation, steps[4]))[1][4] == "1 from v2"
    assert _rows(nodes_table(nodes, evaluation, steps[-1]))[1:] == [
        ["x", "an input", "2", "4", "1 from v2; 3 from v1"],
        ["y", "an input", "3", "2", "2 from v1"],
        ["v1", "x · y", "6", "1", "1 from v2"],
        ["v2", "v1 + x", "8", "1", "1, as the output"],
    ]
    assert "<caption" in nodes_table(nodes, evaluation, steps[0])


def test_the_gradient_is_told_when_it_is_reached_and_compared():
    nodes, evaluation, steps = _graph("x*y", x=2, y=3)
    assert _rows(gradient_table(nodes, evaluation, steps[0]))[1] == ["x", "…", "3", ""]
    assert _rows(gradient_table(nodes, evaluation, steps[-1]))[1] == ["x", "3", "3", "they agree"]
    nodes, evaluation, steps = _graph("abs(x)*2 + x", x=0)
    row = _rows(gradient_table(nodes, evaluation, steps[-1]))[1]
    assert row[:3] == ["x", "1", "1"]
    nodes, evaluation, steps = _graph("relu(x)", x=0)
    assert "kink" in _rows(gradient_table(nodes, evaluation, steps[-1]))[1][3]
