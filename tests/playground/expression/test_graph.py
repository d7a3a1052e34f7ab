"""Tests of `playground/expression/graph.py`: values are NumPy's, signals `pb.grad`'s and differences'."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pullback as pb
from pullback.playground.expression.graph import (
    EvaluationError,
    agree,
    evaluate,
    graph_of,
    written,
)
from pullback.playground.expression.operations import FUNCTIONS, OPERATORS
from pullback.playground.expression.parse import ParseError, parse

from ._expressions import NAMES, NUMPY, expressions

# where each function is smooth: a vector, of whose elements those that take two take two halves
_AT = np.asarray([0.3, 1.7, 0.9, 2.2])


def _eval(text, values):
    """What NumPy makes of an expression that this file wrote."""
    return eval(text, {"__builtins__": {}}, {**NUMPY, **values})


def _grad(nodes, names, values):
    """The gradient of the whole by `pb.grad`, in one sweep over one tape."""

    def f(inputs):
        found = list(inputs)
        for node in nodes[len(names) :]:
            found.append(
                node.operation.run(
                    *(found[x] if isinstance(x, int) else x.value for x in node.operands)
                )
            )
        return pb.xp.sum(found[-1])

    return [pb.to_numpy(g) for g in pb.grad(f)([values[name] for name in names])]


def _check(text, values, rtol=1e-9):
    nodes = graph_of(parse(text))
    names = [node.name for node in nodes if node.operation is None]
    found = evaluate(nodes, values)
    np.testing.assert_allclose(found.values[-1], _eval(text, values), rtol=rtol, atol=1e-12)
    for k, (name, gradient) in enumerate(zip(names, _grad(nodes, names, values), strict=True)):
        np.testing.assert_allclose(found.signals[k], gradient, rtol=rtol, atol=1e-12)
        assert agree(found.signals[k], found.differences[name]), (text, name)
    assert found.trouble == ""
    # what arrives along the edges of a node adds up to its signal
    for k in range(len(nodes) - 1):
        arrived = [e.signal for e in found.edges if e.source == k]
        np.testing.assert_allclose(
            np.sum(arrived, axis=0), found.signals[k], rtol=1e-12, atol=1e-12
        )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function(name):
    two = FUNCTIONS[name].arity == 2
    _check(f"{name}(x{', y' if two else ''})", {"x": _AT[:2], "y": _AT[2:]} if two else {"x": _AT})
    assert len(FUNCTIONS[name].derivatives) == (2 if two else 1)


@pytest.mark.parametrize(
    "text",
    [
        "x + y",
        "x - y",
        "x * y",
        "x / y",
        "x ** y",
        "x @ y",
        "-x",
        "x - y*2",
        "2 ** x",
        "x ** -2",
        "1 - x",
        "3 / x",
    ],
)
def test_every_operator(text):
    values = {"x": _AT[:2], "y": _AT[2:]}
    _check(text, values if "y" in text else {"x": _AT})
    assert set(OPERATORS) == {"+", "-", "*", "/", "**", "@", "neg"}


@pytest.mark.parametrize(("text", "values"), [
    ("sum(tanh(W @ x + b))", {"W": np.asarray([[1, -1], [0.5, 2]]), "x": _AT[:2], "b": np.asarray(0.5)}),
    ("W @ V", {"W": np.asarray([[1, -1], [0.5, 2]]), "V": np.asarray([[1.5, 2], [3, 4]])}),
    ("x*s + s", {"x": _AT, "s": np.asarray(2.0)}),
    ("x*x + x", {"x": np.asarray(3.0)}),
    ("exp(sin(x)) * sin(x) + sin(x)", {"x": np.asarray(0.4)}),
])  # fmt: skip
def test_shapes_broadcasting_and_fan_out(text, values):
    _check(text, values)


@settings(max_examples=60, deadline=None)
@given(expressions(), st.lists(st.floats(-2, 2), min_size=3, max_size=3))
def test_random_expressions(text, numbers):
    try:
        parse(text)
    except ParseError:
        return
    _check(text, {name: np.asarray(x) for name, x in zip(NAMES, numbers, strict=True)}, rtol=1e-7)


def test_equal_parts_are_one_node():
    nodes = graph_of(parse("x*y + sin(x*y)"))
    assert [written(nodes, node) for node in nodes] == ["x", "y", "x · y", "sin v1", "v1 + v2"]
    assert len(graph_of(parse("x - (x - 1)"))) == 3
    assert [node.name for node in graph_of(parse("x"))] == ["x"]


@pytest.mark.parametrize(("text", "value", "words"), [
    ("log(x)", -1.0, "log is defined for numbers above 0"),
    ("log(x)", 0.0, "v1 = log x = log 0 is −∞: log is defined for numbers above 0"),
    ("1/x", 0.0, "/ divides by 0"),
    ("sqrt(x)", -4.0, "is not a number: sqrt"),
    ("sqrt(x)", 0.0, "The error signal of x is ∞: v1 = √x has no finite derivative there"),
    ("exp(x)", 1000.0, "is ∞: it is too large"),
    ("x**0.5 * 2", -1.0, "takes an integer exponent"),
])  # fmt: skip
def test_what_is_not_finite_is_told_by_name(text, value, words):
    assert words in evaluate(graph_of(parse(text)), {"x": np.asarray(value)}).trouble


@pytest.mark.parametrize(("text", "shapes", "words"), [
    ("W @ x", {"W": (2, 2), "x": (3,)}, "v1 = W @ x cannot be computed of a matrix of 2 × 2 and a vector of 3"),
    ("2*(x + y)", {"x": (2,), "y": (3,)}, "v1 = x + y cannot be computed of a vector of 2 and a vector of 3"),
    ("x @ y", {"x": (), "y": ()}, "of a number and a number"),
])  # fmt: skip
def test_shapes_that_do_not_fit_are_told(text, shapes, words):
    with pytest.raises(EvaluationError, match="cannot be computed") as caught:
        evaluate(graph_of(parse(text)), {name: np.ones(shape) for name, shape in shapes.items()})
    assert words in str(caught.value)
    with pytest.raises(EvaluationError, match="y has no value"):
        evaluate(graph_of(parse("x*y")), {"x": np.ones(())})


def test_a_kink_is_where_differences_disagree():
    found = evaluate(graph_of(parse("relu(x)")), {"x": np.asarray(0.0)})
    assert not agree(found.signals[0], found.differences["x"])
    assert not agree(np.asarray(1.0), np.asarray(np.nan))


@pytest.mark.parametrize(
    ("text", "x"),
    [("log(x)", 1e-6), ("1/x", -1e-7), ("sqrt(x)", 1e-12), ("x + 1", 1e-7), ("x*x - x", 1e5), ("exp(x)", -9.0)],
)  # fmt: skip
def test_differences_agree_near_a_singularity_and_where_digits_cancel(text, x):
    found = evaluate(graph_of(parse(text)), {"x": np.asarray(x)})
    assert agree(found.signals[0], found.differences["x"])
    assert not agree(1.001 * found.signals[0] + 0.001, found.differences["x"])


def test_the_node_is_told_that_has_no_derivative_and_not_another_use():
    found = evaluate(graph_of(parse("sqrt(x) + x")), {"x": np.asarray(0.0)})
    assert "v1 = √x has no finite derivative there" in found.trouble
