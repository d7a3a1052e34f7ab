"""Tests of `optim/first_order/formulas.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._leaves import VANISHING, run

optim = pb.optim


@pytest.mark.parametrize("opt", VANISHING.values(), ids=VANISHING)
def test_a_floor_for_eps_changes_no_other_step(opt):
    """In float64, against the formula at a tiny eps: sign-like steps of Adam and its kind."""
    w, g = np.ones(3), np.array([1e-100, -1.0, 1e100])
    if isinstance(opt, optim.Adam) and opt.eps == 0:
        new, _ = run(opt, w, [g])
        np.testing.assert_allclose(new - 1, -1e-3 * np.sign(g), rtol=1e-12)
    else:
        assert np.isfinite(run(opt, w, [g])[0]).all()
