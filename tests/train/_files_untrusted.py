"""Helpers of `test_files_untrusted.py` and the test files split from it."""

from __future__ import annotations

import numpy as np

X, LABELS = np.arange(24.0).reshape(12, 2), np.asarray([0, 1] * 6)
