"""Roots, fixed points and minima against closed forms and central differences, up to third order."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.solve.implicit import api as module

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._api import LINEAR, rng

xp, implicit = pb.xp, pb.implicit
ROOTS = ("newton", "newton-krylov", "broyden")
SCIPY = ("hybr", "lm", "krylov", "broyden1", "df-sane")
B = rng.normal(size=(4, 4)) / 4 + 2 * np.eye(4)


def coupled(v, p):
    """A nonlinear system with one root for each p."""
    return B @ v + 0.3 * xp.sin(v) + 0.1 * v**3 - p


# ── roots ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("linear_solver", LINEAR)
@pytest.mark.parametrize("method", [*ROOTS, *SCIPY])
def test_roots(method, linear_solver):
    p = np.linspace(-1, 1, 4)

    def f(p):
        return implicit.root(coupled, np.zeros(4), p, method=method, linear_solver=linear_solver)

    rough = 1e-6 if method in SCIPY else 1e-12
    np.testing.assert_allclose(coupled(np.asarray(f(p)), p), np.zeros(4), atol=rough)
    if method not in SCIPY:
        pb.check_grads(f, (p,), order=2)
    else:
        exact = pb.jacobian(lambda p: implicit.root(coupled, np.zeros(4), p))(p)
        np.testing.assert_allclose(pb.jacobian(f)(p), exact, atol=1e-6)


@pytest.mark.parametrize("linear_solver", LINEAR)
@pytest.mark.parametrize("method", ROOTS)
@pytest.mark.parametrize("z", [2.0, 2.0 + 1.0j])
def test_the_cube_root_s_derivatives(z, method, linear_solver):
    """p^(1/3) and three derivatives of it; holomorphic, so that those along the real axis are all."""

    def f(t):
        p = t + (z - 2.0)
        v = implicit.root(
            lambda v: v**3 - p, np.asarray(1.1 * z ** (1 / 3)), method=method, linear_solver=linear_solver,
            adjoint_rtol=1e-14,
        )  # fmt: skip
        return xp.real(v) if isinstance(z, complex) else v

    factor, power = 1.0, 1 / 3
    for order in range(4):
        expected = np.real(factor * z ** (power - order))
        assert float(f(2.0)) == pytest.approx(expected, rel=1e-10), order
        factor *= power - order
        f = pb.grad(f)


def test_complex_gradients():
    p = np.asarray([1 + 1j, 2 - 0.5j, -1j])
    C = rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3)) + 4 * np.eye(3)
    for linear_solver in LINEAR:
        pb.check_grads(
            lambda p, s=linear_solver: implicit.root(
                lambda v: C @ v + 0.1 * v**2 - p,
                np.zeros(3, complex),
                linear_solver=s,
                adjoint_rtol=1e-13,
            ),
            (p,),
            order=2,
        )


def test_float32_stays_and_other_devices(lib):
    p = lib.asarray(np.linspace(0.5, 2, 3), "float32")
    solvers = {
        "root": lambda p: implicit.root(lambda v: v * v - p, p * 0 + 1.0),
        "krylov": lambda p: implicit.root(
            lambda v: v * v - p, p * 0 + 1.0, method="newton-krylov", linear_solver="gmres"
        ),
        "broyden": lambda p: implicit.root(lambda v: v * v - p, p * 0 + 1.0, method="broyden"),
        "plain": lambda p: implicit.fixed_point(lambda v: (v + p / v) / 2, p * 0 + 1.0, method="plain"),
        "anderson": lambda p: implicit.fixed_point(lambda v: (v + p / v) / 2, p * 0 + 1.0),
        "argmin": lambda p: implicit.argmin(lambda v: xp.sum(v**3 / 3 - p * v), p * 0 + 2.0),
        "lbfgs": lambda p: implicit.argmin(lambda v: xp.sum(v**3 / 3 - p * v), p * 0 + 2.0, method="lbfgs"),
    }  # fmt: skip
    for name, f in solvers.items():
        v = f(xp.asarray(p))
        assert v.dtype == np.float32, name
        host = np.linspace(0.5, 2, 3)
        np.testing.assert_allclose(
            pb.to_numpy(v), np.sqrt(host), rtol=2e-3 if name == "lbfgs" else 1e-5
        )
        g = pb.grad(lambda p, f=f: xp.sum(f(p)))(p)
        assert lib.is_raw(g), name
        assert str(g.dtype).endswith("float32"), name
        np.testing.assert_allclose(lib.to_numpy(g), 0.5 / np.sqrt(host), rtol=2e-3)


def test_the_start_gets_no_gradient_and_promotes():
    def f(v0, p):
        return implicit.root(lambda v: v * v - p, v0)

    assert pb.grad(f)(1.0, 4.0) == 0.0
    v = implicit.root(lambda v: v * v - np.asarray([4.0]), np.ones(1, np.float32))
    assert v.dtype == np.float64
    assert float(implicit.root(lambda v: v * v - 4.0, 3)) == 2.0  # an integer start


def test_large_systems_use_products(monkeypatch):
    n = module.DENSE + 10
    monkeypatch.setattr(module, "jacobian", None)  # nothing dense in the derivative

    def laplace(v):
        return 2 * v - xp.roll(v, 1) - xp.roll(v, -1)

    def f(p):
        v = implicit.root(
            lambda v: 0.1 * laplace(v) + v**3 + v - p,
            np.zeros(n),
            method="newton-krylov",
            adjoint_rtol=1e-12,
        )
        return xp.sum(v**2)

    p = np.linspace(0, 1, n)
    g, e, h = pb.grad(f)(p), np.eye(n)[7], 1e-5
    assert g[7] == pytest.approx((float(f(p + h * e)) - float(f(p - h * e))) / (2 * h), rel=1e-6)


# ── fixed points ──────────────────────────────────────────────────────────────────────────────


# ── minima ────────────────────────────────────────────────────────────────────────────────────


def test_l_bfgs_has_two_spellings():
    """As for `pb.optim.minimize`."""
    found = [
        float(implicit.argmin(lambda v: xp.sum((v - 3.0) ** 4), 0.0, method=m, rtol=1e-6))
        for m in ("l-bfgs", "lbfgs")
    ]
    assert found[0] == found[1] == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("linear_solver", ["dense", "cg"])
@pytest.mark.parametrize("method", ["newton", "l-bfgs", "gradient"])
def test_minima(method, linear_solver):
    X, y = rng.normal(size=(8, 3)), rng.normal(size=8)

    def fit(log_weight, y):
        def loss(v):
            return xp.sum((X @ v - y) ** 2) + xp.exp(log_weight) * xp.sum(v**2)

        return implicit.argmin(
            loss,
            np.zeros(3),
            method=method,
            linear_solver=linear_solver,
            rtol=1e-11,
            adjoint_rtol=1e-13,
        )

    def exact(log_weight, y):
        return xp.linalg.solve(X.T @ X + xp.exp(log_weight) * np.eye(3), X.T @ y)

    s = np.asarray(0.3)
    np.testing.assert_allclose(fit(s, y), np.asarray(exact(s, y)), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(
        pb.jacobian(fit)(s, y), pb.jacobian(exact)(s, y), rtol=1e-6, atol=1e-9
    )
    pb.check_grads(fit, (s, y), order=2)


def test_a_bilevel_problem():
    """The best weight of a ridge for held-out data, by the gradient through the inner fit; second derivatives too."""

    def held_out(s):
        v = implicit.argmin(lambda v, s: (v - 1.0) ** 2 + xp.exp(s) * v**2 + 0.1 * v**4, 0.5, s)
        return (v - 0.4) ** 2

    pb.check_grads(held_out, (np.asarray(0.2),), order=2)
    pb.check_grads(pb.grad(pb.grad(held_out)), (np.asarray(0.2),), order=1)


@pytest.mark.parametrize("method", ["newton", "l-bfgs"])
def test_rosenbrock(method):
    def f(v, a):
        return (a - v[0]) ** 2 + 100 * (v[1] - v[0] ** 2) ** 2

    def place(a):
        return implicit.argmin(f, np.asarray([-1.2, 1.0]), a, method=method)

    np.testing.assert_allclose(place(1.5), [1.5, 2.25], rtol=1e-6)
    np.testing.assert_allclose(pb.jacobian(place)(np.asarray(1.5)), [1.0, 3.0], rtol=1e-5)


def test_a_large_minimum_by_products():
    n = module.DENSE + 4
    d = np.linspace(1, 5, n)

    def f(p):
        v = implicit.argmin(lambda v: xp.sum(d * v**2 / 2 + v**4 / 4 - p * v), np.zeros(n))
        return xp.sum(v)

    p = np.linspace(-1, 1, n)
    v = np.asarray(implicit.root(lambda v: d * v + v**3 - p, np.zeros(n)))
    np.testing.assert_allclose(pb.grad(f)(p), 1 / (d + 3 * v**2), rtol=1e-8)


def _leaping(v):
    """Without a fixed point."""
    return xp.where(v > 0, v - 2, v + 1)


# ── failures ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("root", lambda **s: implicit.root(lambda v: v * v + 1.0, 0.7, **s)),
        ("root", lambda **s: implicit.root(lambda v: v * v + 1.0, 0.7, method="broyden", **s)),
        ("root", lambda **s: implicit.root(lambda v: v + np.nan, 0.7, **s)),
        ("root", lambda **s: implicit.root(lambda v: v * v + 1.0, np.ones(1), method="hybr", **s)),
        ("fixed_point", lambda **s: implicit.fixed_point(_leaping, 0.7, maxiter=20, **s)),
        ("fixed_point", lambda **s: implicit.fixed_point(lambda v: 2 * v + 1.0, 0.7, method="plain", maxiter=20, **s)),
        ("fixed_point", lambda **s: implicit.fixed_point(lambda v: v * np.nan, 0.7, **s)),
        ("argmin", lambda **s: implicit.argmin(lambda v: v, 0.7, maxiter=5, **s)),
        ("argmin", lambda **s: implicit.argmin(lambda v: v**4, 0.7, maxiter=3, method="gradient", **s)),
    ],
)  # fmt: skip
def test_what_does_not_converge_raises(name, call):
    with pytest.raises(pb.linalg.ConvergenceError, match=f"{name}: not converged after") as e:
        call()
    assert e.value.steps >= 0
    assert not e.value.residual <= 0  # or NaN
    call(check=False)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: implicit.root(lambda v: v[:1], np.ones(2)),
            ValueError,
            r"g\(v, \*p\) has structure",
        ),
        (
            lambda: implicit.fixed_point(lambda v: [v], 1.0),
            ValueError,
            r"T\(v, \*p\) has structure",
        ),
        (lambda: implicit.root(lambda v: v, 1.0, method="secant"), ValueError, "method='secant'"),
        (
            lambda: implicit.fixed_point(xp.cos, 1.0, method="x"),
            ValueError,
            "'plain' and 'anderson'",
        ),
        (
            lambda: implicit.argmin(lambda v: v * v, 1.0, method="x"),
            ValueError,
            "'newton', 'l-bfgs', 'gradient'",
        ),
        (
            lambda: implicit.root(lambda v: v, 1.0, linear_solver="x"),
            ValueError,
            "linear_solver='x'",
        ),
        (lambda: implicit.root(lambda v: v, []), ValueError, "no numbers"),
        (lambda: implicit.argmin(lambda v: xp.abs(v), 1j), TypeError, "complex"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
