"""Helpers of `test_sweep.py` and the test files split from it."""

from __future__ import annotations

K = 3
