"""Tests of `compat/autograd/scipy/integrate.py`."""

import numpy as np
import scipy.integrate

from pullback.compat.autograd import grad
from pullback.compat.autograd import numpy as anp
from pullback.compat.autograd.scipy.integrate import odeint
from pullback.compat.autograd.test_util import check_grads

T = np.linspace(0.0, 1.0, 4)


def decay(y, t, rate, drive):
    return -rate * y + anp.sin(t) * drive


def test_a_solution_is_differentiated_by_start_times_and_arguments():
    y0, args = np.asarray([1.0, -0.5]), (0.7, np.asarray([0.2, 0.4]))
    assert np.array_equal(odeint(decay, y0, T, args), scipy.integrate.odeint(decay, y0, T, args))

    def solved(y0, t, args):
        return odeint(decay, y0, t, args, rtol=1e-10, atol=1e-10)

    check_grads(solved, (0, 1, 2), modes=["rev"], order=1)(y0, T + 0.1, args)


def test_a_derivative_that_is_known():
    def end(rate):
        return odeint(
            lambda y, t, rate: -rate * y, np.asarray([2.0]), T, (rate,), rtol=1e-10, atol=1e-10
        )[-1, 0]

    assert np.isclose(grad(end)(0.7), -2.0 * np.exp(-0.7), rtol=1e-7)
