"""Tests of `autograd/solve/sparse/positions.py`: which elements make which, against dense arrays of numbers."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.autograd.solve.sparse import positions as host
from pullback.autograd.solve.sparse.positions import Positions

A = Positions((3, 4), np.asarray([2, 0, 2, 2]), np.asarray([1, 3, 1, 0]))
B = Positions((4, 2), np.asarray([1, 3, 3]), np.asarray([0, 0, 1]))


def dense(positions, data):
    out = np.zeros(positions.sides)
    np.add.at(out, (positions.row, positions.col), data)
    return out


def test_merged_is_sorted_and_has_no_position_twice():
    merged, which = A.merged()
    data = np.asarray([1.0, 2.0, 4.0, 8.0])
    np.testing.assert_array_equal(merged.keys, [3, 8, 9])
    np.testing.assert_array_equal(np.bincount(which, data), [2, 8, 5])
    assert merged.merged() == (merged, None)
    assert A.merged()[0] is merged  # found once


def test_the_product_pairs_what_meets():
    x, y = np.asarray([1.0, 2.0, 4.0, 8.0]), np.asarray([3.0, 5.0, 7.0])
    found, left, right, which = host.product(A, B, (3, 2))
    values = np.bincount(which, x[left] * y[right], minlength=found.nnz)
    np.testing.assert_array_equal(dense(found, values), dense(A, x) @ dense(B, y))
    empty = Positions((3, 4), A.row[:0], A.col[:0])
    assert host.product(empty, B, (3, 2))[0].nnz == 0


@pytest.mark.parametrize("rows", [None, [2, 0, 2], []])
@pytest.mark.parametrize("columns", [None, [1, 0, 1, 3], []])
def test_selected_rows_and_columns(rows, columns):
    x = np.asarray([1.0, 2.0, 4.0, 8.0])
    R, C = (k if k is None else np.asarray(k, np.int64) for k in (rows, columns))
    found, taken = host.select(A, R, C)
    wanted = dense(A, x)
    wanted = wanted if R is None else wanted[R]
    wanted = wanted if C is None else wanted[:, C]
    assert found.shape == wanted.shape
    np.testing.assert_array_equal(dense(found, x[taken]), wanted)


def test_a_reshape_counts_zeros():
    assert host.new_shape((2, -1), (3, 4)) == (2, 6)
    assert host.new_shape((12,), (3, 4)) == (12,)
    for wrong in ((5, -1), (3, 5), (-1, -1), (1, 3, 4), (-12,), (-3, -4)):
        with pytest.raises(ValueError, match="reshape"):
            host.new_shape(wrong, (3, 4))
    for order in "CF":
        for shape in ((2, 6), (12,), (12, 1)):
            found = A.reshaped(shape, order)
            wanted = dense(A, np.arange(4.0)).reshape(shape, order=order)
            np.testing.assert_array_equal(dense(found, np.arange(4.0)).reshape(shape), wanted)
