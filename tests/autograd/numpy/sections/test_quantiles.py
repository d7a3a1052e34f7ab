"""Tests of `autograd/numpy/sections/quantiles.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy
from pullback.autograd.numpy.sections.order_statistics import METHODS

from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import K, R, X, front

ROWS = [front("quantile", R(7), 0.3, method=m) for m in METHODS]
ROWS += [front("nanquantile", R(3, 5), K([0.2, 0.6, 1.0]), axis=1, method=m) for m in METHODS]
ROWS += [
    front("quantile", R(5), X(0.3)),
    front("quantile", R(2, 5), X([0.33, 0.55]), axis=1, method="hazen", keepdims=True),
    front("percentile", R(2, 3, 2), 40, axis=(0, 2)),
    front("percentile", R(5), X([30.0, 55.0])),
    front("nanpercentile", R(5), X([30.0, 55.0]), method="weibull"),
    front(
        "quantile",
        R(2, 5),
        0.5,
        axis=1,
        method="inverted_cdf",
        weights=K([1.0, 2.0, 0.5, 1.0, 3.0]),
    ),
    front("median", R(5)),
    front("median", R(2, 6), axis=1, keepdims=True),
    front("median", R(2, 3, 2), axis=(0, 1)),
    front("nanmedian", R(2, 6), axis=1),
    front("nanmedian", R(3, 3), axis=(0, 1), keepdims=True),
]

NANS = np.asarray([[3.0, np.nan, 1.0, 2.0], [5.0, 4.0, 7.0, 6.0], [np.nan] * 4])


@pytest.mark.parametrize("name", ["quantile", "nanquantile"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_method(name, method):
    """Ends, ties, NaN, integers and single precision, for numbers and lists of q."""
    rng = np.random.default_rng(0)
    data = [
        NANS,
        np.round(2 * rng.normal(size=(3, 4))),
        rng.integers(0, 9, (3, 4)),
        rng.normal(size=(3, 4)).astype("f"),
    ]
    for a in data:
        for q in (0, 0.25, 0.4, 1, [0.0, 0.1, 0.75, 1.0]):
            for axis in (None, 1):
                got = getattr(pullback.numpy, name)(a, q, axis, method=method)
                wanted = np.asarray(getattr(np, name)(a, q, axis, method=method))
                assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
                np.testing.assert_allclose(
                    pb.to_numpy(got), wanted, rtol=1e-6 if a.dtype == "f" else 1e-13
                )


@pytest.mark.parametrize("q", [0.0, 0.3, [0.5, 1.0, 0.0]])
def test_weights(q):
    rng = np.random.default_rng(0)
    a, w, W = rng.normal(size=(3, 5)), rng.uniform(size=5), rng.uniform(size=(3, 5))
    w[:2] = 0
    for weights, axis in ((w, 1), (W, None), (W, 1), (W, (0, 1))):
        settings = {"axis": axis, "method": "inverted_cdf", "weights": weights}
        for name in ("quantile", "nanquantile"):
            got = getattr(pullback.numpy, name)(a, q, **settings)
            np.testing.assert_array_equal(pb.to_numpy(got), np.quantile(a, q, **settings))
    a[0, 3] = np.nan
    settings = {"axis": 1, "method": "inverted_cdf", "weights": w}
    np.testing.assert_array_equal(
        pb.to_numpy(pullback.numpy.quantile(a, q, **settings)), np.quantile(a, q, **settings)
    )
    settings = {"method": "inverted_cdf", "weights": W}
    np.testing.assert_array_equal(
        pb.to_numpy(pullback.numpy.nanquantile(a, q, **settings)), np.nanquantile(a, q, **settings)
    )


@pytest.mark.parametrize("name", ["median", "nanmedian"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_medians(name):
    for a in (NANS, NANS[1], [1, 2, 3, 4], [2, 1, 3], 5.0, np.float32([1, 2])):
        got, wanted = getattr(pullback.numpy, name)(a), getattr(np, name)(a)
        assert got.dtype == np.asarray(wanted).dtype
        np.testing.assert_allclose(pb.to_numpy(got), wanted)


def test_gradients_beside_nan():
    x = np.asarray([3.0, np.nan, 1.0, 2.0, 8.0])
    np.testing.assert_array_equal(pb.grad(pullback.numpy.nanmedian)(x), [0.5, 0, 0, 0.5, 0])
    g = pb.grad(lambda x: pullback.numpy.nanquantile(x, 0.25))(x)
    np.testing.assert_allclose(g, [0, 0, 0.25, 0.75, 0])
    assert np.isnan(pb.grad(pullback.numpy.median)(x)).any()


def test_what_cannot_be():
    with pytest.raises(ValueError, match="range"):
        pullback.numpy.quantile([1.0], 1.5)
    with pytest.raises(ValueError, match="100"):
        pullback.numpy.percentile([1.0], -1)
    with pytest.raises(ValueError, match="method"):
        pullback.numpy.quantile([1.0], 0.5, method="best")
    with pytest.raises(ValueError, match="inverted_cdf"):
        pullback.numpy.quantile([1.0], 0.5, weights=[1.0])
    with pytest.raises(ValueError, match="weights of shape"):
        pullback.numpy.quantile([1.0, 2.0], 0.5, method="inverted_cdf", weights=[1.0])
    with pytest.raises(IndexError, match="no elements"):
        pullback.numpy.quantile([], 0.5)
    assert np.isnan(float(pullback.numpy.nanquantile([], 0.5)))
    with pytest.raises(TypeError, match="real"):
        pullback.numpy.median([1j])
    with pytest.raises(ValueError, match="1d"):
        pullback.numpy.quantile([1.0], np.ones((1, 1, 1)))
