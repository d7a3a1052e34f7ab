"""How fast the methods converge, measured against their theorems."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._minimize_convergence_rates import FLAT, order, quadratic, slope

xp, optim = pb.xp, pb.optim


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
