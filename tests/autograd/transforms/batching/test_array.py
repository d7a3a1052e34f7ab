"""Tests of `autograd/transforms/batching/array.py`."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.autograd.core.levels.batched import Batched

from ._sweep import K


def test_a_batched_array_shows_one_and_has_no_truth():
    x = Batched(np.ones((K, 2, 5)))
    assert (x.shape, x.ndim, x.size, x.dtype, x.device) == ((2, 5), 2, 10, np.float64, "cpu")
    assert repr(x) == "<Batched, 3 of shape (2, 5)>"
    with pytest.raises(TypeError, match="differs from row to row"):
        bool(x == x)
