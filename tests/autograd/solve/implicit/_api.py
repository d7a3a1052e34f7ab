"""Helpers of `test_api.py` and the test files split from it."""

from __future__ import annotations

import numpy as np

LINEAR = ("dense", "gmres")


rng = np.random.default_rng(0)
