"""Tests of `autograd/scipy/stats/distribution.py`: what holds for all distributions of one number."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

import pullback as pb
from pullback.scipy import stats

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._distributions import CONTINUOUS, DISCRETE, ours


def total(f, *args):
    return pb.xp.sum(f(*args))


def test_every_parameter_may_be_named_or_stand_in_its_place():
    wanted = scipy.stats.gamma.logpdf(1.0, 2.0, 0.5, 3.0)
    for got in (
        stats.gamma.logpdf(1.0, 2.0, 0.5, 3.0),
        stats.gamma.logpdf(1.0, a=2.0, loc=0.5, scale=3.0),
        stats.gamma(2.0, loc=0.5, scale=3.0).logpdf(1.0),
        stats.gamma(a=2.0, loc=0.5, scale=3.0).logpdf([1.0])[0],
    ):
        np.testing.assert_allclose(pb.to_numpy(got), wanted)


def test_parameters_that_are_wrong():
    with pytest.raises(TypeError, match="gamma: the shape a is missing"):
        stats.gamma.logpdf(1.0)
    with pytest.raises(TypeError, match="scal unknown; the parameters are loc, scale"):
        stats.norm.logpdf(1.0, scal=2.0)
    with pytest.raises(TypeError, match="a given twice"):
        stats.gamma(2.0, a=3.0)
    with pytest.raises(TypeError, match="4 parameters; there are loc, scale"):
        stats.norm.pdf(1.0, 2.0, 3.0, 4.0, 5.0)
    with pytest.raises(TypeError, match="parameters are n, p, loc"):
        stats.binom.pmf(1, 5, 0.3, scale=2.0)


def test_parameters_broadcast():
    x, loc, scale = np.zeros((3, 1)), np.asarray([0.0, 1.0]), np.asarray([[1.0], [2.0], [3.0]])
    got = stats.norm.logpdf(x, loc, scale)
    np.testing.assert_allclose(pb.to_numpy(got), scipy.stats.norm.logpdf(x, loc, scale))
    g = pb.grad(lambda *a: total(stats.norm.logpdf, *a), argnums=(0, 1, 2))(x, loc, scale)
    assert [v.shape for v in g] == [x.shape, loc.shape, scale.shape]


@pytest.mark.parametrize("name", CONTINUOUS)
@pytest.mark.parametrize("method", ["logpdf", "pdf", "cdf", "sf", "logcdf", "logsf"])
def test_no_nan_where_it_is_not_chosen(name, method):
    """Outside of the support, at infinity and beside an invalid parameter, gradients are 0, others right."""
    shapes, (inside, _) = CONTINUOUS[name]
    x = np.asarray([inside, -np.inf, np.inf, -1e3, 1e3, inside])
    scale = np.asarray([1.0, 1.0, 1.0, 1.0, 1.0, -1.0])
    f = getattr(ours(name), method)
    for argnum in (0, 1, 2):
        g = pb.grad(lambda *a: total(f, a[0], *shapes, a[1], a[2]), argnums=argnum)(
            x, np.zeros(6), scale
        )
        assert np.isfinite(g).all(), (argnum, g)
        alone = pb.grad(lambda *a: total(f, a[0], *shapes, a[1], a[2]), argnums=argnum)(
            x[:1], np.zeros(1), scale[:1]
        )
        np.testing.assert_allclose(g[0], alone[0])
        assert g[5] == 0
        if name in ("gamma", "beta", "expon", "uniform", "rayleigh"):
            assert (g[[1, 3]] == 0).all()
    density = pb.to_numpy(ours(name).pdf(x, *shapes))
    assert density[1] == density[2] == 0


def test_gradients_at_the_ends_of_quantiles():
    q = np.asarray([0.0, 0.5, 1.0])
    for d, shapes in ((stats.norm, ()), (stats.gamma, (2.0,)), (stats.beta, (2.0, 3.0))):
        for argnum in (1, 2):
            f = lambda *a, d=d, shapes=shapes: pb.xp.sum(d.ppf(a[0], *shapes, a[1], a[2])[1:2])
            assert np.isfinite(pb.grad(f, argnums=argnum)(q, 0.5, 2.0)).all()


def test_tails():
    """Where 1 − x has no digits left, and where both functions underflow."""
    np.testing.assert_allclose(
        float(stats.norm.logcdf(-40.0)), scipy.stats.norm.logcdf(-40.0), rtol=1e-13
    )
    np.testing.assert_allclose(
        float(stats.norm.logsf(40.0)), scipy.stats.norm.logsf(40.0), rtol=1e-13
    )
    np.testing.assert_allclose(float(stats.norm.sf(10.0)), scipy.stats.norm.sf(10.0), rtol=1e-12)
    np.testing.assert_allclose(
        pb.grad(lambda x: stats.norm.logcdf(x))(-40.0), 40.0249688472, rtol=1e-9
    )
    np.testing.assert_allclose(float(stats.expon.logcdf(60.0)), -np.exp(-60.0), rtol=1e-12)
    np.testing.assert_allclose(
        float(stats.gamma.logcdf(60.0, 2.5)), -scipy.stats.gamma.sf(60.0, 2.5), rtol=1e-10
    )
    np.testing.assert_allclose(
        float(stats.cauchy.cdf(-1e20)), scipy.stats.cauchy.cdf(-1e20), rtol=1e-12
    )
    np.testing.assert_allclose(float(stats.logistic.logsf(800.0)), -800.0)


def test_float32_stays():
    x = np.asarray([0.4, 0.7], np.float32)
    for name, (shapes, _) in CONTINUOUS.items():
        for method in ("logpdf", "pdf", "cdf", "logcdf", "sf", "logsf"):
            f = getattr(ours(name), method)
            assert f(x, *shapes).dtype == np.float32, (name, method)
            assert pb.grad(lambda x, f=f, s=shapes: total(f, x, *s))(x).dtype == np.float32
    for name, (parameters, counts) in DISCRETE.items():
        last = np.float32([parameters[-1]])
        g = pb.grad(
            lambda p, n=name, a=parameters, c=counts: total(ours(n).logpmf, list(c), *a[:-1], p)
        )(last)
        assert g.dtype == np.float32


def test_samples_are_constants():
    sample = stats.norm.rvs(1.0, 2.0, size=5, random_state=0)
    np.testing.assert_array_equal(
        pb.to_numpy(sample), scipy.stats.norm.rvs(1.0, 2.0, size=5, random_state=0)
    )
    assert stats.poisson(3.0).rvs(size=(2, 3), random_state=1).shape == (2, 3)
    with pytest.raises(TypeError, match=r"norm\.rvs of a traced array.*pb\.random\.normal"):
        pb.grad(lambda m: pb.xp.sum(stats.norm.rvs(m, 1.0, size=3)))(0.0)


def test_frozen_distributions_have_every_method():
    frozen, wanted = stats.gamma(2.5, 0.5, 2.0), scipy.stats.gamma(2.5, 0.5, 2.0)
    for name in ("logpdf", "pdf", "cdf", "logcdf", "sf", "logsf"):
        np.testing.assert_allclose(float(getattr(frozen, name)(1.5)), getattr(wanted, name)(1.5))
    for name in ("ppf", "isf"):
        np.testing.assert_allclose(float(getattr(frozen, name)(0.3)), getattr(wanted, name)(0.3))
    for name in ("mean", "var", "std", "median", "entropy"):
        np.testing.assert_allclose(float(getattr(frozen, name)()), getattr(wanted, name)())
    for got, value in (
        (frozen.support(), wanted.support()),
        (frozen.interval(0.9), wanted.interval(0.9)),
        (frozen.stats(), wanted.stats()),
    ):
        np.testing.assert_allclose([float(v) for v in got], value)


def test_what_there_is_no_formula_for():
    with pytest.raises(NotImplementedError, match=r"truncnorm\.ppf"):
        stats.truncnorm.ppf(0.5, -1.0, 1.0)
    with pytest.raises(NotImplementedError, match="for s of constants"):
        stats.norm.stats(moments="mvs")


def test_shapes_that_have_no_derivative():
    for f, args in (
        (stats.t.cdf, (0.3, 2.0)),
        (stats.beta.cdf, (0.3, 2.0, 3.0)),
        (stats.binom.cdf, (2, 5.0, 0.3)),
    ):
        with pytest.raises(pb.MissingRuleError):
            pb.grad(lambda a, f=f, args=args: f(args[0], a, *args[2:]))(args[1])
