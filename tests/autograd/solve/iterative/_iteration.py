"""Helpers of `test_iteration.py` and the test files split from it."""

from __future__ import annotations

import numpy as np
import scipy.linalg


def hilbert(n, dtype):
    A = scipy.linalg.hilbert(n).astype(dtype)
    return A + 1j * 1e-3 * (np.triu(A, 1) - np.tril(A, -1)) if np.dtype(dtype).kind == "c" else A
