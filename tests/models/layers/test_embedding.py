"""Tests of `models/layers/embedding.py`."""

from __future__ import annotations

import numpy as np

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp


M = pb.models


def test_embedding_is_its_rows_and_adds_up():
    table = M.Embedding.init(5, 3, dtype="float64")
    i = np.array([[4, 1], [1, 1]], np.uint8)
    np.testing.assert_array_equal(pb.to_numpy(table(i)), table.W[i])
    g = pb.grad(lambda t: xp.sum(t(i)))(table).W
    np.testing.assert_array_equal(g[:, 0], [0, 3, 0, 0, 1])
    assert tuple(table(np.array(2)).shape) == (3,)
    assert tuple(table(np.zeros((0,), int)).shape) == (0, 3)
