"""Tests of `autograd/scipy/stats/discrete.py`, against SciPy and central differences."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.scipy import stats

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._distributions import COUNTS, DISCRETE, PROBABILITIES, ours, theirs

METHODS = ("logpmf", "pmf", "cdf", "sf", "logcdf", "logsf")


@pytest.mark.parametrize("name", DISCRETE)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("loc", [0, 1])
def test_values(name, method, loc):
    parameters, _ = DISCRETE[name]
    got = getattr(ours(name), method)(COUNTS, *parameters, loc)
    with np.errstate(all="ignore"):
        wanted = getattr(theirs(name), method)(COUNTS, *parameters, loc)
    np.testing.assert_allclose(pb.to_numpy(got), wanted, rtol=1e-10, atol=1e-30)


@pytest.mark.parametrize("name", DISCRETE)
def test_moments_and_quantiles(name):
    parameters, _ = DISCRETE[name]
    for method in ("mean", "var", "std", "median", "support"):
        got = getattr(ours(name), method)(*parameters)
        wanted = getattr(theirs(name), method)(*parameters)
        np.testing.assert_allclose([float(v) for v in pb.tree.leaves(got)], np.atleast_1d(wanted))
    for method in ("ppf", "isf"):
        got = getattr(ours(name), method)(PROBABILITIES, *parameters)
        np.testing.assert_allclose(
            pb.to_numpy(got), getattr(theirs(name), method)(PROBABILITIES, *parameters)
        )
    if name in ("bernoulli", "geom"):
        np.testing.assert_allclose(
            float(ours(name).entropy(0.3)), theirs(name).entropy(0.3), rtol=1e-8
        )


@pytest.mark.parametrize("name", DISCRETE)
@pytest.mark.parametrize("method", METHODS)
def test_gradients(name, method):
    """By p or mu; by n in the probabilities of the negative binomial."""
    parameters, counts = DISCRETE[name]
    k = np.asarray(counts)
    f = getattr(ours(name), method)
    if method in ("cdf", "sf", "logcdf", "logsf") and name == "bernoulli":
        k = k[:1]
    fixed = parameters[:-1]
    pb.check_grads(lambda p: f(k, *fixed, p), (np.full(k.shape, parameters[-1]),), order=2)


def test_gradients_by_n():
    pb.check_grads(lambda n, p: stats.nbinom.logpmf([0, 3, 7], n, p), (2.5, 0.4), order=2)


def test_edges_of_the_parameters():
    """p = 0 and 1, mu = 0: the only possible counts have probability 1, with finite gradients."""
    for f, counts in ((stats.binom.logpmf, (0, 5)), (stats.bernoulli.logpmf, (0, 1))):
        n = (5.0,) if f.__self__ is stats.binom else ()
        for p, k in zip((0.0, 1.0), counts, strict=True):
            value, g = pb.value_and_grad(lambda p, f=f, k=k, n=n: f(k, *n, p))(p)
            assert value == 0
            assert np.isfinite(g)
    value, g = pb.value_and_grad(lambda mu: stats.poisson.logpmf(0, mu))(0.0)
    assert (value, g) == (0.0, -1.0)
    assert np.isnan(pb.to_numpy(stats.poisson.pmf(0, -1.0)))
    assert np.isnan(pb.to_numpy(stats.binom.pmf(0, 2.5, 0.5)))


def test_large_counts_keep_their_digits():
    n, k, p = 1e6, 5e5, 0.5
    np.testing.assert_allclose(
        float(stats.binom.logpmf(k, n, p)), theirs("binom").logpmf(k, n, p), rtol=1e-10
    )


@pytest.mark.parametrize("name", DISCRETE)
def test_on_every_library(name, lib):
    if lib.name == "array_api_strict" and name not in ("bernoulli", "geom"):
        pytest.skip("no kernel: special functions are NumPy's and CuPy's")
    parameters, counts = DISCRETE[name]
    for method in METHODS:
        f = getattr(ours(name), method)

        def total(p, f=f):
            y = f(list(counts), *parameters[:-1], p)
            return pb.xp.sum(pb.xp.where(pb.xp.isfinite(y), y, 0.0))

        g = pb.grad(total)(lib.asarray([parameters[-1]]))
        assert lib.is_raw(g)
        np.testing.assert_allclose(
            lib.to_numpy(g), pb.grad(total)(np.asarray([parameters[-1]])), rtol=1e-10, atol=1e-14
        )


def test_quantiles_of_traced_parameters_are_refused():
    with pytest.raises(TypeError, match=r"poisson\.ppf of a traced array"):
        pb.grad(lambda mu: stats.poisson.ppf(0.5, mu))(2.0)
