"""Tests of `train/data/tables/cells.py`."""

from __future__ import annotations

import pytest

from pullback.train.data.tables.cells import Evidence, NumberFormat, evidence, is_missing, is_number

NUMBERS = ["1", "-1.5", "+.5", "5.", "1e-3", "1,5", "1.234,5", "1,234.5",
           "1 000", "1'000.5", "1\u202f000", "−3", "nan", "-inf"]  # fmt: skip
WORDS = ["", "-", ".", ",", "e5", "1.2.2020", "12.05.2020", "1_000", "0x10", "1,23,4",
         "12-3", "a", "10.0.0.1", "1" * 500]  # fmt: skip


@pytest.mark.parametrize("cell", NUMBERS)
def test_numbers_in_any_way_of_writing(cell):
    assert is_number(cell)
    assert is_number(f" {cell} ")


@pytest.mark.parametrize("cell", WORDS)
def test_words_and_dates_are_no_numbers(cell):
    assert not is_number(cell)


def test_what_is_missing_and_what_is_not():
    assert all(map(is_missing, ("", " ", "NA", "n/a", "N/A", "NULL", "?", "-", "nan", " NaN ")))
    assert not any(map(is_missing, ("-999", "0", "none", "None", "no", "+", "unknown")))


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ([["1,5"]], Evidence(comma="1,5")),
        ([["1.5", "x"]], Evidence()),
        ([["1.5", "NA"]], Evidence(point="1.5")),
        ([["1.234"]], Evidence(either_point="1.234")),
        ([["1,234"]], Evidence(either_comma="1,234")),
        ([["0,123"]], Evidence(comma="0,123")),
        ([["1234,567"]], Evidence(comma="1234,567")),
        ([["1.234.567"]], Evidence(comma="1.234.567")),
        ([["1,234,567"]], Evidence(point="1,234,567")),
        ([["1,234.5"], ["2,5"]], Evidence(comma="2,5", point="1,234.5")),
        ([["12", "7"]], Evidence()),
    ],
)
def test_what_numbers_tell_about_the_decimal_sign(columns, found):
    assert evidence(columns) == found


@pytest.mark.parametrize(
    ("decimal", "cell", "value"),
    [(",", "1.234,50", 1234.5), (",", "-1 234,5", -1234.5), (".", "1,234,567.25", 1234567.25), (".", "−1'000", -1000)],
)  # fmt: skip
def test_numbers_become_those_of_python(decimal, cell, value):
    assert float(NumberFormat(decimal).plain(cell)) == value
