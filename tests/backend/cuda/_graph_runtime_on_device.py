"""Helpers of `test_graph_runtime_on_device.py` and the test files split from it."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

RNG = np.random.default_rng(5)


@pytest.fixture
def cupy():
    """The module, and its backend active."""
    module = pytest.importorskip("cupy", reason="CuPy is not installed")
    with pb.backend.use("cupy"):
        yield module
