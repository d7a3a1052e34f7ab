"""Helpers of `test_not_finite.py` and the test files split from it."""

from __future__ import annotations

import numpy as np

GOOD = {
    "general": np.asarray([[4.0, 1, 0], [2, 5, 1], [0, 1, 3]]),
    "symmetric": np.asarray([[4.0, 1, 0], [1, -5, 1], [0, 1, 3]]),
    "hermitian": np.asarray([[4.0, 1, 0], [1, -5, 1], [0, 1, 3]]),
    "positive": np.asarray([[4.0, 1, 0], [1, 5, 1], [0, 1, 3]]),
    "lower": np.asarray([[4.0, 0, 0], [2, 5, 0], [0, 1, 3]]),
    "upper": np.asarray([[4.0, 1, 0], [0, 5, 1], [0, 0, 3]]),
    "unit lower": np.asarray([[1.0, 0, 0], [2, 1, 0], [0, 1, 1]]),
    "diagonal": np.diag([4.0, 5, 3]),
    "tridiagonal": np.asarray([[4.0, 1, 0], [2, 5, 1], [0, 1, 3]]),
    "banded": np.asarray([[4.0, 1, 0], [0, 5, 1], [0, 0, 3]]),
    "circulant": np.asarray([[5.0, 1, 0], [0, 5, 1], [1, 0, 5]]),
}


DIAGONAL = {"unit lower": (2, 1), "circulant": (0, 0)}
