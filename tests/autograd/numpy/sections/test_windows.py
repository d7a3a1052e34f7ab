"""Tests of `autograd/numpy/sections/windows.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import P, front

ROWS = [
    front(
        "kaiser",
        5,
        P(),
        _skip=dict.fromkeys(
            ("array_api_strict", "cupy_standin", "float32"),
            "windows are made on the active backend",
        ),
    ),
    front(
        "kaiser",
        6,
        P(),
        _skip=dict.fromkeys(
            ("array_api_strict", "cupy_standin", "float32"),
            "windows are made on the active backend",
        ),
    ),
]
CONSTANTS = ("bartlett", "blackman", "hamming", "hanning", "kaiser")


@pytest.mark.parametrize("M", [0, 1, 2, 5, 8])
@pytest.mark.parametrize("window", CONSTANTS)
def test_numpys_numbers(window, M, backend):
    if window == "kaiser" and backend.name == "array_api_strict":
        pytest.skip("it has no special functions")
    more = (3.5,) if window == "kaiser" else ()
    got, wanted = getattr(pullback.numpy, window)(M, *more), getattr(np, window)(M, *more)
    assert got.dtype == wanted.dtype
    np.testing.assert_allclose(pb.to_numpy(got), wanted, rtol=1e-13, atol=1e-16)
