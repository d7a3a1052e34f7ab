"""Flattening of containers, optimisers, fixed points, constant graphs."""

from __future__ import annotations

from .flatten import flatten

__all__ = ["flatten"]
