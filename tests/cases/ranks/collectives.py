"""Rows of the rule table for collectives of one rank, which are the identity.

Those of several ranks, beside what NumPy makes of all ranks' arrays, are in `tests/distributed/_table.py`.
"""

from __future__ import annotations

from typing import Any

from pullback.autograd.core.generated import xp
from pullback.distributed.communicators.threads import alone

from .._table import R, Z, row


def _row(name: str, label: str, x: Any, **settings: Any) -> Any:
    def call(x: Any, **settings: Any) -> Any:
        return getattr(xp, name)(x, **settings)

    return row(name, label, x, _call=call, _ref=lambda x, **_: x, group=GROUP, **settings)


GROUP = alone()

CASES = [
    _row("all_reduce", "sum", R(2, 3), op="sum"),
    _row("all_reduce", "mean complex", Z(3), op="mean"),
    _row("all_reduce", "0-d", R(), op="sum"),
    _row("all_gather", "rows", R(2, 3), axis=0),
    _row("all_gather", "empty", R(0, 3), axis=1),
    _row("reduce_scatter", "sum", R(2, 3), op="sum", axis=-1),
    _row("reduce_scatter", "mean complex", Z(3), op="mean", axis=0),
    _row("broadcast_from", "root", R(2, 3), root=0),
    _row("reduce_to", "mean", R(2, 3), root=0, op="mean"),
]
