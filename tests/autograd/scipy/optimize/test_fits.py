"""Tests of `autograd/scipy/optimize/fits.py`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize

import pullback as pb
from pullback.scipy import optimize

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
X = np.linspace(0.0, 1.0, 9)
Y = 2.0 * np.exp(-1.3 * X) + 0.05 * np.sin(9.0 * X)
SIGMA = np.linspace(0.1, 0.3, 9)
TIGHT = {"xtol": 1e-14, "gtol": 1e-14, "ftol": 1e-15}


def residuals(q, y):
    return q[0] * xp.exp(-q[1] * X) - y


@pytest.mark.parametrize("loss", ["linear", "soft_l1", "huber", "cauchy", "arctan"])
def test_least_squares(loss):
    got = optimize.least_squares(residuals, [1.0, 1.0], loss=loss, f_scale=0.04, args=(Y,))
    wanted = scipy.optimize.least_squares(
        lambda q: q[0] * np.exp(-q[1] * X) - Y, [1.0, 1.0], loss=loss, f_scale=0.04
    )
    np.testing.assert_allclose(pb.to_numpy(got.x), wanted.x, rtol=1e-5)
    np.testing.assert_allclose(float(got.cost), wanted.cost, rtol=1e-7)
    fit = lambda y: (
        optimize.least_squares(residuals, [1.0, 1.0], loss=loss, f_scale=0.04, args=(y,), **TIGHT).x
    )
    pb.check_grads(fit, (Y,), order=1, eps=1e-4, rtol=1e-4, atol=1e-5)


def test_least_squares_within_bounds():
    def fit(y, top):
        high = xp.stack([top, xp.asarray(9.0)])
        bounds = scipy.optimize.Bounds([0.0, 0.0], [1.0, 9.0])
        bounds.ub = high
        return optimize.least_squares(residuals, [1.0, 1.0], bounds=bounds, args=(y,), **TIGHT).x

    pb.check_grads(fit, (Y, 1.5), order=1, eps=1e-4, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="'soft_l1'"):
        optimize.least_squares(residuals, [1.0, 1.0], loss="l1", args=(Y,))


def model(x, a, b):
    return a * xp.exp(-b * x)


@pytest.mark.parametrize(
    "settings",
    [
        {}, {"sigma": SIGMA}, {"sigma": SIGMA, "absolute_sigma": True}, {"sigma": np.diag(SIGMA**2)},
        {"p0": [2.0, 1.0]},
        {"bounds": ([0.0, 0.0], [5.0, 5.0])}, {"bounds": (0.0, np.inf)},
    ],
    ids=["plain", "weights", "absolute", "covariance", "start", "box", "half"],
)  # fmt: skip
def test_curve_fit(settings):
    got = optimize.curve_fit(model, X, Y, **settings)
    wanted = scipy.optimize.curve_fit(lambda x, a, b: a * np.exp(-b * x), X, Y, **settings)
    np.testing.assert_allclose(pb.to_numpy(got[0]), wanted[0], rtol=1e-5)
    np.testing.assert_allclose(pb.to_numpy(got[1]), wanted[1], rtol=1e-3)


def test_gradients_of_a_fit_and_of_its_covariance():
    pb.check_grads(
        lambda x, y, s: optimize.curve_fit(model, x, y, sigma=s, **TIGHT), (X, Y, SIGMA), order=1, eps=1e-4, rtol=1e-4,
        atol=1e-4,
    )  # fmt: skip


def test_what_is_refused():
    with pytest.raises(NotImplementedError, match="made by differentiation"):
        optimize.curve_fit(model, X, Y, full_output=True)
    with pytest.raises(ValueError, match="infs or NaNs"):
        optimize.curve_fit(model, X, Y * np.nan)
