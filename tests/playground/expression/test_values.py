"""Tests of `playground/expression/values.py`: values as they are typed and as they are printed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pullback.playground.expression.parse import ParseError
from pullback.playground.expression.values import number, parse_value, printed, short


@pytest.mark.parametrize(("text", "value"), [
    ("2", 2.0), (" -1.5e-3 ", -1.5e-3), ("−4", -4.0), ("[1, 2]", [1, 2]), ("[[1, 2], [3, -4.]]", [[1, 2], [3, -4]]),
])  # fmt: skip
def test_what_is_read(text, value):
    np.testing.assert_array_equal(parse_value(text), value)
    assert parse_value(text).dtype == np.float64


@pytest.mark.parametrize(("text", "words", "column"), [
    ("x", "not part of a value", 0),
    ("1, 2", "type a number", 0),
    ("[1, __import__('os')]", "not part of a value", 4),
    ("[1, 2", "type a number", 0),
    ("[1, [2]]", "different lengths", 0),
    ("[1, 1-2]", "type a number", 4),
    ("[]", "1 to 16 elements", 0),
    ("[" + "1," * 17 + "1]", "1 to 16 elements", 0),
    ("[[[1]]]", "rows of a matrix", 0),
    ("1e999", "too large", 0),
    ("9" * 300, "at most 200", 200),
    ("", "type a number", 0),
    ("+-" * 100, "type a number", 0),
])  # fmt: skip
def test_what_is_refused_and_where(text, words, column):
    with pytest.raises(ParseError) as caught:
        parse_value(text)
    assert words in caught.value.message
    assert caught.value.column == column


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text(max_size=20), st.text("0123456789eE.,+-[] ", max_size=30)))
def test_any_text_is_a_value_or_refused(text):
    column = 0
    try:
        value = parse_value(text)
    except ParseError as error:
        value, column = np.zeros(1), error.column
    assert np.isfinite(value).all()
    assert 0 <= column <= len(text)


def test_how_they_are_printed():
    assert [number(x) for x in (0.0, -0.0, 1 / 3, -1e-9, np.inf, -np.inf, np.nan)] == [
        "0", "0", "0.3333", "−1e−09", "∞", "−∞", "not a number",
    ]  # fmt: skip
    assert printed(np.asarray([[1.0, -2.5]])) == "[[1, −2.5]]"
    assert short(np.arange(20.0)) == "[0, 1, 2, 3, …]"
    assert short(np.ones((2, 3)) / 3) == "2 × 3 matrix"
    assert short(np.asarray(-1.23456e-7), 5) == "−1.235e−07"
    assert len(short(np.full(5, -1.23456), 10)) <= 10
