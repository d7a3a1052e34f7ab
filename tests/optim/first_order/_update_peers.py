"""Helpers of `test_update_peers.py` and the test files split from it."""

from __future__ import annotations

import numpy as np

RNG = np.random.default_rng(0)


A, W, B = RNG.standard_normal((5, 3)), RNG.standard_normal((3, 2)), RNG.standard_normal(2)
