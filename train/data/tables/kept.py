"""The rows of a text as the first pass meets them, numbers in one array: they become the features without a copy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import extra

# Of a block that the processor's caches hold.
_NUMBERS = 1 << 15


@dataclass
class Kept:
    """The rows as they come: numbers in one array, other columns apart.

    Attributes
    ----------
    width : int
    numbers : ndarray float64 (n, width), or None
        What it has of the columns in `others` means nothing.
    others : dict
        The parts of columns that are no numbers, or such as float64 has not, by the columns' places.
    rows : int
    integers : set of int
        Columns of the array whose memory holds int64.
    finite : frozenset of int
        Columns of the array that are finite numbers without missing cells.
    """

    width: int
    numbers: np.ndarray | None = None
    others: dict[int, list[Any]] = field(default_factory=dict)
    rows: int = 0
    integers: set[int] = field(default_factory=set)
    finite: frozenset[int] = frozenset()

    def add(
        self, frame: Any, places: list[int], values: np.ndarray, inexact: set[int], expected: int
    ) -> None:
        """Take in the next rows.

        Parameters
        ----------
        frame : DataFrame
        places : list of int
            Its columns of numbers.
        values : ndarray float64 (n, k)
            Those.
        inexact : set of int
            Columns of integers that float64 has not.
        expected : int
            How many rows there may be in all.
        """
        new = self.rows + len(frame)
        if self.numbers is None:
            # untouched memory costs nothing
            self.numbers = np.empty((max(expected, new), self.width))
        elif new > len(self.numbers):
            grown = max(new, len(self.numbers) + len(self.numbers) // 4)
            self.numbers.resize((grown, self.width), refcheck=False)
        for i in {*range(self.width)} - {*places} | inexact:
            if i not in self.others:
                self.others[i] = [self._so_far(i)] if self.rows else []
        for i, parts in self.others.items():
            parts.append(frame[i])
        self.numbers[self.rows : new, as_slice(places)] = values
        self.rows = new

    def finish(self) -> None:
        """Give back the memory that was not needed."""
        if self.numbers is not None:
            self.numbers.resize((self.rows, self.width), refcheck=False)

    def _so_far(self, i: int) -> Any:
        """A column of numbers until now, in integers where it has only such, as they may be added to larger ones."""
        assert self.numbers is not None
        values = self.numbers[: self.rows, i].copy()
        if bool((values == np.floor(values)).all()):
            values = values.astype(np.int64)
        return extra("pandas", "reading tables").Series(values)

    def set_integers(self, columns: Sequence[int]) -> None:
        """Turn columns of the array into int64, in the same memory."""
        assert self.numbers is not None
        self.integers = {i for i in columns if i not in self.others}
        which = as_slice(sorted(self.integers))
        for block in self._blocks():
            block.view(np.int64)[:, which] = block[:, which].astype(np.int64)

    def _blocks(self) -> Iterator[np.ndarray]:
        """The rows of the array, so many as the processor's caches hold."""
        assert self.numbers is not None
        at_once = max(1, _NUMBERS // self.width)
        for start in range(0, self.rows, at_once):
            yield self.numbers[start : start + at_once]

    def column(self, i: int) -> Any:
        """A column, as a view where it is one of numbers."""
        pandas = extra("pandas", "reading tables")
        if i in self.others:
            return pandas.concat(self.others[i], ignore_index=True)
        assert self.numbers is not None
        values = self.numbers.view(np.int64) if i in self.integers else self.numbers
        return pandas.Series(values[:, i], copy=False)

    def holds(self, columns: Sequence[int], rows: int) -> bool:
        """Whether the array has these columns and so many rows."""
        return self.numbers is not None and self.rows == rows and not {*columns} & {*self.others}

    def take(self, columns: Sequence[int]) -> np.ndarray:
        """Columns of the array as an array of their own, float64, in the same memory; the others are gone.

        Examples
        --------
        >>> kept = Kept(3, np.arange(6.0).reshape(2, 3), rows=2)
        >>> kept.take([0, 2])
        array([[0., 2.],
               [3., 5.]])
        """
        assert self.numbers is not None
        integers = as_slice([j for j, i in enumerate(columns) if i in self.integers])
        which, d, written = as_slice(columns), len(columns), 0
        flat = self.numbers.reshape(-1)
        for block in self._blocks():
            # a copy, which is written in front of what is still to be read
            part = block[:, which].copy()
            part[:, integers] = part.view(np.int64)[:, integers]
            flat[written : written + part.size] = part.reshape(-1)
            written += part.size
        self.numbers = None
        return flat[:written].reshape(self.rows, d)


def as_slice(columns: Sequence[int]) -> Any:
    """Columns as a slice where they are consecutive, which is faster; else as they are.

    Examples
    --------
    >>> as_slice([2, 3, 4]), as_slice([2, 4])
    (slice(2, 5, None), [2, 4])
    """
    columns = list(columns)
    if not columns:
        return slice(0, 0)
    consecutive = columns == list(range(columns[0], columns[-1] + 1))
    return slice(columns[0], columns[-1] + 1) if consecutive else columns
