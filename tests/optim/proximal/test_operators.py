"""Tests of `optim/proximal/operators.py`: each is the minimum that defines it; derivatives; every library."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize

import pullback as pb
from pullback.optim import proximal as P

xp = pb.xp
V = np.asarray([1.3, -0.2, 0.6, -2.1, 0.05])
M = np.asarray([[1.3, -0.2, 0.6], [-2.1, 0.05, 0.4]])


def _norm(x):
    return np.sqrt(np.sum(np.abs(x) ** 2))


# name, operator(v, t), g(x) of NumPy (t · g is what it belongs to), the point
ROWS = [
    ("soft", P.soft_threshold, lambda x: np.sum(np.abs(x)), V),
    ("soft, complex", P.soft_threshold, lambda x: np.sum(np.abs(x)), V + 1j * V[::-1]),
    ("block", P.block_soft_threshold, _norm, V),
    ("block, complex", P.block_soft_threshold, _norm, V - 0.5j),
    ("rows", lambda v, t: P.block_soft_threshold(v, t, axis=-1), lambda x: sum(map(_norm, x)), M),
    ("nuclear", P.singular_value_threshold, lambda x: np.linalg.svd(x)[1].sum(), M),
]  # fmt: skip


@pytest.mark.parametrize(("name", "operator", "g", "v"), ROWS, ids=[r[0] for r in ROWS])
def test_the_minimum_that_defines_it(name, operator, g, v):
    """No point nearby, and none of many others, has a smaller ½ ‖x − v‖² + t g(x)."""
    rng = np.random.default_rng(0)
    for t in (0.1, 0.7, 30.0):
        x = pb.to_numpy(operator(v, t))
        cost = lambda x, t=t: 0.5 * np.sum(np.abs(x - v) ** 2) + t * g(x)
        best = cost(x)
        for size in (1e-4, 1e-2, 1.0):
            for _ in range(50):
                step = rng.normal(size=v.shape) + (
                    1j * rng.normal(size=v.shape) if v.dtype.kind == "c" else 0
                )
                assert cost(x + size * step) >= best - 1e-12


@pytest.mark.parametrize(("name", "operator", "g", "v"), ROWS, ids=[r[0] for r in ROWS])
def test_derivatives(name, operator, g, v):
    for t in (0.1, 0.7):
        pb.check_grads(lambda v, t: operator(v, t), (v, np.asarray(t)), order=2)


def test_projections_against_scipy():
    """The nearest points, by SciPy's SLSQP."""

    def nearest(v, **constraints):
        start = np.full(v.shape, 1 / v.size)
        found = scipy.optimize.minimize(
            lambda x: 0.5 * np.sum((x - v) ** 2), start, jac=lambda x: x - v, method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 500}, **constraints,
        )  # fmt: skip
        return found.x

    rng = np.random.default_rng(1)
    for _ in range(10):
        v = 2 * rng.normal(size=6)
        simplex = nearest(
            v, bounds=[(0, None)] * 6, constraints={"type": "eq", "fun": lambda x: x.sum() - 1.5}
        )
        np.testing.assert_allclose(pb.to_numpy(P.project_simplex(v, 1.5)), simplex, atol=1e-6)
        ball = nearest(v, constraints={"type": "ineq", "fun": lambda x: 0.25 - np.sum(x**2)})
        np.testing.assert_allclose(pb.to_numpy(P.project_l2_ball(v, 0.5)), ball, atol=1e-5)
        box = nearest(v, bounds=[(-0.3, 0.8)] * 6)
        np.testing.assert_allclose(pb.to_numpy(P.project_box(v, -0.3, 0.8)), box, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "project"),
    [
        ("simplex", lambda v: P.project_simplex(v, 1.5)),
        ("ball", lambda v: P.project_l2_ball(v, 0.7)),
        ("ball around it", lambda v: P.project_l2_ball(v, 70.0)),
        ("box", lambda v: P.project_box(v, -0.3, 0.8)),
        ("half a box", lambda v: P.project_box(v, low=-0.3)),
        ("nonnegative", P.project_nonnegative),
    ],
)  # fmt: skip
def test_projections_are_idempotent_and_differentiable(name, project):
    x = pb.to_numpy(project(V))
    np.testing.assert_allclose(pb.to_numpy(project(x)), x, atol=1e-15)
    pb.check_grads(project, (V,), order=2)


def test_projections_of_rows_and_parameters():
    x = pb.to_numpy(P.project_simplex(M, np.asarray([[1.0], [2.0]])))
    np.testing.assert_allclose(x.sum(axis=1), [1, 2])
    for i in range(2):
        np.testing.assert_allclose(x[i], pb.to_numpy(P.project_simplex(M[i], 1.0 + i)))
    pb.check_grads(P.project_simplex, (M, np.asarray([[1.0], [2.0]])), order=2)
    pb.check_grads(P.project_l2_ball, (V, np.asarray(0.4)), order=2)
    pb.check_grads(P.project_box, (V, np.asarray(-0.4), np.asarray(0.9)), order=2)
    y = pb.to_numpy(P.project_l2_ball(M, 0.5, axis=1))
    np.testing.assert_allclose(np.linalg.norm(y, axis=1), 0.5)


def test_at_zero_values_and_derivatives_are_finite():
    """A block of zeros, a threshold of 0 and a ball of radius 0: no 0 / 0."""
    zero = np.zeros(3)
    for f in (
        lambda v: P.block_soft_threshold(v, 0.5), lambda v: P.block_soft_threshold(v, 0.0),
        lambda v: P.project_l2_ball(v, 0.0), lambda v: P.project_l2_ball(v, 1.0),
        lambda v: P.soft_threshold(v + 0j, 0.0), lambda v: P.soft_threshold(v, 0.5),
    ):  # fmt: skip
        np.testing.assert_array_equal(pb.to_numpy(f(zero)), zero)
        loss = lambda v, f=f: xp.sum(xp.real(f(v) * np.arange(1.0, 4.0)))
        assert np.all(np.isfinite(pb.grad(loss)(zero)))
        assert np.all(np.isfinite(pb.hessian(loss)(zero)))
    # inside the ball the projection is the identity, at 0 too, to the second order
    np.testing.assert_array_equal(
        pb.hessian(lambda v: xp.sum(P.project_l2_ball(v, 1.0) ** 2))(zero), 2 * np.eye(3)
    )


def test_nan_stays_nan():
    v = np.asarray([1.0, np.nan])
    for f in (P.soft_threshold, P.block_soft_threshold, P.project_box, P.project_simplex):
        with np.errstate(all="ignore"):
            assert np.isnan(pb.to_numpy(f(v, 1.0))).any(), f


def test_no_elements_have_no_simplex():
    with pytest.raises(ValueError, match="no elements to share"):
        P.project_simplex(np.zeros(0))


def test_every_library_and_float32(lib):
    for dtype in ("float32", "float64"):
        v, A = lib.asarray(V, dtype), lib.asarray(M, dtype)
        for out in (
            P.soft_threshold(v, 0.5),
            P.soft_threshold(v, lib.asarray(np.abs(V), dtype)),
            P.block_soft_threshold(v, 0.5),
            P.project_box(v, -1.0, 1.0),
            P.project_nonnegative(v),
            P.project_simplex(A, 2.0),
            P.project_l2_ball(v, 0.5),
            P.singular_value_threshold(A, 0.1),
        ):
            assert lib.is_raw(out.value)
            assert out.dtype == dtype
        g = pb.grad(lambda v: xp.sum(P.project_simplex(v) ** 2))(v)
        assert lib.is_raw(g)
        assert lib.to_numpy(g).dtype == dtype


def test_compiled():
    for f in (P.soft_threshold, P.block_soft_threshold, P.project_simplex, P.project_l2_ball):
        gradient = pb.grad(lambda v, t, f=f: xp.sum(f(v, t) ** 2), (0, 1))
        fast = pb.compile(gradient)
        for v in (V, 0.5 * V + 0.3):
            for got, wanted in zip(
                fast(v, np.asarray(0.6)), gradient(v, np.asarray(0.6)), strict=True
            ):
                np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-14)
