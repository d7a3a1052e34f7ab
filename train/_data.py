"""Data sets: built in or from files, split into parts, standardised on the training part."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ._binary import find_idx_labels, is_idx, read_idx, read_npz
from ._errors import InputError, counted, extra, listed
from ._tables import read_csv

BUILT_IN = ("digits", "breast_cancer", "wine", "iris", "diabetes")
TASKS = ("auto", "classification", "regression")

# Whole numbers are class labels while there are at most this many different ones.
MAX_NUMERIC_CLASSES = 100
_MIN_ROWS = 10
_CHUNK = 4096


@dataclass(frozen=True)
class Dataset:
    """Features and targets in the computer's memory, as they came.

    Attributes
    ----------
    name : str
        The built-in name, or the file's name without its ending.
    x : ndarray, shape (n, d)
        Real features, all finite.
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
        Height and width, if the features are the pixels of an image.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    task: str
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    target: str = "target"
    image_shape: tuple[int, int] | None = None


def load_dataset(
    name_or_path: str | os.PathLike[str],
    target: str | int | None = None,
    *,
    task: str = "auto",
) -> Dataset:
    """Load a built-in data set, or one from a .csv, .npz or IDX file.

    Parameters
    ----------
    name_or_path : str or path
        One of digits, breast_cancer, wine, iris, diabetes (they ship with scikit-learn), or a file.
    target : str or int, optional
        CSV: the target column's name or place (default: the last). NPZ: the target array (default:
        y). IDX: the label file (default: the one that MNIST's naming gives).
    task : {"auto", "classification", "regression"}
        With "auto", words and at most 100 different whole numbers are classes.

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
        return _checked(_built_in(source, task))
    if not os.path.exists(source) and not Path(source).suffix:
        raise InputError(f"no data called {source!r}: built in are {listed(BUILT_IN)}; else a file")
    kind = _kind(source)
    name = Path(source).name.removesuffix(".gz")
    name = Path(name).stem if kind != "idx" else name
    if kind == "csv":
        table = read_csv(source, target=target)
        places = [f"{source}, row {row}, column {table.target!r}" for row in table.rows]
        found, y, classes = _read_target(table.y or [], task, places)
        return _checked(Dataset(name, table.x, y, found, classes, table.columns, table.target))
    if kind == "npz":
        raw_x, raw_y, key = read_npz(source, target=None if target is None else str(target))
    else:
        labels = Path(str(target)) if target is not None else find_idx_labels(source)
        raw_x, raw_y, key = read_idx(source), read_idx(labels), labels.name
    x, image_shape = _flat_features(raw_x, source)
    found, y, classes = _array_target(np.asarray(raw_y), task, f"{source}: {key}")
    data = Dataset(name, x, y, found, classes, target=key, image_shape=image_shape)
    return _checked(data)


def load_features(path: str | os.PathLike[str], columns: Sequence[str], width: int) -> np.ndarray:
    """The features in a file to predict from, shape (n, width).

    Columns are found by name where both the file and the model have names (the order does not
    matter, nor whether a target column stands among them); else by their places.

    Parameters
    ----------
    path : path
        A .csv, .npz or IDX file.
    columns : sequence of str
        The names of the features that the model was trained on; empty if they had none.
    width : int
        Their number.

    Raises
    ------
    InputError
        If the file cannot be read, or has other columns than the model.
    """
    source = os.fspath(path)
    kind = _kind(source)
    if kind == "csv":
        table = read_csv(source, labelled=False)
        x = table.x
        if columns and table.columns:
            missing = [column for column in columns if column not in table.columns]
            if missing:
                raise InputError(
                    f"{source} has no column {listed(map(repr, missing))}; "
                    f"the model was trained on {listed(columns)}"
                )
            if table.columns != tuple(columns):
                x = x[:, [table.columns.index(column) for column in columns]]
    else:
        raw = read_npz(source, labelled=False)[0] if kind == "npz" else read_idx(source)
        x, _ = _flat_features(raw, source)
    if x.shape[1] != width:
        raise InputError(
            f"{source} has {counted(x.shape[1], 'column')}, the model takes {width:,}"
            + (f": {listed(columns)}" if columns else "")
        )
    return x


def _kind(source: str) -> str:
    suffix = Path(source).suffix.lower()
    if suffix == ".csv" or suffix == ".npz":
        return suffix[1:]
    if is_idx(source):
        return "idx"
    raise InputError(f"{source}: unknown kind of file; give .csv, .npz or IDX (.idx3-ubyte, .gz)")


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


def _flat_features(x: np.ndarray, source: str) -> tuple[np.ndarray, tuple[int, int] | None]:
    if x.dtype.kind not in "buif":
        raise InputError(f"{source}: the features are {x.dtype}, not real numbers")
    if x.ndim == 0 or x.size == 0:
        raise InputError(f"{source}: the features have shape {x.shape}: there are none")
    image_shape = (int(x.shape[1]), int(x.shape[2])) if x.ndim == 3 else None
    flat = x.reshape(x.shape[0], -1)
    if flat.dtype.kind == "f" and not np.isfinite(flat).all():
        row, column = np.argwhere(~np.isfinite(flat))[0]
        value = flat[row, column]
        raise InputError(
            f"{source}, row {row}, column {column} (counted from 0): {value}, not finite"
        )
    return flat, image_shape


def _array_target(y: np.ndarray, task: str, where: str) -> tuple[str, np.ndarray, tuple[str, ...]]:
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.dtype.kind in "US":
        texts = [v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in y.ravel()]
        places = [f"{where}[{i}]" for i in range(len(texts))]
        return _read_target(texts, task, places)
    if y.dtype.kind not in "buif":
        raise InputError(f"{where} is {y.dtype}: give numbers or texts")
    if y.ndim not in (1, 2) or (y.ndim == 2 and (task == "classification" or y.dtype.kind != "f")):
        raise InputError(
            f"{where} has shape {y.shape}: give labels of shape (n,), or numbers of shape (n, k) "
            "as floats to predict k values at once"
        )
    if y.dtype.kind == "b" and task != "regression":
        return "classification", y.astype(np.int64), ("False", "True")
    values = y.astype(np.float64)
    if not np.isfinite(values).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise InputError(f"{where}{list(index)} is {values[index]}, not finite")
    return _numeric_target(values, task)


def _read_target(
    texts: list[str], task: str, places: list[str]
) -> tuple[str, np.ndarray, tuple[str, ...]]:
    """Targets as they stand in a text: numbers if all of them are, else names of classes."""
    numbers: list[float] = []
    words = 0
    for place, text in zip(places, texts, strict=True):
        try:
            numbers.append(float(text))
        except ValueError:
            words += 1
            if task == "regression":
                raise InputError(f"{place}: {text[:40]!r} is not a number") from None
            continue
        if not np.isfinite(numbers[-1]):
            raise InputError(f"{place}: {text} is not finite; remove or fill in such rows")
    if not words:
        return _numeric_target(np.asarray(numbers, dtype=np.float64), task)
    fractions = sum(not number.is_integer() for number in numbers)
    if task == "auto" and 2 * fractions > len(texts):
        _refuse_first_word(texts, places)
    classes, y = np.unique(np.asarray(texts), return_inverse=True)
    return "classification", y.astype(np.int64), tuple(str(name) for name in classes)


def _refuse_first_word(texts: list[str], places: list[str]) -> None:
    for place, text in zip(places, texts, strict=True):
        try:
            float(text)
        except ValueError:
            raise InputError(f"{place}: {text[:40]!r} is no number as most targets are") from None


def _numeric_target(values: np.ndarray, task: str) -> tuple[str, np.ndarray, tuple[str, ...]]:
    if task != "regression" and values.ndim == 1:
        found, y = np.unique(values, return_inverse=True)
        whole = bool((found == np.round(found)).all())
        if task == "classification" or (whole and len(found) <= MAX_NUMERIC_CLASSES):
            names = tuple(str(int(v)) if v == round(v) else repr(float(v)) for v in found)
            return "classification", y.astype(np.int64), names
    return "regression", values.reshape(len(values), -1), ()


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


@dataclass(frozen=True)
class Split:
    """Which rows belong to which part: three disjoint, sorted int64 arrays that cover all rows."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split(
    data: Dataset, *, seed: int = 0, fractions: tuple[float, float, float] = (0.6, 0.2, 0.2)
) -> Split:
    """Divide rows at random into training, validation and test parts, each class alike.

    Parameters
    ----------
    data : Dataset
        Classification: every class is divided in these fractions, and has at least one row in each
        part. Regression: the rows are divided as one.
    seed : int
        The same seed gives the same parts.
    fractions : tuple of three float
        The parts' sizes; they add up to 1.

    Raises
    ------
    InputError
        If a class has fewer than 3 rows, or there are fewer than 10 in all.

    Examples
    --------
    >>> parts = split(load_dataset("iris"), seed=0)
    >>> len(parts.train), len(parts.validation), len(parts.test)
    (90, 30, 30)
    """
    if len(data.y) < _MIN_ROWS:
        raise InputError(
            f"{data.name} has {counted(len(data.y), 'row')}: training, validation and test parts "
            f"need at least {_MIN_ROWS}"
        )
    labels = data.y if data.task == "classification" else np.zeros(len(data.y), np.int64)
    sizes = np.bincount(labels, minlength=max(len(data.classes), 1))
    rare = [f"{data.classes[c]!r} ({sizes[c]})" for c in np.flatnonzero(sizes < 3)]
    if rare:
        raise InputError(
            f"{data.name}: every class needs at least 3 samples, one for each part of the split; "
            f"too few in {listed(rare, 5)} (if these are numbers to predict: --task regression)"
        )
    random = np.random.default_rng([seed, 0])
    parts: list[list[np.ndarray]] = [[], [], []]
    shares = zip(_shares(sizes, fractions[1]), _shares(sizes, fractions[2]), strict=True)
    for label, (validation, test) in enumerate(shares):
        rows = random.permutation(np.flatnonzero(labels == label))
        for part, chosen in zip(parts, np.split(rows, [-validation - test, -test]), strict=True):
            part.append(chosen)
    return Split(*(np.sort(np.concatenate(part)) for part in parts))


def _shares(sizes: np.ndarray, fraction: float) -> np.ndarray:
    """How many of each class a part gets: by proportion, at least 1, in all the fraction rounded up."""
    quota = fraction * sizes
    counts = np.maximum(np.floor(quota), 1).astype(np.int64)
    left = math.ceil(round(fraction * int(sizes.sum()), 9)) - int(counts.sum())
    counts[np.argsort(counts - quota, kind="stable")[: max(left, 0)]] += 1
    return counts


@dataclass(frozen=True)
class Standardizer:
    """Columns to mean 0 and unit variance: ``z = (x - mean) / scale``.

    Attributes
    ----------
    mean, scale : ndarray, shape (d,), float64
        Columns that did not vary have scale 1: they become 0, and nothing is divided by zero.
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, x: np.ndarray, *, one_scale: bool = False) -> Standardizer:
        """Measure the columns of `x`, shape (n, d); only ever those of the training part.

        Parameters
        ----------
        x : ndarray, shape (n, d)
        one_scale : bool
            Divide all columns by the root of their mean variance, not each by its own deviation: for
            pixels, which share a unit. Blown up, the noise of pixels that are nearly always blank costs
            a fifth of the validation loss on the digits.

        Examples
        --------
        >>> Standardizer.fit(np.asarray([[1.0, 7.0], [3.0, 7.0]]))
        Standardizer(mean=array([2., 7.]), scale=array([1., 1.]))
        """
        low, high = x.min(axis=0).astype(np.float64), x.max(axis=0).astype(np.float64)
        # In units of the largest entry no square overflows, whatever the columns' units are.
        unit = np.maximum(np.abs(low), np.abs(high))
        unit[unit == 0] = 1.0
        mean, square = np.zeros_like(unit), np.zeros_like(unit)
        for rows in _chunks(x):
            mean += (rows / unit).sum(axis=0) / len(x)
        for rows in _chunks(x):
            square += ((rows / unit - mean) ** 2).sum(axis=0) / len(x)
        constant = low == high
        scale = np.where(constant, 0.0, np.sqrt(square) * unit)
        if one_scale:
            scale[:] = scale.max() and scale.max() * np.sqrt(np.mean((scale / scale.max()) ** 2))
        return cls(np.where(constant, low, mean * unit), np.where(scale == 0, 1.0, scale))

    def transform(self, x: np.ndarray, dtype: Any = "float64") -> np.ndarray:
        """Standardise `x`, shape (n, d); computed in float64, returned as `dtype`."""
        z = np.empty(x.shape, dtype=dtype)
        for start in range(0, len(x), _CHUNK):
            rows = slice(start, start + _CHUNK)
            z[rows] = (x[rows].astype(np.float64) - self.mean) / self.scale
        return z

    def inverse(self, z: np.ndarray) -> np.ndarray:
        """From standardised values back to the original units, in float64."""
        return z.astype(np.float64) * self.scale + self.mean


def _chunks(x: np.ndarray) -> Any:
    """Some thousand rows at a time, so that bytes of images never lie in memory as float64."""
    return (x[start : start + _CHUNK].astype(np.float64) for start in range(0, len(x), _CHUNK))
