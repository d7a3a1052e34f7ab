"""A row for each collective: what it is in NumPy, on the arrays of all ranks, and how it is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.autograd.core.generated import xp
from pullback.distributed import world


@dataclass(frozen=True)
class Row:
    """One collective.

    Attributes
    ----------
    name : str
    call : callable
        Of this rank's array, for primitives.
    reference : callable
        ``reference(arrays) -> list``: each rank's result, for the arrays of all ranks.
    shape : callable
        ``shape(rank, size)`` of a rank's array.
    settings : dict
        For the primitive.
    """

    name: str
    settings: dict[str, Any]
    reference: Callable[[list[np.ndarray]], list[np.ndarray]]
    shape: Callable[[int, int], tuple[int, ...]] = lambda rank, size: (2, 3)

    @property
    def id(self) -> str:
        return f"{self.name}-{'-'.join(map(str, self.settings.values()))}"

    def call(self, x: Any) -> Any:
        return getattr(xp, self.name)(x, group=world(), **self.settings)


def _everywhere(total: Callable[[list[np.ndarray]], np.ndarray]) -> Any:
    return lambda arrays: [total(arrays)] * len(arrays)


def _only(root: int, total: Callable[[list[np.ndarray]], np.ndarray]) -> Any:
    return lambda arrays: [
        total(arrays) if rank == root else np.zeros_like(arrays[0]) for rank in range(len(arrays))
    ]


def _sum(arrays: list[np.ndarray]) -> np.ndarray:
    return np.sum(np.stack(arrays), axis=0)


def _mean(arrays: list[np.ndarray]) -> np.ndarray:
    return np.mean(np.stack(arrays), axis=0)


def _parts(total: Callable[..., Any], axis: int) -> Any:
    return lambda arrays: np.split(total(arrays), len(arrays), axis=axis)


ROWS = [
    Row("all_reduce", {"op": "sum"}, _everywhere(_sum)),
    Row("all_reduce", {"op": "mean"}, _everywhere(_mean)),
    Row("all_reduce", {}, _everywhere(_sum), lambda rank, size: ()),
    Row("all_gather", {"axis": 0}, _everywhere(np.concatenate)),
    Row("all_gather", {"axis": -1}, _everywhere(lambda arrays: np.concatenate(arrays, -1))),
    Row(
        "all_gather",
        {"axis": 1},
        _everywhere(lambda arrays: np.concatenate(arrays, 1)),
        lambda rank, size: (2, rank),  # rank 0 has none
    ),
    Row("reduce_scatter", {"op": "sum"}, _parts(_sum, 0), lambda rank, size: (2 * size, 2)),
    Row(
        "reduce_scatter",
        {"op": "mean", "axis": -1},
        _parts(_mean, -1),
        lambda rank, size: (2, size),
    ),
    Row("broadcast_from", {"root": 1}, _everywhere(lambda arrays: arrays[1])),
    Row("reduce_to", {"root": 0, "op": "sum"}, _only(0, _sum)),
    Row("reduce_to", {"root": 1, "op": "mean"}, _only(1, _mean)),
]
