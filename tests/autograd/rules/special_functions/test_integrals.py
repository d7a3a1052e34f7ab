"""Tests of `autograd/rules/special_functions/integrals.py`, beyond its rows in `tests/cases/special_more.py`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as sps

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

S, xp = pb.xp.special, pb.xp


def test_quantiles_invert_distributions():
    """d/da of P(a, P⁻¹(a, p)) is 0, and by p it is 1; at second order both are 0."""
    p = np.asarray([0.1, 0.5, 0.99])
    for f, inverse in ((S.gammainc, S.gammaincinv), (S.gammaincc, S.gammainccinv)):
        both = lambda a, p, f=f, g=inverse: xp.sum(f(a, g(a, p)))
        a = np.asarray([0.7, 2.0, 5.0])
        g = pb.grad(both, argnums=(0, 1))(a, p)
        np.testing.assert_allclose(g[0], 0, atol=1e-12)
        np.testing.assert_allclose(g[1], 1, rtol=1e-12)
    for df in (1.0, 3.5):
        np.testing.assert_allclose(
            pb.grad(lambda p, df=df: xp.sum(S.stdtr(df, S.stdtrit(df, p))))(p), 1, rtol=1e-10
        )


def test_near_zero_and_far_out():
    """Series on one side of a border and formulas on the other give one function."""
    for f, border in ((S.ellipk, 0.3), (S.ellipe, 0.3), (S.dawsn, 12.0)):
        for sign in (1.0, -1.0):
            low, high = (
                pb.hessian(lambda x, f=f: f(x))(sign * border * (1 + e)) for e in (-1e-9, 1e-9)
            )
            np.testing.assert_allclose(low, high, rtol=1e-6)
    np.testing.assert_allclose(pb.grad(S.ellipk)(0.0), np.pi / 8)
    np.testing.assert_allclose(pb.grad(S.ellipe)(0.0), -np.pi / 8)
    x = 1e5  # D' → −1/(2x²) − 3/(4x⁴), which 1 − 2xD has no digits of
    np.testing.assert_allclose(pb.grad(S.dawsn)(x), -0.5 / x**2, rtol=1e-9)
    np.testing.assert_allclose(pb.grad(S.spence)(1.0), -1.0)


def test_lamberts_w_by_its_equation():
    z = np.asarray([0.3, 2.0, 40.0])
    w = sps.lambertw(z).real
    g = pb.grad(lambda z: xp.sum(xp.real(S.lambertw(z))))(z)
    np.testing.assert_allclose(g, w / (z * (1 + w)), rtol=1e-13)
    assert pb.grad(lambda z: xp.real(S.lambertw(z)))(0.0) == 1.0


def test_airy_s_equation():
    x = np.asarray([-1.5, 0.0, 2.0])
    second = pb.grad(lambda x: xp.sum(pb.grad(lambda x: xp.sum(S.airy(x)[0]))(x)))(x)
    np.testing.assert_allclose(second, x * sps.airy(x)[0], atol=1e-14)


def test_orthogonal_polynomials_of_several_degrees_at_once():
    with pytest.raises(NotImplementedError, match="one degree n"):
        pb.grad(lambda x: xp.sum(S.eval_legendre(np.asarray([1, 2]), x)))(np.asarray([0.1, 0.2]))


def test_parameters_have_no_derivative():
    for f in (
        lambda a: S.hyp1f1(a, 1.5, 0.3),
        lambda a: S.betaincinv(a, 1.0, 0.3),
        lambda a: S.stdtrit(a, 0.3),
    ):
        with pytest.raises(pb.MissingRuleError):
            pb.grad(f)(2.0)
