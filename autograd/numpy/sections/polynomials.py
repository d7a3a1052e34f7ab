"""Polynomials by their coefficients: `polyval`, `polyfit`, `roots` and their kin."""

from __future__ import annotations

__all__: list[str] = []
