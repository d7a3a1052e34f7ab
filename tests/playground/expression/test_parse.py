"""Tests of `playground/expression/parse.py`: what is read, what is refused and where, and that nothing is run."""

from __future__ import annotations

import contextlib
import sys
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pullback.playground.expression import parse as module
from pullback.playground.expression.operations import FUNCTIONS
from pullback.playground.expression.parse import (
    MOST_CHARACTERS,
    Applied,
    ParseError,
    Variable,
    parse,
)

from ._expressions import expressions


def _written(e):
    """The tree as a text with all its parentheses."""
    if isinstance(e, Applied):
        return f"{e.operation.name}({', '.join(map(_written, e.operands))})"
    return e.name if isinstance(e, Variable) else f"{e.value:g}"


@pytest.mark.parametrize(("text", "tree"), [
    ("x", "x"),
    ("x + 2*y", "+(x, *(2, y))"),
    ("-x**2", "neg(**(x, 2))"),
    ("x**-y**2", "**(x, neg(**(y, 2)))"),
    ("x - y - z", "-(-(x, y), z)"),
    ("+x / 2 / y", "/(/(x, 2), y)"),
    ("W @ x + b", "+(@(W, x), b)"),
    ("  sin( x ) ", "sin(x)"),
    ("2*pi*x", "*(6.28319, x)"),
    ("x*sqrt(4)", "*(x, 2)"),
    ("−2·x×y", "*(*(-2, x), y)"),
    ("maximum(x, 1.5e1)", "maximum(x, 15)"),
])  # fmt: skip
def test_what_is_read(text, tree):
    assert _written(parse(text)) == tree


# what is typed, words of the answer, and the column of the caret
REFUSED = [
    ("__import__('os')", "not part of an expression", 11),
    ("__import__(os)", "there is no function __import__", 0),
    ("x.__class__", "'.' is not part", 1),
    ("(lambda: 0)()", "':' is not part", 7),
    ("x if y else z", "an if is not part", 0),
    ("9**9**9", "the exponent 3.8742e+08 is too large", 3),
    ("x**(9**9)", "too large: at most 100", 4),
    ("x**1000", "the exponent 1000 is too large", 3),
    ("exec(x)", "there is no function exec", 0),
    ("x + eval(x)", "there is no function eval: choose one of sin, ", 4),
    ("sin(x)(y)", "only functions with a name", 0),
    ("sin(*x)", "without names or stars", 4),
    ("x < y", "'<' is not part", 2),
    ("x and y", "and/or", 0),
    ("not x", "not is not part", 0),
    ("x // y", "this operator", 0),
    ("(x, y)", "a list with commas", 0),
    ("[1, 2]", "vectors are the values of variables", 0),
    ("x = 2", "set in the fields below", 2),
    ("x^2", "write ** for a power", 1),
    ("2x", "an operator is missing", 1),
    ("1_0*x", "an operator is missing", 1),
    ("True*x", "True, False or None", 0),
    ("sin(x, y)", "sin takes one operand, not 2", 0),
    ("x + maximum(x)", "maximum takes two operands, not 1", 4),
    ("x + sin", "sin is a function: write sin(x)", 4),
    ("_x", "begins with an underscore", 0),
    ("x + (y", "never closed", 4),
    ("x + y)", "never opened", 5),
    ("x +", "missing or out of place", 3),
    ("", "type an expression", 0),
    ("   ", "type an expression", 0),
    ("1 + 2", "there is no variable", 0),
    ("x + log(0)", "no finite value", 4),
    ("x + 1/0", "no finite value", 4),
    ("1e999*x", "too large", 0),
    ("x" * 201, "201 characters", MOST_CHARACTERS),
    ("-" * 60 + "x", "nested deeper", 21),
    ("(" * 90 + "x" + ")" * 91, "never opened", 181),
    ("x*y + " * 14 + "x", "parts cannot be drawn", 78),
    ("a*b*c*d*f*g*h*i*j", "more than 8 variables", 16),
    ("x\ny", "not part", 1),
    ("ſin(x)", "not part", 0),
]


@pytest.mark.parametrize(
    ("text", "words", "column"), REFUSED, ids=[t[:14] or "empty" for t, _, _ in REFUSED]
)
def test_what_is_refused_and_where(text, words, column):
    with pytest.raises(ParseError) as caught:
        parse(text)
    error = caught.value
    assert words in error.message
    if "cannot be drawn" not in words and "nested" not in words:
        assert error.column == column
    assert error.pointed() == f"{text}\n{' ' * error.column}^"


_heard: list[str] | None = None  # what Python's audit hook is told, while a test listens


def _hook(event, args):
    if _heard is not None:
        _heard.append(event)


def test_no_text_is_run():
    """Python tells its audit hook of code that is run, of imports, and of files that are opened: there are none."""
    global _heard
    sys.addaudithook(_hook)
    parse("sin(x) + sqrt(4)")
    _heard = []
    try:
        eval("1")
        assert "exec" in _heard  # it would be heard
        _heard.clear()
        for text, _, _ in REFUSED:
            with contextlib.suppress(ParseError):
                parse(text)
        parse("sin(x) + sqrt(4)")
        told = set(_heard)
    finally:
        _heard = None
    assert "compile" in told  # to a tree
    assert told <= {"compile", "object.__getattr__", "sys._getframe"}


def _outcome(text):
    """What the parser returns, or raises."""
    try:
        return parse(text), None
    except ParseError as error:
        return None, error


_PIECES = (
    *FUNCTIONS,
    *[
        "x",
        "y",
        "lambda",
        "if",
        "else",
        "import",
        "__class__",
        "not",
        "None",
        "yield",
        "await",
        "9",
        "1.5",
        "1e5",
        "f'{x}'",
    ],
    *[
        "+",
        "-",
        "*",
        "**",
        "/",
        "@",
        "(",
        ")",
        ",",
        ".",
        ":",
        "[",
        "]",
        "{",
        "}",
        "=",
        ":=",
        "'",
        '"',
        "#",
        "\\",
    ],
    "\n",
    "\0",
    "\t",
    " ",
)


@settings(max_examples=80, deadline=None)
@given(
    st.one_of(st.text(max_size=60), st.lists(st.sampled_from(_PIECES), max_size=25).map("".join))
)
@example("(" * 200)
@example("9**" * 60 + "9")
@example("x" + "**x" * 19)
@example("((((x))))" * 20)
@example("1if x else y")
@example("0x1for x")
def test_any_text_is_an_expression_or_refused_at_a_place_in_it(text):
    """Nor does a warning come (they are errors in these tests), and none takes long."""
    begin = time.perf_counter()
    found, error = _outcome(text)
    if error is None:
        assert isinstance(found, Applied | Variable)
    else:
        assert 0 <= error.column <= len(text)
        assert error.message
    assert time.perf_counter() - begin < 2.0


@settings(max_examples=40, deadline=None)
@given(expressions())
def test_every_expression_is_read(text):
    found, error = _outcome(text)
    if error is None:
        assert isinstance(found, Applied | Variable)
    else:
        assert any(
            w in error.message for w in ("no variable", "cannot be drawn", "nested", "characters")
        )


def test_python_s_parser_at_its_limits_is_told(monkeypatch):
    for raised in (MemoryError, RecursionError, ValueError):

        def fails(*_, raised=raised, **__):
            raise raised

        monkeypatch.setattr(module.ast, "parse", fails)
        with pytest.raises(ParseError, match="nested too deeply"):
            parse("x")
