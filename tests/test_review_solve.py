"""Found by attack on the solvers: singular systems that passed for solved ones, and matrices changed too early."""

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
