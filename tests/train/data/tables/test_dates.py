"""Dates: the forms that are known, and their parts."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.train.data.tables.dates import ISO, forms_of, has_hours, parsed, parts_of

pd = pytest.importorskip("pandas")

# texts of 4 March 2021 and, where it is needed, of a day that decides
FORMS = {
    "2021-03-04": ISO, "2021-03-04 10:30": ISO, "2021-03-04T10:30:00.250Z": ISO, "2021-03-04T11:30+01:00": ISO,
    "4.3.2021": "%d.%m.%Y", "04.03.21": "%d.%m.%y", "04.03.2021 10:30": "%d.%m.%Y %H:%M",
    "2021/03/04": "%Y/%m/%d", "4 Mar 2021": "%d %b %Y", "March 4, 2021": "%B %d, %Y",
    "04-Mar-21": "%d-%b-%y", "3/4/2021 10:30 PM": "%m/%d/%Y %I:%M %p", "04/03/2021 10:30": "%d/%m/%Y %H:%M",
}  # fmt: skip


@pytest.mark.parametrize("text", FORMS)
def test_a_form_is_found_and_read(text):
    form = FORMS[text]
    order = {"%m": "month-first", "%d": "day-first"}.get(form[:2], "") if "/" in form else ""
    assert forms_of([text], order) == [form]
    day = parsed(pd.Series([text, None, "x"], dtype=object), form)
    assert (day[0].year, day[0].month, day[0].day) == (2021, 3, 4)
    assert day.isna().tolist() == [False, True, True]
    assert has_hours(day) == (":" in text)


@pytest.mark.parametrize(
    "text", ["20210304", "2021", "12", "1.2", "red", "10:30", "2021-13-04", "A-1", ""]
)
def test_what_is_no_date(text):
    assert forms_of([text]) == []


def test_one_form_holds_for_all_cells():
    assert forms_of(["2021-03-04", "4.3.2021"]) == []
    assert forms_of(["1.3.2021"] * 30 + ["32.3.2021"]) == []


def test_parts_of_dates():
    days = pd.Series(pd.to_datetime(["2021-01-01 06:30", "2020-12-31 00:00", None]))
    parts = parts_of(days, hours=True)
    assert [parts[name][0] for name in ("year", "month", "day of week", "hour")] == [
        2021,
        1,
        4,
        6.5,
    ]
    assert all(np.isnan(part[2]) for part in parts.values())
    # the ends of a year lie side by side
    ends = np.stack([parts["day of year, sine"], parts["day of year, cosine"]])[:, :2]
    assert np.linalg.norm(ends[:, 0] - ends[:, 1]) < 0.02
    assert "hour" not in parts_of(days, hours=False)
