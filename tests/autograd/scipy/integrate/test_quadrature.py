"""Tests of `autograd/scipy/integrate/quadrature.py`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate

import pullback as pb
from pullback.scipy import integrate

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
X = np.cumsum(0.3 + np.random.default_rng(0).random(7))
Y = np.random.default_rng(1).standard_normal((3, 7))


def test_values_are_scipy_s():
    for limits in ((0.0, 1.0), (-np.inf, 0.5), (0.0, np.inf), (2.0, 1.0)):
        got = integrate.quad(lambda x: xp.exp(-x * x), *limits)
        wanted = scipy.integrate.quad(lambda x: np.exp(-x * x), *limits)
        np.testing.assert_allclose(float(got[0]), wanted[0], rtol=1e-14)
        np.testing.assert_allclose(got[1], wanted[1])
    got = integrate.quad(lambda x: xp.abs(x - 0.3), 0.0, 1.0, points=[0.3])[0]
    np.testing.assert_allclose(float(got), 0.29, rtol=1e-13)


def test_gradients():
    f = lambda p, a, b: integrate.quad(lambda x, p: xp.sin(p[0] * x) * p[1], a, b, args=(p,))[0]
    pb.check_grads(f, (np.asarray([1.2, 0.7]), 0.1, 2.0), order=2)
    closed = lambda p, a: integrate.quad(lambda x: xp.exp(-p * x * x), a, np.inf)[0]
    pb.check_grads(closed, (0.7, 0.1), order=2)
    np.testing.assert_allclose(pb.grad(closed)(1.0, 0.0), -np.sqrt(np.pi) / 4, rtol=1e-8)
    both = lambda p: integrate.quad(
        lambda x, q: p["a"] * x + q[0] * x * x, 0.0, 1.0, args=([p["b"]],)
    )[0]
    g = pb.grad(both)({"a": 2.0, "b": 3.0})
    np.testing.assert_allclose([g["a"], g["b"]], [1 / 2, 1 / 3], rtol=1e-12)


def test_what_quad_refuses(lib):
    if lib.name != "numpy":
        with pytest.raises(NotImplementedError, match="use trapezoid or simpson"):
            integrate.quad(lambda x: x, lib.asarray(0.0), 1.0)
        return
    with pytest.raises(NotImplementedError, match="multiply the weight"):
        integrate.quad(lambda x: x, 0.0, 1.0, weight="cos", wvar=1.0)
    with pytest.raises(ValueError, match="one number is wanted"):
        integrate.quad(lambda x: xp.stack([x, x]), 0.0, 1.0)


@pytest.mark.parametrize("n", [2, 3, 6, 7])
def test_samples(n):
    for args in (
        (Y[:, :n],),
        (Y[:, :n], X[:n]),
        (Y[:, :n], np.cumsum(0.3 + np.abs(Y[:, :n]), axis=1)),
    ):
        for name, settings in (
            ("simpson", {}),
            ("trapezoid", {}),
            ("cumulative_trapezoid", {}),
            ("cumulative_trapezoid", {"initial": 0}),
        ):
            f, g = getattr(integrate, name), getattr(scipy.integrate, name)
            np.testing.assert_allclose(
                pb.to_numpy(f(*args, **settings)), g(*args, **settings), rtol=1e-12
            )
            np.testing.assert_allclose(
                pb.to_numpy(f(*[a.tolist() for a in args], **settings)),
                g(*args, **settings),
                rtol=1e-12,
            )
            pb.check_grads(lambda *a, f=f, s=settings: f(*a, **s), args, order=2)
    for name in ("simpson", "trapezoid", "cumulative_trapezoid"):
        f, g = getattr(integrate, name), getattr(scipy.integrate, name)
        np.testing.assert_allclose(
            pb.to_numpy(f(Y[:, :n].T, dx=0.3, axis=0)), g(Y[:, :n].T, dx=0.3, axis=0), rtol=1e-12
        )
        np.testing.assert_allclose(
            pb.to_numpy(f(Y[:, :n].T, X[:n], axis=0)), g(Y[:, :n].T, X[:n], axis=0), rtol=1e-12
        )


def test_romberg_and_gauss():
    np.testing.assert_allclose(
        pb.to_numpy(integrate.romb(Y[:, :5], dx=0.5)), scipy.integrate.romb(Y[:, :5], dx=0.5)
    )
    pb.check_grads(integrate.romb, (Y[:, :5],), order=1)
    with pytest.raises(ValueError, match="2\\^k"):
        integrate.romb(Y[:, :4])
    pb.check_grads(
        lambda a, b, p: integrate.fixed_quad(lambda x, p: xp.exp(-p * x), a, b, (p,), n=4)[0],
        (0.1, 1.0, 0.7),
        order=2,
    )
    np.testing.assert_allclose(float(integrate.fixed_quad(lambda x: x**3, 0, 2)[0]), 4.0)
    with pytest.raises(ValueError, match="0 or None"):
        integrate.cumulative_trapezoid(Y, initial=1)


def test_samples_on_every_library(lib):
    for f in (integrate.simpson, integrate.trapezoid, integrate.cumulative_trapezoid):
        loss = lambda y, x, f=f: xp.sum(f(y, x) ** 2)
        got = pb.grad(loss, argnums=(0, 1))(lib.asarray(Y), lib.asarray(X))
        for g, w in zip(got, pb.grad(loss, argnums=(0, 1))(Y, X), strict=True):
            assert lib.is_raw(g)
            np.testing.assert_allclose(lib.to_numpy(g), w, rtol=1e-10)
