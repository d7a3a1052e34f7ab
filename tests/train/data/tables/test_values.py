"""Cells of raw columns, whatever type they come in."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.train import InputError
from pullback.train.data.tables.values import (
    dates,
    number_of,
    numbers,
    plain,
    text_of,
    texts,
    truths,
    unit_of,
)

pd = pytest.importorskip("pandas")


def at(row, column):
    return f"t.csv, row {row + 2}, column {column!r}"


def test_integers_beyond_float64_stay_exact():
    big = 2**60
    assert texts(pd.Series([big, big + 1])) == [str(big), str(big + 1)]
    assert texts(pd.Series(pd.array([big + 1, None], "Int64"))) == [str(big + 1), None]
    assert texts(pd.Series([10**30, None], dtype=object)) == [str(10**30), None]
    assert plain(pd.Series(pd.array([1, None], "Int64"))).tolist()[0] == 1.0


def test_one_category_is_one_text_with_and_without_gaps():
    for cells in ([5, 7], [5.0, None], ["5", "7"], ["5.0", "x"]):
        assert texts(pd.Series(cells), numeric=True)[0] == "5"
    assert texts(pd.Series(["5.0", "007", " red ", " "])) == ["5.0", "007", "red", None]
    assert texts(pd.Series([True, False])) == ["True", "False"]
    assert text_of(np.float64(0.1)) == "0.1"


def test_numbers_come_with_the_position_of_what_is_none():
    np.testing.assert_array_equal(
        numbers(pd.Series(["1", None, " 2.5 "]), "a", at), [1, np.nan, 2.5]
    )
    np.testing.assert_array_equal(numbers(pd.Series([True, False]), "a", at), [1, 0])
    with pytest.raises(InputError, match=r"t\.csv, row 3, column 'a': 'x' is not a number; fix it"):
        numbers(pd.Series(["1", "x"]), "a", at, "; fix it")
    for cells in (["1", "1e999"], [1.0, -np.inf], [1, 10**400]):
        with pytest.raises(InputError, match=r"row 3.*not finite"):
            numbers(pd.Series(cells, dtype=object), "a", at)
    with pytest.raises(InputError, match="'nan' is not a number"):
        numbers(pd.Series(["nan"], dtype=object), "a", at)


def test_truth_values_of_several_languages():
    np.testing.assert_array_equal(truths(pd.Series(["Ja", "nein", None]), "a", at), [1, 0, np.nan])
    np.testing.assert_array_equal(truths(pd.Series([1, 0]), "a", at), [1, 0])
    np.testing.assert_array_equal(truths(pd.Series([1.0, None]), "a", at), [1, np.nan])
    with pytest.raises(InputError, match="row 3, column 'a': 'maybe' is neither"):
        truths(pd.Series(["yes", "maybe"]), "a", at)


def test_dates_that_are_none_are_named():
    days = dates(pd.Series(["1.2.2021", None]), "d", "%d.%m.%Y", at)
    assert (days[0].day, days[0].month, days.isna().tolist()) == (1, 2, [False, True])
    with pytest.raises(InputError, match=r"row 3, column 'd': '31\.2\.2021' is no date"):
        dates(pd.Series(["1.2.2021", "31.2.2021"]), "d", "%d.%m.%Y", at)


def test_units_and_numbers():
    assert [unit_of(text) for text in ("3.5 mg/l", "€5", "+1,5%", "A4", "4 x 4", "1.2.2021")] == [
        "mg/l", "€", "%", None, None, None,
    ]  # fmt: skip
    assert number_of("nan") is not None
    assert number_of("1_0") is None
