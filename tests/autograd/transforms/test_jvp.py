"""Tests of `autograd/transforms/jvp.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._jacobian import FUNCTIONS, V, X, Z

xp = pb.xp


@pytest.mark.parametrize("name", FUNCTIONS)
def test_jvp_is_jacobian_times_tangent(name):
    f, x = FUNCTIONS[name]
    v = np.random.default_rng(1).standard_normal(x.shape)
    out, moved = pb.jvp(f, (x,), (v,))
    np.testing.assert_allclose(out, pb.to_numpy(f(x)))
    J = pb.jacobian(f)(x).reshape(out.size, x.size)
    np.testing.assert_allclose(moved.ravel(), J @ v.ravel(), rtol=1e-12, atol=1e-14)


def test_jvp_complex():
    _, moved = pb.jvp(lambda z: z * z, (Z,), (np.asarray([1, 1j]),))
    np.testing.assert_allclose(moved, 2 * Z * np.asarray([1, 1j]))


def test_linearize_evaluates_once():
    calls = []

    def f(x):
        calls.append(1)
        return xp.sin(x)

    out, push = pb.linearize(f, X)
    for v in (V, 2 * V):
        np.testing.assert_allclose(push(v), np.cos(X) * v)
    assert len(calls) == 1
    np.testing.assert_allclose(out, np.sin(X))


def test_jvp_under_grad():
    gradient = pb.grad(lambda x: xp.sum(pb.jvp(xp.sin, (x,), (x,))[1]))(X)
    np.testing.assert_allclose(gradient, np.cos(X) - X * np.sin(X), rtol=1e-12)


def test_primals_and_tangents_that_do_not_fit_are_named():
    f, x = lambda x: x * x, np.ones(4)
    with pytest.raises(TypeError, match=r"jvp: primals has to be a tuple .* pb\.jvp\(f, \(x,\)"):
        pb.jvp(f, x, x)
    with pytest.raises(TypeError, match="jvp: tangents has to be a tuple"):
        pb.jvp(f, (x,), x)
    with pytest.raises(
        ValueError, match=r"tangent of argument 0 has shape \(3,\), the argument \(4,\)"
    ):
        pb.jvp(f, (x,), (np.ones(3),))
