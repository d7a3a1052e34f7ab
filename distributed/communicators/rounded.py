"""Sums of numbers that travel with 16 bits: bfloat16 on the way, float32 where they are added.

Each rank sends one P-th of its rounded numbers to each of the others, adds the P-ths that come in float32 and in the
order of ranks, rounds the sum, and all ranks gather the sums: the same bits on all, and 2 (P − 1)/P · 2 bytes a number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...backend.generic.rounding import loaded, stored
from .request import Request

TRAVELS = (None, "bfloat16")


def check_travel(travel: str | None) -> None:
    """Refuse a format that is not known.

    Raises
    ------
    ValueError
        It names those that are.
    """
    if travel not in TRAVELS:
        raise ValueError(f"travel={travel!r}: gradients travel as they are (None) or as 'bfloat16'")


class RoundedSum(Request):
    """A sum over ranks in place, of numbers that travel with 16 bits.

    Parameters
    ----------
    buffer : array
        NumPy's, contiguous, real or complex, of 32 bits or more.
    rank, size : int
        Which rank this is, and of how many.
    mean : bool
        Whether to divide by the number of ranks.
    exchange : callable
        ``exchange(x) -> Request``: row s of x goes to rank s, and the rows come by rank.
    gather : callable
        ``gather(x) -> array``: all ranks' rows, joined.
    """

    def __init__(
        self,
        buffer: np.ndarray,
        rank: int,
        size: int,
        mean: bool,
        exchange: Callable[[Any], Request],
        gather: Callable[[Any], Any],
    ) -> None:
        self.buffer, self.size, self.mean, self.gather = buffer, size, mean, gather
        # a complex number travels as two
        self.flat = buffer.reshape(-1).view(np.dtype(buffer.dtype.type(0).real.dtype))
        length = -(-self.flat.size // size)
        rows = np.zeros((size, length), np.uint16)
        rows.reshape(-1)[: self.flat.size] = stored(self.flat.astype(np.float32), "bfloat16")
        self.request: Request | None = exchange(rows)

    def test(self) -> bool:
        """Whether the ranks' parts are here; they are added and gathered by `wait`."""
        return self.request is None or self.request.test()

    def wait(self) -> np.ndarray:
        """The buffer, with the rounded sum in it."""
        if self.request is not None:
            rows = loaded(self.request.wait(), "bfloat16")
            total = rows[0]
            for row in rows[1:]:
                total = total + row
            if self.mean:
                total = total / np.float32(self.size)
            sums = self.gather(stored(total, "bfloat16"))
            self.flat[...] = loaded(sums[: self.flat.size], "bfloat16")
            self.request = None
        return self.buffer
