"""Functions of functions: `apply_along_axis`, `vectorize`, `piecewise`, `fromfunction` and their kin."""

from __future__ import annotations

__all__: list[str] = []
