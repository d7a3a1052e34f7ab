"""Tests of `autograd/scipy/optimize/solution.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.scipy.optimize import solution

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file


def test_starts_are_vectors_without_a_derivative():
    assert solution.start_of(1, "f", "g").tolist() == [1.0]
    assert solution.start_of([[1.0, 2.0]], "f", "g").shape == (2,)

    def f(x):
        assert type(solution.start_of(x, "f", "g")) is np.ndarray
        return x * 1.0

    pb.grad(f)(1.0)


def test_single_precision_stays():
    from pullback.scipy.optimize import root

    x0 = np.ones(2, np.float32)
    assert root(lambda x: x * x - 2.0, x0).x.dtype == np.float32


@pytest.mark.parametrize("at", [-np.inf, 0.5, 0.5 + 1e-12])
def test_which_bounds_are_active(at):
    x = np.asarray([0.5, 2.0])
    low, high = np.asarray([at, -np.inf]), np.full(2, np.inf)
    equation, free = solution.within_bounds(lambda v: v * 7.0, low, high, x)
    assert free is (at == -np.inf)
    out = pb.to_numpy(pb.asarray(equation(pb.asarray(x))))
    np.testing.assert_allclose(out, x * 7.0 if free else [0.0, 14.0], atol=1e-11)
