"""Histograms and bins of constants: `histogram`, `bincount`, `digitize` and their kin."""

from __future__ import annotations

__all__: list[str] = []
