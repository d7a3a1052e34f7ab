"""Tests of `optim/full_batch/gradient_methods.py`."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._minimize_convergence_rates import FLAT, quadratic, slope

xp = pb.xp


optim = pb.optim


@pytest.mark.parametrize(("m", "M"), [(1.0, 4.0), (1.0, 20.0), (0.5, 50.0)])
def test_gradient_descent_is_linear_at_1_minus_m_over_M(m, M):
    """With the step 1/M the error shrinks by 1 − m/M, no more and no less, and f − f* by (1 − m/M)^k at least."""
    f, c, x0 = quadratic(np.linspace(m, M, 12))
    points = []
    result = optim.minimize(
        f, x0, method="gradient-descent", line_search=1 / M, gtol=1e-9, history=True,
        callback=lambda r: points.append(r.x),
    )  # fmt: skip
    assert result.success
    errors = [np.linalg.norm(x - c) for x in points]
    rates = [b / a for a, b in itertools.pairwise(errors)]
    assert max(rates) <= 1 - m / M + 1e-6
    assert rates[-1] == pytest.approx(1 - m / M, rel=2e-3)
    gaps = np.asarray(result.history["fun"])
    assert np.all(gaps <= gaps[0] * (1 - m / M) ** np.arange(len(gaps)) * (1 + 1e-9) + 1e-25)
    # the optimiser takes the very same steps
    opt, x = optim.SGD(1 / M), x0
    state = opt.init(x)
    for there in points[:20]:
        x, state = opt.step(x, pb.grad(f)(x), state)
        np.testing.assert_allclose(x, there, rtol=1e-12, atol=1e-14)


def test_nesterov_is_1_over_k_squared_where_gradient_descent_is_1_over_k():
    f = lambda x: 0.5 * xp.sum(FLAT * x * x)
    x0 = np.ones(len(FLAT))
    steps = 2000
    plain, fast = optim.SGD(1.0), optim.Nesterov(1.0)
    x, y, s, t = x0, x0, plain.init(x0), fast.init(x0)
    gaps = {"plain": [float(f(x0))], "fast": [float(f(x0))]}
    for _ in range(steps):
        x, s = plain.step(x, FLAT * x, s)
        y, t = fast.step(y, FLAT * y, t)
        gaps["plain"].append(float(f(x)))
        gaps["fast"].append(float(f(t.first)))
    assert slope(gaps["plain"], 100, steps) == pytest.approx(-1, abs=0.03)
    assert slope(gaps["fast"], 100, steps) == pytest.approx(-2, abs=0.1)
    k = np.arange(1, steps + 1)
    assert np.all(
        np.asarray(gaps["fast"][1:]) <= 2 * (x0 @ x0) / (k + 1) ** 2
    )  # the theorem's own bound
    assert gaps["fast"][-1] < gaps["plain"][-1] / 100


@pytest.mark.parametrize("beta", ["polak-ribiere", "hager-zhang"])
def test_conjugate_gradients_end_after_n_steps_on_a_quadratic(beta):
    f, c, x0 = quadratic(np.linspace(1.0, 50.0, 10))
    result = optim.minimize(
        f,
        x0,
        method="conjugate-gradient",
        line_search=optim.Exact(1e-13),
        gtol=1e-6,
        options={"beta": beta},
    )
    assert result.success
    assert result.nit <= 11
    np.testing.assert_allclose(result.x, c, atol=1e-6)


def test_l_bfgs_needs_fewer_steps_than_gradient_descent():
    f, _, x0 = quadratic(np.logspace(0, 3, 30))
    few, many = (
        optim.minimize(f, x0, method=m, gtol=1e-6).nit for m in ("l-bfgs", "gradient-descent")
    )
    assert few < many / 5
