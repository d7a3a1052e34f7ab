"""Collectives as functions of a namespace: the group of ranks, a setting, does the work.

A group is anything with the methods of `distributed/communicators/base.py`; this file knows none of them.
"""

from __future__ import annotations

from typing import Any

from ..common.typing import XP, RawArray


def all_reduce(xp: XP, x: RawArray, /, *, group: Any, op: str = "sum") -> Any:
    """The sum or the mean of all ranks' arrays, on every rank."""
    return group.all_reduce(x, op)


def all_gather(xp: XP, x: RawArray, /, *, group: Any, axis: int = 0) -> Any:
    """All ranks' arrays joined along an axis, on every rank."""
    return group.all_gather(x, axis)


def reduce_scatter(
    xp: XP, x: RawArray, /, *, group: Any, op: str = "sum", axis: int = 0, length: int | None = None
) -> Any:
    """The sum or the mean of all ranks' arrays, and of it each rank's part along an axis."""
    return group.reduce_scatter(x, op, axis, length)


def broadcast_from(xp: XP, x: RawArray, /, *, group: Any, root: int = 0) -> Any:
    """One rank's array, on every rank."""
    return group.broadcast(x, root)


def reduce_to(xp: XP, x: RawArray, /, *, group: Any, root: int = 0, op: str = "sum") -> Any:
    """The sum or the mean of all ranks' arrays on one rank, zeros on the others."""
    return group.reduce(x, root, op)


FUNCTIONS = (all_reduce, all_gather, reduce_scatter, broadcast_from, reduce_to)
