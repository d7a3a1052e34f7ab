"""Tests of `optim/full_batch/wolfe.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._line_search import CASES, along

optim = pb.optim


@pytest.mark.parametrize(("c1", "c2"), [(1e-4, 0.9), (1e-4, 0.1), (0.3, 0.4)])
def test_strong_wolfe_on_200_functions(c1, c2):
    for f, x, g, d, first in CASES:
        found = optim.line_search(f, x, d, method=optim.StrongWolfe(c1, c2), first=first)
        f0, slope0 = float(f(x)), float(g @ d)
        value, slope = along(f, x, d, found.step)
        noise = 8 * np.finfo(float).eps * abs(f0)
        assert value <= f0 + c1 * found.step * slope0 + noise
        assert abs(slope) <= c2 * abs(slope0) * (1 + 1e-12)
        np.testing.assert_array_equal(found.x, x + d * found.step)
        np.testing.assert_allclose(found.fun, value)
