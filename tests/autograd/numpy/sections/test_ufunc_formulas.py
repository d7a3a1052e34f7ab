"""Tests of `autograd/numpy/sections/ufunc_formulas.py`: the edges of each formula. Rows are in `test_ufuncs.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

pn = pullback.numpy
EDGES = np.asarray(
    [0.0, -0.0, 1.0, -1.0, 0.5, 3.0, -2.5, np.inf, -np.inf, np.nan, 5e-324, -1e308, 2.0**52 + 1]
)


@pytest.mark.parametrize(
    "name", ["exp2", "degrees", "radians", "fabs", "rint", "spacing", "cbrt", "frexp", "modf"]
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_edges_of_one_operand(name):
    got, wanted = getattr(pn, name)(EDGES), getattr(np, name)(EDGES)
    pairs = zip(got, wanted, strict=True) if isinstance(wanted, tuple) else [(got, wanted)]
    for y, ref in pairs:
        assert y.dtype == ref.dtype
        np.testing.assert_allclose(pb.to_numpy(y), ref, rtol=1e-14)


@pytest.mark.parametrize(
    "name", ["fmax", "fmin", "fmod", "heaviside", "logaddexp2", "divmod", "float_power"]
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_edges_of_two_operands(name):
    x, y = (a.reshape(-1) for a in np.meshgrid(EDGES, EDGES))
    got, wanted = getattr(pn, name)(x, y), getattr(np, name)(x, y)
    pairs = zip(got, wanted, strict=True) if isinstance(wanted, tuple) else [(got, wanted)]
    for out, ref in pairs:
        np.testing.assert_allclose(pb.to_numpy(out), ref, rtol=1e-14)


def test_ldexp_does_not_overflow_on_the_way():
    x, k = np.asarray([1e-300, 3.0, 1e300]), np.asarray([1050, -1070, -1900])
    np.testing.assert_array_equal(pb.to_numpy(pn.ldexp(x, k)), np.ldexp(x, k))
    x32 = np.float32([1.5, 3.0])
    assert pn.ldexp(x32, [2, 3]).dtype == np.float32


def test_derivatives_at_kinks():
    """1 for fmod at 0, 0 for steps, half for ties, and the second derivative of logaddexp2 at a tie."""
    assert pb.grad(lambda x: pn.fmod(x, 3.0))(0.0) == 1.0
    assert pb.grad(lambda y: pn.fmod(-7.0, y))(2.0) == 3.0
    assert pb.grad(lambda x: pn.heaviside(x, 0.5))(0.0) == 0.0
    assert pb.grad(lambda y: pn.heaviside(0.0, y))(0.5) == 1.0
    assert pb.grad(lambda y: pn.heaviside(1.0, y))(0.5) == 0.0
    tied = pb.grad(pb.grad(lambda x: pn.logaddexp2(x, 1.0)))(1.0)
    np.testing.assert_allclose(tied, np.log(2) / 4, rtol=1e-14)
    assert pb.grad(lambda x: pn.logaddexp2(x, x))(-np.inf) == 0.0
    assert pb.grad(lambda x: pn.modf(x)[0])(2.0) == 1.0
    assert pb.grad(lambda x: pn.spacing(x) + x)(2.0) == 1.0


def test_cube_roots_are_exact():
    x = np.arange(-50.0, 50.0) ** 3
    np.testing.assert_array_equal(pb.to_numpy(pn.cbrt(x)), np.cbrt(x))


def test_cube_roots_in_every_library(lib):
    host = np.asarray([-27.0, -0.001, 0.0, 8.0, np.inf, 1e-300, 1e300])
    got = pn.cbrt(pb.xp.asarray(lib.asarray(host)))
    np.testing.assert_allclose(pb.to_numpy(got), np.cbrt(host), rtol=1e-15)


def test_divisors_in_every_library(lib):
    a, b = np.asarray([12, -18, 0, 0, 7]), np.asarray([[18], [0], [-6]])
    x, y = pb.xp.asarray(lib.asarray(a)), pb.xp.asarray(lib.asarray(b))
    np.testing.assert_array_equal(pb.to_numpy(pn.gcd(x, y)), np.gcd(a, b))
    np.testing.assert_array_equal(pb.to_numpy(pn.lcm(x, y)), np.lcm(a, b))
    np.testing.assert_array_equal(pb.to_numpy(pn.bitwise_count(x)), np.bitwise_count(a))


def test_divisors_are_not_compiled():
    with pytest.raises(TypeError, match="outside"):
        pb.compile(pn.gcd)(np.asarray([4]), np.asarray([6]))
