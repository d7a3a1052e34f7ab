"""Found by attack on the solvers: singular systems that passed for solved ones, and matrices changed too early."""

import gc
import weakref

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.solve.errors import ConvergenceError


@pytest.mark.parametrize(
    ("A", "b"),
    [
        (np.zeros((3, 3)), np.ones(3)),
        (np.diag([1.0, 0.0]), np.ones(2)),
        (np.diag([1.0, 2.0, 0.0]), np.asarray([1.0, 2.0, 3.0])),
    ],
)
def test_minres_says_that_a_singular_system_has_no_solution(A, b):
    with pytest.raises(ConvergenceError):
        pb.linalg.minres(A, b)
    assert not pb.linalg.minres(A, b, check=False)[1].converged


def test_minres_solves_singular_systems_that_have_a_solution():
    x, info = pb.linalg.minres(np.diag([1.0, 0.0, -2.0]), np.asarray([1.0, 0.0, 4.0]))
    assert info.converged
    np.testing.assert_allclose(pb.to_numpy(x), [1.0, 0.0, -2.0], atol=1e-12)


@pytest.mark.parametrize(
    "g",
    [
        lambda v: v * 0 + 1.0,
        lambda v: v * v + 1.0,  # the first step leads to 0, where the slope is 0
    ],
)
def test_newton_krylov_does_not_take_a_singular_jacobian_for_a_root(g):
    with pytest.raises(ConvergenceError):
        pb.implicit.root(g, 1.0, method="newton-krylov")


@pytest.mark.parametrize("history", [0, -1, 2.5])
def test_anderson_keeps_at_least_one_difference(history):
    with pytest.raises(ValueError, match="history"):
        pb.implicit.fixed_point(pb.xp.cos, 1.0, history=history)


@pytest.mark.parametrize("name", ["cg", "minres", "gmres", "bicgstab"])
def test_a_constant_matrix_changed_after_vjp_changes_no_gradient(name):
    A, b = np.asarray([[4.0, 1.0], [1.0, 3.0]]), np.asarray([1.0, 2.0])
    want = np.linalg.solve(A, np.ones(2))
    _, pull = pb.vjp(lambda b: getattr(pb.linalg, name)(A, b, rtol=1e-12)[0], b)
    A *= 2
    np.testing.assert_allclose(pb.to_numpy(pull(np.ones(2))[0]), want, rtol=1e-10)


class Marker:
    """What the user's function closes over, to see when it is freed."""


SOLUTIONS = {
    "root": lambda p: pb.implicit.root(lambda v: v * v - p, np.ones(2)),
    "root by gmres": lambda p: pb.implicit.root(
        lambda v: v * v - p, np.ones(2), linear_solver="gmres"
    ),
    "fixed point": lambda p: pb.implicit.fixed_point(lambda v: 0.2 * p * pb.xp.cos(v), np.zeros(2)),
    "argmin": lambda p: pb.implicit.argmin(lambda v: pb.xp.sum((v - p) ** 2), np.zeros(2)),
    "cg": lambda p: pb.linalg.cg(lambda v: p * v, np.ones(2))[0],
    "lsmr": lambda p: pb.linalg.lsmr(lambda v: p * v, np.ones(2), np.ones(2))[0],
}


def by_vjp(f, x):
    _, pull = pb.vjp(f, x)
    pull(np.ones(2))
    return pull(np.ones(2))


def by_vjp_alone(f, x):
    return pb.vjp(f, x)[0]


def by_tape(f, x):
    with pb.Tape() as tape:
        p = tape.watch(x)
        y = pb.xp.sum(f(p))
        early = tape.gradient(y, p)
    np.testing.assert_array_equal(tape.gradient(y, p), early)


def by_nested_vjp(f, x):
    return by_vjp(lambda x: pb.vjp(f, x)[1](x)[0], x)


@pytest.mark.parametrize("way", [by_vjp, by_vjp_alone, by_tape, by_nested_vjp])
@pytest.mark.parametrize("name", SOLUTIONS)
def test_kept_pullbacks_are_freed_without_the_garbage_collector(name, way):
    """The entry of a solution keeps the user's function, which closes over arrays of the very same tape."""
    x = np.asarray([1.0, 2.0])

    def run():
        marker = Marker()

        def f(p):
            def scaled(v):  # kept by the tape, with the marker
                return v * p if marker else v

            return SOLUTIONS[name](pb.linalg.cg(scaled, x)[0])

        way(f, x)
        return weakref.ref(marker)

    run()  # code is generated at the first call
    gc.collect()
    gc.disable()
    try:
        assert run()() is None
        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_outer_products_by_blas_keep_nan_and_infinity(dtype):
    """BLAS may skip zeros, for which 0 · ∞ would be 0."""
    x, y = np.ones(40, dtype), np.zeros(50, dtype)
    x[1:3], y[0] = (np.inf, np.nan), 2
    with np.errstate(invalid="ignore"):
        for a, b in ((x, y), (y, x)):
            out, expected = pb.to_numpy(pb.xp.linalg.outer(a, b)), a[:, None] * b
            assert out.dtype == expected.dtype
            np.testing.assert_array_equal(np.isnan(out), np.isnan(expected))
            np.testing.assert_array_equal(np.isinf(out), np.isinf(expected))
