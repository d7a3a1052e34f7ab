"""Tests of `autograd/scipy/stats/continuous.py`, against SciPy and central differences."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._distributions import BETA, CONTINUOUS, OF_SHAPES, POINTS, PROBABILITIES, ours, theirs

METHODS = ("logpdf", "pdf", "cdf", "sf", "logcdf", "logsf", "ppf", "isf")
MOMENTS = ("mean", "var", "std", "entropy", "median", "support")
LACKING = {("truncnorm", m) for m in ("ppf", "isf", "var", "std", "median", "entropy")}
# the formulas are right where SciPy's underflow, or make NaN
BETTER = {("halfnorm", "logsf")}
# from the standard library of array functions alone
WITHOUT_KERNELS = {"laplace", "cauchy", "expon", "uniform", "pareto"}


def _pairs(methods):
    pairs = [(name, m) for name in CONTINUOUS for m in methods if (name, m) not in LACKING]
    return pytest.mark.parametrize(("name", "method"), pairs)


@_pairs(METHODS)
@pytest.mark.parametrize(("loc", "scale"), [(0.0, 1.0), (0.3, 2.0), (0.0, -1.0)])
def test_values(name, method, loc, scale):
    shapes, _ = CONTINUOUS[name]
    x = PROBABILITIES if method in ("ppf", "isf") else POINTS
    if (name, method) in BETTER:
        x = x[np.isfinite(x) & (x < 5)]
    got = getattr(ours(name), method)(x, *shapes, loc, scale)
    with np.errstate(all="ignore"):
        wanted = getattr(theirs(name), method)(x, *shapes, loc, scale)
    np.testing.assert_allclose(pb.to_numpy(got), wanted, rtol=1e-10, atol=1e-16)


@_pairs(MOMENTS)
@pytest.mark.parametrize(("loc", "scale"), [(0.0, 1.0), (0.3, 2.0), (0.0, -1.0)])
def test_moments(name, method, loc, scale):
    shapes, _ = CONTINUOUS[name]
    got = getattr(ours(name), method)(*shapes, loc, scale)
    with np.errstate(all="ignore"):
        wanted = getattr(theirs(name), method)(*shapes, loc, scale)
    np.testing.assert_allclose(
        [float(v) for v in pb.tree.leaves(got)], np.atleast_1d(wanted), rtol=1e-10, atol=1e-15
    )


@_pairs(METHODS)
def test_gradients(name, method):
    """By the variable, the shapes, location and scale, to second order."""
    shapes, inside = CONTINUOUS[name]
    x = np.asarray([0.2, 0.7] if method in ("ppf", "isf") else inside)
    if method not in ("ppf", "isf"):
        x = x * 1.5 + 0.3
    f = getattr(ours(name), method)
    if name in BETA and method in OF_SHAPES:
        pb.check_grads(lambda x, loc, scale: f(x, *shapes, loc, scale), (x, 0.3, 1.5), order=2)
        return
    arrays = tuple(np.full(2, s) for s in shapes)
    pb.check_grads(f, (x, *arrays, 0.3, np.asarray([1.5, 1.5])), order=2)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_gradients_of_moments(name):
    shapes, _ = CONTINUOUS[name]
    for method in ("mean", "var", "entropy"):
        if (name, method) not in LACKING and (name, method) not in {
            ("cauchy", "mean"),
            ("cauchy", "var"),
        }:
            pb.check_grads(getattr(ours(name), method), (*shapes, 0.3, 1.5), order=2)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_on_every_library(name, lib):
    if lib.name == "array_api_strict" and name not in WITHOUT_KERNELS:
        pytest.skip("no kernel: special functions are NumPy's and CuPy's")
    shapes, inside = CONTINUOUS[name]
    for method in METHODS:
        if (name, method) in LACKING:
            continue
        x = np.asarray([0.2, 0.7, -0.1] if method in ("ppf", "isf") else [*inside, -np.inf])
        f = getattr(ours(name), method)

        def total(x, scale, f=f):
            return pb.xp.sum(pb.xp.where(pb.xp.isfinite(y := f(x, *shapes, 0.1, scale)), y, 0.0))

        got = pb.grad(total, argnums=(0, 1))(lib.asarray(x), lib.asarray([1.5, 1.5, 1.5]))
        wanted = pb.grad(total, argnums=(0, 1))(x, np.full(3, 1.5))
        for g, w in zip(got, wanted, strict=True):
            assert lib.is_raw(g)
            np.testing.assert_allclose(lib.to_numpy(g), w, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["norm", "gamma", "beta", "t"])
def test_compiled(name):
    shapes, inside = CONTINUOUS[name]
    f = pb.compile(
        pb.value_and_grad(lambda x, scale: pb.xp.sum(ours(name).logpdf(x, *shapes, 0.1, scale)))
    )
    g = pb.value_and_grad(lambda x, scale: pb.xp.sum(ours(name).logpdf(x, *shapes, 0.1, scale)))
    for scale in (1.5, 2.0):
        for got, wanted in zip(
            f(np.asarray(inside), scale), g(np.asarray(inside), scale), strict=True
        ):
            np.testing.assert_allclose(pb.to_numpy(got), pb.to_numpy(wanted), rtol=1e-12)


def test_student_of_infinite_degrees_is_normal():
    np.testing.assert_allclose(
        pb.to_numpy(ours("t").logpdf(0.7, [np.inf, 3.0])), theirs("t").logpdf(0.7, [np.inf, 3.0])
    )
