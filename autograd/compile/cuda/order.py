"""The order of steps of a device program: one waits for another if both use the same memory and one writes.

A program is a list, but most of it is a graph: the gradient of a layer's weights and that of its input need each
other's results no more than the updates of two layers do. What the runtime knows of that, it can run side by side.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

# The name of a memory, and a range of its bytes.
Span = tuple[str, int, int]


@dataclass
class Access:
    """The memory that one step reads, and that it writes."""

    reads: set[Span] = field(default_factory=set)
    writes: set[Span] = field(default_factory=set)


def waits(steps: list[Access]) -> list[tuple[int, ...]]:
    """The earlier steps that each step has to wait for, without those that these wait for already.

    Examples
    --------
    >>> from pullback.autograd.compile.cuda.order import Access, waits
    >>> make = Access(writes={("block", 0, 64)})
    >>> read, also = Access({("block", 0, 64)}, {("y", 0, 8)}), Access({("block", 0, 64)}, {("z", 0, 8)})
    >>> waits([make, read, also, Access({("y", 0, 8), ("z", 0, 8)})])
    [(), (0,), (0,), (1, 2)]
    """
    before: list[set[int]] = []  # all that a step comes after
    found: list[tuple[int, ...]] = []
    for j, step in enumerate(steps):
        direct: list[int] = []
        known: set[int] = set()
        for i in range(j - 1, -1, -1):
            if i not in known and _conflict(steps[i], step):
                direct.append(i)
                known |= before[i] | {i}
        before.append(known)
        found.append(tuple(reversed(direct)))
    return found


def _conflict(early: Access, late: Access) -> bool:
    return (
        _overlap(early.writes, late.reads)
        or _overlap(early.reads, late.writes)
        or _overlap(early.writes, late.writes)
    )


def _overlap(some: Iterable[Span], others: Iterable[Span]) -> bool:
    return any(
        x[0] == y[0] and x[1] < y[2] and y[1] < x[2] and x[1] < x[2] and y[1] < y[2]
        for x in some
        for y in others
    )
