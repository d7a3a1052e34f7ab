"""Tests of `optim/full_batch/newton.py`."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._minimize_convergence_rates import order, quadratic

xp = pb.xp


@pytest.mark.parametrize("gap", [1e-9, 1e-11, 1e-13])
def test_the_shift_of_minimize_s_newton_keeps_off_the_lowest_eigenvalue(gap):
    """A curvature w along the other axis makes the tenth shift, of ‖H‖, outweigh cos 3 by next to nothing."""
    low = -math.cos(3.0)
    w = math.sqrt((low * (1 + gap) / (1e-3 * 2**9)) ** 2 - low**2)
    f = lambda v: -xp.cos(v[0]) + 0.5 * w * v[1] ** 2
    found = pb.optim.minimize(f, np.asarray([3.0, 0.0]), method="newton", gtol=1e-8)
    assert found.success
    assert np.all(np.abs(found.x) < 50)


optim = pb.optim


def barrier(x):
    return xp.sum(xp.exp(0.3 * x)) + 0.5 * xp.sum((x - 1) ** 2) + xp.logaddexp(x[0] - x[1], x[2])


def test_newton_is_quadratic():
    result = optim.minimize(barrier, np.full(3, 4.0), method="newton", gtol=1e-12, history=True)
    assert result.success
    norms = result.history["norm"]
    assert order(norms) > 1.8
    near = [(a, b) for a, b in itertools.pairwise(norms) if a < 1 and b > 1e-13]
    assert len(near) >= 2
    assert all(b <= a * a for a, b in near)  # with a constant of 1 here
    assert result.history["step"][-3:] == [1.0, 1.0, 1.0]
    assert (
        optim.minimize(quadratic([1.0, 5.0, 1e4])[0], np.zeros(3), method="newton", gtol=1e-8).nit
        == 1
    )


def test_newton_cg_is_superlinear():
    result = optim.minimize(barrier, np.full(3, 4.0), method="newton-cg", gtol=1e-11, history=True)
    assert result.success
    near = [(a, b) for a, b in itertools.pairwise(result.history["norm"]) if a < 0.1]
    assert len(near) >= 2
    assert all(b <= a**1.5 for a, b in near)  # what the tolerance √‖g‖ of its linear systems allows
