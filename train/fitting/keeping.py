"""When the state of a training is written, and how much of the time that may take."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

# Writing takes at most one part in so many of the time.
_SHARE = 50


class Keeper:
    """Writes the state of a training every few seconds.

    Parameters
    ----------
    write : callable
        ``write(epoch, position, random)``: the state after so many whole epochs and so many steps of the next one; and
        of the random generator as it was before the batches of that epoch were drawn.
    random_state : callable
        ``random_state()`` of the generator now.
    every : float
        Seconds from one writing to the next; more where writing is slow, so that it takes at most 2 % of the time. 0:
        after every step, however long it takes.

    Raises
    ------
    ValueError
        For a number of seconds that is negative or not finite.
    """

    def __init__(
        self,
        write: Callable[[int, int, Any], None],
        random_state: Callable[[], Any],
        every: float,
    ) -> None:
        check_every(every)
        self._write, self._random_state, self.every = write, random_state, float(every)
        self._random = random_state()
        self._next = time.monotonic() + self.every

    def begin(self, epoch: int) -> None:
        """Before the batches of an epoch are drawn."""
        self._random = self._random_state()

    def due(self) -> bool:
        """Whether it is time to write."""
        return time.monotonic() >= self._next

    def save(self, epoch: int, position: int) -> None:
        """Write the state after so many whole epochs, and so many steps of the next one."""
        start = time.monotonic()
        self._write(epoch, position, self._random)
        now = time.monotonic()
        self._next = now + (max(self.every, _SHARE * (now - start)) if self.every else 0.0)


def check_every(every: float) -> None:
    """Refuse a number of seconds that is none.

    Raises
    ------
    ValueError
    """
    number = isinstance(every, int | float) and not isinstance(every, bool)
    if not number or not 0 <= every < math.inf:
        raise ValueError(f"fit: every={every!r}; it is a number of seconds of at least 0")
