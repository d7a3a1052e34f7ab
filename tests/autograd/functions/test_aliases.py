"""Tests of `autograd/functions/aliases.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ..core._views import by_differences

xp = pb.xp


READ_ONLY = {
    "broadcast": lambda y: xp.broadcast_to(y, (3, 2, 2)),
    "broadcast to its own shape": lambda y: xp.broadcast_to(y, (2, 2)),
    "a part of a broadcast": lambda y: xp.broadcast_to(y, (3, 2, 2))[1, 0],
    "diagonal": lambda y: xp.linalg.diagonal(y),
    "imaginary part of real numbers": lambda y: xp.imag(y),
}


@pytest.mark.parametrize("make", READ_ONLY.values(), ids=READ_ONLY)
@pytest.mark.parametrize("transform", [pb.grad, lambda f: f], ids=["traced", "untraced"])
def test_what_numpy_makes_read_only_is_refused(make, transform):
    seen = []

    def f(x):
        y = x * 1.0
        v = make(y)
        with pytest.raises(ValueError, match="read-only"):
            v *= 2.0
        with pytest.raises(ValueError, match="read-only"):
            v[...] = 1.0
        before = pb.to_numpy(pb.stop_gradient(v)).copy()
        y += 1.0
        seen.append((before, pb.to_numpy(pb.stop_gradient(v))))
        return xp.sum(y)

    transform(f)(xp.asarray([[1.0, 2.0], [3.0, 4.0]]))
    before, after = seen[0]
    np.testing.assert_array_equal(after, before + (0.0 if np.all(before == 0) else 1.0))


def test_what_numpy_copies_is_a_copy():
    y = xp.asarray([1.0, 2.0])
    made = [
        *xp.meshgrid(y, y),
        xp.pad(y, 0, mode="edge"),
        xp.nan_to_num(xp.asarray([1, 2])),
        xp.ravel(xp.stack([y, y]).T),
    ]
    for copied in made:
        copied[:1, ...] = 9
    np.testing.assert_array_equal(pb.to_numpy(y), [1.0, 2.0])
    y += 1.0
    np.testing.assert_array_equal(pb.to_numpy(made[0]), [[9.0, 9.0], [1.0, 2.0]])


def test_one_operand_einsum_is_a_view():
    def f(x):
        y = x * 1.0
        d = xp.einsum("ii->i", y)
        d *= x[0]
        xp.einsum("ij->ji", y)[0, 1] = 7.0 * x[0, 0]
        return xp.sum(y**2) + xp.sum(d)

    def g(x):
        y = x * 1.0
        d = np.einsum("ii->i", y)
        d *= x[0]
        np.einsum("ij->ji", y)[0, 1] = 7.0 * x[0, 0]
        return np.sum(y**2) + np.sum(d)

    x = np.array([[1.0, 2.0], [3.0, -1.0]])
    value, gradient = pb.value_and_grad(f)(x)
    assert value == g(x)
    np.testing.assert_allclose(gradient, by_differences(g, x), rtol=1e-7)


def test_identity_and_casts():
    x = xp.asarray([1.0, 2.0])
    assert xp.asarray(x) is x
    same, other, fresh = (
        xp.astype(x, xp.float64, copy=False),
        xp.astype(x, xp.float32, copy=False),
        xp.astype(x, xp.float64),
    )
    same[0] = 5.0
    other[1], fresh[1] = 9.0, 9.0
    np.testing.assert_array_equal(pb.to_numpy(x), [5.0, 2.0])
    again = xp.reshape(x, (2, 1), copy=True)
    again[0] = 0.0
    np.testing.assert_array_equal(pb.to_numpy(x), [5.0, 2.0])
