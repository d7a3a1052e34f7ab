"""Levels: the calls of functions under `vmap` that are running.

A level stands beside the tapes: its `order` comes from the same counter. Of the tapes and levels among the arguments of
an operation the newest decides. A tape takes its arrays one level down and records; a level runs the operation on all
rows at once, with everything older as the same for all rows, in the namespace of the values inside. So tapes and levels
nest in any order.
"""

from __future__ import annotations

import itertools
import sys
from types import FrameType

ORDER = itertools.count()  # of tapes and levels: newer ones are inner ones; safe under threads

# The levels whose functions are running, of all threads. Outside of `vmap` it is empty, which costs one look.
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
    """A solver reads values on the host, which differ from row to row: its level has to call row by row."""

    def __init__(self, level: BatchLevel) -> None:
        super().__init__("a solver runs row by row")
        self.level = level


# Modules whose functions branch on values by their nature: iterations until they converge, sparse factors.
_READERS = tuple(f"{__name__.partition('.')[0]}.{name}" for name in ("autograd.solve.", "optim."))


def in_solver() -> bool:
    """Whether a solver is running, in whose place the rows are taken one by one."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith(_READERS):
            return True
        frame = frame.f_back
    return False
