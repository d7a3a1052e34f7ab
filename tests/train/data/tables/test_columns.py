"""What is decided about columns: what is found in them, what is asked for, what is refused."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pytest

from pullback.train import InputError
from pullback.train.data.tables.columns import Wishes, check_names, decide, did_you_mean

pd = pytest.importorskip("pandas")

BIG = 2**60


def kinds(frame, *wishes, **settings):
    return {column.name: column.kind for column in decide(frame, *wishes, **settings)}


def frame(**columns):
    """A frame with these columns and one of numbers, so that there is something to learn from."""
    n = max(map(len, columns.values()))
    return pd.DataFrame({**columns, "number": np.arange(n) / 2})


# cells, kind, words that say why
FOUND = {
    "fractions": ([0.5, 1.5, 2.0], "number", "numbers"),
    "integer codes": ([1, 2, 1, 3], "number", "numbers"),
    "0 and 1 as numbers": ([0, 1, 0], "number", "numbers"),
    "missing numbers": ([1.0, None, 3.0], "number", "numbers"),
    "a constant with gaps": ([1.0, None, 1.0], "number", "numbers"),
    "integers with gaps": (pd.array([1, None, 3], "Int64"), "number", "numbers"),
    "Decimal": ([decimal.Decimal("1.5"), None, decimal.Decimal(2)], "number", "numbers"),
    "durations": (pd.to_timedelta([1, 2, 4], unit="s"), "number", "numbers"),
    "texts of numbers": (["1", "2.5", "3", None], "number", "texts of numbers"),
    "bool": ([True, False, True], "boolean", "False and True"),
    "bool with gaps": ([True, None, False], "boolean", "false and true"),
    "nullable bool": (pd.array([True, None, False], "boolean"), "boolean", "false and true"),
    "yes and no": (["yes", "No", None], "boolean", "no and yes"),
    "ja and nein": (["ja", "nein", "ja"], "boolean", "nein and ja"),
    "TRUE as text": (["TRUE", "FALSE", None], "boolean", "false and true"),
    "0 and 1 as text": (["0", "1", "0"], "boolean", "0 and 1"),
    "yes and a gap": (["yes", None, "yes"], "category", "1 value"),
    "of no one language": (["yes", "nein", "yes"], "category", "2 values"),
    "words": (["red", "blue", "red"], "category", "2 values"),
    "codes": (["01234", "98101", "01234"], "category", "2 codes with leading 0"),
    "pandas categories": (pd.Categorical(["a", "b", "a"]), "category", "2 values"),
    "a few numbers, and words": (["0", "1", "2", "3+"] * 3, "category", "4 values"),
    "ISO dates": (["2021-03-04", "2021-03-05", None], "date", "year-month-day"),
    "dates with dots": (["4.3.2021", "05.03.2021", None], "date", "day.month.year"),
    "timestamps": (["2021-03-04T10:00:00Z", "2021-03-05 11:30"], "date", "year-month-day"),
    "datetime64": (pd.to_datetime(["2021-03-04", "2021-03-05"]), "date", "dates"),
    "with a zone": (pd.to_datetime(["2021-03-04", None], utc=True), "date", "dates"),
    "datetime.date": ([datetime.date(2021, 3, 4), datetime.date(2021, 3, 5)], "date", "dates"),
    "empty": ([None, None, None], "dropped", "empty"),
    "constant": ([3, 3, 3], "dropped", "always 3"),
    "constant text": (["x", "x", "x"], "dropped", "always 'x'"),
    "names": ([f"Person {i}" for i in range(20)], "dropped", "20 texts in 20 rows"),
    "nearly all different": ([f"t{i // 2 * 2 if i < 8 else i}" for i in range(20)], "dropped", "16 texts"),
    "codes, all different": ([f"{i:03}" for i in range(20)], "dropped", "20 codes in 20 rows"),
    "lists": ([[1], [2], [3]], "dropped", "neither numbers nor texts"),
}  # fmt: skip


@pytest.mark.parametrize("case", FOUND)
def test_what_a_column_is(case):
    cells, kind, why = FOUND[case]
    n = len(cells)
    column = decide(pd.DataFrame({"c": cells, "number": np.arange(n) / 2}))[0]
    assert (column.name, column.kind) == ("c", kind)
    assert why in column.why
    assert column.missing == int(pd.Series(cells).isna().sum())


@pytest.mark.parametrize(
    "name", ["id", "ID", "Index", "Unnamed: 0", "customer_id", "PassengerId", "Nr", "row"]
)
def test_what_numbers_the_rows_is_dropped(name):
    table = frame(**{name: [3, 1, 2]})
    assert kinds(table) == {name: "dropped", "number": "number"}
    assert kinds(table, Wishes(numeric=(name,)))[name] == "number"
    assert kinds(frame(**{name: [3, 1, 1]}))[name] == "number"
    assert kinds(frame(**{name: [0.5, 1.5, 2.5]}))[name] == "number"


@pytest.mark.parametrize("name", ["width", "humid", "paid", "grid", "key rate", "n"])
def test_other_names_of_integers_that_differ_are_numbers(name):
    assert kinds(frame(**{name: [3, 1, 2]}))[name] == "number"


def test_what_is_asked_for_goes_before_what_is_found():
    table = frame(code=[1, 2, 1], name=["a", "b", "c"], note=["x", "y", "x"], n=["1", None, "3"])
    asked = Wishes(categorical=("code", "name"), numeric=("n",), drop=("note",))
    found = {column.name: (column.kind, column.why) for column in decide(table, asked)}
    assert found == {
        "code": ("category", "--categorical"), "name": ("category", "--categorical"),
        "note": ("dropped", "--drop"), "n": ("number", "--numeric"), "number": ("number", "numbers"),
    }  # fmt: skip


def test_an_earlier_runs_kinds_are_taken_again():
    table = frame(code=[1, 2, 1], when=["03/04/2021", "04/04/2021", None], new=[1, 2, 3])
    earlier = (("number", "number"), ("code", "category"), ("when", "date %m/%d/%Y"))
    found = {column.name: column for column in decide(table, Wishes(kinds=earlier))}
    assert {name: column.setting for name, column in found.items()} == dict(earlier) | {
        "new": "dropped"
    }
    assert found["when"].form == "%m/%d/%Y"
    assert "not in the settings" in found["new"].why
    # and what the user says now goes before
    assert kinds(table, Wishes(kinds=earlier, numeric=("code",)))["code"] == "number"


# columns, what is wished, parts of the message
REFUSED = {
    "12 kg": ({"w": [f"{i} kg" for i in range(20)]}, {}, ["row 1, column 'w'", "'0 kg'", "unit 'kg'", "--drop w"]),
    "$": ({"my w": [f"${i},000" for i in range(20)]}, {}, ["unit '$'", "--categorical 'my w'"]),
    "a word": ({"a": [*map(str, range(20)), "x", "y"]}, {}, ["row 21", "'x' is no number", "1 other cell", "--drop a"]),
    "either": ({"d": ["03/04/2021", "05/06/2021"]}, {}, ["column 'd'", "--dates day-first", "--drop d"]),
    "infinity": ({"a": [1.0, np.inf]}, {}, ["row 2, column 'a'", "inf is not finite"]),
    "--numeric": ({"a": ["1", "12 kg"]}, {"numeric": ("a",)}, ["row 2, column 'a'", "'12 kg'", "without 'kg'"]),
    "--numeric dates": ({"a": pd.to_datetime(["2021-01-02"])}, {"numeric": ("a",)}, ["is a date"]),
    "unknown": ({"age": [1, 2]}, {"drop": ("agee",)}, ["drop: the table has no column 'agee'", "did you mean 'age'?"]),
    "unknown, far": ({"age": [1, 2]}, {"numeric": ("zzz",)}, ["numeric: ", "it has age, number"]),
    "twice": ({"a": [1, 2]}, {"numeric": ("a",), "drop": ("a",)}, ["'a' is in both --numeric and --drop"]),
    "the target": ({"y": [1, 2]}, {"categorical": ("y",)}, ["'y' is the target", "--task classification"]),
    "the target too": ({"y": [1, 2]}, {"drop": ("y",)}, ["'y' is the target", "--target names another"]),
    "kinds": ({"a": [1, 2]}, {"kinds": (("b", "number"),)}, ["has no column 'b'", "[columns]"]),
    "no kind": ({"a": [1, 2]}, {"kinds": (("a", "float"),)}, ["'a': unknown kind 'float'; choose one of number"]),
    "not boolean": ({"a": ["yes", "x"]}, {"kinds": (("a", "boolean"),)}, ["row 2, column 'a'", "neither true nor"]),
    "no date": ({"a": ["2021-01-01", "x"]}, {"kinds": (("a", "date %Y-%m-%d"),)}, ["row 2", "'x' is no date"]),
    "no form": ({"a": ["2021-01-01", "x"]}, {"kinds": (("a", "date %Q"),)}, ["'a': '%Q' is no form of dates"]),
    "no date at all": ({"a": ["u", "x"]}, {"kinds": (("a", "date"),)}, ["column 'a'", "'u' is no date"]),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_told_is_refused_with_advice(case):
    columns, wishes, parts = REFUSED[case]
    with pytest.raises(InputError) as caught:
        decide(frame(**columns), Wishes(**wishes), target=("y",))
    for part in parts:
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_without_anything_to_learn_from_is_refused():
    with pytest.raises(InputError, match=r"t: nothing to learn.*'a' \(always 1\).*--categorical"):
        decide(pd.DataFrame({"a": [1, 1], "y": [1, 2]}), target=("y",), name="t")
    with pytest.raises(InputError, match="only a target"):
        decide(pd.DataFrame({"y": [1, 2]}), target=("y",))


def test_days_before_months_or_after_them_as_the_user_says():
    table = frame(d=["03/04/2021", "05/06/2021"])
    assert decide(table, Wishes(dates="day-first"))[0].form == "%d/%m/%Y"
    assert decide(table, Wishes(dates="month-first"))[0].form == "%m/%d/%Y"
    assert decide(frame(d=["03/04/2021", "25/06/2021"]))[0].form == "%d/%m/%Y"


def test_names_of_any_column_are_checked_before_the_cells():
    check_names(Wishes(drop=("a",)), ["a"], [], "t")
    assert did_you_mean("COLOUR", ["colour", "b"]) == " (did you mean 'colour'?)"
