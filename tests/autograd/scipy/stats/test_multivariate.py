"""Tests of `autograd/scipy/stats/multivariate.py`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

import pullback as pb
from pullback.scipy import stats

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

RNG = np.random.default_rng(0)
A = RNG.standard_normal((3, 3))
MEAN, COV, X = RNG.standard_normal(3), A @ A.T + np.eye(3), RNG.standard_normal((4, 3))
SINGULAR = A[:, :2] @ A[:, :2].T
ON_IT = RNG.standard_normal((4, 2)) @ A[:, :2].T
NORMAL, DIRICHLET = stats.multivariate_normal, stats.dirichlet
ALPHA, POINTS = np.asarray([1.5, 2.5, 0.7]), np.asarray([[0.2, 0.5], [0.3, 0.1], [0.5, 0.4]])


@pytest.mark.parametrize(
    ("x", "mean", "cov"),
    [
        (X, MEAN, COV),
        (X[0], MEAN, COV),
        (X.reshape(2, 2, 3), MEAN, COV),
        (X, None, COV),
        (X, MEAN, [1.0, 2.0, 3.0]),
        (X, MEAN, 2.0),
        ([0.5, 1.0], 0.0, 2.0),
        (0.5, None, 1),
        (X, [0.0, 0.0, 0.0], 1),
    ],
)
def test_normal_densities(x, mean, cov):
    theirs = scipy.stats.multivariate_normal
    for name in ("logpdf", "pdf"):
        got, wanted = getattr(NORMAL, name)(x, mean, cov), getattr(theirs, name)(x, mean, cov)
        assert got.shape == np.shape(wanted)
        np.testing.assert_allclose(pb.to_numpy(got), wanted, rtol=1e-11)
    got = NORMAL(mean, cov)
    np.testing.assert_allclose(pb.to_numpy(got.logpdf(x)), theirs(mean, cov).logpdf(x), rtol=1e-11)
    np.testing.assert_allclose(float(got.entropy()), theirs(mean, cov).entropy(), rtol=1e-11)


def _with_symmetric(f):
    return lambda x, mean, cov: f(x, mean, 0.5 * (cov + cov.T))


def test_normal_gradients():
    pb.check_grads(_with_symmetric(NORMAL.logpdf), (X, MEAN, COV), order=2)
    pb.check_grads(lambda cov: NORMAL.entropy(None, 0.5 * (cov + cov.T)), (COV,), order=2)
    pb.check_grads(lambda v: NORMAL.logpdf(X, MEAN, v), (np.asarray([1.0, 2.0, 3.0]),), order=2)
    pb.check_grads(lambda v: NORMAL.logpdf(X[0], None, v), (2.0,), order=2)


def test_a_singular_covariance():
    theirs = scipy.stats.multivariate_normal
    with pytest.raises(np.linalg.LinAlgError, match="allow_singular=True"):
        NORMAL.logpdf(X, MEAN, SINGULAR)
    x = ON_IT + MEAN
    got = NORMAL.logpdf(x, MEAN, SINGULAR, allow_singular=True)
    np.testing.assert_allclose(
        pb.to_numpy(got), theirs.logpdf(x, MEAN, SINGULAR, allow_singular=True), rtol=1e-8
    )
    assert (pb.to_numpy(NORMAL.logpdf(X, MEAN, SINGULAR, allow_singular=True)) == -np.inf).all()
    np.testing.assert_allclose(
        float(NORMAL(MEAN, SINGULAR, True).entropy()),
        theirs(MEAN, SINGULAR, True).entropy(),
        rtol=1e-9,
    )
    scale = pb.grad(lambda s: NORMAL.logpdf(ON_IT[0], None, s * pb.asarray(SINGULAR), True))(1.0)
    r = ON_IT[0] @ np.linalg.pinv(SINGULAR) @ ON_IT[0]
    np.testing.assert_allclose(scale, 0.5 * r - 1.0, rtol=1e-8)
    with pytest.raises(np.linalg.LinAlgError, match="negative eigenvalues"):
        NORMAL.logpdf(X, MEAN, -COV, allow_singular=True)


def test_normal_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"\(n,\) and \(n, n\)"):
        NORMAL.logpdf(X, MEAN[:2], COV)
    with pytest.raises(ValueError, match="does not end with n = 3"):
        NORMAL.logpdf(X[:, :2], MEAN, COV)
    with pytest.raises(TypeError, match="random numbers"):
        pb.grad(lambda m: NORMAL.cdf(X[0], m, COV))(MEAN)
    np.testing.assert_allclose(float(NORMAL.cdf(np.zeros(2), None, np.eye(2))), 0.25, atol=1e-4)


def test_dirichlet():
    theirs = scipy.stats.dirichlet
    for x in (POINTS, POINTS[:, 0], POINTS[:2], POINTS[:2, 1]):
        got = DIRICHLET.logpdf(x, ALPHA)
        np.testing.assert_allclose(pb.to_numpy(got), theirs.logpdf(x, ALPHA), rtol=1e-12)
    np.testing.assert_allclose(
        float(DIRICHLET(ALPHA).pdf(POINTS[:, 0])), theirs.pdf(POINTS[:, 0], ALPHA)
    )
    for name in ("mean", "var", "entropy"):
        np.testing.assert_allclose(
            pb.to_numpy(getattr(DIRICHLET(ALPHA), name)()), getattr(theirs, name)(ALPHA), rtol=1e-11
        )
    pb.check_grads(lambda x, a: DIRICHLET.logpdf(x, a), (POINTS[:2], ALPHA), order=2)
    pb.check_grads(lambda a: (DIRICHLET.entropy(a), DIRICHLET.var(a)), (ALPHA,), order=2)
    with pytest.raises(ValueError, match="simplex"):
        DIRICHLET.logpdf([0.5, 0.2, 0.1], ALPHA)
    with pytest.raises(ValueError, match="length 3 or 2"):
        DIRICHLET.logpdf([0.5], ALPHA)


def test_multinomial():
    theirs, p = scipy.stats.multinomial, np.asarray([0.2, 0.3, 0.5])
    x = np.asarray([[1, 2, 3], [0, 6, 0], [1, 1, 1], [-1, 4, 3]])
    np.testing.assert_allclose(
        pb.to_numpy(stats.multinomial.logpmf(x, 6, p)), theirs.logpmf(x, 6, p), rtol=1e-12
    )
    np.testing.assert_allclose(
        pb.to_numpy(stats.multinomial(6, p).pmf(x)), theirs(6, p).pmf(x), rtol=1e-12
    )
    np.testing.assert_allclose(pb.to_numpy(stats.multinomial.cov(6, p)), theirs.cov(6, p))
    pb.check_grads(lambda p: stats.multinomial.logpmf(x[:2], 6, p), (p,), order=2)
    assert np.isfinite(
        pb.grad(lambda p: stats.multinomial.logpmf([0, 6, 0], 6, p))(np.asarray([0.0, 1.0, 0.0]))
    ).all()


def test_samples():
    for got, wanted in (
        (
            NORMAL(MEAN, COV).rvs(size=3, random_state=0),
            scipy.stats.multivariate_normal.rvs(MEAN, COV, size=3, random_state=0),
        ),
        (
            DIRICHLET.rvs(ALPHA, size=3, random_state=0),
            scipy.stats.dirichlet.rvs(ALPHA, size=3, random_state=0),
        ),
        (
            stats.multinomial.rvs(5, [0.5, 0.5], size=3, random_state=0),
            scipy.stats.multinomial.rvs(5, [0.5, 0.5], size=3, random_state=0),
        ),
    ):
        np.testing.assert_array_equal(pb.to_numpy(got), wanted)


def test_on_every_library(lib):
    def total(x, mean, cov):
        return pb.xp.sum(NORMAL.logpdf(x, mean, cov))

    wanted = pb.grad(total, argnums=(0, 1, 2))(X, MEAN, COV)
    got = pb.grad(total, argnums=(0, 1, 2))(*map(lib.asarray, (X, MEAN, COV)))
    for g, w in zip(got, wanted, strict=True):
        assert lib.is_raw(g)
        np.testing.assert_allclose(lib.to_numpy(g), w, rtol=1e-9)


def test_compiled():
    f = pb.compile(pb.grad(lambda m, c: pb.xp.sum(NORMAL.logpdf(X, m, c)), argnums=(0, 1)))
    g = pb.grad(lambda m, c: pb.xp.sum(NORMAL.logpdf(X, m, c)), argnums=(0, 1))
    for factor in (1.0, 1.1):
        for got, wanted in zip(
            f(factor * MEAN, factor * COV), g(factor * MEAN, factor * COV), strict=True
        ):
            np.testing.assert_allclose(pb.to_numpy(got), wanted, rtol=1e-10)
