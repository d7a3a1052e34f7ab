"""Tests of `autograd/scipy/integrate/initial_value.py`."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.integrate

import pullback as pb
from pullback.scipy.integrate import odeint, solve_ivp

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
T, Y0 = np.linspace(0.0, 2.0, 5), np.asarray([1.0, 0.3])
TIGHT = {"rtol": 1e-11, "atol": 1e-11}


def pendulum(y, t, a, b):
    return xp.stack([y[1] * a, -b * xp.sin(y[0]) + 0.1 * t])


def of_numpy(y, t, a, b):
    return [y[1] * a, -b * np.sin(y[0]) + 0.1 * t]


def test_values_are_scipy_s():
    np.testing.assert_allclose(
        pb.to_numpy(odeint(pendulum, Y0, T, args=(1.2, 0.7))),
        scipy.integrate.odeint(of_numpy, Y0, T, args=(1.2, 0.7)),
        rtol=1e-13,
    )
    first = lambda t, y, a, b: pendulum(y, t, a, b)
    np.testing.assert_array_equal(
        pb.to_numpy(odeint(first, Y0, T, (1.2, 0.7), tfirst=True)),
        pb.to_numpy(odeint(pendulum, Y0, T, (1.2, 0.7))),
    )
    assert (
        odeint(lambda y, t: -y, 1.0, T).shape
        == scipy.integrate.odeint(lambda y, t: -y, 1.0, T).shape
    )
    assert odeint(lambda y, t: -y, [1.0, 2.0], [0.0, 1.0]).shape == (2, 2)
    back = odeint(pendulum, Y0, T[::-1].copy(), args=(1.2, 0.7))
    np.testing.assert_allclose(
        pb.to_numpy(back), scipy.integrate.odeint(of_numpy, Y0, T[::-1], args=(1.2, 0.7))
    )


@pytest.mark.parametrize("method", ["RK45", "RK23", "DOP853", "Radau", "BDF", "LSODA"])
def test_values_of_solve_ivp_are_scipy_s(method):
    f = lambda t, y: xp.stack([y[1], -xp.sin(y[0])])
    g = lambda t, y: [y[1], -np.sin(y[0])]
    for t_eval in (None, [0.3, 1.0], [0.0, 0.3, 1.0]):
        got = solve_ivp(f, (0.0, 1.0), Y0, method=method, t_eval=t_eval)
        wanted = scipy.integrate.solve_ivp(g, (0.0, 1.0), Y0, method=method, t_eval=t_eval)
        np.testing.assert_allclose(pb.to_numpy(got.t), wanted.t)
        np.testing.assert_allclose(pb.to_numpy(got.y), wanted.y, rtol=1e-9)
        assert got.success
        assert t_eval is not None or got.nfev == wanted.nfev
    limited = solve_ivp(f, (0.0, 1.0), Y0, method="RK45", max_step=0.01)
    assert limited.t.size > 99


def test_times_that_begin_with_the_first_one():
    """As `np.linspace` over the span gives them; the solution there is y0."""
    exact = lambda y0, k, t: y0 * np.exp(-k * t)
    times = np.linspace(0.0, 1.0, 5)

    def total(y0, k, times):
        f = lambda t, y: -k * y
        return xp.sum(solve_ivp(f, (0, 1.0), y0, t_eval=times, rtol=1e-10, atol=1e-10).y)

    y0, k = np.asarray([1.0, 2.0]), np.asarray(1.5)
    sums = exact(3.0, k, times)  # over both components
    wanted = (
        exact(np.ones(2), k, 1.0 * times[:, None]).sum(axis=0),
        -(times * sums).sum(),
        -k * sums,
    )
    gradients = pb.grad(total, argnums=(0, 1, 2))
    for f in (gradients, compiled := pb.compile(gradients, fast=False), compiled):
        for got, want in zip(f(y0, k, times), wanted, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-7)
    for times in ([0.0], [0.0, 0.0]):
        y = solve_ivp(lambda t, y: -y, (0.0, 1.0), y0, t_eval=times).y
        np.testing.assert_array_equal(pb.to_numpy(y), np.repeat(y0[:, None], len(times), axis=1))
    with pytest.raises(ValueError, match="t_eval"):
        solve_ivp(lambda t, y: -y, (0.0, 1.0), y0, t_eval=[1.0, 0.0])


def test_gradients():
    pb.check_grads(
        lambda *a: odeint(pendulum, a[0], a[1], args=a[2:], **TIGHT), (Y0, T, 1.2, 0.7), order=1
    )
    pb.check_grads(
        lambda *a: odeint(pendulum, a[0], a[1], args=a[2:], **TIGHT),
        (Y0, T[:2], 1.2, 0.7),
        order=2,
        rtol=1e-5,
        atol=1e-5,
    )
    for method in ("RK45", "DOP853", "LSODA"):

        def f(y0, times, a, end, method=method):
            return solve_ivp(
                lambda t, y, a: pendulum(y, t, a, 0.7),
                (0.0, end),
                y0,
                method=method,
                t_eval=times,
                args=(a,),
                rtol=1e-10,
                atol=1e-10,
            ).y

        pb.check_grads(f, (Y0, np.asarray([0.3, 1.0]), 1.2, 1.0), order=1)


def test_gradients_at_the_solver_s_own_times():
    end = lambda t1: solve_ivp(lambda t, y: -y * t, (0.0, t1), [1.0], rtol=1e-10, atol=1e-10).y[
        0, -1
    ]
    pb.check_grads(end, (1.3,), order=2)
    start = lambda t0: solve_ivp(lambda t, y: -y * t, (t0, 1.3), [1.0], rtol=1e-10, atol=1e-10).y[
        0, -1
    ]
    pb.check_grads(start, (0.2,), order=1)


def test_pytrees_and_closures():
    def of_closures(y0, a, b):
        p = {"a": a, "b": [b]}

        def f(y, t):
            return pendulum(y, t, p["a"], p["b"][0])

        return odeint(lambda y, t: f(y, t), y0, T, **TIGHT)

    pb.check_grads(of_closures, (Y0, 1.2, 0.7), order=1)

    def oscillator(y0, k):
        f = lambda y, t, p: {"x": y["v"], "v": -p["k"] * y["x"]}
        out = odeint(f, {"x": y0[:1], "v": y0[1:]}, T, args=({"k": k},), **TIGHT)
        assert out["x"].shape == (5, 1)
        return out["x"][-1, 0]

    g = pb.grad(oscillator, argnums=(0, 1))(Y0, 1.0)
    np.testing.assert_allclose(g[0], [np.cos(2.0), np.sin(2.0)], rtol=1e-7)
    pb.check_grads(oscillator, (Y0, 1.3), order=1)
    matrix = lambda A: odeint(lambda Y, t: A @ Y, np.eye(2), T, **TIGHT)[-1]
    A = np.asarray([[0.1, 1.0], [-0.4, 0.2]])
    np.testing.assert_allclose(
        pb.to_numpy(matrix(A)), pb.to_numpy(pb.xp.linalg.expm(pb.asarray(2.0 * A))), rtol=1e-8
    )
    pb.check_grads(matrix, (A,), order=1)


@pytest.mark.parametrize("kind", [np.asarray, xp.asarray, list, tuple])
def test_arguments_of_solve_ivp_are_unpacked_as_by_scipy(kind):
    def decay(t, y, rate, level):
        return rate * (level - y)

    def last(p):
        return solve_ivp(decay, (0.0, 1.0), np.asarray([1.0]), args=p, rtol=1e-9, atol=1e-9).y[
            0, -1
        ]

    rate, level = 0.7, 0.2
    exact = level + (1 - level) * math.exp(-rate)
    assert float(last(kind([rate, level]))) == pytest.approx(exact, rel=1e-7)
    slopes = pb.grad(lambda p: last(p if kind in (np.asarray, xp.asarray) else kind([p[0], p[1]])))
    expected = [-(1 - level) * math.exp(-rate), 1 - math.exp(-rate)]
    np.testing.assert_allclose(slopes(np.asarray([rate, level])), expected, rtol=1e-6)


def test_further_settings_of_odeint():
    jacobian = lambda y, t, a, b: np.asarray([[0.0, a], [-b * np.cos(y[0]), 0.0]])
    out = odeint(pendulum, Y0, T, (1.2, 0.7), Dfun=jacobian, mxstep=1000, hmax=0.1, tcrit=[0.5])
    np.testing.assert_allclose(
        pb.to_numpy(out), pb.to_numpy(odeint(pendulum, Y0, T, (1.2, 0.7))), rtol=1e-6
    )


def test_what_is_refused():
    for settings in ({"dense_output": True}, {"events": lambda t, y: y[0]}, {"vectorized": True}):
        with pytest.raises(NotImplementedError, match="events"):
            solve_ivp(lambda t, y: -y, (0.0, 1.0), [1.0], **settings)
    with pytest.raises(NotImplementedError, match="options lband"):
        solve_ivp(lambda t, y: -y, (0.0, 1.0), [1.0], lband=1)
    with pytest.raises(NotImplementedError, match="full_output"):
        odeint(lambda y, t: -y, [1.0], T, full_output=1)
    with pytest.raises(NotImplementedError, match="real and imaginary"):
        odeint(lambda y, t: -y, np.asarray([1j]), T)
    with pytest.raises(ValueError, match=r"returns arrays of \[1\] elements, y0 has \[2\]"):
        odeint(lambda y, t: y[:1], Y0, T)

    class Holder:
        pass

    def of_attribute(p):
        holder = Holder()
        holder.p = p
        return odeint(lambda y, t: -holder.p * y, [1.0], T)[-1, 0]

    with pytest.raises(
        TypeError, match=r"odeint: the right-hand side uses a traced array.*pass it in args"
    ):
        pb.grad(of_attribute)(1.0)
