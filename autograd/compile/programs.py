"""The programs of one compiled function, found by the key of a call, and how much memory they may hold."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from .executable import Executable
from .tracing.keys import Key

PROGRAMS = 256  # of one function that are kept
# Programs that are kept with their memory whatever they take: of a step, of its last short batch, of evaluation, …
ALWAYS = 8
# Bytes that all programs of one function may hold, beyond those.
MEMORY = 1 << 30
# Bytes that an operation takes: what was recorded of it, and its line of code. Measured, from 77 to 800 operations.
OPERATION = 3000


@dataclass(eq=False)
class Kept:
    """A program, where it stands in the table, and when a call last came to it from another program."""

    executable: Executable
    group: _Group
    part: tuple[Hashable, ...]
    used: int


@dataclass(eq=False)
class _Group:
    """The programs for arguments alike but for the values of the numbers that they have read."""

    known: Hashable
    # the places of those numbers, as sets of programs differ in them
    read: list[tuple[int, ...]] = field(default_factory=list)
    programs: dict[tuple[Hashable, ...], Kept] = field(default_factory=dict)


class Programs:
    """A table of programs, of which those used last are kept.

    Parameters
    ----------
    most : int
        How many are kept.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._groups: dict[Hashable, _Group] = {}
        self._kept: list[Kept] = []
        self._clock = 0

    def in_order(self) -> list[Executable]:
        """All of them, the one used last first."""
        return [k.executable for k in sorted(self._kept, key=lambda k: -k.used)]

    def find(self, key: Key) -> Executable | None:
        """The program for a call, which counts as used."""
        group = self._groups.get(key.known)
        if group is None:
            return None
        for places in group.read:
            kept = group.programs.get((places, key.values(places)))
            if kept is not None:
                self._clock += 1
                kept.used = self._clock
                return kept.executable
        return None

    def add(self, key: Key, executable: Executable) -> None:
        """Keep a program, instead of the one that there may be for this call; others are forgotten if need be."""
        group = self._groups.get(key.known)
        if group is None:
            group = self._groups[key.known] = _Group(key.known)
        places = executable.read_numbers()
        if places not in group.read:
            group.read.append(places)
        part = places, key.values(places)
        before = group.programs.get(part)
        if before is not None:
            self._kept.remove(before)
        self._clock += 1
        kept = group.programs[part] = Kept(executable, group, part, self._clock)
        self._kept.append(kept)
        if len(self._kept) > self.most:
            self._forget(min(self._kept, key=lambda k: k.used))

    def hold(self) -> None:
        """Keep all memory within bounds: the programs that were not used for longest give theirs back, then go."""
        if len(self._kept) <= ALWAYS:
            return
        total = sum(
            k.executable.held_bytes() + OPERATION * len(k.executable.program.ops)
            for k in self._kept
        )
        if total <= MEMORY:
            return
        oldest = sorted(self._kept, key=lambda k: k.used)[:-ALWAYS]
        for kept in oldest:
            total -= kept.executable.give_back()
            if total <= MEMORY:
                return
        for kept in oldest:
            total -= OPERATION * len(kept.executable.program.ops)
            self._forget(kept)
            if total <= MEMORY:
                return

    def _forget(self, kept: Kept) -> None:
        self._kept.remove(kept)
        group = kept.group
        del group.programs[kept.part]
        group.read = [p for p in group.read if any(p == part[0] for part in group.programs)]
        if not group.programs:
            del self._groups[group.known]
