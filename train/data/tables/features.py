"""The features and the target of a sheet, and those of other sheets for a model that was trained on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError, counted, extra, listed, shown
from ..mapped import release
from .columns import (
    Column,
    Wishes,
    are_large,
    check_names,
    decide,
    did_you_mean,
    numbers_the_rows,
)
from .encoder import Encoder
from .reading import Sheet, read_sheet, suffix_of
from .spilled import matrix_on_disk, rows_on_disk
from .values import numbers, plain


@dataclass(frozen=True)
class Features:
    """What a sheet says, apart from the target.

    Attributes
    ----------
    x : ndarray or DataFrame, shape (n, d)
        float64, if all columns are finite numbers without missing cells; else the raw columns.
    kinds : tuple of Column, or None
        What was decided about raw columns.
    rows : ndarray of int, shape (n,)
        The rows of the sheet that are left.
    notes : tuple of str
        What was left out, to be told.
    """

    x: Any
    kinds: tuple[Column, ...] | None
    rows: np.ndarray
    notes: tuple[str, ...] = ()


def find_target(sheet: Sheet, target: str | int | None) -> str:
    """The name of the target column in the frame: by name first, then by its place in the file.

    Raises
    ------
    InputError
        If there is no such column.
    """
    names = [str(name) for name in sheet.frame.columns]
    if target is None:
        return names[-1]
    if str(target) in names:
        return str(target)
    width = max(sheet.positions, default=0) + 1
    try:
        place = int(target)
    except ValueError:
        place = width
    if -width <= place < width and place % width in sheet.positions:
        return names[sheet.positions.index(place % width)]
    if not sheet.header:
        raise InputError(
            f"{sheet.name} has no header and {counted(width, 'column')}, so --target {target} is "
            f"not one of them: give 0 to {width - 1}"
        )
    hint = did_you_mean(str(target), names)
    rest = "" if hint.startswith(";") else f"; it has {listed(names)}"
    raise InputError(f"{sheet.name} has no column {str(target)!r}{hint}{rest}")


def features_of(
    sheet: Sheet,
    targets: Sequence[str],
    wishes: Wishes | None = None,
    missing: str = "impute",
    scratch: Path | None = None,
) -> Features:
    """The features of a sheet to train on.

    Where they are numbers alone they are made in the memory of the sheet's own: its frame is not to be used afterwards
    (`Sheet.take`).

    Parameters
    ----------
    sheet : Sheet
    targets : sequence of str
        The columns that are to be predicted.
    wishes : Wishes, optional
        What the user says about columns.
    missing : {"impute", "drop", "error"}
        Whether missing cells are filled in later, their rows are left out, or they are refused. Rows without a
        target are refused, but with "drop".
    scratch : Path, optional
        For a sheet on disk: the folder for the files of what is made of it.

    Raises
    ------
    InputError
        As `decide`; for missing cells that are not to be; if no row is left.
    """
    wishes = wishes or Wishes()
    frame = sheet.frame.drop(columns=list(targets))
    rows = np.arange(len(frame))
    names = [str(name) for name in frame.columns]
    if not names:
        raise InputError(f"{sheet.name} has only a target column: there is nothing to learn from")
    gone = _missing(sheet.frame[list(targets)])
    notes = []
    if gone.any():
        if missing != "drop":
            row = int(np.flatnonzero(gone)[0])
            empty = next(name for name in targets if plain(sheet.frame[name]).isna().iloc[row])
            raise InputError(
                f"{sheet.at(row, empty)}: the target is empty"
                + (f", as in {counted(int(gone.sum()) - 1, 'other row')}" if gone.sum() > 1 else "")
                + "; --missing drop leaves such rows out"
            )
        notes.append(f"{counted(int(gone.sum()), 'row')} without a target left out")
        frame, rows = _kept(frame, ~gone, scratch), rows[~gone]
    whole = scratch is None and len(rows) == len(sheet.frame)
    finite = sheet.finite(names) if whole else _finite_numbers(frame)
    if not wishes and finite and not _ids(frame) and not _large_integers(frame):
        x = sheet.take(names) if whole else _matrix(frame, scratch)
        return Features(x, None, rows, tuple(notes))

    def at(row: int, column: str) -> str:
        return sheet.at(int(rows[row]), column)

    check_names(wishes, names, targets, sheet.name)
    kinds = decide(frame, wishes, at=at, name=sheet.name)
    used = [column.name for column in kinds if column.kind != "dropped"]
    gone = _missing(frame[used])
    if gone.any() and missing == "error":
        row = int(np.flatnonzero(gone)[0])
        empty = next(name for name in used if plain(frame[name]).isna().iloc[row])
        raise InputError(
            f"{at(row, empty)}: the cell is empty, and --missing is error; impute fills such cells in, drop leaves "
            "their rows out"
        )
    if gone.any() and missing == "drop":
        if gone.all():
            most = max(kinds, key=lambda column: (column.kind != "dropped") * column.missing)
            raise InputError(
                f"{sheet.name}: --missing drop leaves no row: a cell is empty in each, {most.missing:,} of them in "
                f"{most.name!r}; --drop the column, or --missing impute"
            )
        notes.append(f"{counted(int(gone.sum()), 'row')} with missing cells left out")
        frame, rows = _kept(frame, ~gone, scratch), rows[~gone]
    if (
        not wishes.kinds
        and all(column.kind == "number" for column in kinds)
        and not _missing(frame).any()
    ):
        return Features(_matrix(frame, scratch), None, rows, tuple(notes))
    return Features(frame[used], kinds, rows, tuple(notes))


def _missing(frame: Any) -> np.ndarray:
    """Whether any cell of a row is missing, shape (n,)."""
    pandas = extra("pandas", "reading tables")
    gone = np.zeros(len(frame), bool)
    for name in frame.columns:
        series = frame[name]
        gone |= series.isna().to_numpy()
        # blanks are missing, too
        if series.dtype == object:
            # each text once: most come again
            codes, values = pandas.factorize(series.to_numpy(object))
            empty = plain(pandas.Series(values, dtype=object)).isna().to_numpy()
            gone |= np.append(empty, True)[codes]
        elif not isinstance(series.dtype, np.dtype):
            gone |= plain(series).isna().to_numpy()
        release(series)
    return gone


def _finite_numbers(frame: Any) -> bool:
    return all(_is_finite(frame[name]) for name in frame.columns)


def _is_finite(series: Any) -> bool:
    if not isinstance(series.dtype, np.dtype) or series.dtype.kind not in "iuf":
        return False
    finite = bool(np.isfinite(series.to_numpy()).all())
    release(series)
    return finite


def _kept(frame: Any, kept: np.ndarray, scratch: Path | None) -> Any:
    """Some rows of a frame."""
    return frame[kept] if scratch is None else rows_on_disk(frame, kept, scratch)


def _ids(frame: Any) -> list[str]:
    """The columns that number the rows."""
    return [name for name in frame.columns if numbers_the_rows(frame[name], str(name))]


def _large_integers(frame: Any) -> bool:
    """Whether a column has whole numbers that float64 may not tell apart."""
    for name in frame.columns:
        values = frame[name].to_numpy()
        if are_large(frame[name], values):
            return True
        release(frame[name])
    return False


def _matrix(frame: Any, scratch: Path | None = None) -> np.ndarray:
    """Columns of numbers as float64, shape (n, d), by rows in memory, or in a file."""
    if scratch is not None:
        return matrix_on_disk(frame, _matrix, frame.shape[1], scratch)
    if all(isinstance(dtype, np.dtype) and dtype.kind in "iuf" for dtype in frame.dtypes):
        return np.ascontiguousarray(frame.to_numpy(np.float64))
    columns = [numbers(frame[name], str(name)) for name in frame.columns]
    return np.ascontiguousarray(np.stack(columns, axis=1))


@dataclass(frozen=True)
class Layout:
    """The columns of the file that a model was trained on, and how they become its inputs.

    Attributes
    ----------
    names : tuple of str
        All of them in their order, the targets and what was dropped among them.
    header : bool
        Whether the file named them.
    targets : tuple of str
    used : tuple of str
        Those that the model takes.
    missing : {"impute", "drop", "error"}
    encoder : Encoder, optional
        None where all inputs are numbers as they are.
    decimal : {".", ","}
        The decimal sign of the file.
    """

    names: tuple[str, ...]
    header: bool
    targets: tuple[str, ...]
    used: tuple[str, ...]
    missing: str = "impute"
    encoder: Encoder | None = None
    decimal: str = "."

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "names": list(self.names), "header": self.header, "targets": list(self.targets),
            "used": list(self.used), "missing": self.missing,
            "encoder": None if self.encoder is None else self.encoder.to_dict(),
            "decimal": self.decimal,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Layout:
        """The layout that `to_dict` wrote, whoever wrote it.

        Raises
        ------
        KeyError, TypeError, ValueError
            For what is none.
        """
        lists = {key: found[key] for key in ("names", "targets", "used")}
        if any(
            not isinstance(v, list) or any(type(t) is not str for t in v) for v in lists.values()
        ):
            raise TypeError("names")
        if type(found["header"]) is not bool or found["missing"] not in ("impute", "drop", "error"):
            raise ValueError("header, missing")
        encoder = None if found["encoder"] is None else Encoder.from_dict(found["encoder"])
        layout = cls(
            header=found["header"], missing=found["missing"], encoder=encoder,
            decimal="," if found.get("decimal") == "," else ".",
            **{key: tuple(value) for key, value in lists.items()},
        )  # fmt: skip
        if not {*layout.targets, *layout.used} <= set(layout.names) or (
            encoder is not None and encoder.columns != layout.used
        ):
            raise ValueError("used")
        return layout

    @property
    def known(self) -> tuple[str, ...]:
        """The names by which a header is known; none where the file had no header."""
        return self.used if self.header else ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the model's inputs."""
        return self.used if self.encoder is None else self.encoder.names

    @property
    def _orders(self) -> tuple[list[str], ...]:
        """The columns that a file without names may have: with the targets, without them, and those used alone."""
        whole = list(self.names)
        return whole, [name for name in whole if name not in self.targets], list(self.used)

    def read(self, path: str | os.PathLike[str], note: Callable[[str], None]) -> Sheet:
        """The sheet in a file; what of it gives no row is noted.

        Raises
        ------
        InputError
            As `read_sheet`.
        """
        sheet = read_sheet(path, usual=self.decimal, names=self.known)
        if sheet.empty_rows:
            note(f"{sheet.name}: {counted(sheet.empty_rows, 'row')} without any cell left out")
        # of words alone, or numbers alone, nobody can tell
        if suffix_of(path) in (".parquet", ".pq", ".npy") or sheet.header == self.header:
            return sheet
        if sheet.header:
            note(
                f"{sheet.name}: the first row is taken for a header ({listed(sheet.frame.columns, 5)}), and the file "
                "that was trained on had none"
            )
        elif any(len(known) == sheet.frame.shape[1] for known in self._orders):
            note(
                f"{sheet.name}: no header is found, and the file that was trained on had one: columns go by their "
                "order"
            )
        return sheet

    def arranged(self, sheet: Sheet, note: Callable[[str], None]) -> Sheet:
        """A sheet with the columns that the model knows, under its own names, the targets too where they are there.

        By name where both files name their columns, in any order; else in the order of the file trained on, with or
        without the targets, and with or without the columns that the model does not take.

        Raises
        ------
        InputError
            For columns that are missing.
        """
        names = [str(name) for name in sheet.frame.columns]
        if self.header and sheet.header:
            absent = [name for name in self.used if name not in names]
            if absent:
                raise InputError(
                    f"{sheet.name} has no column {listed(map(repr, absent), 5)}"
                    + (
                        did_you_mean(absent[0], names)
                        if len(absent) == 1
                        else f"; it has {listed(names, 10)}"
                    )
                    + f"; the model takes {listed(self.used, 10)}"
                )
            more = [name for name in names if name not in self.names]
            if more:
                note(f"{sheet.name}: the model does not know {_columns(more)}: not used")
            return replace(sheet, frame=sheet.frame[[n for n in names if n in self.names]])
        for known in self._orders:
            if len(known) == len(names):
                frame = sheet.frame.set_axis(known, axis=1)
                return replace(sheet, frame=frame, header=self.header)
        which = f": {listed(self.used)}" if self.header else ""
        raise InputError(
            f"{sheet.name} has {counted(len(names), 'column')}, the model takes {len(self.used):,}{which}"
        )

    def matrix(self, sheet: Sheet, means: np.ndarray, note: Callable[[str], None]) -> np.ndarray:
        """The model's inputs of an arranged sheet, shape (n, D), float64, finite, a row for each of its own.

        Parameters
        ----------
        sheet : Sheet
            Of `arranged`.
        means : ndarray, shape (D,)
            The means of the training rows, which stand for missing cells where there is no encoder.
        note : callable
            Takes lines about cells that were filled in, and categories that training has not seen.

        Raises
        ------
        InputError
            For a cell that is not what its column is, and for a missing one with `missing` "error".
        """
        frame = sheet.frame
        counts = {name: int(_missing(frame[[name]]).sum()) for name in self.used}
        lacking = {name: count for name, count in counts.items() if count}
        if lacking and self.missing == "error":
            name = next(iter(lacking))
            row = int(np.flatnonzero(_missing(frame[[name]]))[0])
            raise InputError(
                f"{sheet.at(row, name)}: the cell is empty, and the model was trained with --missing error"
            )
        if self.encoder is None:
            columns = [numbers(frame[name], name, sheet.at) for name in self.used]
            x = np.stack(columns, axis=1)
            gone = np.isnan(x)
            x[gone] = np.broadcast_to(means, x.shape)[gone]
        else:
            x = self.encoder.transform(frame, sheet.at)
            lacking = self.encoder.imputed(frame)
        if lacking:
            cells = [f"{count:,} in {name!r}" for name, count in lacking.items()]
            what = "mean" if self.encoder is None else "median, or the most frequent value,"
            note(
                f"{sheet.name}: missing cells where the training rows had none ({listed(cells, 5)}): the {what} of "
                "the training rows stands for them"
            )
        unseen = {} if self.encoder is None else self.encoder.unseen(frame)
        for name, values in unseen.items():
            note(
                f"{sheet.name}, column {name!r}: {listed([shown(v, 40) for v in values], 3)}: not there in training, "
                "and taken for none of the values that were"
            )
        return x


def _columns(names: Sequence[str]) -> str:
    return ("column " if len(names) == 1 else "columns ") + listed([repr(n) for n in names], 5)
