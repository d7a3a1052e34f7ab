"""The warning where a compiled function spends its time on being recorded."""

from __future__ import annotations

from collections import deque

from .executable import Executable
from .tracing.guards import ArgumentGuard

# Recordings after which new values of numbers, and of what else is part of a program, look endless. Shapes may be as
# many as programs are kept: lengths of sequences come again.
VALUES = 64
# The part of the time that recordings may take.
SHARE = 0.25


class Recordings:
    """How often a function was recorded, and how much of the time that took.

    Parameters
    ----------
    most : int
        How many programs are kept.
    """

    def __init__(self, most: int) -> None:
        self.count = 0
        self._most, self._said = most, False
        # the beginning and the seconds of each of the last
        self._times: deque[tuple[float, float]] = deque(maxlen=most)

    def add(
        self,
        new: Executable,
        before: Executable | None,
        reads: dict[int, str],
        start: float,
        end: float,
    ) -> str:
        """Note a recording, and say what to do if there are too many; empty otherwise, and after it was said once.

        Parameters
        ----------
        new, before : Executable
            The program, and the one that was called before it.
        reads : dict
            ``reads[i]``: the line where the value of argument i was read.
        start, end : float
            The seconds between which it was recorded.
        """
        self.count += 1
        self._times.append((start, end - start))
        if self._said or before is None or self.count <= min(self._most, VALUES):
            return ""
        other = _difference(new, before)
        is_value = other is not None and other[0].argument_type == "static"
        if not is_value and self.count <= self._most:
            return ""
        spent = sum(seconds for _, seconds in self._times)
        share = spent / max(end - self._times[0][0], 1e-9)
        if share < SHARE:
            return ""
        self._said = True
        return (
            f"recorded {self.count} times, which takes {share:.0%} of the time; each time "
            f"{changed(new, before, reads)}. Only the {self._most} programs used last are kept. "
            "Keep shapes, dtypes and numbers that are read the same (pad the last batch, pass numbers as 0-d arrays), "
            "keep more programs (programs=...), or leave the function uncompiled"
        )


def _difference(new: Executable, old: Executable) -> tuple[ArgumentGuard, ArgumentGuard] | None:
    """The first guards in which two programs differ; None if they are not of one structure."""
    if len(new.guards) != len(old.guards):
        return None
    for a, b in zip(new.guards, old.guards, strict=True):
        if a.path != b.path or a.argument_type != b.argument_type or a.describe() != b.describe():
            return a, b
    return None


def changed(new: Executable, old: Executable, reads: dict[int, str]) -> str:
    """The difference between two programs of a function, in words."""
    if len(new.guards) != len(old.guards):
        return f"the structure of the arguments changed ({len(old.guards)} leaves, then {len(new.guards)})"
    other = _difference(new, old)
    if other is None:
        return "the structure of the arguments changed"
    a, b = other
    if a.path != b.path or a.argument_type != b.argument_type:
        return f"the structure of the arguments changed (at {a.path!r})"
    line = reads.get(a.value.input_index) if a.value is not None else None
    why = f"; its value is read at {line}" if line else ""
    return f"argument {a.path!r} changed from {b.describe()} to {a.describe()}{why}"
