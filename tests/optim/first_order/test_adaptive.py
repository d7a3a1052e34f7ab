"""Tests of `optim/first_order/adaptive.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._leaves import ADAPTIVE, VANISHING, run


@pytest.mark.parametrize("scale", [1e-30, 1e-24, 1e-20])
@pytest.mark.parametrize("opt", (ADAPTIVE | VANISHING).values(), ids=ADAPTIVE | VANISHING)
def test_gradients_whose_squares_vanish_take_no_long_steps(opt, scale):
    """In float32 the square of 1e-23 is 0: the step is at most some tens of the exact one's bound, and finite."""
    w, g = np.ones(3, np.float32), np.array([1.0, -1.0, 0.0], np.float32) * np.float32(scale)
    for step in (opt.step, pb.compile(opt.step, fast=False)):
        new, _ = run(opt, w, [g] * 3, step)
        assert np.isfinite(new).all()
        assert np.abs(new - 1).max() < 4
        assert new[2] == 1
