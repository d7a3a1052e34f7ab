"""Minibatches of rows on Dask: block after block, each computed once an epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....backend import Backend
from ...data.device_data import batches, parts_of, to_device_if_it_fits
from ...data.orders import orders
from .rows import Rows, host

# Of one epoch: the blocks in turn, each with the order of its rows, or None for their own.
Turns = Iterator[tuple[int, np.ndarray | None]]


@dataclass(frozen=True)
class BlockData:
    """Rows whose blocks take turns in memory: one at a time, and its copy on the device.

    Attributes
    ----------
    rows : Rows
        Weights of mean 1, or none.
    chosen : tuple of int
        The blocks that belong to this part of the data.
    dtype : str
        Of the arrays on the device; labels stay integers.
    """

    rows: Rows
    chosen: tuple[int, ...]
    dtype: str

    def __len__(self) -> int:
        return sum(self.sizes)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Rows of the chosen blocks."""
        return tuple(self.rows.sizes[i] for i in self.chosen)

    def steps(self, rows: int) -> int:
        """Batches of an epoch."""
        return sum(-(-n // rows) for n in self.sizes)

    def cast_targets(self) -> Any:
        """The lazy targets as the loss takes them."""
        y = self.rows.y
        return y.astype(self.dtype) if y.dtype.kind == "f" else y

    def host_blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """X and targets of each block in turn, in memory."""
        for i in self.chosen:
            x, y, _ = self.rows.block(i)
            yield host(x), host(y)

    def order(
        self, kind: str | None, rows: int, least: int, seed: int, random: np.random.Generator
    ) -> Callable[[], Turns]:
        """A function that gives the turns of the epoch that begins.

        Parameters
        ----------
        kind : {"shuffled", "once", "drawn"} or None
            A new order of the blocks and of the rows of each block for each epoch; one for all epochs; or batches drawn
            anew from the rows of a block. None for blocks and rows in their own order.
        rows, least : int
            As `parts_of` has them.
        seed : int
            Of orders that are not kept, but made again.
        random : numpy.random.Generator
            What all others are drawn from.
        """
        fixed = random.permutation(len(self.chosen)) if kind == "once" else None

        def epoch() -> Turns:
            turn = np.arange(len(self.chosen))
            if kind is not None:
                turn = random.permutation(len(turn)) if fixed is None else fixed
            for k in turn.tolist():
                n = self.sizes[k]
                if kind is None:
                    yield self.chosen[k], None
                elif kind == "once":
                    own = np.random.default_rng([seed, 2, k]).permutation(n)
                    yield self.chosen[k], own
                else:
                    own = orders(kind, n, rows, least, random)() if n else np.arange(0)
                    yield self.chosen[k], own

        return epoch

    def batches(
        self, order: Callable[[], Turns], rows: int, home: Backend, least: int
    ) -> Iterator[tuple[Any, ...]]:
        """The batches of an epoch on the device; the last one of each block may be smaller."""
        for i, own in order():
            block = tuple(self._cast(host(a)) for a in self.rows.block(i) if a is not None)
            if len(block[0]):
                yield from batches(to_device_if_it_fits(block, home), own, rows, home, least)

    def _cast(self, x: np.ndarray) -> np.ndarray:
        # An overflow becomes an infinity, and the loss reports it.
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(x, dtype=self.dtype if x.dtype.kind == "f" else None)


def held_blocks(sizes: tuple[int, ...], fraction: float, seed: int) -> tuple[list[int], list[int]]:
    """The blocks to train on, and those kept apart for validation: ``max(1, round(fraction · blocks))``, drawn.

    Raises
    ------
    ValueError
        If none is left to train on.
    """
    there = [i for i, n in enumerate(sizes) if n]
    count = max(1, round(fraction * len(there)))
    if count >= len(there):
        raise ValueError(
            f"early_stopping keeps whole blocks apart, and of {len(there)} with rows validation_fraction={fraction:g} "
            "leaves none to train on: give X in more blocks, as by X.rechunk({0: 'auto', 1: -1})"
        )
    drawn = set(np.random.default_rng([seed, 1]).permutation(len(there))[:count].tolist())
    held = [there[k] for k in sorted(drawn)]
    return [i for i in there if i not in held], held


def shortest_batch(sizes: tuple[int, ...], rows: int, least: int) -> int:
    """The rows of the smallest batch of any block."""
    return min(p.stop - p.start for n in sizes if n for p in parts_of(n, rows, least))
