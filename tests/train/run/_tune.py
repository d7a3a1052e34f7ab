"""Helpers of `test_tune.py` and the test files split from it."""

from __future__ import annotations

from pullback.train import Settings

QUICK = Settings(data="iris", epochs=3, hidden=(4,))
