"""Data sets, built in or from files: features, targets, and their names."""

from __future__ import annotations

import math
import os
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, counted, extra, listed, shown
from .binary import find_idx_labels, is_idx, read_idx, read_npz
from .mapped import on_disk, release
from .tables.cells import EXACT
from .tables.columnar import check_table, read_npy
from .tables.columns import Column, Wishes
from .tables.description import description
from .tables.features import Layout, features_of
from .tables.foreign import (
    TWIN,
    find_targets,
    joined_names,
    read_targets,
    split_names,
    with_targets,
)
from .tables.reading import SUFFIXES, Sheet, read_sheet, suffix_of
from .tables.spilled import sheet_on_disk
from .targets import array_target, target_of

BUILT_IN = ("digits", "breast_cancer", "wine", "iris", "diabetes")
TASKS = ("auto", "classification", "regression")
_CHANNELS = (1, 2, 3, 4)
# How many numbers are looked at at once.
_NUMBERS = 1 << 20
TABLES = SUFFIXES
# How most files are written, which is not worth a line.
_USUAL = "separated by commas; header in line 1"


@dataclass(frozen=True)
class Dataset:
    """Features and targets in the computer's memory, as they came.

    Attributes
    ----------
    name : str
        The built-in name, or the file's name without its ending.
    x : ndarray or DataFrame, shape (n, d)
        Real features, all finite; where a column is something else than finite numbers, a table of the raw columns,
        of which an `Encoder` makes numbers.
    y : ndarray
        Class numbers, shape (n,), int64; or regression targets, shape (n, k), float64.
    task : {"classification", "regression"}
    classes : tuple of str
        The classes' names, in the order of their numbers; empty for regression.
    columns : tuple of str
        The features' names; empty where there are none.
    target : str
        What is predicted: a column's or an array's name.
    image_shape : tuple of int, or None
        Height and width, if the features are the pixels of an image; with channels first, or last.
    channels_last : bool
        Whether the last of three numbers of `image_shape` are the channels.
    kinds : tuple of Column, or None
        What was decided about each column of a table of raw columns.
    layout : Layout, or None
        The columns of the file, for files with columns.
    told : tuple of str
        What was found in the file and decided, in lines for people.
    """

    name: str
    x: Any
    y: np.ndarray
    task: str
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    target: str = "target"
    image_shape: tuple[int, ...] | None = None
    channels_last: bool = False
    kinds: tuple[Column, ...] | None = None
    layout: Layout | None = None
    told: tuple[str, ...] = ()

    def images(self, x: np.ndarray) -> np.ndarray:
        """Rows of features as images (n, channels, height, width)."""
        return as_images(x, self.image_shape or (), self.channels_last)

    @property
    def axes(self) -> tuple[int, ...]:
        """Of an image as a network takes it: channels, height, width."""
        one = np.empty((1, math.prod(self.image_shape or ())), np.bool_)
        return tuple(int(n) for n in self.images(one).shape[1:])

    def without_rows(self) -> Dataset:
        """What is known of the data, without keeping them in memory."""
        x = np.empty((0, self.x.shape[1]))
        return replace(self, x=x, y=np.empty((0, *self.y.shape[1:]), self.y.dtype))


def load_dataset(
    name_or_path: str | os.PathLike[str],
    target: str | int | None = None,
    *,
    task: str = "auto",
    scratch: Path | None = None,
    wishes: Wishes | None = None,
    missing: str = "impute",
    target_file: str | os.PathLike[str] | None = None,
    decimal: str = "",
) -> Dataset:
    """Load a built-in data set, or one from a file with a table, or an .npy, .npz or IDX file.

    Tables are texts with any usual delimiter (.csv, .tsv, .txt, .dat; gzipped or not) and Parquet files.

    Parameters
    ----------
    name_or_path : str or path
        One of digits, breast_cancer, wine, iris, diabetes (they ship with scikit-learn), or a file.
    target : str or int, optional
        Table: the target column's name or index (default: the last), or several with commas between, for regression.
        NPY: the index of a column (default: the last). NPZ: the target array (default: y). IDX: the label file
        (default: the one that MNIST's naming gives).
    task : {"auto", "classification", "regression"}
        With "auto", words and at most 100 different integers are classes.
    scratch : Path, optional
        A folder: the features of a file are not in memory, but in a file there that is mapped into memory, read-only,
        and gone when the data set is.
    wishes : Wishes, optional
        Tables: what the columns are, where that is not found; see `decide`.
    missing : {"impute", "drop", "error"}
        Tables: what is done about missing cells; see `features_of`.
    target_file : path, optional
        The file in which the targets are, a row for each of the data: .npy, .csv or another table, IDX.
    decimal : {"", ".", ","}
        Tables that are texts: the decimal sign; empty to find it.

    Raises
    ------
    InputError
        If the data cannot be had or used: which row and column is wrong, or what is missing.

    Examples
    --------
    >>> data = load_dataset("iris")
    >>> data.x.shape, data.classes
    ((150, 4), ('setosa', 'versicolor', 'virginica'))
    """
    source = os.fspath(name_or_path)
    if source in BUILT_IN:
        if target is not None:
            raise InputError(f"{source} is built in and has its target: leave out --target")
        _refuse_wishes(wishes, missing, f"{source} is built in")
        return _checked(_built_in(source, task))
    if not os.path.exists(source) and not Path(source).suffix:
        raise InputError(
            f"no data called {shown(source, 300)}: built in are {listed(BUILT_IN)}; else a file"
        )
    file_format = _file_format(source)
    name = Path(source).name.removesuffix(".gz")
    name = Path(name).stem if file_format != "idx" else name
    own = None if target_file is None else os.fspath(target_file)
    if file_format == "npy":
        array = read_npy(source, mapped=scratch is not None)
        if array.ndim > 2 and own is None:
            raise InputError(
                f"{source} holds an array of shape {array.shape}: name the file of its targets by --target-file"
            )
        # as a table what is missing is filled in, and integers that float64 merges are refused
        if array.ndim == 2 and (
            array.dtype.kind not in "buif"
            or wishes
            or _not_finite(array) is not None
            or _has_large(array)
        ):
            file_format = "table"
    if file_format == "table":
        asked = _names(None if own else target, wishes)
        if scratch is None:
            sheet = read_sheet(source, decimal=decimal, names=asked)
        else:
            sheet = sheet_on_disk(source, scratch, decimal=decimal, names=asked)
        if own is None:
            targets = find_targets(sheet, target)
        else:
            features = [str(name) for name in sheet.frame.columns]
            sheet, targets = with_targets(sheet, own, target, decimal)
            _refuse_twins(source, features, targets, wishes)
        return _checked(_of_sheet(name, sheet, targets, task, wishes, missing, scratch))
    _refuse_wishes(wishes, missing, f"{source} holds arrays")
    layout = None
    raw_y: Any
    if file_format == "npy" and own is None:
        raw_x, raw_y, key, layout = _last_column(array, target, source, scratch)
    elif own is not None:
        raw_x = array if file_format == "npy" else _arrays(source, file_format, scratch)
        raw_y, key = read_targets(own, target, decimal)
    elif file_format == "npz":
        raw_x, raw_y, key = read_npz(
            source, target=None if target is None else str(target), scratch=scratch
        )
    else:
        raw_x = read_idx(source)
        labels = Path(str(target)) if target is not None else find_idx_labels(source)
        raw_y, key = read_idx(labels), labels.name
    x, image_shape, channels_last = _flat_features(raw_x, source)
    found, y, classes = array_target(np.asarray(raw_y), task, f"{own or source}: {key}")
    data = Dataset(
        name, x, y, found, classes, target=key, image_shape=image_shape, channels_last=channels_last, layout=layout
    )  # fmt: skip
    return _checked(data)


def _names(target: str | int | None, wishes: Wishes | None) -> list[str]:
    """The columns that the user names: those that are no places."""
    wishes = wishes or Wishes()
    places = set(split_names(str(target))) if target is not None else set()
    names = [*places, *wishes.categorical, *wishes.numeric, *wishes.drop]
    return [name for name in dict.fromkeys(names) if not re.fullmatch(r"-?\d*", name)]


def _refuse_twins(
    source: str, features: list[str], targets: tuple[str, ...], wishes: Wishes | None
) -> None:
    """Refuse a feature that is called as a target from another file, and may be it, where nothing was said of it."""
    wishes = wishes or Wishes()
    said = {*wishes.categorical, *wishes.numeric, *wishes.drop, *(name for name, _ in wishes.kinds)}
    for name in features:
        if name not in said and any(target == f"{name}{TWIN}" for target in targets):
            raise InputError(
                f"target_file: {source} has a column {name!r}, too, which may tell the target: leave it out "
                f"(--drop {shlex.quote(name)}), or say what it is by --numeric or --categorical"
            )


def _arrays(source: str, file_format: str, scratch: Path | None) -> np.ndarray:
    """The features in a file of arrays."""
    if file_format == "npz":
        return read_npz(source, labelled=False, scratch=scratch)[0]
    return read_idx(source)


def _some_columns(x: np.ndarray, columns: list[int]) -> Iterator[np.ndarray]:
    """Columns of an array, some rows at a time."""
    at_once = max(1, _NUMBERS // max(x.shape[1], 1))
    for start in range(0, len(x), at_once):
        yield np.array(x[start : start + at_once, columns])
        release(x)


def _last_column(
    array: np.ndarray, target: str | int | None, source: str, scratch: Path | None
) -> tuple[np.ndarray, np.ndarray, str, Layout]:
    """Features, targets, name and layout of an array of numbers, where the target is one of its columns."""
    check_table(array, source)
    names = [str(i) for i in range(array.shape[1])]
    try:
        places = [len(names) - 1] if target is None else [int(v) for v in str(target).split(",")]
    except ValueError:
        places = [len(names)]
    if len(names) < 2 or not all(-len(names) <= place < len(names) for place in places):
        raise InputError(
            f"{source} has {counted(len(names), 'column')} without names"
            + ("" if target is None else f", so --target {target} is not one of them")
            + (
                f": give 0 to {len(names) - 1}"
                if len(names) > 1
                else ": there is nothing to learn from"
            )
        )
    places = [place % len(names) for place in places]
    if len(set(places)) < len(places):
        raise InputError(f"target: {shown(str(target))} names a column twice")
    y = np.concatenate(list(_some_columns(array, places)))
    # several targets are numbers to predict
    y = y.astype(np.float64) if len(places) > 1 else y
    kept = [i for i in range(len(names)) if i not in places]
    if kept == list(range(len(kept))):
        # a view
        x = array[:, : len(kept)]
    elif scratch is None:
        x = array[:, kept]
    else:
        x = on_disk(scratch, _some_columns(array, kept), (len(kept),), array.dtype)
    key = ",".join(names[i] for i in places)
    targets = tuple(names[i] for i in places)
    return x, y, key, Layout(tuple(names), False, targets, tuple(names[i] for i in kept))


def _refuse_wishes(wishes: Wishes | None, missing: str, what: str) -> None:
    if wishes or missing != "impute":
        asked = [
            key for key in ("categorical", "numeric", "drop", "dates") if getattr(wishes, key, ())
        ]
        option = asked[0] if asked else "columns" if wishes else "missing"
        raise InputError(f"{option}: for the columns of tables, and {what}: leave it out")


def _of_sheet(
    name: str,
    sheet: Sheet,
    targets: tuple[str, ...],
    task: str,
    wishes: Wishes | None,
    missing: str,
    scratch: Path | None,
) -> Dataset:
    """The data set that a sheet is."""
    # the memory of the others may become that of the features
    of_targets = replace(sheet, frame=sheet.frame[list(targets)].copy())
    features = features_of(sheet, targets, wishes, missing, scratch)
    found, y, classes = target_of(of_targets, targets, features.rows, task)
    names = tuple(str(name) for name in sheet.frame.columns)
    kinds = features.kinds
    used = tuple(one for one in names if one not in targets)
    if kinds is not None:
        used = tuple(one.name for one in kinds if one.kind != "dropped")
    told = [] if sheet.found == _USUAL else [f"{sheet.name}: {sheet.found}"]
    told += [f"{sheet.name}: {note}" for note in features.notes]
    if kinds is not None:
        told += description(kinds, missing=missing)
    layout = Layout(names, sheet.header, targets, used, missing, decimal=sheet.decimal)
    columns = used if sheet.header else ()
    return Dataset(
        name, features.x, y, found, classes, columns, joined_names(targets),
        kinds=kinds, layout=layout, told=tuple(told),
    )  # fmt: skip


def as_images(x: np.ndarray, shape: tuple[int, ...], channels_last: bool) -> np.ndarray:
    """Flat rows as images (n, channels, height, width).

    Examples
    --------
    >>> as_images(np.arange(8.0)[None], (2, 2, 2), True)[0, 1]
    array([[1., 3.],
           [5., 7.]])
    """
    images = x.reshape(len(x), *((1, *shape) if len(shape) == 2 else shape))
    return np.ascontiguousarray(np.moveaxis(images, -1, 1)) if channels_last else images


def load_features(
    path: str | os.PathLike[str],
    layout: Layout,
    means: np.ndarray,
    *,
    image_shape: tuple[int, ...] | None = None,
    note: Callable[[str], None] = print,
) -> np.ndarray:
    """The inputs of a model in a file to predict from, shape (n, D), float64 or as they came, all finite.

    Parameters
    ----------
    path : path
        A file with a table, or an .npz or IDX file.
    layout : Layout
        The columns that the model takes.
    means : ndarray, shape (D,)
        The means of the training rows.
    image_shape : tuple of int, optional
        The axes of an image; rows that have axes have to have these.
    note : callable
        Takes lines about what was not used, or filled in.

    Raises
    ------
    InputError
        If the file cannot be read, or has other columns than the model.
    """
    source = os.fspath(path)
    file_format = _file_format(source)
    if file_format == "table" or (layout.names and is_table(source)):
        return layout.matrix(layout.arranged(layout.read(source, note), note), means, note)
    if layout.encoder is not None:
        raise InputError(
            f"{source} holds an array, and the model takes a table with the columns {listed(layout.used, 10)}"
        )
    raw = read_npy(source) if file_format == "npy" else _arrays(source, file_format, None)
    x = _flat_features(raw, source)[0]
    if image_shape is not None and raw.ndim > 2 and raw.shape[1:] != image_shape:
        raise InputError(
            f"{source} has images of shape {raw.shape[1:]}, the model takes {image_shape}"
        )
    if x.shape[1] != len(means):
        raise InputError(
            f"{source} has {counted(x.shape[1], 'column')}, the model takes {len(means):,}"
        )
    return x


def is_table(path: str | os.PathLike[str]) -> bool:
    """Whether a file holds rows and columns: a table, or such an array in an .npy file.

    Raises
    ------
    InputError
        For an .npy file that cannot be read.
    """
    suffix = suffix_of(path)
    return suffix in SUFFIXES and (suffix != ".npy" or read_npy(path, mapped=True).ndim == 2)


def _file_format(source: str) -> str:
    suffix = suffix_of(source)
    if suffix in (".npy", ".npz"):
        return suffix[1:]
    if suffix in SUFFIXES:
        return "table"
    if is_idx(source):
        return "idx"
    raise InputError(
        f"{source}: unknown kind of file; give {listed(SUFFIXES)} (texts may be gzipped), .npz or IDX"
    )


def _built_in(name: str, task: str) -> Dataset:
    datasets = extra("sklearn.datasets", f"the built-in data set {name!r}")
    bunch = getattr(datasets, f"load_{name}")(**({"scaled": False} if name == "diabetes" else {}))
    natural = "regression" if name == "diabetes" else "classification"
    if task not in ("auto", natural):
        raise InputError(f"{name} is for {natural}, not {task}")
    columns = tuple(str(column) for column in bunch.feature_names)
    if natural == "regression":
        y = np.asarray(bunch.target, dtype=np.float64)[:, None]
        return Dataset(name, bunch.data, y, natural, (), columns, "target")
    classes = tuple(str(label) for label in bunch.target_names)
    y = np.asarray(bunch.target, dtype=np.int64)
    shape = (8, 8) if name == "digits" else None
    return Dataset(name, bunch.data, y, natural, classes, columns, "target", shape)


def _flat_features(x: np.ndarray, source: str) -> tuple[np.ndarray, tuple[int, ...] | None, bool]:
    """Features by rows, the axes of an image, and whether its channels are the last of them."""
    if x.dtype.kind not in "buif":
        raise InputError(f"{source}: the features are {x.dtype}, not real numbers")
    if x.ndim == 0 or x.size == 0:
        raise InputError(f"{source}: the features have shape {x.shape}: there are none")
    image_shape = tuple(int(n) for n in x.shape[1:]) if x.ndim in (3, 4) else None
    # grey, with alpha, colours, colours with alpha
    channels_last = x.ndim == 4 and x.shape[3] in _CHANNELS and x.shape[1] not in _CHANNELS
    flat = x.reshape(x.shape[0], -1)
    found = _not_finite(flat) if flat.dtype.kind == "f" else None
    if found is not None:
        row, column = found
        value = flat[row, column]
        raise InputError(
            f"{source}, row {row}, column {column} (counted from 0): {value}, not finite"
        )
    return flat, image_shape, channels_last


def _not_finite(x: np.ndarray) -> tuple[int, int] | None:
    """Row and column of the first number that is not finite; some rows are looked at at a time."""
    at_once = max(1, _NUMBERS // max(x.shape[1], 1))
    for start in range(0, len(x), at_once):
        bad = ~np.isfinite(x[start : start + at_once])
        if bad.any():
            row, column = np.argwhere(bad)[0].tolist()
            return start + row, column
        release(x)
    return None


def _has_large(x: np.ndarray) -> bool:
    """Whether there are whole numbers that float64 may not tell apart; some rows are looked at at a time."""
    if x.dtype.kind not in "iu" or x.dtype.itemsize < 8:
        return False
    at_once = max(1, _NUMBERS // max(x.shape[1], 1))
    for start in range(0, len(x), at_once):
        part = x[start : start + at_once]
        if max(float(part.max()), -float(part.min())) >= EXACT:
            return True
        release(x)
    return False


def _checked(data: Dataset) -> Dataset:
    if len(data.x) != len(data.y):
        raise InputError(f"{data.name}: {len(data.x):,} rows of features, {len(data.y):,} targets")
    if data.task == "classification" and len(data.classes) < 2:
        only = f": {data.classes[0]!r}" if data.classes else ""
        raise InputError(
            f"{data.name}: the target has one class only{only}; there is nothing to tell apart"
        )
    if data.task == "regression" and (np.ptp(data.y, axis=0) == 0).any():
        raise InputError(f"{data.name}: the target never varies; there is nothing to learn")
    return data
