"""Tests of `autograd/scipy/integrate/ode.py`: the adjoint equation against closed solutions and differences."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.scipy.integrate.ode import Scheme, solution
from pullback.scipy.integrate import odeint, solve_ivp

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
TIGHT = {"rtol": 1e-11, "atol": 1e-11}
T = np.linspace(0.0, 2.0, 5)


def test_gradients_of_a_linear_equation_are_exact():
    """y = y0 e^(−pt): ∂y/∂y0 = e^(−pt), ∂y/∂p = −t y, ∂y/∂t = −p y, ∂y/∂t_0 = p y."""
    y = lambda y0, p, t: odeint(lambda y, t, p: -p * y, xp.stack([y0]), t, args=(p,), **TIGHT)[
        -1, 0
    ]
    g = pb.grad(y, argnums=(0, 1, 2))(1.5, 0.7, T)
    value = 1.5 * np.exp(-1.4)
    np.testing.assert_allclose(g[0], np.exp(-1.4), rtol=1e-8)
    np.testing.assert_allclose(g[1], -2.0 * value, rtol=1e-8)
    np.testing.assert_allclose(
        g[2], [0.7 * value, 0.0, 0.0, 0.0, -0.7 * value], rtol=1e-8, atol=1e-9
    )


def test_second_derivatives():
    y = lambda p: odeint(lambda y, t, p: -p * y, np.ones(1), T, args=(p,), **TIGHT)[-1, 0]
    np.testing.assert_allclose(pb.grad(pb.grad(y))(0.7), 4.0 * np.exp(-1.4), rtol=1e-7)
    np.testing.assert_allclose(pb.grad(pb.grad(pb.grad(y)))(0.7), -8.0 * np.exp(-1.4), rtol=1e-6)


def test_small_cotangents_keep_their_digits():
    """Tolerances are absolute, too: a loss in other units has the same relative error."""
    y = lambda p, scale: scale * odeint(lambda y, t, p: -p * y, np.ones(1), T, args=(p,))[-1, 0]
    for scale in (1.0, 1e-12, 1e12):
        np.testing.assert_allclose(pb.grad(y)(0.7, scale) / scale, -2.0 * np.exp(-1.4), rtol=1e-6)


def test_gradients_are_as_accurate_as_asked_for():
    def end(p, tolerance):
        f = lambda y, t, p: -p * y
        return odeint(f, np.ones(1), T, args=(p,), rtol=tolerance, atol=tolerance)[-1, 0]

    errors = [abs(pb.grad(end)(0.7, r) + 2.0 * np.exp(-1.4)) for r in (1e-4, 1e-7, 1e-10)]
    assert errors[2] < 1e-8
    assert errors[0] < 1e-2
    assert errors[2] < errors[1] < errors[0]


def van_der_pol(t, y, mu):
    return xp.stack([y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]])


def test_a_stiff_equation():
    """By implicit methods, forwards and in the adjoint equation; far backwards no method reaches, and it says so."""
    times = np.linspace(0.05, 1.0, 20)

    def end(mu, method, times=times, rtol=1e-9):
        options = {"t_eval": times, "args": (mu,), "rtol": rtol, "atol": rtol / 100}
        return solve_ivp(van_der_pol, (0.0, 1.0), [2.0, 0.0], method=method, **options).y[0, -1]

    slope = (float(end(5.01, "Radau")) - float(end(4.99, "Radau"))) / 0.02
    for method in ("Radau", "BDF", "LSODA"):
        np.testing.assert_allclose(pb.grad(end)(5.0, method), slope, rtol=1e-3)
    with pytest.raises(RuntimeError, match="give more times"):
        pb.grad(lambda mu: end(mu, "Radau", np.asarray([1.0]), 1e-5))(60.0)
    f = lambda y, t, mu: van_der_pol(t, y, mu)
    with pytest.raises(RuntimeError, match=r"odeint: .*give more times"), np.errstate(all="ignore"):
        pb.grad(lambda mu: odeint(f, np.asarray([2.0, 0.0]), np.asarray([0.0, 1.0]), (mu,))[-1, 0])(
            60.0
        )


def test_on_every_library(lib):
    """SciPy's solvers take NumPy's arrays; the others are integrated where they are."""
    f = lambda y, t, p: xp.stack([y[1], -p * xp.sin(y[0]) + 0.1 * t])
    loss = lambda y0, t, p: xp.sum(odeint(f, y0, t, args=(p,), rtol=1e-9, atol=1e-9))
    args = (np.asarray([1.0, 0.3]), T, np.asarray(0.7))
    wanted = pb.grad(loss, argnums=(0, 1, 2))(*args)
    got = pb.grad(loss, argnums=(0, 1, 2))(*map(lib.asarray, args))
    for g, w in zip(got, wanted, strict=True):
        assert lib.is_raw(g)
        np.testing.assert_allclose(lib.to_numpy(g), w, rtol=1e-5, atol=1e-6)


def test_float32_stays():
    y0 = np.ones(2, np.float32)
    out = odeint(lambda y, t: -y, y0, T)
    assert out.dtype == np.float32
    assert pb.grad(lambda y: xp.sum(odeint(lambda y, t: -y, y, T)))(y0).dtype == np.float32


def test_what_fails_says_so():
    scheme = Scheme("solve_ivp", "RK45", 1e-6, 1e-6)
    with pytest.raises(RuntimeError, match="solve_ivp: "):
        solution(lambda y, t, _: y * y, np.ones(1), np.asarray([0.0, 5.0]), (), scheme)
    blow_up = pb.compile(
        lambda y: solution(lambda y, t, _: y * y, y, np.asarray([0.0, 5.0]), (), scheme), fast=False
    )
    with pytest.raises(RuntimeError, match="solve_ivp: "):
        blow_up(np.ones(1))
