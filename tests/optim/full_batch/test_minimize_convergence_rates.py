"""How fast the methods converge, measured against their theorems."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp, optim = pb.xp, pb.optim


def quadratic(eigenvalues, seed=0):
    """``½ (x − c)ᵀ Q diag(λ) Qᵀ (x − c)``, its minimiser c and a start."""
    rng = np.random.default_rng(seed)
    n = len(eigenvalues)
    Q, _ = np.linalg.qr(rng.standard_normal((n, n)))
    H, c = Q @ np.diag(eigenvalues) @ Q.T, rng.standard_normal(n)
    return lambda x: 0.5 * ((x - c) @ (H @ (x - c))), c, c + Q @ np.ones(n)


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


# eigenvalues down to 0, spread evenly in their logarithms: with x0 − x* of equal coordinates the gap of gradient
# descent is Σ λ (1 − λ)^2k, which is 1/k exactly in the limit
FLAT = np.logspace(-9, 0, 400)


def slope(gaps, low, high):
    """The exponent p of gap ~ k^p between two steps."""
    k = np.arange(low, high)
    return np.polyfit(np.log(k), np.log(np.asarray(gaps)[low:high]), 1)[0]


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


def test_minimize_has_the_same_rates():
    f = lambda x: 0.5 * xp.sum(FLAT * x * x)
    settings = {"line_search": 1.0, "gtol": 0.0, "maxiter": 1000, "history": True}
    plain = optim.minimize(f, np.ones(len(FLAT)), method="gradient-descent", **settings).history[
        "fun"
    ]
    fast = optim.minimize(f, np.ones(len(FLAT)), method="nesterov", **settings).history["fun"]
    assert slope(plain, 100, 1000) == pytest.approx(-1, abs=0.03)
    assert slope(fast, 100, 1000) == pytest.approx(-2, abs=0.15)
    searched = optim.minimize(
        f,
        np.ones(len(FLAT)),
        method="nesterov",
        gtol=0.0,
        maxiter=1000,
        history=True,
        options={"first": 8.0},
    ).history
    assert slope(searched["fun"], 100, 1000) < -1.85
    assert all(
        0.5 <= step <= 8 for step in searched["step"][1:]
    )  # halved until s ≤ 1/M, no further


def test_backtracking_needs_no_constant():
    """Without M: steps between 1/(2M) and what the function bears, and at least half the rate."""
    m, M = 1.0, 20.0
    f, _, x0 = quadratic(np.linspace(m, M, 12))
    result = optim.minimize(f, x0, method="gradient-descent", gtol=1e-8, history=True)
    assert result.success
    assert min(result.history["step"][1:]) >= 1 / (2 * M)
    gaps = np.asarray(result.history["fun"])
    assert np.all(gaps <= gaps[0] * (1 - m / (2 * M)) ** np.arange(len(gaps)) * (1 + 1e-9) + 1e-20)


def order(norms):
    """The order of convergence from the last three norms above rounding."""
    norms = [n for n in norms if n > 1e-13][-3:]
    return np.log(norms[2] / norms[1]) / np.log(norms[1] / norms[0])


def barrier(x):
    return xp.sum(xp.exp(0.3 * x)) + 0.5 * xp.sum((x - 1) ** 2) + xp.logaddexp(x[0] - x[1], x[2])


def test_newton_is_quadratic():
    result = optim.minimize(barrier, np.full(3, 4.0), method="newton", gtol=1e-12, history=True)
    assert result.success
    norms = result.history["norm"]
    assert order(norms) > 1.8
    near = [(a, b) for a, b in itertools.pairwise(norms) if a < 1 and b > 1e-13]
    assert len(near) >= 2
    assert all(b <= a * a for a, b in near)  # with a constant of 1 here
    assert result.history["step"][-3:] == [1.0, 1.0, 1.0]
    assert (
        optim.minimize(quadratic([1.0, 5.0, 1e4])[0], np.zeros(3), method="newton", gtol=1e-8).nit
        == 1
    )


def test_newton_cg_is_superlinear():
    result = optim.minimize(barrier, np.full(3, 4.0), method="newton-cg", gtol=1e-11, history=True)
    assert result.success
    near = [(a, b) for a, b in itertools.pairwise(result.history["norm"]) if a < 0.1]
    assert len(near) >= 2
    assert all(b <= a**1.5 for a, b in near)  # what the tolerance √‖g‖ of its linear systems allows


def test_gauss_newton_is_quadratic_where_the_residual_is_0():
    root = np.asarray([0.2, 2 * np.exp(-0.2)])
    residual = lambda x: xp.stack(
        [
            xp.exp(x[0]) * x[1] - 2,
            x[0] + x[1] ** 2 - (root[0] + root[1] ** 2),
            x[0] * x[1] - root[0] * root[1],
        ]
    )
    for method in ("gauss-newton", "levenberg-marquardt"):
        result = optim.minimize(
            residual, np.asarray([1.0, 1.0]), method=method, gtol=1e-12, history=True
        )
        np.testing.assert_allclose(result.x, root, rtol=1e-9)
        if method == "gauss-newton":
            assert order(result.history["norm"]) > 1.8


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
