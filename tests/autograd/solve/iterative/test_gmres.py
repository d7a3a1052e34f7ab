"""Tests of `autograd/solve/iterative/gmres.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ._krylov import N, matrix, random

linalg = pb.linalg


BREAKDOWNS = [
    (np.diag([1.0, 0.0, 2.0]), np.ones(3)),
    (np.zeros((4, 4)), np.ones(4)),
    (np.ones((3, 3)), np.asarray([1.0, 2.0, 3.0])),
    (np.eye(5, k=1), np.ones(5)),
]


@pytest.mark.parametrize("case", range(len(BREAKDOWNS)))
def test_gmres_says_that_it_broke_down(case, lib):
    A, b = (lib.asarray(x) for x in BREAKDOWNS[case])
    with pytest.raises(linalg.ConvergenceError, match="broke down: no further step") as found:
        linalg.gmres(A, b, maxiter=2000)
    assert found.value.steps < 20
    assert "used up" not in str(found.value)


def test_restarts_and_breakdowns():
    A, b = matrix("gmres", np.float64), random(N)
    x, info = linalg.gmres(A, b, restart=2, maxiter=200, rtol=1e-10)
    assert info.steps > N
    np.testing.assert_allclose(x, np.linalg.solve(A, b), rtol=1e-8)
    # an eigenvector spans an invariant space: one step is exact
    for every in (1, 5):
        x, info = linalg.gmres(np.diag([2.0, 3.0, 4.0]), np.asarray([1.0, 0, 0]), check_every=every)
        assert info.steps == 1
        np.testing.assert_array_equal(x, [0.5, 0, 0])
    # r̂ᴴ A r = 0 at the first step of bicgstab
    x, _ = linalg.bicgstab(
        np.asarray([[0.0, 1.0], [-1.0, 0.1]]), np.asarray([1.0, 0.0]), rtol=1e-10
    )
    np.testing.assert_allclose(x, [0.1, 1.0], atol=1e-9)
