"""Tests of `autograd/solve/implicit/fixed_point.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._api import LINEAR, rng


@pytest.mark.parametrize("history", [0, -1, 2.5])
def test_anderson_keeps_at_least_one_difference(history):
    with pytest.raises(ValueError, match="history"):
        pb.implicit.fixed_point(pb.xp.cos, 1.0, history=history)


xp = pb.xp


implicit = pb.implicit


@pytest.mark.parametrize("method", ["plain", "anderson"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_fixed_points_from_far_away(method, dtype):
    near = {"rtol": 1e-8 if dtype == "float64" else 1e-4}
    far = np.asarray(1e14 if dtype == "float64" else 1e6, dtype)
    np.testing.assert_allclose(
        implicit.fixed_point(lambda v: v / 2 + 1, far, method=method), 2, **near
    )
    np.testing.assert_allclose(
        implicit.fixed_point(xp.cos, far, method=method), 0.7390851332, **near
    )
    assert (
        abs(float(implicit.fixed_point(lambda v: v / 2, np.asarray(1, dtype), method=method)))
        < 1e-6
    )


W = rng.normal(size=(4, 4)) / 4


@pytest.mark.parametrize("linear_solver", LINEAR)
@pytest.mark.parametrize("method", ["plain", "anderson"])
def test_fixed_points(method, linear_solver):
    def f(W, x):
        return implicit.fixed_point(
            lambda v, x: xp.tanh(W @ v + x), np.zeros(4), x, method=method, linear_solver=linear_solver,
            adjoint_rtol=1e-13,
        )  # fmt: skip

    x = np.linspace(-1, 1, 4)
    v = np.asarray(f(W, x))
    np.testing.assert_allclose(np.tanh(W @ v + x), v, atol=1e-11)
    pb.check_grads(f, (W, x), order=2)


@pytest.mark.parametrize("method", ["plain", "anderson"])
def test_herons_rule_has_the_square_root_s_derivatives(method):
    def f(p):
        return implicit.fixed_point(lambda v: (v + p / v) / 2, 1.0, method=method)

    for order, factor in enumerate((1.0, 0.5, -0.25, 0.375)):
        assert float(f(3.0)) == pytest.approx(factor * 3.0 ** (0.5 - order), rel=1e-10)
        f = pb.grad(f)


def test_anderson_needs_fewer_steps():
    slow = np.diag(np.linspace(0.5, 0.99, 30))
    b = np.ones(30)
    count = {}
    for method in ("plain", "anderson"):
        calls = []

        def T(v, calls=calls):
            calls.append(1)
            return slow @ v + b

        v = implicit.fixed_point(T, np.zeros(30), method=method, maxiter=5000, rtol=1e-10)
        np.testing.assert_allclose(v, np.linalg.solve(np.eye(30) - slow, b), rtol=1e-6)
        count[method] = len(calls)
    assert count["anderson"] < count["plain"] / 5


def test_fixed_points_at_zero_and_with_rare_checks():
    assert abs(float(implicit.fixed_point(lambda v: v / 2, 1.0, method="plain"))) < 1e-11
    for every in (1, 7):
        v = implicit.fixed_point(xp.cos, 1.0, check_every=every)
        assert float(v) == pytest.approx(0.7390851332151607, abs=1e-12)
    z = implicit.fixed_point(lambda v: 0.5j * v + 1.0, np.asarray(0j))
    assert complex(z) == pytest.approx(1 / (1 - 0.5j))
