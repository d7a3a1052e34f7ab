"""Sums, products, means and extremes with NumPy's keywords, and their counterparts that skip NaN."""

from __future__ import annotations

__all__: list[str] = []
