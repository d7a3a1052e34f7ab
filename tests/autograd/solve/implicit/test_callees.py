"""Tests of `autograd/solve/implicit/callees.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.solve.implicit import callees

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
V, W = np.asarray([0.5, 1.0, 2.0]), np.asarray([1.0, -1.0, 3.0])


def f(v):
    return v**3 + v[0]


def total(v):
    return xp.sum(v**4)


J = np.diag(3 * V**2)
J[:, 0] += 1.0


@pytest.mark.parametrize(
    ("make", "given", "args", "wanted"),
    [
        (callees.values, f, (V,), V**3 + V[0]),
        (callees.matrix, f, (V,), J),
        (callees.products, f, (V, W), J @ W),
        (callees.slopes, total, (V,), (np.sum(V**4), 4 * V**3)),
        (callees.curvature_matrix, total, (V,), np.diag(12 * V**2)),
        (callees.curvature_products, total, (V, W), 12 * V**2 * W),
    ],
)
def test_raw_arrays_to_raw_arrays(make, given, args, wanted):
    callee = make(given, V)
    assert len(callee.examples) == len(args)
    found = callee.callable()(*args)
    for x, y in zip(pb.tree.leaves(found), pb.tree.leaves(wanted), strict=True):
        assert isinstance(x, np.ndarray | np.generic)
        np.testing.assert_allclose(x, y)


def test_one_linearisation_serves_all_products_at_a_point():
    calls = []

    def counted(v):
        calls.append(1)
        return f(v)

    product = callees.products(counted, V).callable()
    for _ in range(3):
        np.testing.assert_allclose(product(V, W), J @ W)
    assert len(calls) == 1
    product(V.copy(), W)
    assert len(calls) == 2
