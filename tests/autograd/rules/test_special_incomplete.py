"""The derivative of the incomplete gamma functions by their shape."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as sps

import pullback as pb

S = pb.xp.special
xp = pb.xp

# a, x, ∂P(a, x)/∂a by mpmath: central differences with 50 digits and steps of 1e-17
BY_MPMATH = [
    (0.001, 0.0001, -8.560635309048715), (0.5, 0.1, -0.8229360969795988), (0.5, 0.9, -0.4326559371352823),
    (0.01, 5.0, -0.0012026299019355631), (1.0, 1.0, -0.4317297106348987), (2.5, 0.3, -0.02798157427941372),
    (2.5, 2.4, -0.2656425503879884), (2.5, 2.6, -0.25527849673274444), (2.5, 30.0, -3.320467967686098e-11),
    (50.0, 50.0, -0.05651312752336055), (300.0, 250.0, -0.0002300431820719598),
    (300.0, 400.0, -2.242209984531739e-08), (1e4, 9900.0, -0.0024237533683262443),
    (1e6, 1001000.0, -0.00024193040952413304), (0.999, 1.5, -0.3191699993377744), (15.9, 17.0, -0.09377447402726896),
    (16.1, 12.0, -0.06130850695303909),
    (0.0, 2.0, -0.04890051070806112), (0.0, 0.3, -0.9056766516758468),  # −E_1(x)
]  # fmt: skip
A, X, SLOPE = np.asarray(BY_MPMATH).T


def by_shape(name, a, x):
    return pb.grad(lambda a: xp.sum(getattr(S, name)(a, xp.asarray(x))))(a)


def test_against_mpmath():
    np.testing.assert_allclose(by_shape("gammainc", A, X), SLOPE, rtol=3e-12)
    np.testing.assert_allclose(by_shape("gammaincc", A, X), -SLOPE, rtol=3e-12)


def test_in_single_precision():
    a, x = A[A < 100].astype(np.float32), X[A < 100].astype(np.float32)
    got = by_shape("gammainc", a, x)
    assert got.dtype == np.float32
    np.testing.assert_allclose(
        got, by_shape("gammainc", a.astype(float), x.astype(float)), rtol=2e-4
    )


def test_at_the_ends():
    a, x = np.asarray([2.0, 0.5, 3.0, 1e6]), np.asarray([0.0, 0.0, np.inf, 1.0])
    np.testing.assert_array_equal(by_shape("gammainc", a, x), 0.0)
    outside = by_shape("gammainc", np.asarray([1.0, -1.0, np.nan]), np.asarray([-1.0, 1.0, 1.0]))
    assert np.isnan(outside).all()


def test_the_borders_between_the_formulas():
    """From one side to the other the derivative does not jump."""
    borders = [(a, a) for a in (1.0, 3.0, 30.0)] + [
        (1.0, 0.4),
        (0.4, 1.0),
        (16.0, 15.0),
        (16.0, 18.0),
    ]
    for a, x in borders:
        for da, dx in ((1e-9, 0.0), (0.0, 1e-9)):
            near = np.asarray([a - da, a + da]), np.asarray([x - dx, x + dx])
            low, high = by_shape("gammainc", *near)
            assert low == pytest.approx(high, rel=1e-7)


@pytest.mark.parametrize("name", ["gammainc", "gammaincc"])
def test_second_and_third_derivatives(name):
    a, x = np.asarray([0.4, 0.8, 2.0, 5.0, 20.0]), np.asarray([0.3, 2.0, 1.0, 7.0, 21.0])
    pb.check_grads(getattr(S, name), (a, x), order=2, rtol=1e-6, atol=1e-8)
    pb.check_grads(
        lambda a: getattr(S, name)(a, 2.0), (np.asarray([0.7, 3.0]),), order=3, rtol=1e-5, atol=1e-7
    )


def test_a_quantile_s_shape():
    """Newton's method for the shape whose median is 2, on SciPy's function and this derivative."""
    a = np.asarray(1.0)
    for _ in range(20):
        a = a - (sps.gammainc(a, 2.0) - 0.5) / pb.grad(lambda a: S.gammainc(a, 2.0))(a)
    assert sps.gammaincinv(float(a), 0.5) == pytest.approx(2.0, rel=1e-13)


def test_against_jax():
    jax = pytest.importorskip("jax", reason="JAX is compared with where it is installed")
    jax.config.update("jax_enable_x64", True)
    a, x = A[1:9], X[1:9]
    wanted = jax.grad(lambda a: jax.scipy.special.gammainc(a, x).sum())(a)
    np.testing.assert_allclose(by_shape("gammainc", a, x), wanted, rtol=1e-10)
