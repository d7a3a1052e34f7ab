"""Helpers of `test_degenerate_systems.py` and the test files split from it."""

from __future__ import annotations

KINDS = [
    "general", "symmetric", "hermitian", "positive", "lower", "upper", "unit lower", "diagonal", "tridiagonal",
    "banded", "circulant",
]  # fmt: skip
