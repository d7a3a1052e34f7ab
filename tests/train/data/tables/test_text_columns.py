"""Texts of which most are numbers, or which only look so."""

from __future__ import annotations

import pytest

from pullback.train import InputError
from pullback.train.data.tables.text_columns import decide_dates, decide_texts, first_at

pd = pytest.importorskip("pandas")


def told(texts):
    cells = pd.Series(texts, dtype=object)
    return decide_texts(cells, cells.dropna(), "c", "", lambda row, name: f"t.csv, row {row + 2}")


def test_one_word_among_many_numbers_is_named_and_among_few_is_a_category():
    with pytest.raises(
        InputError, match=r"t\.csv, row 22: 'unknown' is no number.*nor are 4 other"
    ):
        told([str(i) for i in range(20)] + ["unknown"] * 5)
    assert told(["1", "2", "3+"] * 4)[0] == "category"
    with pytest.raises(InputError, match="'x' is no number"):
        told(["1", "2"] * 10 + ["x"])
    # tickets: many different words, in many rows
    tickets = [str(1000 + i) for i in range(70)] + [f"A/{i} {i}" for i in range(30)]
    assert told(tickets)[0] == "dropped"
    assert told(tickets[:12] + tickets[70:82])[0] == "dropped"
    # words with a number among them are words
    assert told(["a", "b", "7"] * 4)[:2] == ("category", "3 values")


def test_a_few_texts_with_units_are_categories():
    assert told(["5 kg", "10 kg", "20 kg"] * 4)[:2] == ("category", "3 values")
    # of several units nobody can make numbers
    assert told([f"{i} {'kg' if i % 2 else 'g'}" for i in range(20)] * 2)[0] == "category"


def test_small_tables_keep_their_categories():
    assert told(["sunny", "rain", "fog", "snow", "hail"])[0] == "category"
    assert told([f"w{i}" for i in range(6)])[0] == "dropped"


def test_dates_of_no_order_are_refused_only_where_it_matters():
    assert decide_dates(["01/01/2021", "02/02/2021"], "d", "") == (
        "date",
        "dates, day/month/year",
        "%d/%m/%Y",
    )
    assert decide_dates(["red"], "d", "") is None
    with pytest.raises(InputError, match="day/month or month/day"):
        decide_dates(["01/02/2021"], "d", "")


def test_a_word_or_another_form_among_dates_is_named():
    days = [f"{i + 1}.3.2021" for i in range(20)]
    for odd in ("unknown", "31.2.2021", "2021-03-04"):
        with pytest.raises(
            InputError, match=rf"t\.csv, row 22: '{odd}' is no date in the form day\.month\.year"
        ):
            told([*days, odd])
    # versions are no dates, and neither are intervals
    assert told([f"1.2.{i}.4" for i in range(20)] * 3)[0] == "category"
    assert told([f"{i}-{i + 1}" for i in range(20)] * 3)[0] == "category"


def test_the_first_cell_with_a_text_is_found():
    cells = pd.Series([None, "a", 5, "b"], dtype=object)
    assert first_at(cells, "5", "c", lambda row, name: f"{row} {name}") == "2 c"
