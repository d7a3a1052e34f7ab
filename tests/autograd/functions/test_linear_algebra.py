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


# ── where NumPy's `linalg` refuses what its main namespace takes ──────────────────────────────────

VECTORS = {
    "outer": ("two vectors are needed", [((2, 2), (3,)), ((3,), (1, 3)), ((), (3,)), ((3,), ())]),
    "cross": ("vectors of three components", [((2,), (2,)), ((2,), (3,)), ((4, 3), (4,)), ((4,), (4,))]),
}  # fmt: skip
REFUSED = [(name, why, a, b) for name, (why, shapes) in VECTORS.items() for a, b in shapes]


@pytest.mark.parametrize(("name", "why", "a", "b"), REFUSED)
def test_linalg_refuses_what_is_no_vector(name, why, a, b, lib):
    """Plainly, traced, recorded and under `vmap`, on every library, as `numpy.linalg` does."""
    f = getattr(pb.xp.linalg, name)
    x, y = lib.asarray(np.ones(a)), lib.asarray(np.ones(b))
    with pytest.raises(ValueError, match="must be"):
        getattr(np.linalg, name)(np.ones(a), np.ones(b))
    for call in (f, pb.grad(lambda x, y: pb.xp.sum(f(x, y))), pb.compile(f)):
        with pytest.raises(ValueError, match=why):
            call(x, y)
    with pytest.raises(ValueError, match=why):
        pb.vmap(f)(lib.asarray(np.ones((5, *a))), lib.asarray(np.ones((5, *b))))


@pytest.mark.parametrize(("name", "a", "b"), [("outer", (2,), (3,)), ("cross", (4, 3), (3,))])
def test_linalg_takes_vectors(name, a, b, lib):
    f, x, y = getattr(pb.xp.linalg, name), draw(a, float), draw(b, float)
    assert_allclose(
        pb.to_numpy(f(lib.asarray(x), lib.asarray(y))), getattr(np.linalg, name)(x, y), rtol=1e-12
    )
    pb.check_grads(f, (x, y))
