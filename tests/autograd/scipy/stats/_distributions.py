"""The distributions with parameters and points, for the tests of `autograd/scipy/stats`."""

from __future__ import annotations

import numpy as np
import scipy.stats

from pullback.scipy import stats

# name: (shapes, points within the support of the standard variable)
CONTINUOUS = {
    "norm": ((), (-2.0, 0.3)), "t": ((3.5,), (-2.0, 0.3)), "laplace": ((), (-2.0, 0.3)), "logistic": ((), (-2.0, 0.3)),
    "cauchy": ((), (-2.0, 0.3)), "expon": ((), (0.4, 2.0)),
    "gamma": ((2.5,), (0.4, 2.0)), "chi2": ((3.0,), (0.4, 2.0)), "invgamma": ((2.5,), (0.4, 2.0)),
    "lognorm": ((0.7,), (0.4, 2.0)), "weibull_min": ((1.5,), (0.4, 2.0)), "pareto": ((2.5,), (1.4, 3.0)),
    "halfnorm": ((), (0.4, 2.0)), "rayleigh": ((), (0.4, 2.0)), "uniform": ((), (0.4, 0.7)),
    "beta": ((1.5, 2.5), (0.4, 0.7)), "truncnorm": ((-1.0, 2.0), (-0.3, 1.1)),
}  # fmt: skip
# name: (parameters, counts)
DISCRETE = {
    "binom": ((5.0, 0.3), (1, 3)), "bernoulli": ((0.3,), (0, 1)), "geom": ((0.3,), (1, 3)), "nbinom": ((3.0, 0.4), (0,
    3)), "poisson": ((2.5,), (0, 3)),
}  # fmt: skip
# functions without a derivative by the shapes: the incomplete beta function's
BETA = {"t", "beta"}
OF_SHAPES = ("cdf", "sf", "logcdf", "logsf", "ppf", "isf")
POINTS = np.asarray([-2.0, -0.3, 0.0, 0.2, 0.7, 1.0, 1.7, 60.0, -np.inf, np.nan])
COUNTS = np.asarray([-1, 0, 1, 2, 3, 5, 6, 2.5, np.nan, 40.0])
PROBABILITIES = np.asarray([0.0, 0.01, 0.3, 0.5, 0.99, 1.0, -1.0, 2.0])


def ours(name: str):
    return getattr(stats, name)


def theirs(name: str):
    return getattr(scipy.stats, name)
