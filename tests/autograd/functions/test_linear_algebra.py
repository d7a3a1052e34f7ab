"""NumPy's products that the standard lacks: shapes, complex numbers, derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import pullback as pb

RNG = np.random.default_rng(0)
SHAPES = {
    "dot": [((3,), (3,)), ((2, 3), (3,)), ((2, 3), (3, 4)), ((2, 3), (4, 3, 5))],
    "inner": [((3,), (3,)), ((2, 3), (4, 3))],
    "vdot": [((3,), (3,)), ((2, 3), (2, 3))],
    "outer": [((3,), (2,)), ((2, 2), (3,))],
    "kron": [((2,), (3,)), ((2, 3), (3, 2))],
}
CASES = [(name, a, b) for name, shapes in SHAPES.items() for a, b in shapes]


def draw(shape, dtype):
    x = RNG.standard_normal(shape)
    return (x + 1j * RNG.standard_normal(shape)) if dtype is complex else x


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize(("name", "a", "b"), CASES)
def test_values_are_numpy_s(name, a, b, dtype):
    x, y = draw(a, dtype), draw(b, dtype)
    assert_allclose(getattr(pb.xp, name)(x, y), getattr(np, name)(x, y), rtol=1e-12)


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize(("name", "a", "b"), CASES)
def test_derivatives(name, a, b, dtype):
    pb.check_grads(getattr(pb.xp, name), (draw(a, dtype), draw(b, dtype)))


def test_lengths_that_do_not_fit():
    for name in ("dot", "inner", "vdot"):
        with pytest.raises(ValueError, match=r"."):
            getattr(pb.xp, name)(np.ones(3), np.ones(4))
