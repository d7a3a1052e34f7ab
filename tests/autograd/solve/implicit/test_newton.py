"""Tests of `autograd/solve/implicit/newton.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.solve.errors import ConvergenceError

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file


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


def test_hybr_honours_maxiter():
    with pytest.raises(ConvergenceError):
        pb.implicit.root(lambda v: v * v - 2.0, np.asarray([1.0]), method="hybr", maxiter=2)


xp = pb.xp


implicit = pb.implicit


@pytest.mark.parametrize("method", ["newton", "newton-krylov", "broyden", "hybr", "lm"])
@pytest.mark.parametrize("v0", [1e14, 1e6, 1e-3])
def test_roots_from_far_away(method, v0):
    v = implicit.root(lambda v: v * v - 2, v0, method=method, maxiter=1000)
    np.testing.assert_allclose(v, 2**0.5, rtol=1e-9)
    assert abs(float(implicit.root(lambda v: v * v, 1.0, method="newton"))) < 1e-10


@pytest.mark.parametrize("method", ["newton-krylov", "broyden", "hybr", "lm"])
@pytest.mark.parametrize(
    ("g", "v0"),
    [
        (lambda v: v * v + 1, 1.0),
        (lambda v: xp.atan(v - 1), 1e14),
        (lambda v: xp.exp(-v), 0.0),
        (lambda v: v / (1 + v * v), 0.99999),
    ],
)
def test_no_root(method, g, v0):
    with pytest.raises(np.linalg.LinAlgError):
        implicit.root(g, v0, method=method)


def test_newton_is_damped():
    """From 3, full steps for the root of arctan go off to infinity."""
    assert abs(float(implicit.root(xp.atan, 3.0))) < 1e-12


def test_a_singular_jacobian_raises():
    with pytest.raises(np.linalg.LinAlgError):
        implicit.root(lambda v: xp.stack([v[0] + v[1] - 1, 2 * v[0] + 2 * v[1] - 3]), np.zeros(2))
