"""Tests of `playground/expression/layout.py`: no boxes overlap, no edge runs through one, no needless crossing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings

from pullback.playground.expression.graph import graph_of
from pullback.playground.expression.layout import BETWEEN, HEIGHT, WIDTH, layered
from pullback.playground.expression.parse import ParseError, parse
from pullback.playground.expression.tab import EXAMPLES

from ._expressions import expressions


def _picture(text):
    nodes = graph_of(parse(text))
    edges = [(x, k) for k, node in enumerate(nodes) for x in node.operands if isinstance(x, int)]
    return nodes, edges, layered(len(nodes), edges)


def _check(text):
    nodes, edges, picture = _picture(text)
    half = np.asarray([WIDTH, HEIGHT]) / 2
    for k, a in enumerate(picture.centres):
        assert (a - half >= 0).all()
        assert (a + half <= [picture.width, picture.height]).all()
        for b in picture.centres[k + 1 :]:
            apart = np.abs(a - b)
            assert apart[0] >= WIDTH or apart[1] >= HEIGHT + BETWEEN - 1e-6
    for (source, target), curve, port in zip(edges, picture.curves, picture.ports, strict=True):
        assert picture.centres[source, 0] < picture.centres[target, 0]
        np.testing.assert_allclose(curve[0], picture.centres[source] + [WIDTH / 2, 0])
        np.testing.assert_allclose(curve[-1], picture.centres[target] + [-WIDTH / 2, port])
        assert abs(port) < HEIGHT / 2
        assert (np.diff(curve[:, 0]) >= 0).all()
        # between its ends an edge is in no box
        dense = np.concatenate([np.linspace(a, b, 20) for a, b in itertools.pairwise(curve)])
        for k in range(len(nodes)):
            inside = (np.abs(dense - picture.centres[k]) < half - 1e-6).all(axis=1)
            assert not inside.any(), (text, k)
    return picture


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples(name):
    _check(EXAMPLES[name][0])


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "x*x",
        "a*b + c*d + a*d",
        "sin(cos(tan(exp(x)))) * x",
        "((x+y)*(y+z)+(x+z))*(x+(y*(z+x)))",
    ],
)
def test_the_awkward_ones(text):
    _check(text)


@settings(max_examples=40, deadline=None)
@given(expressions())
def test_any_expression(text):
    try:
        parse(text)
    except ParseError:
        return
    _check(text)


def test_a_chain_is_straight_and_a_tree_has_no_crossing():
    _, _, chain = _picture("exp(sin(tanh(x)))")
    assert np.ptp(chain.centres[:, 1]) < 1e-9
    _, edges, tree = _picture("(a*b) + (c*d)")
    ends = sorted((tuple(tree.curves[k][0]), tuple(tree.curves[k][-1])) for k in range(len(edges)))
    for (a, b), (c, d) in itertools.pairwise(ends):
        if a[0] == c[0] and b[0] == d[0]:
            assert (a[1] - c[1]) * (b[1] - d[1]) >= 0


def test_edges_into_a_box_end_in_the_order_of_where_they_come_from():
    nodes, edges, picture = _picture("x*y + x/y + x")
    for target in range(len(nodes)):
        coming = [k for k, e in enumerate(edges) if e[1] == target]
        if len(coming) == 2:
            a, b = coming
            before = [picture.curves[k][-3][1] for k in coming]
            assert (before[0] - before[1]) * (picture.ports[a] - picture.ports[b]) >= 0
