"""Tests of `autograd/scipy/integrate/runge_kutta.py`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate

from pullback.autograd.scipy.integrate import runge_kutta

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

TIMES = [0.0, 0.3, 1.0, 2.5]


def pendulum(t, y):
    return np.asarray([y[1], -np.sin(y[0]) + 0.1 * t])


@pytest.mark.parametrize("rtol", [1e-3, 1e-6, 1e-10])
def test_errors_are_of_the_size_of_the_tolerance(rtol):
    y0 = np.asarray([1.0, 0.3])
    wanted = scipy.integrate.solve_ivp(
        pendulum, (0.0, 2.5), y0, t_eval=TIMES, rtol=1e-12, atol=1e-12, method="DOP853"
    ).y.T
    got = np.stack(runge_kutta.solve(pendulum, y0, TIMES, rtol, rtol))
    assert np.abs(got - wanted).max() < 100 * rtol
    np.testing.assert_array_equal(got[0], y0)


def test_backwards_and_at_one_time_twice():
    y0 = np.asarray([1.0, 0.3])
    forth = runge_kutta.solve(pendulum, y0, [0.0, 1.0, 1.0], 1e-10, 1e-10)
    np.testing.assert_array_equal(forth[1], forth[2])
    back = runge_kutta.solve(pendulum, forth[1], [1.0, 0.0], 1e-10, 1e-10)
    np.testing.assert_allclose(back[1], y0, rtol=1e-8)


def test_order_five():
    """Of a polynomial of degree 4 in t, one step has no error."""
    f = lambda t, y: np.asarray([5.0 * t**4])
    new, _, _ = runge_kutta._step(f, 0.0, np.zeros(1), f(0.0, None), 1.0, 1e-3, 1e-3)
    np.testing.assert_allclose(new, 1.0, rtol=1e-14)


def test_a_singularity_ends_it():
    with pytest.raises(RuntimeError, match="stiff or singular"), np.errstate(all="ignore"):
        runge_kutta.solve(lambda t, y: y * y, np.ones(1), [0.0, 2.0], 1e-8, 1e-8)
