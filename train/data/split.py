"""Training, validation and test parts, and the scale that the training part sets for all of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ...autograd.core.typing import DType
from ..errors import InputError, counted, listed
from .device_data import parts_of
from .load import Dataset
from .mapped import release

_MIN_ROWS = 10
# Rows, columns and numbers that are looked at at once.
_CHUNK, _COLUMNS, _NUMBERS = 4096, 256, 1 << 20


class Rows(Protocol):
    """A table that gives some of its rows: an array, in memory or mapped from a file, or what makes them when asked."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""

    def __len__(self) -> int:
        """How many rows."""

    def __getitem__(self, index: np.ndarray, /) -> np.ndarray:
        """The rows of these numbers, shape (k, d), in this order."""


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
    def fit(
        cls, x: Rows, *, rows: np.ndarray | None = None, one_scale: bool = False
    ) -> Standardizer:
        """Measure the columns of `x`, shape (n, d); only ever those of the training part.

        Some thousand rows are looked at at a time, several times: nothing of the size of `x` is made.

        Parameters
        ----------
        x : ndarray, shape (n, d), or what gives rows as one does
        rows : ndarray of int, optional
            Which rows to measure; all of them if None. The numbers are, bit for bit, those of ``x[rows]``.
        one_scale : bool
            Divide all columns by the root of their mean variance, not each by its own deviation: for
            pixels, which share a unit. Blown up, the noise of pixels that are nearly always blank costs
            a fifth of the validation loss on the digits.

        Examples
        --------
        >>> Standardizer.fit(np.asarray([[1.0, 7.0], [3.0, 7.0]]))
        Standardizer(mean=array([2., 7.]), scale=array([1., 1.]))
        """
        rows = np.arange(len(x)) if rows is None else rows
        n, d = len(rows), x.shape[1]
        low, high = np.full(d, np.inf), np.full(d, -np.inf)
        for part, own in _blocks(x, rows):
            np.minimum(low[own], part.min(axis=0), out=low[own])
            np.maximum(high[own], part.max(axis=0), out=high[own])
        # In units of the largest entry no square overflows, whatever the columns' units are.
        unit = np.maximum(np.abs(low), np.abs(high))
        unit[unit == 0] = 1.0
        mean, square = np.zeros_like(unit), np.zeros_like(unit)
        for part, own in _blocks(x, rows):
            mean[own] += (part / unit[own]).sum(axis=0) / n
        # The first mean is rounded in units of the entries, its correction in those of the deviation.
        correction = np.zeros_like(unit)
        for part, own in _blocks(x, rows):
            deviation = part / unit[own] - mean[own]
            correction[own] += deviation.sum(axis=0) / n
            square[own] += (deviation**2).sum(axis=0) / n
        mean += correction
        square = np.maximum(square - correction**2, 0.0)
        constant = low == high
        scale = np.where(constant, 0.0, np.sqrt(square) * unit)
        if one_scale:
            scale[:] = scale.max() and scale.max() * np.sqrt(np.mean((scale / scale.max()) ** 2))
        return cls(np.where(constant, low, mean * unit), np.where(scale == 0, 1.0, scale))

    def transform(
        self, x: Rows, dtype: DType = "float64", *, rows: np.ndarray | None = None
    ) -> np.ndarray:
        """Standardise `x`, shape (n, d), or those of its rows; computed in float64, returned as `dtype`."""
        n = len(x) if rows is None else len(rows)
        z = np.empty((n, x.shape[1]), dtype=dtype)
        start = 0
        for part in self.parts(x, dtype, rows=rows):
            z[start : start + len(part)] = part
            start += len(part)
        return z

    def parts(
        self, x: Rows, dtype: DType = "float64", *, rows: np.ndarray | None = None
    ) -> Iterator[np.ndarray]:
        """What `transform` returns, some rows at a time."""
        rows = np.arange(len(x)) if rows is None else rows
        at_once = max(1, min(_CHUNK, _NUMBERS // max(x.shape[1], 1)))
        for chunk in _chunks(x, rows, at_once):
            # a number beyond float32 becomes infinite
            with np.errstate(over="ignore"):
                yield ((chunk.astype(np.float64) - self.mean) / self.scale).astype(dtype)

    def of_some(self, columns: np.ndarray) -> Standardizer:
        """The map that leaves all other columns as they are.

        Parameters
        ----------
        columns : ndarray of bool, shape (d,)

        Examples
        --------
        >>> Standardizer(np.ones(2), np.ones(2)).of_some(np.asarray([True, False])).mean
        array([1., 0.])
        """
        return Standardizer(np.where(columns, self.mean, 0.0), np.where(columns, self.scale, 1.0))

    def inverse(self, z: np.ndarray) -> np.ndarray:
        """The values in their original units, of standardised ones, in float64."""
        return z.astype(np.float64) * self.scale + self.mean


def _chunks(x: Rows, rows: np.ndarray, at_once: int) -> Iterator[np.ndarray]:
    """Some of the rows at a time; of a file that is mapped into memory, what was read is given back."""
    for start in range(0, len(rows), at_once):
        yield x[rows[start : start + at_once]]
        release(x)


def _blocks(x: Rows, rows: np.ndarray) -> Iterator[tuple[np.ndarray, slice]]:
    """Parts of some thousand rows as float64, and which columns they are.

    Bytes of images never lie in memory as float64, and wide tables not as a whole. No block has one column where there
    are more: NumPy adds up a single one in another order.
    """
    for chunk in _chunks(x, rows, _CHUNK):
        for own in parts_of(x.shape[1], _COLUMNS, least=2):
            yield chunk[:, own].astype(np.float64), own
