"""Who waits for whom: ranks that wait for each other in a circle, in groups that they use in different orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Wait:
    """What one rank waits in.

    Attributes
    ----------
    group : hashable
        Which group, the same for all its ranks.
    call : int
        The number of the exchange in that group.
    members : tuple of int
        The ranks of the group, as the world numbers them.
    what : str
        What was asked for.
    calls : mapping
        For each group that the rank is in, the number of the last exchange that it has come to.
    """

    group: Any
    call: int
    members: tuple[int, ...]
    what: str
    calls: Mapping[Any, int] = field(default_factory=dict)


def circle_of(waits: Mapping[int, Wait], rank: int | None = None) -> list[int]:
    """Ranks of the world each of which waits for the next, and the last for the first; empty if there are none.

    With `rank`, only a circle that this rank is in, or waits for.

    A rank waits for those of its group that have not come to the same exchange, all of them. One that waits elsewhere
    comes there only when its own wait is over. In a circle none is over before another is: so it is a deadlock, even
    where what is known of a rank is old.

    Examples
    --------
    >>> from pullback.distributed.communicators.waiting import Wait, circle_of
    >>> first = Wait("a", 1, (0, 1), "all_reduce", {"a": 1, "b": 0})
    >>> second = Wait("b", 1, (0, 1), "all_gather", {"a": 0, "b": 1})
    >>> circle_of({0: first, 1: second})
    [0, 1]
    >>> circle_of({0: first})
    []
    """
    done: set[int] = set()
    for start in waits if rank is None else [rank]:
        path: list[int] = []
        node: int | None = start
        stack = [(start, iter(_waited_for(start, waits)))]
        path.append(start)
        while stack:
            _, following = stack[-1]
            node = next(following, None)
            if node is None:
                done.add(path.pop())
                stack.pop()
            elif node in path:
                found = path[path.index(node) :]
                first = found.index(min(found))
                return found[first:] + found[:first]
            elif node not in done:
                path.append(node)
                stack.append((node, iter(_waited_for(node, waits))))
    return []


def _waited_for(rank: int, waits: Mapping[int, Wait]) -> list[int]:
    mine = waits[rank]
    return [
        m
        for m in mine.members
        if m != rank and m in waits and waits[m].calls.get(mine.group, 0) < mine.call
    ]


def circle_text(circle: list[int], waits: Mapping[int, Wait]) -> str:
    """A circle in words."""
    lines = []
    for rank, next_rank in zip(circle, [*circle[1:], circle[0]], strict=True):
        wait = waits[rank]
        members = ", ".join(map(str, wait.members[:12])) + ", …" * (len(wait.members) > 12)
        lines.append(
            f"  rank {rank} waits for rank {next_rank}: {wait.what}, in the group of ranks {members}"
        )
    # a name of a group and what is numbered in it
    groups = {repr(waits[rank].group[0]) for rank in circle}
    return (
        "ranks wait for each other in a circle:\n"
        + "\n".join(lines)
        + (
            "\nranks that share several groups have to use these in the same order"
            if len(groups) > 1
            else "\none of them has started what another has not, or has left it by an exception that was caught"
        )
    )
