"""Helpers of `test_edge_cases.py` and the test files split from it."""

from __future__ import annotations

import numpy as np
import scipy.sparse as ss

S = ss.csr_array(np.asarray([[4.0, 1.0, 0.0], [0.0, 3.0, 0.0], [1.0, 0.0, 5.0]]))


B = np.asarray([1.0, 2.0, 3.0])
