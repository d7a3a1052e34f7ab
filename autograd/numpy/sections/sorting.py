"""Sorting, searching and sets: `sort`, `argsort`, `searchsorted`, `unique` and their kin."""

from __future__ import annotations

__all__: list[str] = []
