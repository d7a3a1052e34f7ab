"""Tests of `playground/expression/steps.py`: the walk, and what is said on it."""

from __future__ import annotations

import itertools

import numpy as np

from pullback.playground.expression.graph import evaluate, graph_of
from pullback.playground.expression.parse import parse
from pullback.playground.expression.steps import position_after, steps_of


def _walk(text, **values):
    nodes = graph_of(parse(text))
    return nodes, steps_of(
        nodes, evaluate(nodes, {k: np.asarray(v, float) for k, v in values.items()})
    )


def test_the_sentences():
    _, steps = _walk("x*y + x", x=2, y=-3)
    assert [s.sentence for s in steps] == [
        "The inputs are given: x = 2, y = −3.",
        "v1 = x · y = 2 · (−3) = −6.",
        "v2 = v1 + x = (−6) + 2 = −4.",
        "Now backward. The error signal of the output, v2, is 1.",
        "v2 = v1 + x, and its error signal is 1: 1 · 1 = 1 goes back to v1; 1 · 1 = 1 goes back to x. "
        "x waits for 1 more.",
        "v1 = x · y, and its error signal is 1: 1 · y = 1 · (−3) = −3 goes back to x; 1 · x = 1 · 2 = 2 goes back to "
        "y. What came back to x adds up: 1 + (−3) = −2. All error signals are complete; those of the inputs are the "
        "gradient: ∂v2/∂x = −2, ∂v2/∂y = 2.",
    ]


def test_sentences_of_vectors():
    _, steps = _walk("sum(W @ x) + mean(x)*b", W=[[1, 2], [3, 4]], x=[1, -1], b=2)
    text = " ".join(s.sentence for s in steps)
    assert "it goes back to every element: [1, 1] to" in text
    assert "it goes back times x, transposed: [[1, −1], [1, −1]] to W" in text
    assert "it goes back divided by their number, to every element: [1, 1] to x" in text
    _, steps = _walk("x + b", x=[1, 2], b=0)
    assert "[1, 1] for each of its elements" in steps[2].sentence
    assert "[1, 1] · 1, added up = 2 goes back to b" in steps[3].sentence


def test_what_is_added_up_is_what_has_more_elements_than_the_source():
    _, steps = _walk("dot(x, y)", x=2, y=[1, 2])
    assert "1 · y = 1 · [1, 2], added up = 3 goes back to x" in steps[-1].sentence
    assert "1 · x = 1 · 2 = [2, 2] goes back to y" in steps[-1].sentence
    _, steps = _walk("logsumexp(x)", x=[0, 0])
    assert "1 · softmax x = 1 · softmax [0, 0] = [0.5, 0.5] goes back to x" in steps[-1].sentence


def test_numbers_below_0_are_in_parentheses():
    _, steps = _walk("(-2)**x", x=3)
    assert steps[1].sentence == "v1 = (−2) ^ x = (−2) ^ 3 = −8."
    _, steps = _walk("x**-1 - -3", x=4)
    assert "1 · (−1) · x^((−1) − 1) = 1 · (−1) · 4^((−1) − 1) = −0.0625" in steps[-1].sentence


def test_a_variable_that_is_called_as_nodes_are_is_none_of_them():
    nodes, steps = _walk("v1*x + sin(v1)", v1=2, x=3)
    assert [node.name for node in nodes] == ["v1", "x", "v2", "v3", "v4"]
    assert steps[1].sentence == "v2 = v1 · x = 2 · 3 = 6."


def test_values_and_signals_come_one_by_one_each_when_all_it_needs_is_there():
    nodes, steps = _walk("sin(x*y) + log(x)/y**2", x=2, y=3)
    operations = sum(1 for node in nodes if node.operation)
    assert len(steps) == 2 * operations + 2
    assert [s.valued for s in steps[: operations + 1]] == list(range(2, len(nodes) + 1))
    back = steps[operations + 1 :]
    assert back[0].signalled == {len(nodes) - 1}
    for before, after in itertools.pairwise(back):
        assert after.node in before.signalled  # a node sends only what it has in full
        assert before.signalled <= after.signalled
        assert after.sent > before.sent
    assert back[-1].signalled == set(range(len(nodes)))


def test_the_buttons():
    _, steps = _walk("x*y + x", x=2, y=3)
    assert position_after(steps, 0, "backward") == 0  # no value, no error signal
    forward = [0]
    for _ in range(5):
        forward.append(position_after(steps, forward[-1], "forward"))
    assert forward == [0, 1, 2, 2, 2, 2]
    backward = [2]
    for _ in range(5):
        backward.append(position_after(steps, backward[-1], "backward"))
    assert backward == [2, 3, 4, 5, 5, 5]
    assert position_after(steps, 4, "forward") == 4
    assert position_after(steps, 1, "end") == 5
    assert position_after(steps, 3, "reset") == 0


def test_a_variable_alone_is_its_own_output():
    _, steps = _walk("x", x=7)
    assert len(steps) == 2
    assert "∂x/∂x = 1" in steps[1].sentence
