"""Triangles of matrices: what a triangle leaves out gets no cotangent."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb


@pytest.mark.parametrize("k", [-4, -1, 0, 1, 4])
@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (2, 3, 2), (0, 3)])
@pytest.mark.parametrize("name", ["tril", "triu"])
def test_the_cotangent_is_the_triangle_of_the_cotangent(name, shape, k):
    rng = np.random.default_rng(0)
    x, ct = rng.standard_normal(shape), rng.standard_normal(shape)
    out, pullback = pb.vjp(lambda x: getattr(pb.xp, name)(x, k=k), x)
    np.testing.assert_array_equal(out, getattr(np, name)(x, k))
    (found,) = pullback(ct)
    np.testing.assert_array_equal(found, getattr(np, name)(ct, k))


def test_a_nan_outside_of_the_triangle_stays_outside():
    x = np.asarray([[1.0, np.nan], [2.0, 3.0]])
    out = pb.grad(lambda x: pb.xp.sum(pb.xp.tril(x) ** 2))(x)
    np.testing.assert_array_equal(out, [[2.0, 0.0], [4.0, 6.0]])
