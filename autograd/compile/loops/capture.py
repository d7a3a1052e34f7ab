"""The tape of a loop's step, which makes arrays that are traced outside of the step further arguments of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...core.array import Array
from ...core.tape import TapeData
from ...core.tracer_like import CAPTURING


class CaptureTape(TapeData):
    """A tape on which an array of an older open tape becomes an input, where it meets what is traced here.

    Attributes
    ----------
    found : list of Array
        The arrays outside that the step closes over.
    inside : list of Array
        The input of this tape that stands for each of them.
    lower : callable
        ``lower(x)`` gives the value one level down for an array outside.
    """

    __slots__ = ("_known", "found", "inside", "lower")

    def __init__(self, lower: Callable[[Array], Any]) -> None:
        super().__init__()
        self.lower = lower
        self.found: list[Array] = []
        self.inside: list[Array] = []
        self._known: dict[tuple[int, int], Array] = {}
        self.capture = self.of
        CAPTURING.append(self)

    def of(self, x: Array) -> Array:
        """The input of this tape that stands for an array of another open tape."""
        key = id(x.tape), x.slot
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self.watch(self.lower(x))
            self.found.append(x.__copy__())
            self.inside.append(known)
        copied = known.__copy__()
        copied.link = x.link if x.link is None else False
        return copied

    def known(self, x: Array) -> Any:
        """The value of the input that stands for an array outside, if it was found; None if not."""
        found = self._known.get((id(x.tape), x.slot))
        return None if found is None else found.value

    def close(self) -> None:
        """Stop recording."""
        super().close()
        if self.capture is not None:
            CAPTURING.remove(self)
        self.capture = None
