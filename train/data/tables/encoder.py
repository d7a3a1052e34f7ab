"""Columns as numbers: what is learned of the training rows, kept as text, and applied to any rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from ...errors import InputError, extra, listed
from ..mapped import release
from .cells import EXACT
from .columns import KINDS, Column
from .dates import ISO, PARTS, has_hours, is_form, parts_of
from .values import At, at_row, dates, number_of, numbers, plain, texts, truths

# A category of fewer training rows, or of less than this share of them, is one of the rare ones.
_LEAST_ROWS, _LEAST_SHARE = 2, 1e-3
# More categories than these make no inputs of their own.
MOST_CATEGORIES = 100
_CHUNK = 1 << 16
# What stands for all rare categories when scikit-learn's encoder is made again; no file holds it.
_RARE = "\0rare"


@dataclass(frozen=True)
class Learned:
    """What the training rows say about one column.

    Attributes
    ----------
    name : str
    kind : {"number", "category", "boolean", "date"}
    centre : tuple of float
        What stands for a missing cell: the median of a number and of each part of a date; 0 or 1 of a
        truth value.
    indicator : bool
        Whether cells were missing, so that an input of its own says so.
    form : str
        Of dates in texts.
    hours : bool
        Whether dates have a time of day.
    values : tuple of str or None
        Categories that are inputs, None for the missing cells.
    rare : bool
        Whether there are other categories, which share an input.
    usual : str, optional
        The most frequent category, for cells that are missing where none was.
    numeric : bool
        Whether categories are written as numbers are.
    """

    name: str
    kind: str
    centre: tuple[float, ...] = ()
    indicator: bool = False
    form: str = ""
    hours: bool = False
    values: tuple[str | None, ...] = ()
    rare: bool = False
    usual: str | None = None
    numeric: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of a date."""
        return PARTS if self.hours else PARTS[:-1]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its inputs."""
        missing = (f"{self.name} is missing",) if self.indicator else ()
        if self.kind == "date":
            return (*(f"{self.name} ({part})" for part in self.parts), *missing)
        if self.kind == "category":
            shown = ["(missing)" if value is None else value for value in self.values]
            shown += ["(rare)"] if self.rare else []
            return tuple(f"{self.name}={value}" for value in shown)
        return (self.name, *missing)

    @property
    def numbers(self) -> int:
        """How many of its inputs, the first ones, are numbers and not 0 or 1."""
        return {"number": 1, "date": len(self.parts)}.get(self.kind, 0)


@dataclass(frozen=True)
class Encoder:
    """A map of the raw columns of a table to numbers, shape (n, D).

    A missing number, and each part of a missing date, is the median of the training rows; where cells were
    missing in training, an input of its own says so. A category is 1 in its own input and 0 in the others;
    those that are rare in training (fewer than 2 rows or 0.1 %, or beyond the 100 most frequent) share one
    input with all that training has not seen; where none was rare, one that was not seen is 0 in all. Missing
    cells are a category of their own where there were any in training, else they are the most frequent one.
    Truth values are 0 and 1.

    scikit-learn's ColumnTransformer, SimpleImputer and OneHotEncoder learn and apply all this.

    Attributes
    ----------
    learned : tuple of Learned
        One for each column that is not dropped.

    Examples
    --------
    >>> import pandas as pd
    >>> from pullback.train.data.tables.columns import decide
    >>> frame = pd.DataFrame({"age": [30.0, None, 50.0, 10.0], "colour": ["red", "red", "blue", "blue"]})
    >>> encoder = Encoder.fit(decide(frame), frame)
    >>> encoder.names
    ('age', 'age is missing', 'colour=blue', 'colour=red')
    >>> encoder.transform(pd.DataFrame({"colour": ["green", "red"], "age": [20.0, None]}))
    array([[20.,  0.,  0.,  0.],
           [30.,  1.,  0.,  1.]])
    """

    learned: tuple[Learned, ...]

    @classmethod
    def fit(
        cls,
        columns: Sequence[Column],
        frame: Any,
        at: At = at_row,
        *,
        rows: np.ndarray | None = None,
    ) -> Encoder:
        """Learn medians, categories and what is missing from the training rows.

        Parameters
        ----------
        columns : sequence of Column
            What `decide` said.
        frame : DataFrame, shape (n, d)
            The training rows alone.
        at : callable
            As for `decide`.
        rows : ndarray of int, optional
            The frame is of all rows, and these are the training rows; they are looked at column by column, so that no
            more than one is in memory of a frame in a file.

        Raises
        ------
        InputError
            For a cell that is not what its column is; if no input is left.
        """
        used = [column for column in columns if column.kind != "dropped"]
        if rows is None:
            learned = tuple(_learned_of(used, frame, at))
        else:
            # a column says nothing about another
            learned = tuple(
                one
                for column in used
                for one in _learned_of([column], frame[[column.name]].iloc[rows], at)
            )
            release(*(frame[column.name] for column in used))
        if not any(one.names for one in learned):
            raise InputError(
                f"nothing to learn from: every category of {listed([one.name for one in learned], 3)} is "
                "in one training row alone; leave such columns out (--drop)"
            )
        return cls(learned)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that it takes."""
        return tuple(one.name for one in self.learned)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the inputs that it gives, D of them."""
        return tuple(name for one in self.learned for name in one.names)

    @property
    def is_number(self) -> np.ndarray:
        """Which inputs are numbers, shape (D,), bool; the others are 0 or 1, and are not standardised."""
        return np.asarray(
            [k < one.numbers for one in self.learned for k in range(len(one.names))], bool
        )

    def transform(self, frame: Any, at: At = at_row) -> np.ndarray:
        """The columns, found by name, as numbers, shape (n, D), float64, all finite.

        Raises
        ------
        InputError
            For a column that is missing, and a cell that is not what its column is.
        """
        gone = [name for name in self.columns if name not in frame.columns]
        if gone:
            raise InputError(f"the table has no column {listed(map(repr, gone), 5)}")
        out = np.empty((len(frame), len(self.names)))
        for start in range(0, len(frame), _CHUNK):

            def place(row: int, column: str, start: int = start) -> str:
                return at(start + row, column)

            rows = frame.iloc[start : start + _CHUNK]
            cells = _cells(self.learned, rows, place)
            out[start : start + _CHUNK] = self._transformer.transform(cells)[:, self._order]
        return out

    def imputed(self, frame: Any) -> dict[str, int]:
        """How many cells are missing, by name, of columns of which no cell was missing in training."""
        counts = {
            one.name: int(plain(frame[one.name]).isna().sum())
            for one in self.learned
            if not one.indicator and None not in one.values
        }
        return {name: count for name, count in counts.items() if count}

    def unseen(self, frame: Any) -> dict[str, list[str]]:
        """Categories that were not there in training, by column, where no input stands for such ones."""
        found: dict[str, list[str]] = {}
        for one in self.learned:
            if one.kind == "category" and one.values and not one.rare:
                cells = plain(frame[one.name]).drop_duplicates()
                known = {None, *one.values}
                more = [text for text in _categories(cells, one) if text not in known]
                if more:
                    found[one.name] = [str(text) for text in more]
        return found

    @cached_property
    def _transformer(self) -> Any:
        """scikit-learn's transformer, fitted to rows that have exactly what was learned.

        So a model that was read from a file does what it did in training, bit for bit, and nothing of
        scikit-learn's own state is stored.
        """
        rows = 2 + max((2 * len(one.values) + 1 for one in self.learned), default=0)
        values: dict[str, Any] = {}
        for i, one in enumerate(self.learned):
            if one.kind == "category":
                texts = [value for value in one.values for _ in range(2)] + [_RARE] * one.rare
                usual = one.usual if one.usual in one.values else next(iter(one.values), None)
                values[str(i)] = _objects(texts + [usual] * (rows - len(texts)))
                continue
            for key, centre in zip(_keys(i, one), one.centre, strict=True):
                values[key] = np.full(rows, centre)
                if one.indicator:
                    values[key][0] = np.nan
        frame = extra("pandas", "encoding a table").DataFrame(values)
        known = {i: [*one.values, *([_RARE] * one.rare)] for i, one in enumerate(self.learned)}
        return _transformer(self.learned, {"min_frequency": 2}, known).fit(frame)

    @cached_property
    def _order(self) -> np.ndarray:
        """The transformer's columns, which it groups by kind, in the order of `names`."""
        owners: list[int] = []
        for members in _groups(self.learned, _used(self.learned, True)).values():
            flagged = [
                i
                for i in members
                if self.learned[i].indicator and self.learned[i].kind != "category"
            ]
            owners += [
                i for i in members for _ in range(len(self.learned[i].names) - (i in flagged))
            ]
            owners += flagged
        return np.argsort(np.asarray(owners, np.int64), kind="stable")

    def to_dict(self) -> dict[str, Any]:
        """What was learned, as JSON can hold it; what has its usual value is left out."""
        out = []
        for one in self.learned:
            values = {f.name: getattr(one, f.name) for f in fields(one)}
            defaults = {f.name: f.default for f in fields(one)}
            out.append(
                {
                    key: list(value) if isinstance(value, tuple) else value
                    for key, value in values.items()
                    if value != defaults[key]
                }
            )
        return {"columns": out}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Encoder:
        """The encoder that `to_dict` wrote, whoever wrote it.

        Raises
        ------
        KeyError, TypeError, ValueError
            For what is no such text.
        """
        learned = tuple(_checked(dict(one)) for one in found["columns"])
        encoder = cls(learned)
        if not learned or len(set(encoder.columns)) != len(learned) or not encoder.names:
            raise ValueError("columns")
        return encoder


def _learned_of(columns: Sequence[Column], frame: Any, at: At) -> list[Learned]:
    """What the rows of a frame say about columns."""
    drafts = [_draft(column, frame[column.name]) for column in columns]
    cells = _cells(drafts, frame, at)
    least = max(_LEAST_ROWS, math.ceil(_LEAST_SHARE * len(frame)))
    rare = {"min_frequency": least, "max_categories": MOST_CATEGORIES + 1}
    # the median of two numbers near the end of float64
    with np.errstate(over="ignore"):
        found = _transformer(drafts, rare).fit(cells)
    return _learned(drafts, found)


def _draft(column: Column, series: Any) -> Learned:
    """A column before anything was learned of its cells but whether some are missing."""
    cells = plain(series)
    numeric = column.kind == "category" and cells.dtype != object
    form = (column.form or ISO) if column.kind == "date" and cells.dtype.kind != "M" else ""
    hours = column.kind == "date" and has_hours(dates(cells, column.name, form or ISO))
    indicator = bool(cells.isna().any())
    return Learned(column.name, column.kind, (), indicator, form=form, hours=hours, numeric=numeric)


def _keys(i: int, one: Learned) -> list[str]:
    """The columns of clean cells that a raw column becomes."""
    return [f"{i} {part}" for part in one.parts] if one.kind == "date" else [str(i)]


def _objects(values: Sequence[str | None]) -> Any:
    return extra("pandas", "encoding a table").Series(values, dtype=object)


def _cells(learned: Sequence[Learned], frame: Any, at: At) -> Any:
    """Clean cells: float64 with NaN for what is missing; categories as texts with None."""
    found: dict[str, Any] = {}
    for i, one in enumerate(learned):
        series = frame[one.name]
        if one.kind == "number":
            found[str(i)] = numbers(series, one.name, at)
        elif one.kind == "boolean":
            found[str(i)] = truths(series, one.name, at)
        elif one.kind == "category":
            found[str(i)] = _objects(_categories(series, one))
        else:
            parts = parts_of(dates(series, one.name, one.form or ISO, at), hours=one.hours)
            found |= dict(zip(_keys(i, one), parts.values(), strict=True))
    return extra("pandas", "encoding a table").DataFrame(found)


def _categories(series: Any, one: Learned) -> list[str | None]:
    """The texts of categories as the training rows have them, also where another file's column has another type.

    A file that has 1.5 in all cells where the training file had words and 1.50 is read as numbers, one that has TRUE
    alone as truth values.
    """
    found = texts(series, numeric=one.numeric)
    kind = plain(series).dtype.kind
    if one.numeric or kind not in "biuf":
        return found
    known = [value for value in one.values if value is not None]
    if kind == "b":
        alike: dict[Any, str] = {value.casefold(): value for value in reversed(known)}
        key: Callable[[str], Any] = str.casefold
    else:
        alike = {number_of(value): value for value in reversed(known)}
        key = number_of
    return [
        text if text is None or text in known or not _exact(text) else alike.get(key(text), text)
        for text in found
    ]


def _exact(text: str) -> bool:
    """Whether no other number of the same float64 can be meant."""
    number = number_of(text)
    return number is None or abs(number) < EXACT


def _groups(learned: Sequence[Learned], of: Sequence[int]) -> dict[str, list[int]]:
    """The columns that one transformer takes together."""
    groups: dict[str, list[int]] = {
        "numbers": [], "booleans": [], "dates": [], "complete categories": [], "categories": []
    }  # fmt: skip
    for i in of:
        one = learned[i]
        group = {"number": "numbers", "boolean": "booleans", "date": "dates"}.get(one.kind)
        groups[group or ("categories" if one.indicator else "complete categories")].append(i)
    return {group: members for group, members in groups.items() if members}


def _transformer(
    learned: Sequence[Learned],
    rare: Mapping[str, int],
    known: Mapping[int, list[str | None]] | None = None,
) -> Any:
    """scikit-learn's transformer of clean cells, not yet fitted; categories are found unless known."""
    impute = extra("sklearn.impute", "encoding a table")
    preprocessing = extra("sklearn.preprocessing", "encoding a table")

    def encoder(members: list[int]) -> Any:
        return preprocessing.OneHotEncoder(
            categories="auto" if known is None else [known[i] for i in members],
            handle_unknown="infrequent_if_exist",
            sparse_output=False,
            **rare,
        )

    def imputer(strategy: str, **settings: Any) -> Any:
        return impute.SimpleImputer(strategy=strategy, keep_empty_features=True, **settings)

    steps: list[tuple[str, Any, list[str]]] = []
    for group, members in _groups(learned, _used(learned, known)).items():
        keys = [key for i in members for key in _keys(i, learned[i])]
        if group == "numbers":
            steps.append((group, imputer("median", add_indicator=True), keys))
        elif group == "booleans":
            steps.append((group, imputer("most_frequent", add_indicator=True), keys))
        elif group == "dates":
            steps.append((group, imputer("median"), keys))
            seen = impute.MissingIndicator(features="missing-only", error_on_new=False)
            steps.append(("missing dates", seen, [_keys(i, learned[i])[0] for i in members]))
        elif group == "categories":
            steps.append((group, encoder(members), keys))
        else:
            fill = imputer("most_frequent", missing_values=None)
            pipeline = extra("sklearn.pipeline", "encoding a table").make_pipeline
            steps.append((group, pipeline(fill, encoder(members)), keys))
    return extra("sklearn.compose", "encoding a table").ColumnTransformer(steps, sparse_threshold=0)


def _used(learned: Sequence[Learned], known: Any) -> list[int]:
    """The columns that give inputs; before anything is learned all of them."""
    return [i for i, one in enumerate(learned) if known is None or one.names]


def _learned(drafts: Sequence[Learned], found: Any) -> list[Learned]:
    """The drafts with what scikit-learn's transformer, fitted to the training rows, found."""
    out = list(drafts)
    for group, members in _groups(drafts, _used(drafts, None)).items():
        fitted = found.named_transformers_[group]
        if group in ("numbers", "booleans", "dates"):
            centres = iter(fitted.statistics_.tolist())
            for i in members:
                centre = tuple(_finite(next(centres)) for _ in _keys(i, drafts[i]))
                out[i] = replace(drafts[i], centre=centre)
            continue
        usual: list[Any] = [None] * len(members)
        if group == "complete categories":
            usual, fitted = fitted[0].statistics_.tolist(), fitted[1]
        for k, i in enumerate(members):
            few = fitted.infrequent_categories_[k]
            rare = set() if few is None else set(few.tolist())
            values = tuple(v for v in fitted.categories_[k].tolist() if v not in rare)
            # a column without a category that is frequent says nothing
            out[i] = replace(
                drafts[i],
                values=values,
                rare=bool(rare and values),
                usual=usual[k] if values else None,
            )
    return out


def _finite(centre: float) -> float:
    """A median that is still one where scikit-learn adds it to itself: near the end of float64 it is less."""
    return float(np.clip(centre, -(2.0**1022), 2.0**1022))


def _checked(found: dict[str, Any]) -> Learned:
    """One column of `Encoder.from_dict`."""
    for key in ("centre", "values"):
        if not isinstance(found.get(key, []), list):
            raise TypeError(key)
        found[key] = tuple(found.get(key, ()))
    one = Learned(**found)
    texts_of = (
        one.name,
        one.kind,
        one.form,
        *(v for v in (*one.values, one.usual) if v is not None),
    )
    if any(type(text) is not str for text in texts_of):
        raise TypeError("text")
    if any(type(flag) is not bool for flag in (one.indicator, one.hours, one.rare, one.numeric)):
        raise TypeError("flag")
    if any(type(value) not in (int, float) or not math.isfinite(value) for value in one.centre):
        raise TypeError("centre")
    fits = one.kind in KINDS[:-1] and len(set(one.values)) == len(one.values)
    fits &= len(one.centre) == (0 if one.kind == "category" else len(_keys(0, one)))
    fits &= one.kind == "category" or not (one.values or one.rare)
    fits &= _RARE not in one.values and (one.usual is None or one.usual in one.values)
    fits &= one.indicator or None not in one.values
    # as many rows are made for each column, whatever the file's size
    fits &= len(one.values) <= MOST_CATEGORIES + 1
    fits &= not one.form or is_form(one.form)
    if not fits:
        raise ValueError(one.name)
    return replace(one, centre=tuple(map(float, one.centre)))
