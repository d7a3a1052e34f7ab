"""Arrays one behind the other, divided into as many parts of nearly one length as there are ranks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """What a rank has of one leaf.

    Attributes
    ----------
    leaf : int
        Which leaf.
    start, stop : int
        Which of its elements.
    place : int
        Where they begin in the rank's part.
    """

    leaf: int
    start: int
    stop: int
    place: int

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.stop - self.start


@dataclass(frozen=True)
class Partition:
    """The elements of some leaves, divided among ranks, as one rank sees it.

    Attributes
    ----------
    leaves : tuple of int
        Which leaves, in order.
    sizes, starts : tuple of int
        How many elements each has, and where they begin.
    length : int
        How many elements this rank has.
    pieces : tuple of Piece
        Which ones.
    """

    leaves: tuple[int, ...]
    sizes: tuple[int, ...]
    starts: tuple[int, ...]
    length: int
    pieces: tuple[Piece, ...]


def partition(
    leaves: Sequence[int], shapes: Sequence[tuple[int, ...]], size: int, rank: int
) -> Partition:
    """What rank `rank` of `size` has of leaves of these shapes: parts differ by one element at most.

    Examples
    --------
    >>> from pullback.distributed.partition import partition
    >>> for rank in range(2):
    ...     print([(p.leaf, p.start, p.stop) for p in partition([0, 2], [(2, 2), (3,)], 2, rank).pieces])
    [(0, 0, 4)]
    [(2, 0, 3)]
    """
    sizes = tuple(math.prod(shape) for shape in shapes)
    ends = list(itertools.accumulate(sizes))
    total = ends[-1] if ends else 0
    base, more = divmod(total, size)
    first = rank * base + min(rank, more)
    length = base + (rank < more)
    starts = tuple(end - n for end, n in zip(ends, sizes, strict=True))
    pieces = []
    for leaf, at, n in zip(leaves, starts, sizes, strict=True):
        low, high = max(first, at), min(first + length, at + n)
        if low < high:
            pieces.append(Piece(leaf, low - at, high - at, low - first))
    return Partition(tuple(leaves), sizes, starts, length, tuple(pieces))
