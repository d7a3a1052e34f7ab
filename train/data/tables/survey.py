"""The first pass over a table in a text file: the type of each column, by pandas' parser, chunk by chunk."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...errors import InputError, counted, extra, one_line
from .cells import EXACT, MISSING, NumberFormat
from .dialect import Dialect, find_dialect
from .feed import Feed, OtherEncoding, QuotesBehindSpaces, check_rows
from .kept import Kept, as_slice

_CELLS = 400_000
_NONE: Mapping[int, str] = {}
_DIGITS, _ZERO = r"[-+]?\d+(?:\.0*)?(?:[eE][-+]?0+)?", r"[-+]?0\d+"
_LONG, _CODE = r"[-+]?\d{16,}(?:\.0*)?(?:[eE][-+]?0+)?", r"[A-Z]{2}"
# Names that pandas and R give to the numbers of rows.
INDEX = re.compile(r"(?:Unnamed: 0(?:\.\d+)?|)")


@dataclass
class Facts:
    """What is known of a column so far.

    Attributes
    ----------
    kind : {"none", "int", "float", "bool", "words"}
        "none" while every cell is missing.
    missing : bool
        Whether a cell is missing.
    big : bool
        Whether a number is 2**53 or beyond, where float64 skips integers.
    finite : bool
        Whether no number is infinite.
    parsed : bool
        Whether the parser made values of cells that are words.
    formatted : bool
        Whether all words are numbers in the file's way of writing.
    codes, signs : bool
        Whether all words are two capital letters, of which NA may be one, or plus signs, as minus signs may be.
    """

    kind: str = "none"
    missing: bool = False
    big: bool = False
    finite: bool = True
    parsed: bool = False
    formatted: bool = True
    codes: bool = True
    signs: bool = True

    def add_numbers(self, kind: str, low: float, high: float, values: np.ndarray) -> None:
        """Take in the next cells of the column, numbers between these two; NaN where a cell is missing."""
        if np.isnan(high):
            self.missing = True
            if np.isnan(values).all():
                self._merge("none")
                return
            low, high = float(np.nanmin(values)), float(np.nanmax(values))
        largest = max(high, -low)
        self.big = self.big or EXACT <= largest < np.inf
        self.finite = self.finite and largest < np.inf
        self._merge("int" if kind == "i" else "float")

    def add(self, column: Any, numbers: NumberFormat) -> None:
        """Take in the next cells of the column, which are no numbers."""
        kind = column.dtype.kind if isinstance(column.dtype, np.dtype) else "O"
        self._merge("bool" if kind == "b" else self._add_words(column, numbers))

    def _merge(self, found: str) -> None:
        before, self.kind = self.kind, _merged(self.kind, found)
        if self.kind == "words" and {before, found} & {"int", "float", "bool"}:
            self.parsed = True

    def _add_words(self, column: Any, numbers: NumberFormat) -> str:
        pandas = extra("pandas", "reading tables")
        self.missing = self.missing or bool(column.isna().any())
        texts = isinstance(column.dtype, pandas.StringDtype)
        kind = "string" if texts else pandas.api.types.infer_dtype(column, skipna=True)
        pure = kind in ("string", "empty")
        self.parsed = self.parsed or not pure
        words = _words(column)
        if not len(words):
            return "none"
        self.formatted = self.formatted and _are_formatted(words, numbers)
        self.codes = self.codes and bool(words.str.fullmatch(_CODE).all())
        self.signs = self.signs and bool((words == "+").all())
        return "words"


def _words(column: Any, code: str | None = None) -> Any:
    """The different texts of a column, without those that say that a cell is missing, but for one."""
    words = extra("pandas", "reading tables").Series(column.dropna().unique(), dtype=object)
    words = words.astype(str).str.strip()
    return words[~words.isin([word for word in MISSING if word != code])]


def _are_formatted(words: Any, numbers: NumberFormat) -> bool:
    """Whether texts are numbers as the file writes them, which float64 holds, and no codes with leading zeros."""
    match = words.str.fullmatch
    return bool(match(numbers.pattern).all()) and not bool((match(_ZERO) | match(_LONG)).any())


def _merged(a: str, b: str) -> str:
    if a == b or b == "none":
        return a
    if a == "none":
        return b
    return "float" if {a, b} == {"int", "float"} else "words"


@dataclass(frozen=True)
class Survey:
    """What the first pass found.

    Attributes
    ----------
    dialect : Dialect
    kinds : tuple of str
        Of every column in the file: int, float, bool, words, formatted (numbers as the file writes them), "NA" or
        "-" (words of which this is one, as are DE and FR, or +).
    reread : tuple of int
        Columns of which the first pass lost the texts.
    rows : int
    notes : tuple of str
        What was left out.
    empty_rows : int
        Rows of which every cell is missing; they are left out.
    empty : frozenset of int
        Columns without any cell.
    missing : frozenset of int
        Columns with a cell that is missing.
    kept : Kept
        The rows, where they were asked for.
    """

    dialect: Dialect
    kinds: tuple[str, ...]
    reread: tuple[int, ...]
    rows: int
    notes: tuple[str, ...] = ()
    empty_rows: int = 0
    empty: frozenset[int] = frozenset()
    missing: frozenset[int] = frozenset()
    kept: Kept = field(default_factory=lambda: Kept(0))

    @property
    def codes(self) -> dict[int, str]:
        """Columns where one of `MISSING` is a word, with it."""
        return {i: kind for i, kind in enumerate(self.kinds) if kind in MISSING}


def survey(
    path: str | os.PathLike[str],
    *,
    decimal: str = "",
    usual: str = "",
    names: Sequence[str] = (),
    keep: bool = False,
) -> Survey:
    """Find how a table is written, and the types of its columns, by one pass over all rows.

    Parameters
    ----------
    path : path
    decimal, usual : {"", ".", ","}
        The decimal sign, where it is known; where the file does not tell.
    names : sequence of str
        As for `find_dialect`.
    keep : bool
        Whether to keep the rows.

    Raises
    ------
    InputError
        As `find_dialect`; and for rows that are malformed, with the line.
    """
    dialect = find_dialect(path, decimal=decimal, usual=usual, names=names)
    try:
        return _surveyed(path, dialect, keep)
    except OtherEncoding:
        dialect = find_dialect(path, encoding="cp1252", decimal=decimal, usual=usual, names=names)
    except QuotesBehindSpaces:
        dialect = replace(dialect, spaces=True)
    return _surveyed(path, dialect, keep)


def _surveyed(path: str | os.PathLike[str], dialect: Dialect, keep: bool) -> Survey:
    facts = [Facts() for _ in range(dialect.width)]
    kept, rows, parsed = Kept(dialect.width), 0, 0
    feed = Feed(path, dialect)
    for frame in _parsed_or_refused(path, feed):
        parsed += len(frame)
        frame = without_empty_rows(frame)
        rows += len(frame)
        if not len(frame):
            continue
        places = [
            i
            for i, dtype in enumerate(frame.dtypes)
            if isinstance(dtype, np.dtype) and dtype.kind in "if"
        ]
        values = frame.iloc[:, as_slice(places)].to_numpy(np.float64)
        inexact = _add_numbers(facts, frame, places, values)
        for i in {*range(dialect.width)} - {*places}:
            facts[i].add(frame[i], dialect.numbers)
        if keep:
            share = max(feed.position, 1) / max(feed.size, 1)
            expected = int(rows / share * 1.2) + 1 if not dialect.packed else rows
            kept.add(frame, places, values, inexact, expected)
    kept.finish()
    _check_widths(path, dialect, feed, parsed)
    if not rows:
        raise InputError(f"{dialect.name} has no rows with anything in them")
    empty = frozenset(i for i, fact in enumerate(facts) if fact.kind == "none")
    missing = frozenset(i for i, fact in enumerate(facts) if fact.missing)
    kept.finite = frozenset(
        i
        for i, fact in enumerate(facts)
        if fact.kind in ("int", "float") and fact.finite and not fact.missing
    ) - {*kept.others}
    kinds, reread = _decided(path, dialect, facts, feed.zeros)
    kept.finite -= {*reread}
    notes = list(feed.notes)
    if parsed > rows:
        notes.append(f"{counted(parsed - rows, 'row')} without any cell left out")
    return Survey(dialect, kinds, reread, rows, tuple(notes), parsed - rows, empty, missing, kept)


def _add_numbers(facts: list[Facts], frame: Any, places: list[int], values: np.ndarray) -> set[int]:
    """Take in the columns of numbers, and give those of integers that float64 has not."""
    if not places:
        return set()
    low, high = values.min(axis=0).tolist(), values.max(axis=0).tolist()
    inexact = set()
    for j, i in enumerate(places):
        kind = frame.dtypes.iloc[i].kind
        facts[i].add_numbers(kind, low[j], high[j], values[:, j])
        if kind == "i" and max(high[j], -low[j]) >= EXACT:
            inexact.add(i)
    return inexact


def _parsed_or_refused(path: str | os.PathLike[str], feed: Feed) -> Iterator[Any]:
    """The frames of `parse`; what the parser cannot take is refused with its line."""
    try:
        yield from parse(feed, feed.dialect)
    except Unparsed as error:
        check_rows(path, feed.dialect)
        raise InputError(f"{feed.dialect.name} cannot be read as a table: {error}") from None


def without_empty_rows(frame: Any) -> Any:
    """The rows that have a cell which is not missing."""
    left = np.arange(len(frame))
    # columns of numbers first: where they have any cell at all, no text has to be looked at
    columns = sorted(range(frame.shape[1]), key=lambda i: frame.dtypes.iloc[i].kind not in "ifb")
    for i in columns:
        column = frame.iloc[left, i]
        missing = column.isna()
        if not isinstance(column.dtype, np.dtype) or column.dtype.kind == "O":
            missing |= column.astype(str).str.strip().isin(MISSING)
        left = left[missing.to_numpy()]
        if not len(left):
            return frame
    return frame.drop(frame.index[left])


def _check_widths(path: str | os.PathLike[str], dialect: Dialect, feed: Feed, rows: int) -> None:
    """Look for rows that are too short, which the parser fills up, where the count of delimiters is not the right one.

    Raises
    ------
    InputError
        For the first row that is malformed.
    """
    simple = dialect.delimiter != " " and not feed.quotes
    if simple and feed.delimiters == rows * (dialect.width - 1):
        return
    check_rows(path, dialect)


def _decided(
    path: str | os.PathLike[str], dialect: Dialect, facts: list[Facts], zeros: bool
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The kinds of columns, and those whose texts the parser did not keep."""
    kinds = [_kind(fact) for fact in facts]
    reread = {
        i for i, fact in enumerate(facts) if kinds[i] in ("words", "formatted") and fact.parsed
    }
    doubtful = {i for i, fact in enumerate(facts) if kinds[i] in ("int", "float") and (zeros or (
        fact.big and (fact.kind == "float" or fact.missing)))} | reread  # fmt: skip
    codes = {
        i: "NA" if fact.codes else "-"
        for i, fact in enumerate(facts)
        if fact.kind == "words" and (fact.codes or fact.signs) and fact.missing
    }
    if not doubtful and not codes:
        return tuple(kinds), ()
    texts = _Texts(dialect.numbers)
    for frame in parse(
        Feed(path, dialect), dialect, texts=sorted(doubtful | codes.keys()), codes=codes, only=True
    ):
        for i in doubtful | codes.keys():
            texts.add(i, frame[i], codes.get(i))
    for i in doubtful | codes.keys():
        if i in codes:
            if texts.has_code.get(i):
                kinds[i] = codes[i]
                reread.add(i)
        elif i in reread:
            kinds[i] = "formatted" if texts.formatted.get(i, False) else "words"
        elif texts.integers.get(i, True) and (
            texts.zeros.get(i, False)
            or (facts[i].big and (facts[i].kind == "float" or facts[i].missing))
        ):
            kinds[i] = "words"
            reread.add(i)
    return tuple(kinds), tuple(sorted(reread))


def _kind(fact: Facts) -> str:
    if fact.kind == "none":
        return "float"
    if fact.kind == "int" and fact.missing:
        return "float"
    if fact.kind == "bool" and fact.missing:
        return "words"
    if fact.kind == "words" and fact.formatted and not fact.parsed:
        return "formatted"
    return fact.kind


@dataclass
class _Texts:
    """What the texts of columns are, for those of which values do not tell."""

    numbers: NumberFormat
    integers: dict[int, bool] = field(default_factory=dict)
    zeros: dict[int, bool] = field(default_factory=dict)
    formatted: dict[int, bool] = field(default_factory=dict)
    has_code: dict[int, bool] = field(default_factory=dict)

    def add(self, i: int, column: Any, code: str | None) -> None:
        words = _words(column, code)
        match = words.str.fullmatch
        self.has_code[i] = self.has_code.get(i, False) or bool((words == code).any())
        self.integers[i] = self.integers.get(i, True) and bool(match(_DIGITS).all())
        zero = match(_ZERO)
        self.zeros[i] = self.zeros.get(i, False) or bool(zero.any())
        self.formatted[i] = self.formatted.get(i, True) and _are_formatted(words, self.numbers)


def parse(
    feed: Feed,
    dialect: Dialect,
    *,
    texts: list[int] | tuple[int, ...] = (),
    codes: Mapping[int, str] = _NONE,
    only: bool = False,
    rows: int = 0,
) -> Iterator[Any]:
    """The rows as pandas parses them, in frames whose columns are numbered.

    Parameters
    ----------
    feed : Feed
    dialect : Dialect
    texts : sequence of int
        Columns whose cells stay texts.
    codes : mapping
        Columns where one of `MISSING` is a word, with it.
    only : bool
        Whether to read the columns of `texts` alone.
    rows : int
        Of each frame; 0 for as many as go through the parser's caches well.
    """
    pandas = extra("pandas", "reading tables")
    settings: dict[str, Any] = {
        "sep": r"\s+" if dialect.delimiter == " " else dialect.delimiter,
        "header": None,
        "names": list(range(dialect.width)),
        "index_col": False,
        "chunksize": rows or max(1, _CELLS // dialect.width),
        "keep_default_na": False,
        "na_values": {
            i: [word for word in MISSING if word != codes.get(i)] for i in range(dialect.width)
        }
        if codes
        else list(MISSING),
        "skipinitialspace": dialect.spaces,
        "decimal": dialect.numbers.decimal,
        "dtype": dict.fromkeys(texts, str),
        "engine": "c",
        "low_memory": False,
    }
    if only:
        settings["usecols"] = list(texts)
    # the default from 3.1 on, where to say so is deprecated
    if tuple(int(n) for n in pandas.__version__.split(".")[:2]) < (3, 1):
        settings["float_precision"] = "round_trip"
    try:
        with warnings.catch_warnings():
            # of rows that are too long, which are counted
            warnings.simplefilter("ignore")
            reader = pandas.read_csv(feed, **settings)
        while True:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                frame = next(reader, None)
            if frame is None:
                return
            yield frame
    except (InputError, OtherEncoding, QuotesBehindSpaces):
        raise
    except pandas.errors.EmptyDataError:
        return
    # of bytes that anybody may have written: pandas throws exceptions of many types
    except Exception as error:
        if isinstance(error.__cause__, OtherEncoding):
            raise OtherEncoding from None
        if isinstance(error.__cause__, InputError):
            raise error.__cause__ from None
        raise Unparsed(one_line(error)) from None
    finally:
        feed.close()


class Unparsed(Exception):
    """The parser's complaint, of which the line is to be found."""
