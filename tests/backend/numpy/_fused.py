"""Helpers of `test_fused.py` and the test files split from it."""

from __future__ import annotations

import numpy as np

RNG = np.random.default_rng(0)
