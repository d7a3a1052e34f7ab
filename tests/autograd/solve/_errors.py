"""Helpers of `test_errors.py` and the test files split from it."""

from __future__ import annotations

import numpy as np

ONES, ALMOST = np.ones((3, 3)), np.diag([1.0, 1e-17, 1.0])


INDEFINITE = np.diag([1.0, 2.0, -1.0, 1.0])
