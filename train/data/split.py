"""Training, validation and test parts, and the scale that the training part sets for all of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...autograd.core.typing import DType
from ..errors import InputError, counted, listed
from .load import Dataset

_MIN_ROWS = 10
_CHUNK = 4096


@dataclass(frozen=True)
class Split:
    """The rows of each part: three disjoint, sorted int64 arrays that cover all rows."""

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
    >>> from pullback.train import load_dataset
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


def folds(data: Dataset, *, k: int = 5, seed: int = 0) -> list[Split]:
    """The parts of k-fold cross-validation: the test part of `split` apart, each other row validates once.

    Parameters
    ----------
    data : Dataset
        Each class is divided among the folds as evenly as it can be.
    k : int
        How many folds, 2 or more.
    seed : int
        The same seed gives the same folds, and the test part of ``split(data, seed=seed)``.

    Raises
    ------
    InputError
        If k is below 2, or a class has fewer than k rows outside the test part.

    Examples
    --------
    >>> from pullback.train import load_dataset
    >>> parts = folds(load_dataset("iris"), k=4)
    >>> [len(part.validation) for part in parts], len(parts[0].train)
    ([30, 30, 30, 30], 90)
    """
    if k < 2:
        raise InputError(f"folds: {k}; cross-validation needs at least 2")
    held = split(data, seed=seed)
    rest = np.sort(np.concatenate([held.train, held.validation]))
    labels = data.y[rest] if data.task == "classification" else np.zeros(len(rest), np.int64)
    random = np.random.default_rng([seed, 2])
    fold_of = np.empty(len(rest), np.int64)
    # each class begins where the last one ended, so that the folds stay of one size
    first = 0
    for label in range(max(len(data.classes), 1)):
        rows = random.permutation(np.flatnonzero(labels == label))
        # R² takes two rows
        if len(rows) < (k if data.classes else 2 * k):
            what = f"class {data.classes[label]!r}" if data.classes else data.name
            raise InputError(
                f"{what} has {counted(len(rows), 'row')} beside the test part, too few for {k} folds"
            )
        fold_of[rows] = (first + np.arange(len(rows))) % k
        first += len(rows)
    return [Split(rest[fold_of != i], rest[fold_of == i], held.test) for i in range(k)]


def _shares(sizes: np.ndarray, fraction: float) -> np.ndarray:
    """The counts of each class in a part: by proportion, at least 1, in all the fraction rounded up."""
    quota = fraction * sizes
    counts = np.maximum(np.floor(quota), 1).astype(np.int64)
    left = math.ceil(round(fraction * int(sizes.sum()), 9)) - int(counts.sum())
    counts[np.argsort(counts - quota, kind="stable")[: max(left, 0)]] += 1
    return counts


@dataclass(frozen=True)
class Standardizer:
    """A map of columns to mean 0 and unit variance: ``z = (x - mean) / scale``.

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
        # The first mean is rounded in units of the entries, its correction in those of the deviation.
        correction = np.zeros_like(unit)
        for rows in _chunks(x):
            deviation = rows / unit - mean
            correction += deviation.sum(axis=0) / len(x)
            square += (deviation**2).sum(axis=0) / len(x)
        mean += correction
        square = np.maximum(square - correction**2, 0.0)
        constant = low == high
        scale = np.where(constant, 0.0, np.sqrt(square) * unit)
        if one_scale:
            scale[:] = scale.max() and scale.max() * np.sqrt(np.mean((scale / scale.max()) ** 2))
        return cls(np.where(constant, low, mean * unit), np.where(scale == 0, 1.0, scale))

    def transform(self, x: np.ndarray, dtype: DType = "float64") -> np.ndarray:
        """Standardise `x`, shape (n, d); computed in float64, returned as `dtype`."""
        z = np.empty(x.shape, dtype=dtype)
        # a number beyond float32 becomes infinite
        with np.errstate(over="ignore"):
            for start in range(0, len(x), _CHUNK):
                rows = slice(start, start + _CHUNK)
                z[rows] = (x[rows].astype(np.float64) - self.mean) / self.scale
        return z

    def inverse(self, z: np.ndarray) -> np.ndarray:
        """The values in their original units, of standardised ones, in float64."""
        return z.astype(np.float64) * self.scale + self.mean


def _chunks(x: np.ndarray) -> Iterator[np.ndarray]:
    """Parts of some thousand rows, so that bytes of images never lie in memory as float64."""
    return (x[start : start + _CHUNK].astype(np.float64) for start in range(0, len(x), _CHUNK))
