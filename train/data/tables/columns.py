"""What the columns of a table are: numbers, categories, truth values, dates, or nothing to learn from."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import InputError, listed, shown
from ..mapped import release
from .cells import EXACT
from .dates import ISO, is_form, parsed
from .text_columns import decide_dates, decide_texts, first_at
from .values import At, at_row, numbers, plain, text_of, truths

KINDS = ("number", "category", "boolean", "date", "dropped")
MISSING = ("impute", "drop", "error")

_ID = re.compile(
    r"(id|idx|index|uuid|guid|key|unnamed: ?\d+|#|nr|no|rowid|row ?(number|names?)?|.*[ _.-]id|.*[a-zäöü]I[dD])"
)


@dataclass(frozen=True)
class Column:
    """What was decided about one column.

    Attributes
    ----------
    name : str
    kind : {"number", "category", "boolean", "date", "dropped"}
    why : str
        In words: what was found, or who asked for it.
    form : str
        Of dates in texts: their format, as for `datetime.strptime`, or ISO8601.
    missing : int
        How many cells are.
    example : str
        A cell.
    """

    name: str
    kind: str
    why: str
    form: str = ""
    missing: int = 0
    example: str = ""

    @property
    def setting(self) -> str:
        """The kind as `run.toml` has it: dates with their format, so that it is the same again."""
        return f"{self.kind} {self.form}" if self.form not in ("", ISO) else self.kind


@dataclass(frozen=True)
class Wishes:
    """What the user says about columns.

    Attributes
    ----------
    categorical, numeric, drop : tuple of str
        Names of columns.
    dates : {"", "day-first", "month-first"}
        What 03/04/2021 is.
    kinds : tuple of (str, str)
        Kind by name, as an earlier run decided; empty for none, else columns that are not among them
        are dropped.
    """

    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    dates: str = ""
    kinds: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        """Whether anything was said."""
        return self != Wishes()


def decide(
    frame: Any,
    wishes: Wishes | None = None,
    *,
    target: Sequence[str] = (),
    at: At = at_row,
    name: str = "the table",
) -> tuple[Column, ...]:
    """Decide what each column of a table is.

    Columns of numbers are numbers, also integer codes. Texts are truth values (yes and no), dates, numbers,
    or categories. What has nothing to learn from is dropped: a column that is empty or always the same, one
    that numbers the rows, and texts of which more than half are different, such as names. What cannot be told
    is refused.

    Parameters
    ----------
    frame : DataFrame, shape (n, d)
        Features, and the columns that `target` names, which are left out.
    wishes : Wishes, optional
        What the user says; it goes before everything that is found.
    target : sequence of str
        The columns that are to be predicted.
    at : callable
        ``at(row, column)``: the position of a cell, for messages.
    name : str
        Of the table, for messages.

    Returns
    -------
    tuple of Column

    Raises
    ------
    InputError
        For names that the table does not have; for cells that are not what was asked for; for texts most of
        which are numbers; for numbers with units; for dates whose day and month may be either. It says which
        option helps.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"age": [30.0, None], "smoker": ["yes", "no"], "colour": ["red", "blue"]})
    >>> [(column.name, column.kind) for column in decide(frame)]
    [('age', 'number'), ('smoker', 'boolean'), ('colour', 'category')]
    """
    wishes = wishes or Wishes()
    names = [str(column) for column in frame.columns]
    check_names(wishes, names, target, name)
    kinds = dict(wishes.kinds)
    found = []
    for column in names:
        if column in target:
            continue
        series = frame[column]
        asked, why = _asked(column, wishes, kinds)
        found.append(_decided(plain(series), column, asked, why, wishes.dates, at))
        release(series)
    if all(column.kind == "dropped" for column in found):
        reasons = [f"{column.name!r} ({column.why})" for column in found]
        raise InputError(
            f"{name}: nothing to learn from: every column was dropped: {listed(reasons, 3)}; "
            "to keep one: --categorical or --numeric with its name"
            if found
            else f"{name} has only a target column: there is nothing to learn from"
        )
    return tuple(found)


def _asked(column: str, wishes: Wishes, kinds: Mapping[str, str]) -> tuple[str, str]:
    """The kind that somebody asked for, and who; empty for none."""
    for kind, option in (("dropped", "drop"), ("category", "categorical"), ("number", "numeric")):
        if column in getattr(wishes, option):
            return kind, f"--{option}"
    if not kinds:
        return "", ""
    return kinds.get(
        column, "dropped"
    ), "settings" if column in kinds else "not in the settings' columns"


def check_names(wishes: Wishes, names: Sequence[str], target: Sequence[str], table: str) -> None:
    """Refuse names of columns that are not there, are named twice, or are to be predicted.

    Raises
    ------
    InputError
    """
    seen: dict[str, str] = {}
    for option in ("categorical", "numeric", "drop"):
        for column in getattr(wishes, option):
            if column in target:
                raise InputError(
                    f"{option}: {column!r} is the target"
                    + (
                        "; --task classification makes classes of it"
                        if option == "categorical"
                        else ""
                    )
                    + ("; --task regression takes it as numbers" if option == "numeric" else "")
                    + ("; --target names another" if option == "drop" else "")
                )
            if column not in names:
                raise InputError(
                    f"{option}: {table} has no column {column!r}{did_you_mean(column, names)}"
                )
            if seen.setdefault(column, option) != option:
                raise InputError(
                    f"{column!r} is in both --{seen[column]} and --{option}: leave one out"
                )
    for column, kind in wishes.kinds:
        if column not in names:
            raise InputError(
                f"columns: {table} has no column {column!r}, which [columns] of the settings names as "
                f"{kind}{did_you_mean(column, names)}"
            )


def did_you_mean(name: str, names: Sequence[str]) -> str:
    """A hint at the name that is meant, else the names that there are.

    Examples
    --------
    >>> did_you_mean("Agee", ["age", "name"])
    " (did you mean 'age'?)"
    """
    near = {column.casefold(): column for column in reversed(names)}
    close = difflib.get_close_matches(name.casefold(), near, n=1)
    return f" (did you mean {near[close[0]]!r}?)" if close else f"; it has {listed(names, 10)}"


def _decided(cells: Any, name: str, asked: str, why: str, order: str, at: At) -> Column:
    """One column, whose cells are in the form of `plain`."""
    missing = int(cells.isna().sum())
    known = cells.dropna()
    example = "" if not len(known) else text_of(known.iloc[0])

    def column(kind: str, why: str, form: str = "") -> Column:
        return Column(name, kind, why, form, missing, example)

    if asked:
        return column(*_as_asked(cells, name, asked, why, order, at))
    if not len(known):
        return column("dropped", "empty")
    if (
        not all(isinstance(cell, _CELLS) for cell in known.iloc[:1000])
        if cells.dtype == object
        else False
    ):
        return column("dropped", "neither numbers nor texts")
    different = known.nunique()
    if different == 1 and not missing:
        return column(
            "dropped",
            f"always {shown(example, 20)}" if cells.dtype == object else f"always {example[:20]}",
        )
    if cells.dtype == bool:
        return column("boolean", "False and True")
    if cells.dtype.kind == "M":
        return column("date", "dates")
    if cells.dtype != object:
        if numbers_the_rows(known, name):
            return column("dropped", "numbers the rows")
        _refuse_merged(known, numbers(known, name, at), name)
        return column("number", "numbers")
    kind, why, form = decide_texts(cells, known, name, order, at)
    # integers beyond float64 are texts
    if kind == "number" and numbers_the_rows(known, name):
        kind, why = "dropped", "numbers the rows"
    if kind == "number":
        _refuse_merged(known, numbers(known, name, at), name)
    return column(kind, why, form)


def _refuse_merged(known: Any, values: np.ndarray, name: str) -> None:
    """Refuse different whole numbers of which float64 makes the same."""
    if not are_large(known, values):
        return
    different = len({int(cell) for cell in known.tolist()})
    left = len(np.unique(values))
    if left < different:
        quoted = shlex.quote(name)
        raise InputError(
            f"column {name!r}: whole numbers beyond 2**53, of which float64 tells {left:,} of {different:,} apart: "
            f"subtract what they have in common, or leave the column out (--drop {quoted}), make categories of it "
            f"(--categorical {quoted}), or take it all the same (--numeric {quoted})"
        )


def are_large(cells: Any, values: np.ndarray) -> bool:
    """Whether cells are whole numbers and, as float64, so large that others are between two of them."""
    if cells.dtype.kind not in "iuO" or not len(values):
        return False
    if max(float(values.max()), -float(values.min())) < EXACT:
        return False
    return cells.dtype != object or all(
        re.fullmatch(r"[+-]?\d+", text_of(cell)) for cell in cells.tolist()
    )


_CELLS = (str, int, float, bool, np.generic)


def numbers_the_rows(cells: Any, name: str) -> bool:
    """Whether a column is called as an index is, and is one: whole numbers, all of them different."""
    if not (_ID.fullmatch(name.strip()) or _ID.fullmatch(name.strip().lower())):
        return False
    if cells.dtype == object:
        whole = all(re.fullmatch(r"[+-]?\d+", text_of(cell)) for cell in cells.tolist())
    else:
        whole = cells.dtype.kind in "iu" or bool((cells == cells.round()).all())
    return whole and bool(cells.is_unique)


def _as_asked(
    cells: Any, name: str, asked: str, why: str, order: str, at: At
) -> tuple[str, str, str]:
    """Kind, reason and form of a column whose kind is given; its cells are checked."""
    kind, _, form = asked.partition(" ")
    if kind not in KINDS or (form and kind != "date"):
        raise InputError(
            f"columns: {name!r}: unknown kind {shown(asked)}; choose one of {', '.join(KINDS)}"
        )
    if form and not is_form(form):
        raise InputError(
            f"columns: {name!r}: {shown(form)} is no form of dates, as %d.%m.%Y is; write date alone to find it"
        )
    if kind == "number":
        numbers(
            cells,
            name,
            at,
            f"; correct it, or leave {name!r} out of {why}" if why.startswith("--") else "",
        )
    if kind == "boolean":
        truths(cells, name, at)
    if kind == "date" and cells.dtype.kind != "M":
        known = cells.dropna().map(text_of)
        if not form:
            return decide_dates(list(dict.fromkeys(known)), name, order) or _no_date(
                known, name, at
            )
        bad = known[parsed(known, form).isna().to_numpy()]
        if len(bad):
            text = bad.iloc[0]
            where = first_at(cells, text, name, at)
            raise InputError(f"{where}: {shown(text, 40)} is no date in the form {form}")
        return kind, why, form
    return kind, why, ""


def _no_date(known: Any, name: str, at: At) -> Any:
    raise InputError(
        f"column {name!r}: {shown(known.iloc[0], 40)} is no date in a form that is known"
    )
