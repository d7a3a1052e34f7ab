"""Least squares: Gauss-Newton and Levenberg-Marquardt beside SciPy's."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.optim.full_batch.minimize import METHODS

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp, optim = pb.xp, pb.optim
LEAST_SQUARES = [m for m, entry in METHODS.items() if entry.residuals]


def banana_residuals(x):
    return xp.concat([10 * (x[1:] - x[:-1] ** 2), 1 - x[:-1]])


@pytest.mark.parametrize("method", LEAST_SQUARES)
def test_least_squares(method, lib):
    t = np.linspace(0, 3, 30)
    data = 2 * np.exp(-1.3 * t) + 0.5 + 0.01 * np.sin(40 * t)
    t_there, data_there = lib.asarray(t), lib.asarray(data)
    f = lambda p, t, y: p["a"] * xp.exp(-p["b"] * t) + p["c"] - y
    x0 = {k: lib.asarray(v) for k, v in {"a": 1.0, "b": 1.0, "c": 0.0}.items()}
    result = optim.minimize(f, x0, args=(t_there, data_there), method=method, gtol=1e-9)
    assert result.success, result.message
    scipy_optimize = pytest.importorskip("scipy.optimize")
    expected = scipy_optimize.least_squares(
        lambda p: p[0] * np.exp(-p[1] * t) + p[2] - data,
        [1.0, 1.0, 0.0],
        xtol=1e-14,
        ftol=1e-14,
        gtol=1e-12,
    )
    found = [lib.to_numpy(result.x[k]) for k in "abc"]
    np.testing.assert_allclose(found, expected.x, rtol=1e-6)
    assert result.fun == pytest.approx(expected.cost, rel=1e-10)
    assert all(lib.is_raw(x) for x in result.x.values())


@pytest.mark.parametrize("method", LEAST_SQUARES)
def test_least_squares_in_trees_and_without_full_rank(method):
    result = optim.minimize(banana_residuals, np.asarray([-1.2, 1.0]), method=method, gtol=1e-10)
    np.testing.assert_allclose(result.x, 1, rtol=1e-7)
    f = lambda p: {"one": p["x"] * p["y"] - 1, "many": 0.0 * p["x"] + xp.zeros(2)}
    result = optim.minimize(
        f, {"x": np.asarray(3.0), "y": np.asarray(2.0)}, method=method, gtol=1e-9
    )
    assert result.success, result.message
    assert result.x["x"] * result.x["y"] == pytest.approx(1, rel=1e-8)


TIMES = np.arange(20) / 5
LINE = np.linspace(-3, 3, 20)
# Residuals, a start, and how many times the evaluations of MINPACK's Levenberg-Marquardt ours may take.
FAR = {
    "exponential": (lambda x: xp.exp(x) - 3, [30.0], 1.2),
    "exponential, flat side": (lambda x: xp.exp(x) - 3, [-5.0], 2),
    "Rosenbrock": (banana_residuals, [-1.2, 1.0], 2),
    "decay, as growth": (
        lambda x: x[0] * xp.exp(-x[1] * TIMES) - 2.5 * np.exp(-1.3 * TIMES),
        [10.0, -3.0],
        4,
    ),
    "decay, too fast": (
        lambda x: x[0] * xp.exp(-x[1] * TIMES) - 2.5 * np.exp(-1.3 * TIMES),
        [1.0, 30.0],
        2,
    ),
    "sigmoid": (
        lambda x: xp.sigmoid(x[0] + x[1] * LINE) - 1 / (1 + np.exp(-0.3 - 2 * LINE)),
        [8.0, -3.0],
        2,
    ),
    "arctangent": (xp.atan, [20.0], 2),
    "Brown, badly scaled": (
        lambda x: xp.stack([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2]),
        [1.0, 1.0],
        2,
    ),
}


@pytest.mark.parametrize(("f", "start", "times"), FAR.values(), ids=FAR)
def test_levenberg_marquardt_from_far_away_in_as_many_evaluations_as_minpack_s(f, start, times):
    x0 = np.asarray(start)
    ours = optim.minimize(f, x0, method="levenberg-marquardt", gtol=1e-8)
    raw = lambda x: np.asarray(f(xp.asarray(x)))
    scipy_optimize = pytest.importorskip("scipy.optimize")
    with np.errstate(over="ignore"):  # a trial step of SciPy's
        theirs = scipy_optimize.least_squares(
            raw, x0, jac=pb.jacobian(f), method="lm", xtol=1e-14, ftol=1e-14, gtol=1e-12
        )
    assert ours.success, ours.message
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-5, atol=1e-6)
    assert ours.nfev <= times * theirs.nfev
