"""Flattening of containers, optimisers, fixed points, constant graphs."""

from __future__ import annotations

from .flatten import flatten
from .tracers import const_graph

__all__ = ["const_graph", "flatten"]


def __dir__() -> list[str]:
    return sorted(__all__)
