"""Tests of `optim/full_batch/proximal_methods.py`: minima with penalties and constraints, and what they report."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp, optim = pb.xp, pb.optim
P = optim.proximal
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 12))
Y = X[:, 0] - 2 * X[:, 3] + 0.3 * RNG.normal(size=60)
METHODS = ["fista", "ista"]


def error(w):
    return xp.mean((X @ w - Y) ** 2) / 2


def coordinate_descent(alpha):
    """The LASSO by another method, in plain NumPy (Friedman et al., 2010)."""
    w = np.zeros(12)
    for _ in range(2000):
        for j in range(12):
            rest = Y - X @ w + X[:, j] * w[j]
            rho, z = X[:, j] @ rest / 60, X[:, j] @ X[:, j] / 60
            w[j] = np.sign(rho) * max(abs(rho) - alpha, 0) / z
    return w


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("alpha", [0.01, 0.2, 10.0])
def test_the_lasso(method, alpha):
    found = optim.minimize(error, np.ones(12), method=method, l1=alpha, gtol=1e-10, history=True)
    wanted = coordinate_descent(alpha)
    assert found.success
    np.testing.assert_allclose(found.x, wanted, atol=1e-9)
    np.testing.assert_array_equal(found.x == 0, wanted == 0)
    np.testing.assert_allclose(found.fun, float(error(wanted)) + alpha * np.abs(wanted).sum())
    np.testing.assert_allclose(found.jac, pb.grad(error)(found.x))
    assert found.message == "the proximal step is small enough: its residual is below gtol"
    # what it stopped by is the true residual, at x
    residual = found.x - pb.to_numpy(P.soft_threshold(found.x - 0.1 * found.jac, 0.1 * alpha))
    assert np.linalg.norm(residual) / 0.1 < 1e-9
    assert found.history["norm"][-1] <= 1e-10
    if method == "ista":
        assert np.all(np.diff(found.history["fun"]) <= 1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("penalty", "settings"),
    [
        (P.Box(-0.5, 0.5), {"bounds": [(-0.5, 0.5)] * 12}),
        (P.NonNegative(), {"bounds": [(0, None)] * 12}),
        (
            P.Simplex(1.5),
            {"bounds": [(0, None)] * 12, "constraints": {"type": "eq", "fun": lambda w: w.sum() - 1.5}},
        ),
        (P.L2Ball(0.7), {"constraints": {"type": "ineq", "fun": lambda w: 0.49 - w @ w}}),
    ],
    ids=["box", "nonnegative", "simplex", "ball"],
)  # fmt: skip
def test_constraints_against_scipy(method, penalty, settings):
    found = optim.minimize(error, np.ones(12), method=method, prox=penalty, gtol=1e-9)
    assert found.success, found.message
    theirs = scipy.optimize.minimize(
        lambda w: float(error(w)), np.full(12, 0.1), jac=lambda w: pb.grad(error)(w), method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 1000}, **settings,
    )  # fmt: skip
    np.testing.assert_allclose(found.x, theirs.x, atol=2e-5)
    assert found.fun <= theirs.fun + 1e-9
    assert float(penalty(found.x)) == 0


def test_acceleration_and_restarts_pay():
    """An ill-conditioned problem: FISTA takes far fewer steps than ISTA, and with restarts fewer than without."""
    scale = np.logspace(0, -1.2, 12)

    def f(w):
        return error(w * scale)

    steps = {}
    for name, method, options in (
        ("ista", "ista", {}), ("plain", "fista", {"restart": False}), ("fista", "fista", {}),
    ):  # fmt: skip
        found = optim.minimize(
            f, np.zeros(12), method=method, l1=1e-4, gtol=1e-6, options=options, maxiter=20_000
        )
        assert found.success
        steps[name] = found.nit
    assert steps["fista"] < steps["plain"] < steps["ista"]
    assert 5 * steps["fista"] < steps["ista"]


@pytest.mark.parametrize("method", METHODS)
def test_pytrees_with_a_penalty_on_a_part(method):
    """An intercept without a penalty: at the minimum its derivative is 0."""

    def f(p):
        return xp.mean((X @ p["w"] + p["b"] - Y - 3) ** 2) / 2

    for settings in ({"l1": {"w": 0.1}}, {"prox": {"w": P.L1(0.1), "b": None}}):
        found = optim.minimize(
            f, {"w": np.zeros(12), "b": np.asarray(0.0)}, method=method, gtol=1e-9, **settings
        )
        assert found.success
        assert abs(found.jac["b"]) < 1e-8
        assert np.all(np.abs(found.jac["w"]) <= 0.1 + 1e-8)
        assert np.sum(found.x["w"] == 0) > 0


def test_a_group_is_zero_as_a_whole_and_a_matrix_of_low_rank():
    groups = np.repeat(np.arange(4), 3)
    found = optim.minimize(
        error, np.zeros(12), method="fista", prox=P.GroupLasso(0.3, groups=groups), gtol=1e-9
    )
    zeros = (found.x == 0).reshape(4, 3)
    assert np.all(zeros.all(axis=1) | ~zeros.any(axis=1))
    assert 0 < zeros.all(axis=1).sum() < 4
    target = np.outer(np.arange(1.0, 5), np.ones(3)) + 0.1 * RNG.normal(size=(4, 3))
    low = optim.minimize(
        lambda A: 0.5 * xp.sum((A - target) ** 2), np.zeros((4, 3)), method="fista",
        prox=P.NuclearNorm(0.5), gtol=1e-9,
    )  # fmt: skip
    assert np.linalg.matrix_rank(low.x, tol=1e-6) == 1


def test_a_function_as_the_operator():
    """Of a function the value is not known: `fun` is f alone."""
    found = optim.minimize(
        error, np.zeros(12), method="fista", gtol=1e-9,
        prox=lambda v, step: P.soft_threshold(v, 0.2 * step),
    )  # fmt: skip
    np.testing.assert_allclose(found.x, coordinate_descent(0.2), atol=1e-8)
    np.testing.assert_allclose(found.fun, float(error(found.x)))


@pytest.mark.parametrize("method", METHODS)
def test_every_device_and_float32(method, lib):
    for dtype, gtol in (("float64", 1e-7), ("float32", 2e-3)):
        A, b = lib.asarray(X, dtype), lib.asarray(Y, dtype)

        def f(w, A=A, b=b):
            return xp.mean((xp.asarray(A) @ w - b) ** 2) / 2

        found = optim.minimize(
            f, lib.asarray(np.zeros(12), dtype), method=method, l1=0.2, gtol=gtol
        )
        assert found.success, found.message
        assert lib.is_raw(found.x)
        assert lib.to_numpy(found.x).dtype == dtype
        np.testing.assert_allclose(
            lib.to_numpy(found.x),
            coordinate_descent(0.2),
            atol=1e-6 if dtype == "float64" else 5e-3,
        )


def test_complex_variables():
    """Phases stay: of min ½ |z − c|² + t |z| each element shrinks along itself."""
    c = np.asarray([3 + 4j, 0.1 - 0.1j])
    found = optim.minimize(
        lambda z: 0.5 * xp.sum(xp.abs(z - c) ** 2), np.zeros(2, complex), method="fista", l1=1.0, gtol=1e-9
    )  # fmt: skip
    np.testing.assert_allclose(found.x, [0.8 * (3 + 4j), 0], atol=1e-8)


def test_a_callback_sees_each_step_and_may_stop():
    seen = []

    def callback(result):
        seen.append(result.fun)
        np.testing.assert_allclose(
            result.fun, float(error(result.x)) + 0.2 * np.abs(result.x).sum(), rtol=1e-12
        )
        if len(seen) == 3:
            raise StopIteration

    found = optim.minimize(
        error, np.zeros(12), method="fista", l1=0.2, gtol=1e-12, callback=callback
    )
    assert (found.status, found.nit, len(seen)) == (99, 3, 3)
    np.testing.assert_allclose(found.jac, pb.grad(error)(found.x))


def test_a_start_outside_of_a_constraint_is_moved_into_it():
    found = optim.minimize(error, np.full(12, 9.0), method="fista", prox=P.Box(0, 1), maxiter=0)
    np.testing.assert_array_equal(found.x, np.ones(12))
    assert np.isfinite(found.fun)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"l1": 1.0}, "takes no penalty"),
        ({"method": "BFGS", "prox": P.L1(1.0)}, "takes no penalty"),
        ({"method": "fista", "prox": P.L1(1.0), "l1": 1.0}, "not both"),
        ({"method": "fista", "l1": -1.0}, "alpha=-1.0"),
        ({"method": "fista", "options": {"first": 0.0}}, "first=0.0"),
        ({"method": "ista", "options": {"shrink": 1.5}}, "shrink=1.5"),
        ({"method": "ista", "options": {"restart": True}}, "no option 'restart'"),
        ({"method": "fista", "line_search": "armijo"}, "takes no line search"),
    ],
)
def test_what_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        optim.minimize(error, np.zeros(12), **settings)


def test_a_function_that_is_not_smooth_is_said_to_be_so():
    found = optim.minimize(
        lambda w: xp.sum(xp.where(w < 0.1, xp.inf, w)), np.asarray([0.2]), method="ista", gtol=1e-9
    )
    assert not found.success


def test_a_fixed_step():
    M = np.linalg.eigvalsh(X.T @ X / 60)[-1]
    options = {"first": 1 / M, "backtracking": False}
    found = optim.minimize(
        error, np.zeros(12), method="fista", l1=0.2, gtol=1e-9, options=options, history=True
    )
    assert found.success
    np.testing.assert_allclose(found.history["step"][1:], 1 / M)
