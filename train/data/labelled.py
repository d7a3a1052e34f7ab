"""Features with their true targets, read for a model that knows its columns and classes: to judge it by."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError, counted, listed, shown
from .binary import find_idx_labels, read_idx, read_npz
from .load import BUILT_IN, load_dataset, load_features
from .tables import read_csv
from .targets import array_target, read_target

_ADVICE = "`pullback predict` needs no target"


@dataclass(frozen=True)
class Wanted:
    """What a model takes, and what it predicts.

    Attributes
    ----------
    columns : tuple of str
        The features' names; empty if the model knows none.
    width : int
        Their number.
    target : str
        The target's name, or its index where the model's data had no names.
    classes : tuple of str
        Empty for regression.
    targets : int
        How many numbers a regression predicts.
    image_shape : tuple of int, or None
        The axes of an image, where the model takes images.
    """

    columns: tuple[str, ...]
    width: int
    target: str
    classes: tuple[str, ...] = ()
    targets: int = 1
    image_shape: tuple[int, ...] | None = None


def load_labelled(
    path: str | os.PathLike[str], wanted: Wanted, *, target: str = ""
) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, width), and class numbers (n,) int64 or targets (n, k) float64.

    Parameters
    ----------
    path : path
        A .csv, .npz or IDX file, or a built-in data set.
    wanted : Wanted
    target : str
        What the target is called there, if not as in the model's own data: a column, an array, a file of labels.

    Raises
    ------
    InputError
        If the file cannot be read, has other columns than the model or no target, or a class that the model does not
        know.

    Examples
    --------
    >>> wanted = Wanted((), 4, "target", ("setosa", "versicolor", "virginica"))
    >>> x, y = load_labelled("iris", wanted)
    >>> x.shape, y[:2].tolist()
    ((150, 4), [0, 0])
    """
    source = os.fspath(path)
    if source in BUILT_IN:
        return _of_built_in(source, wanted)
    suffix = Path(source).suffix.lower()
    if suffix == ".csv":
        return _of_csv(source, wanted, target or wanted.target)
    x = load_features(source, wanted.columns, wanted.width, image_shape=wanted.image_shape)
    if suffix == ".npz":
        raw, key = _of_npz(source, wanted, target)
    else:
        labels = Path(target) if target else find_idx_labels(source)
        raw, key = read_idx(labels), labels.name
    where = f"{source}: {key}"
    y = target_of_array(raw, wanted, where)
    if len(x) != len(y):
        raise InputError(
            f"{source} has {counted(len(x), 'row')} of features, and {len(y):,} targets in {key}"
        )
    return x, y


def _of_built_in(name: str, wanted: Wanted) -> tuple[np.ndarray, np.ndarray]:
    data = load_dataset(name)
    fits = data.x.shape[1] == wanted.width and wanted.columns in ((), data.columns)
    if not fits or data.classes != wanted.classes:
        raise InputError(f"{name} has other columns or classes than the model was trained on")
    return data.x, data.y


def _of_csv(source: str, wanted: Wanted, target: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        table = read_csv(source, target=target)
    except InputError as error:
        if f"no column {target!r}" in str(error) or "is not one of them" in str(error):
            raise InputError(
                f"{source} has no column {shown(target)}, the true target to judge predictions by; name it by "
                f"--target, if it is called otherwise; {_ADVICE}"
            ) from None
        raise
    x = table.x
    if wanted.columns and table.columns:
        missing = [column for column in wanted.columns if column not in table.columns]
        if missing:
            raise InputError(
                f"{source} has no column {listed(map(repr, missing), 5)}; the model takes {listed(wanted.columns, 10)}"
            )
        x = x[:, [table.columns.index(column) for column in wanted.columns]]
    if x.shape[1] != wanted.width:
        raise InputError(
            f"{source} has {counted(x.shape[1], 'column')} beside its target, the model takes {wanted.width:,}"
        )
    positions = [f"{source}, row {row}, column {table.target!r}" for row in table.rows]
    return x, target_of_texts(table.y, wanted, positions)


def _of_npz(source: str, wanted: Wanted, target: str) -> tuple[np.ndarray, str]:
    try:
        _, raw, key = read_npz(source, target=target or wanted.target or None)
    except InputError as error:
        if "no array" not in str(error):
            raise
        raise InputError(f"{error}; {_ADVICE}") from None
    return np.asarray(raw), key


def target_of_texts(texts: list[str], wanted: Wanted, positions: list[str]) -> np.ndarray:
    """Class numbers of the model, or numbers, from cells as they stand in a file.

    Raises
    ------
    InputError
        For a class that the model does not know, and for what is no number: at which position.

    Examples
    --------
    >>> target_of_texts(["3.0", "1"], Wanted((), 1, "y", ("1", "3")), ["row 1", "row 2"]).tolist()
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
    if y.shape[1] != wanted.targets:
        raise InputError(
            f"{where}: {counted(y.shape[1], 'target')} a row, the model predicts {wanted.targets:,}"
        )
    return y


def _known(
    codes: np.ndarray, names: Sequence[str], wanted: Wanted, positions: list[str]
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
