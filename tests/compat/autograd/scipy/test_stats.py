"""Tests of `compat/autograd/scipy/stats.py`."""

import numpy as np
import pytest
import scipy.stats

import pullback.compat.autograd.scipy.stats.norm as norm_module
from pullback.compat.autograd.scipy import stats
from pullback.compat.autograd.scipy.stats import norm
from pullback.compat.autograd.test_util import check_grads

X = np.asarray([0.3, 0.8])


def test_distributions_are_modules():
    assert norm is norm_module is stats.norm
    assert {
        "norm",
        "t",
        "beta",
        "gamma",
        "poisson",
        "chi2",
        "dirichlet",
        "multivariate_normal",
    } <= set(dir(stats))


@pytest.mark.parametrize(
    ("name", "method", "args"),
    [
        ("norm", "pdf", (X, 0.1, 1.2)),
        ("norm", "logcdf", (X, 0.1, 1.2)),
        ("norm", "logsf", (X, 0.1, 1.2)),
        ("t", "logpdf", (X, 3.0, 0.1, 1.2)),
        ("beta", "logpdf", (X, 1.5, 2.5)),
        ("gamma", "pdf", (X, 1.5)),
        ("chi2", "logpdf", (X, 3.0)),
        ("multivariate_normal", "logpdf", (X, 0.5 * X, np.asarray([[2.0, 0.3], [0.3, 1.0]]))),
        ("dirichlet", "logpdf", (np.asarray([0.3, 0.7]), np.asarray([1.5, 2.5]))),
    ],
)
def test_densities(name, method, args):
    f = getattr(getattr(stats, name), method)
    assert np.allclose(f(*args), getattr(getattr(scipy.stats, name), method)(*args))
    argnums = range(1, len(args)) if name == "dirichlet" else range(len(args))
    if name == "multivariate_normal":

        def symmetric(x, mean, cov):
            return f(x, mean, 0.5 * (cov + cov.T))

        check_grads(symmetric, tuple(argnums), modes=["rev"])(*args)
    else:
        check_grads(f, tuple(argnums), modes=["rev"])(*args)


def test_counts():
    k = np.asarray([1, 3])
    assert np.allclose(stats.poisson.logpmf(k, 2.0), scipy.stats.poisson.logpmf(k, 2.0))
    check_grads(stats.poisson.logpmf, 1, modes=["rev"])(k, 2.0)
    check_grads(stats.poisson.cdf, 1, modes=["rev"], order=1)(k, 2.0)


def test_samples_are_scipys():
    assert np.array_equal(
        stats.norm.rvs(size=3, random_state=0), scipy.stats.norm.rvs(size=3, random_state=0)
    )
