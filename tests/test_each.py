"""`_each.py`: no row hides behind another."""

from __future__ import annotations

import pytest

from ._each import each
from .cases._table import row

ROWS = [row("exp", "a"), row("exp", "b"), row("exp", "c"), row("log", "a")]


def run(test, function="exp", rows=ROWS, **fixtures):
    (mark,) = [m for m in each(rows)(test).pytestmark if m.name == "parametrize"]
    given = dict(zip(mark.kwargs["ids"], mark.args[1], strict=True))
    assert list(given) == ["exp", "log"]
    return each(rows)(test)(rows=given[function], **fixtures)


def test_every_row_of_a_function_is_run():
    seen = []

    def test(case):
        seen.append(case.id)

    run(test)
    assert seen == ["exp-a", "exp-b", "exp-c"]


def test_one_that_fails_says_which():
    def test(case):
        assert case.label != "b"

    with pytest.raises(AssertionError) as error:
        run(test)
    assert error.value.__notes__ == ["in the row exp-b"]


def test_those_after_one_that_fails_are_run_too():
    def test(case):
        if case.label == "a":
            pytest.fail("one")
        assert case.label != "c"

    with pytest.raises(BaseExceptionGroup, match="2 of 3 rows failed") as error:
        run(test)
    assert [e.__notes__ for e in error.value.exceptions] == [["in the row exp-a"], ["in the row exp-c"]]  # fmt: skip


def test_it_is_skipped_where_all_rows_are():
    def test(case, only):
        if case.label in only:
            pytest.skip("no use")

    run(test, only="ab")
    with pytest.raises(pytest.skip.Exception, match=r"^no use$"):
        run(test, only="abc")


def test_rows_of_several_values():
    seen = []

    def test(case, how, lib):
        seen.append((case.id, how, lib))

    run(test, rows=[(c, how) for how in "xy" for c in ROWS], lib=1)
    assert seen == [(f"exp-{c}", h, 1) for h in "xy" for c in "abc"]


@each(ROWS)
def test_fixtures_are_given(case, lib):
    assert case.name in ("exp", "log")
    assert lib.name
