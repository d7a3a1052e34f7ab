"""Tests of `autograd/numpy/sections/histograms.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import K, P, front

DATA = [0.1, 0.25, 0.25, 0.5, 0.75, 1.0, 3.0]
POINTS = [[0.1, 2.0], [0.4, 2.5], [0.9, 3.0], [1.0, 2.2]]
# edges are of the dtype of the array, which the rows do not cast
DOUBLE = {"float32": "the edges are not differentiated, and stay double"}

ROWS = [
    front("histogram", K(DATA), weights=P(7), _skip=DOUBLE),
    front("histogram", K(DATA), 4, (0.0, 1.0), True, P(7), _skip=DOUBLE),
    front("histogram", K(DATA), [0.0, 0.25, 1.0, 2.0], weights=P(7), _skip=DOUBLE),
    front("histogram_bin_edges", P(5), 3),
    front("histogram", P(7), 4, None, True, _skip=DOUBLE),
    front("histogram2d", K([0.1, 0.4, 0.9]), K([2.0, 2.5, 3.0]), 3, weights=P(3), _skip=DOUBLE),
    front("histogramdd", K(POINTS), [2, 3], weights=P(4), density=True, _skip=DOUBLE),
    front("bincount", K([0, 3, 1, 3]), P(4), _skip={"compile": "a length that depends on values"}),
    front(
        "bincount",
        K([0, 3, 1, 3]),
        weights=P(4),
        minlength=6,
        _skip={"compile": "a length that depends on values"},
    ),
]
CONSTANTS = ("digitize",)


@pytest.mark.parametrize("data", [DATA, [2.0, 2.0], [], [3, 1, 2, 2], np.float32(DATA)], ids=repr)
@pytest.mark.parametrize("bins", [1, 5, [0.0, 0.5, 1.0], "auto"], ids=repr)
@pytest.mark.parametrize("density", [False, True])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.usefixtures("on_numpy")
def test_counts(data, bins, density):
    wanted = np.histogram(data, bins, density=density)
    for y, ref in zip(pullback.numpy.histogram(data, bins, density=density), wanted, strict=True):
        assert y.dtype == ref.dtype
        np.testing.assert_allclose(pb.to_numpy(y), ref, rtol=1e-6)


def test_counts_of_many():
    rng = np.random.default_rng(0)
    x, points = rng.normal(size=5000), rng.normal(size=(500, 3))
    for bins in (10, 97, np.linspace(-1, 1, 7)):
        np.testing.assert_array_equal(
            pb.to_numpy(pullback.numpy.histogram(x, bins)[0]), np.histogram(x, bins)[0]
        )
    got, edges = pullback.numpy.histogramdd(points, 4)
    wanted, wanted_edges = np.histogramdd(points, 4)
    np.testing.assert_array_equal(pb.to_numpy(got), wanted)
    np.testing.assert_allclose(pb.to_numpy(edges[2]), wanted_edges[2])
    ours = pullback.numpy.histogram2d(x, x[::-1], [3, 4], [[-1, 1], [-2, 2]], True)
    for y, ref in zip(
        ours, np.histogram2d(x, x[::-1], [3, 4], [[-1, 1], [-2, 2]], True), strict=True
    ):
        np.testing.assert_allclose(pb.to_numpy(y), ref)


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("bins", [[0.0, 0.5, 1.0], [1.0, 0.5, 0.0]])
def test_digitize(bins, right, lib):
    x = [-1.0, 0.0, 0.3, 0.5, 1.0, 2.0]
    got = pullback.numpy.digitize(pb.xp.asarray(lib.asarray(x)), bins, right)
    np.testing.assert_array_equal(pb.to_numpy(got), np.digitize(x, bins, right))
    assert pullback.numpy.digitize(0.3, bins, right).shape == ()


def test_counts_are_constants_and_edges_and_densities_are_not():
    x = np.asarray([0.1, 0.6, 0.7])
    g = pb.grad(lambda x: pb.xp.sum(x) + pullback.numpy.histogram(x, 2)[0][1])(x)
    np.testing.assert_array_equal(g, 1.0)
    edges = pb.jacobian(lambda x: pullback.numpy.histogram(x, 2)[1])(x)
    np.testing.assert_allclose(edges, [[1, 0, 0], [0.5, 0, 0.5], [0, 0, 1]])
    pb.check_grads(lambda x: pullback.numpy.histogram(x, 3, density=True)[0], (x,), order=2)
    pb.check_grads(lambda x: pullback.numpy.histogram(x, "sturges")[1], (x,))


def test_compiled():
    x = np.asarray([0.1, 0.6, 0.7])
    f = pb.compile(lambda x: pullback.numpy.histogram(x, 3)[0])
    for scale in (1.0, 2.0):
        np.testing.assert_array_equal(f(x * scale), np.histogram(x * scale, 3)[0])


def test_bincount():
    for x, n in (([], 0), ([], 3), ([2, 0, 2], 0), (np.asarray([1, 1], np.uint8), 4)):
        given = np.asarray(x, np.int64) if len(x) == 0 else x
        np.testing.assert_array_equal(
            pb.to_numpy(pullback.numpy.bincount(given, minlength=n)),
            np.bincount(given, minlength=n),
        )


def test_what_cannot_be():
    with pytest.raises(ValueError, match="monotonically"):
        pullback.numpy.histogram([1.0], [1.0, 0.0])
    with pytest.raises(ValueError, match="positive"):
        pullback.numpy.histogram([1.0], 0)
    with pytest.raises(ValueError, match="shape"):
        pullback.numpy.histogram([1.0], weights=[1.0, 2.0])
    with pytest.raises(ValueError, match="finite"):
        pullback.numpy.histogram([np.nan])
    with pytest.raises(ValueError, match="larger"):
        pullback.numpy.histogram([1.0], range=(1.0, 0.0))
    with pytest.raises(ValueError, match="negative"):
        pullback.numpy.bincount([-1])
    with pytest.raises(ValueError, match="integers"):
        pullback.numpy.bincount([0.5])
    with pytest.raises(ValueError, match="monotonically"):
        pullback.numpy.digitize([1.0], [0.0, 2.0, 1.0])
    with pytest.raises(TypeError, match="segment_sum"):
        pb.compile(pullback.numpy.bincount)(np.asarray([1, 2]))
    with pytest.raises(ValueError, match="dimension"):
        pullback.numpy.histogramdd(np.ones((3, 2)), [1, 2, 3])
