"""Tests of rows that run all rows of one function in one go."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from .cases._table import Case


def each(rows: Iterable[Case | tuple[Any, ...]]) -> Callable[[Callable[..., None]], Any]:
    """A decorator: the test, of a case or of a tuple that begins with one, is run for all rows of a function at once.

    Of 1,800 rows, one test takes longer to be started and reported than to run. Each row is run, whatever the others
    come to; what is raised says which rows failed, and the test counts as skipped only where all its rows are.
    """
    groups: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        values = row if isinstance(row, tuple) else (row,)
        groups.setdefault(values[0].name, []).append(values)
    width = len(next(iter(groups.values()))[0])

    def decorate(test: Callable[..., None]) -> Any:
        parameters = list(inspect.signature(test).parameters.values())

        @functools.wraps(test)
        def of_function(rows: list[tuple[Any, ...]], **fixtures: Any) -> None:
            failed: list[BaseException] = []
            skipped: list[str] = []
            for values in rows:
                try:
                    test(*values, **fixtures)
                except pytest.skip.Exception as reason:
                    skipped.append(str(reason))
                # what fails by pytest.fail or pytest.raises is no Exception
                except (Exception, pytest.fail.Exception) as error:
                    label = " ".join([values[0].id, *map(str, values[1:])])
                    error.add_note(f"in the row {label}")
                    failed.append(error)
            if len(failed) == 1:
                raise failed[0]
            if failed:
                raise BaseExceptionGroup(f"{len(failed)} of {len(rows)} rows failed", failed)
            if len(skipped) == len(rows):
                pytest.skip("; ".join(dict.fromkeys(skipped)))

        del of_function.__wrapped__  # type: ignore[attr-defined]  # whose parameters pytest would take
        one = inspect.Parameter("rows", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        of_function.__signature__ = inspect.Signature([one, *parameters[width:]])  # type: ignore[attr-defined]  # of pytest alone
        return pytest.mark.parametrize("rows", groups.values(), ids=groups)(of_function)

    return decorate
