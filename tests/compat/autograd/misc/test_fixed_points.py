"""Tests of `compat/autograd/misc/fixed_points.py`."""

import numpy as np

from pullback.compat.autograd import grad
from pullback.compat.autograd import numpy as anp
from pullback.compat.autograd.misc.fixed_points import fixed_point


def newton(a):
    return lambda x: 0.5 * (x + a / x)


def distance(x, y):
    return anp.max(anp.abs(x - y))


def root(a):
    return fixed_point(newton, a, 1.0, distance, 1e-12)


def test_the_derivatives_of_a_square_root():
    assert np.isclose(root(2.0), np.sqrt(2))
    assert np.isclose(grad(root)(2.0), 0.5 / np.sqrt(2))
    assert np.isclose(grad(grad(root))(2.0), -0.25 * 2**-1.5)


def test_of_a_container():
    def step(params):
        return lambda x: anp.tanh(anp.dot(params["W"], x)) * 0.5 + params["b"]

    def solved(params):
        return anp.sum(fixed_point(step, params, np.zeros(2), distance, 1e-13))

    params = {"W": np.asarray([[0.2, -0.4], [0.3, 0.1]]), "b": np.asarray([0.1, -0.2])}
    out = grad(solved)(params)
    for key, value in params.items():
        for index in np.ndindex(*value.shape):
            step_up = {k: v.copy() for k, v in params.items()}
            step_down = {k: v.copy() for k, v in params.items()}
            step_up[key][index] += 1e-6
            step_down[key][index] -= 1e-6
            assert np.isclose(
                out[key][index], (solved(step_up) - solved(step_down)) / 2e-6, atol=1e-8
            )
