"""Levels: the calls of functions under `vmap` that are running.

Levels and tapes take their `order` from the same counter. The newest tape or level among the arguments of an operation
handles it: a tape takes its arrays one level down and records the operation; a level runs it on all rows at once, in
the namespace of the values inside, and treats everything older as the same for all rows. So tapes and levels nest in
any order.
"""

from __future__ import annotations

import itertools
import sys
from types import FrameType

# The order of tapes and levels: newer ones are inner ones. The counter is safe under threads.
ORDER = itertools.count()

# The levels of all threads whose functions are running. Outside of `vmap` the list is empty, which is quick to see.
OPEN: list[BatchLevel] = []


class BatchLevel:
    """One call of a function under `vmap`.

    Attributes
    ----------
    size : int
        How many rows.
    order : int
        Newer levels and tapes have larger ones.
    open : bool
        Whether the function is running.
    """

    __slots__ = ("open", "order", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.order = next(ORDER)
        self.open = True


class NeedsRows(Exception):
    """A request to call the function row by row: a solver reads values on the host, which differ from row to row."""

    def __init__(self, level: BatchLevel) -> None:
        super().__init__("a solver runs row by row")
        self.level = level


# The modules whose functions branch on values: iterations until they converge, sparse factors.
_READERS = tuple(f"{__name__.partition('.')[0]}.{name}" for name in ("autograd.solve.", "optim."))


def in_solver() -> bool:
    """Whether the caller is a solver, for which the rows have to be taken one by one."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith(_READERS):
            return True
        frame = frame.f_back
    return False
