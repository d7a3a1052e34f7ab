"""Features with their true targets, read for a model that knows its columns and classes: to judge it by."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, counted, listed, shown
from .binary import find_idx_labels, read_idx, read_npz
from .load import BUILT_IN, load_dataset, load_features
from .tables.columnar import read_npy
from .tables.features import Layout
from .tables.foreign import find_targets, read_targets, split_names, with_targets
from .tables.reading import SUFFIXES, Sheet, read_sheet, suffix_of
from .tables.values import plain
from .targets import array_target, read_target, target_of

_ADVICE = "`pullback predict` needs no target"


@dataclass(frozen=True)
class Wanted:
    """What a model takes, and what it predicts.

    Attributes
    ----------
    layout : Layout or None
        The columns of the table that the model was trained on; None for arrays.
    means : ndarray, shape (D,)
        The means of the model's inputs in its training rows.
    target : str
        What is predicted.
    classes : tuple of str
        Empty for regression.
    targets : tuple of int
        The shape of a row's target: empty for a class, (k,) for numbers.
    image_shape : tuple of int, or None
        The axes of an image, where the model takes images.
    """

    layout: Layout | None
    means: np.ndarray
    target: str
    classes: tuple[str, ...] = ()
    targets: tuple[int, ...] = ()
    image_shape: tuple[int, ...] | None = None

    @property
    def task(self) -> str:
        """What the targets are for."""
        return "classification" if self.classes else "regression"


def _quiet(line: str) -> None:
    """Tell nobody."""


def load_labelled(
    path: str | os.PathLike[str],
    wanted: Wanted,
    *,
    target: str = "",
    target_file: str = "",
    note: Callable[[str], None] = _quiet,
) -> tuple[np.ndarray, np.ndarray]:
    """The model's inputs (n, D), and class numbers (n,) int64 or targets (n, k) float64.

    Parameters
    ----------
    path : path
        A table, an .npz or IDX file, or a built-in data set.
    wanted : Wanted
    target : str
        What the target is called there, if not as in the model's own data: a column or several, an array, a file of
        labels.
    target_file : str
        The file in which the targets are, a row for each of the data; empty where they are in the data.
    note : callable
        Takes lines about columns that are not used, cells that are filled in and rows without a target.

    Raises
    ------
    InputError
        If the file cannot be read, has other columns than the model or no target, or a class that the model does not
        know.

    Examples
    --------
    >>> wanted = Wanted(None, np.zeros(4), "target", ("setosa", "versicolor", "virginica"))
    >>> x, y = load_labelled("iris", wanted)
    >>> x.shape, y[:2].tolist()
    ((150, 4), [0, 0])
    """
    source = os.fspath(path)
    if source in BUILT_IN:
        return _of_built_in(source, wanted)
    layout, suffix = wanted.layout or Layout((), False, (), ()), suffix_of(source)
    if suffix in SUFFIXES and suffix != ".npy":
        sheet = read_sheet(source, usual=layout.decimal, names=layout.known)
        return _of_table(sheet, wanted, target, target_file, note)
    x = load_features(source, layout, wanted.means, image_shape=wanted.image_shape, note=note)
    if target_file:
        raw, key = read_targets(target_file, target or None, layout.decimal)
    elif suffix == ".npy":
        raw, key = _of_npy(source, layout, target)
    elif suffix == ".npz":
        raw, key = _of_npz(source, wanted, target)
    else:
        labels = Path(target) if target else find_idx_labels(source)
        raw, key = read_idx(labels), labels.name
    y = target_of_array(raw, wanted, f"{source}: {key}")
    if len(x) != len(y):
        raise InputError(
            f"{source} has {counted(len(x), 'row')} of features, and {len(y):,} targets in {key}"
        )
    return x, y


def _of_built_in(name: str, wanted: Wanted) -> tuple[np.ndarray, np.ndarray]:
    data = load_dataset(name)
    fits = data.x.shape[1] == len(wanted.means) and data.classes == wanted.classes
    if wanted.layout is not None:
        fits &= wanted.layout.encoder is None
        fits &= not wanted.layout.header or wanted.layout.used == data.columns
    if not fits:
        raise InputError(f"{name} has other columns or classes than the model was trained on")
    return data.x, data.y


def _of_table(
    sheet: Sheet, wanted: Wanted, target: str, target_file: str, note: Callable[[str], None]
) -> tuple[np.ndarray, np.ndarray]:
    layout = wanted.layout
    if layout is None:
        raise InputError(
            f"{sheet.name} is a table, and the model was trained on arrays without columns: give an .npz or IDX file"
        )
    if target or target_file:
        truth = sheet
        if target_file:
            truth, columns = with_targets(sheet, target_file, target or None, layout.decimal)
        else:
            columns = find_targets(sheet, target)
        rest = truth.frame.drop(columns=list(columns))
        arranged = layout.arranged(replace(sheet, frame=rest), note)
    else:
        arranged = truth = layout.arranged(sheet, note)
        columns = layout.targets
        absent = [name for name in columns if name not in truth.frame.columns]
        if absent or not columns:
            raise InputError(
                f"{sheet.name} has no column {shown(absent[0] if absent else wanted.target)}, the true target to judge "
                f"by; --target names it, if it is called otherwise; {_ADVICE}"
            )
    gone = np.zeros(len(truth.frame), bool)
    for column in columns:
        series = truth.frame[column]
        gone |= (plain(series) if series.dtype == object else series).isna().to_numpy()
    rows = np.flatnonzero(~gone)
    if gone.any():
        note(f"{sheet.name}: {counted(int(gone.sum()), 'row')} without a target left out")
    if not len(rows):
        raise InputError(f"{sheet.name}: no row has a target in {columns[0]!r}; {_ADVICE}")
    x = layout.matrix(arranged, wanted.means, note)[rows]
    if wanted.classes:
        return x, _classes_of(truth, columns, rows, wanted)
    return x, _as_wide(target_of(truth, columns, rows, "regression")[1], wanted, sheet.name)


def _classes_of(
    sheet: Sheet, columns: tuple[str, ...], rows: np.ndarray, wanted: Wanted
) -> np.ndarray:
    _, codes, names = target_of(sheet, columns, rows, "classification")
    column = columns[0]
    positions = _Positions(sheet, column, rows)
    if any(name not in wanted.classes for name in names):
        # words among numbers: as they stand
        texts = [str(cell) for cell in sheet.frame[column].iloc[rows]]
        return target_of_texts(texts, wanted, positions)
    return _known(codes, names, wanted, positions)


class _Positions(Sequence[str]):
    """The position of each target in its file; only for errors."""

    def __init__(self, sheet: Sheet, column: str, rows: np.ndarray) -> None:
        self._sheet, self._column, self._rows = sheet, column, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, i: Any) -> Any:
        return self._sheet.at(int(self._rows[i]), self._column)


def _of_npy(source: str, layout: Layout, target: str) -> tuple[np.ndarray, str]:
    """The targets among the columns of an array, by their places in the model's own data, or in this array."""
    raw = read_npy(source)
    try:
        places = [int(place) for place in split_names(target)] if target else []
    except ValueError:
        raise InputError(
            f"target: {source} has columns without names: give their places, counted from 0"
        ) from None
    if not places and raw.ndim == 2 and raw.shape[1] == len(layout.names):
        places = [layout.names.index(name) for name in layout.targets]
    if not places or raw.ndim != 2 or not all(0 <= place < raw.shape[1] for place in places):
        raise InputError(
            f"{source} has shape {raw.shape}, without the true targets to judge by; --target-file names their file; "
            f"{_ADVICE}"
        )
    y = raw[:, places].astype(np.float64) if len(places) > 1 else raw[:, places]
    return y, "column " + ",".join(map(str, places))


def _of_npz(source: str, wanted: Wanted, target: str) -> tuple[np.ndarray, str]:
    try:
        _, raw, key = read_npz(source, target=target or wanted.target or None)
    except InputError as error:
        if "no array" not in str(error):
            raise
        raise InputError(f"{error}; {_ADVICE}") from None
    return np.asarray(raw), key


def target_of_texts(texts: list[str], wanted: Wanted, positions: Sequence[str]) -> np.ndarray:
    """Class numbers of the model, or numbers, from cells as they stand in a file.

    Raises
    ------
    InputError
        For a class that the model does not know, and for what is no number: at which position.

    Examples
    --------
    >>> target_of_texts(["3.0", "1"], Wanted(None, np.zeros(1), "y", ("1", "3")), ["row 1", "row 2"]).tolist()
    [1, 0]
    """
    if not wanted.classes:
        return _as_wide(read_target(texts, "regression", positions)[1], wanted, positions[0])
    _, codes, names = read_target(texts, "classification", positions)
    if any(name not in wanted.classes for name in names):
        # words among numbers: as they stand
        exact = tuple(sorted(set(texts)))
        if all(text in wanted.classes for text in exact):
            codes = np.asarray([exact.index(text) for text in texts], np.int64)
            names = exact
    return _known(codes, names, wanted, positions)


def target_of_array(raw: np.ndarray, wanted: Wanted, where: str) -> np.ndarray:
    """Class numbers of the model, or numbers, from an array.

    Raises
    ------
    InputError
        For a class that the model does not know, and for other numbers of targets.
    """
    raw = np.asarray(raw)
    if raw.dtype == object:
        raw = np.asarray([str(value) for value in raw.ravel()]).reshape(raw.shape)
    if not wanted.classes:
        return _as_wide(array_target(raw, "regression", where)[1], wanted, where)
    _, codes, names = array_target(raw, "classification", where)
    return _known(codes, names, wanted, [f"{where}[{i}]" for i in range(len(codes))])


def _as_wide(y: np.ndarray, wanted: Wanted, where: str) -> np.ndarray:
    if y.shape[1:] != wanted.targets:
        raise InputError(
            f"{where}: {counted(y.shape[1], 'target')} a row, the model predicts {wanted.targets[0]:,}"
        )
    return y


def _known(
    codes: np.ndarray, names: Sequence[str], wanted: Wanted, positions: Sequence[str]
) -> np.ndarray:
    """The model's class numbers of a file's own ones."""
    number = {name: i for i, name in enumerate(wanted.classes)}
    unknown = [i for i, name in enumerate(names) if name not in number]
    if unknown:
        first = positions[int(np.flatnonzero(np.isin(codes, unknown))[0])]
        rows = int(np.isin(codes, unknown).sum())
        raise InputError(
            f"{first}: class {listed([shown(names[i], 40) for i in unknown], 3)} ({counted(rows, 'row')}) is none that "
            f"the model knows, {listed(wanted.classes, 10)}: leave such rows out"
        )
    return np.asarray([number[name] for name in names], np.int64)[codes]
