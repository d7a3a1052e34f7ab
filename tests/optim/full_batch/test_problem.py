"""Tests of `optim/full_batch/problem.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._minimize import OURS, RNG, banana

xp = pb.xp


optim = pb.optim


@pytest.mark.parametrize("method", OURS)
def test_complex_unknowns(method):
    target = np.asarray([1 + 2j, -3j])
    square = lambda z: xp.real(
        z * xp.conj(z)
    )  # |z| itself has no second derivative at 0, where this begins
    f = lambda z: xp.sum(square(z - target)) + 0.1 * xp.sum(square(z) ** 2)
    result = optim.minimize(f, np.zeros(2, complex), method=method, gtol=1e-7)
    assert result.success
    assert result.x.dtype == complex
    assert np.linalg.norm(pb.grad(f)(result.x)) < 1e-6


def test_kinds_of_leaves():
    """Numbers come back as numbers, pb.Arrays as pb.Arrays, arrays of mixed precision in their own."""
    x0 = {"n": 0.5, "a": xp.asarray([0.0, 1.0]), "h": np.zeros(2, np.float32), "none": None}
    f = lambda p: (p["n"] - 2) ** 2 + xp.sum((p["a"] - 1) ** 2) + xp.sum((p["h"] + 1) ** 2)
    result = optim.minimize(f, x0, gtol=1e-6)
    assert type(result.x["n"]) is float
    assert result.x["n"] == pytest.approx(2, rel=1e-5)
    assert type(result.x["a"]) is pb.Array
    assert result.x["h"].dtype == np.float32
    assert result.x["none"] is None
    assert optim.minimize(lambda x: (x - 3) ** 2, 0.0).x == pytest.approx(3)


def test_models_are_trees():
    """All parameters of a network at once: the result is a model again."""
    model = pb.models.MLP([2, 6, 2], activation="tanh", seed=0, dtype="float64")
    x = RNG.standard_normal((40, 2))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    loss = lambda m: pb.models.cross_entropy(m(x), y)
    result = optim.minimize(loss, model, maxiter=200, gtol=1e-3)
    assert type(result.x) is pb.models.MLP
    assert result.x.sizes == model.sizes
    assert float(loss(result.x)) == pytest.approx(result.fun)
    assert result.fun < 0.1 * float(loss(model))


def test_nothing_is_written_to():
    x0 = np.asarray([-1.0, 1.0])
    x0.flags.writeable = False
    result = optim.minimize(banana, x0)
    assert not np.shares_memory(result.x, x0)
    assert result.x.flags.writeable
    done = optim.minimize(banana, np.ones(2))
    assert (done.nit, done.status) == (0, 0)
    assert not np.shares_memory(done.x, done.jac)


def test_numbers_go_where_the_arrays_beside_them_are(lib, backend):
    """A tree of an array and a number starts on the array's device, whichever backend is active."""

    def f(p):
        return pb.xp.sum((p["a"] - 1.0) ** 2) + (p["b"] - 2.0) ** 2

    for a in (np.zeros(2), lib.asarray(np.zeros(2))):
        found = pb.optim.minimize(f, {"a": a, "b": 0.0}, method="l-bfgs").x
        assert type(found["a"]) is type(a)
        assert float(found["b"]) == pytest.approx(2.0)
