"""Sequences through recurrent cells, of all rows at once: one longer batch where the weights are the same for all.

Where the weights differ from row to row, the formulas of `backend/generic/networks/recurrence.py` run on batched
arrays, whose products are of all rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....backend.generic.networks import recurrence as formulas
from ...core.levels.batched import Batched
from ...core.namespaces import NAMESPACES, namespace_of
from .array import batch_size, spread_rows, values_of
from .rows import plain

# Of each function's arguments and results in turn: "t" with time as first axis and the batch as second, "s" states,
# whose first axis is the batch, "w" weights.
_KINDS = {
    "lstm_sequence": ("twsst", ("ts", "t", "t")),
    "lstm_sequence_vjp": ("tsttwst", "tss"),
    "gru_sequence": ("twwst", "ttt"),
    "gru_sequence_vjp": ("ttttwst", "tts"),
    "rnn_sequence": ("twst", "t"),
    "rnn_sequence_vjp": ("ttwt", "ts"),
}


def _sequence(name: str) -> Callable[..., Any]:
    kinds, results = _KINDS[name]

    def call(*args: Any, **settings: Any) -> Any:
        kind_of = list(zip(args, kinds, strict=False))
        if any(type(x) is Batched for x, kind in kind_of if kind == "w"):
            return getattr(formulas, name)(NAMESPACES[Batched], *args, **settings)
        k = batch_size(args) or 0
        given = [
            x if x is None or kind == "w" else Batched(spread_rows(x, k)) for x, kind in kind_of
        ]
        places = [i for i, x in enumerate(given) if x is not None]
        values = dict(zip(places, values_of([given[i] for i in places]), strict=True))
        joined = [None if x is None else _joined(values[i], kinds[i]) for i, x in enumerate(given)]
        out = plain(name, [x for x in joined if x is not None])(*joined, **settings)
        return _parted(out, results, k)

    return call


def _joined(x: Any, kind: str) -> Any:
    """The rows of all batches as those of one."""
    if kind == "w":
        return x
    xp = namespace_of(x)
    if kind == "s":
        return xp.reshape(x, (x.shape[0] * x.shape[1], x.shape[2]))
    x = xp.permute_dims(x, (1, 0, 2, 3))
    return xp.reshape(x, (x.shape[0], x.shape[1] * x.shape[2], x.shape[3]))


def _parted(x: Any, kind: Any, k: int) -> Any:
    """A result in the structure that its kind says, the rows of its batches apart again."""
    if isinstance(x, tuple | list):
        return tuple(_parted(part, kind[i], k) for i, part in enumerate(x))
    xp = namespace_of(x)
    if kind == "s":
        return Batched(xp.reshape(x, (k, x.shape[0] // k if k else 0, x.shape[1])))
    x = xp.reshape(x, (x.shape[0], k, x.shape[1] // k if k else 0, x.shape[2]))
    return Batched(xp.permute_dims(x, (1, 0, 2, 3)))


SEQUENCES: dict[str, Callable[..., Any]] = {name: _sequence(name) for name in _KINDS}
