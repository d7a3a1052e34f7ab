"""Helpers of `test_select_libraries.py` and the test files split from it."""

from __future__ import annotations

import numpy as np
import pytest

RNG = np.random.default_rng(0)


A, B, X = RNG.normal(size=(4, 4)) + 4 * np.eye(4), RNG.normal(size=(3, 4)), RNG.normal(size=4)


def _dask():
    da = pytest.importorskip("dask.array", reason="Dask is in the extra `test`")
    return da.Array, lambda x: da.from_array(x, chunks=2), np.asarray
