"""A network for the nodes of a graph."""

from __future__ import annotations

import itertools
from typing import Any

from ... import models
from ...autograd.core.typing import DType


def build_gcn(
    features: int,
    hidden: tuple[int, ...],
    outputs: int,
    *,
    activation: str = "relu",
    dropout: float = 0.0,
    seed: int = 0,
    dtype: DType = "float32",
) -> models.GCN:
    """Graph convolutions, as `models.GCN` has them.

    Parameters
    ----------
    features : int
        Of a node.
    hidden : tuple of int
        Widths of the layers before the last one.
    outputs : int
    activation, dropout, seed, dtype
        As in `models.GCN`.

    Examples
    --------
    >>> build_gcn(5, (8,), 3).sizes
    (5, 8, 3)
    """
    return models.GCN(
        (features, *hidden, outputs), activation=activation, dropout=dropout, seed=seed, dtype=dtype
    )


def count_gcn(features: int, hidden: tuple[int, ...], outputs: int, **_: Any) -> int:
    """How many numbers the network has."""
    return sum((n + 1) * m for n, m in itertools.pairwise((features, *hidden, outputs)))
