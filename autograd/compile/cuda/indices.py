"""The indices of a part's elements in CUDA C++: along which axes they run, and where each element lies."""

from __future__ import annotations

import math

from ..ir.views import Interval
from .parts import Part


class Indices:
    """The indices of a part: ``o`` counts the rows, ``at`` the elements of one, and ``o0``, ``o1``, … their axes.

    Parameters
    ----------
    part : Part
    every : list of tuple of int
        The strides of all accesses over the part's axes.
    alone : frozenset of int
        The axes along which conditions ask for the index, so that they are joined with no other.
    index_type : str
        The type of all of them in C++.
    """

    def __init__(
        self, part: Part, every: list[tuple[int, ...]], alone: frozenset[int], index_type: str
    ) -> None:
        self.shape, self.index_type = part.shape, index_type
        self.groups = {
            letter: merged(axes, part.shape, every, alone)
            for letter, axes in (("o", part.kept), ("at", sorted(part.reduced)))
        }
        # the index along each group of axes, by the last of them
        self.names = {
            group[-1]: letter if len(groups) == 1 else f"{letter}{k}"
            for letter, groups in self.groups.items()
            for k, group in enumerate(groups)
        }

    def decomposed(self, letter: str) -> list[str]:
        """The lines that make the index along each group of axes from one running number."""
        groups = self.groups[letter]
        lengths = [math.prod(self.shape[i] for i in group) for group in groups]
        if len(groups) < 2:
            return []
        lines, rest = [], letter
        for k in range(len(groups) - 1, 0, -1):
            lines.append(f"const {self.index_type} {letter}{k} = {rest} % {lengths[k]};")
            quotient = f"{letter}0" if k == 1 else f"{letter}_{k}"
            lines.append(f"const {self.index_type} {quotient} = {rest} / {lengths[k]};")
            rest = quotient
        return lines

    def offset(self, strides: tuple[int, ...], box: dict[int, Interval]) -> str:
        """How many elements an access lies behind the first one; the first one of a box is at its first index."""
        parts = []
        for axis, name in self.names.items():
            step = strides[axis]
            if step:
                if axis in box:
                    name = _position(name, box[axis])
                parts.append(name if step == 1 else f"{name} * {step}")
        return " + ".join(parts)

    def condition(self, box: dict[int, Interval]) -> str:
        """Whether an index lies in a box."""
        parts = []
        for axis, interval in box.items():
            name, start, step = self.names[axis], interval.start, interval.step
            end = start + (interval.count - 1) * step
            parts += [f"{name} >= {start}"] if start else []
            parts += [f"{name} <= {end}"] if end < self.shape[axis] - 1 else []
            parts += [f"({name} - {start}) % {step} == 0"] if step > 1 else []
        return f"({' && '.join(parts)})" if parts else "true"


def _position(name: str, interval: Interval) -> str:
    """The number of an index among those of an interval that holds it."""
    text = f"({name} - {interval.start})" if interval.start else name
    return text if interval.step == 1 else f"({text} / {interval.step})"


def merged(
    axes: list[int],
    shape: tuple[int, ...],
    every: list[tuple[int, ...]],
    alone: frozenset[int] = frozenset(),
) -> list[list[int]]:
    """Neighbouring axes that all accesses step through as if they were one; axes of length 1 are left out.

    Those of `alone` have a group of their own.
    """
    groups: list[list[int]] = []
    for i in axes:
        if shape[i] == 1:
            continue
        apart = i in alone or (bool(groups) and groups[-1][-1] in alone)
        if groups and not apart and all(st[groups[-1][-1]] == st[i] * shape[i] for st in every):
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups
