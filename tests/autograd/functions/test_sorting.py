"""Tests of `autograd/functions/sorting.py`."""

from __future__ import annotations

import math

import numpy as np

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ..rules.test_manipulation import RNG, pulled

xp = pb.xp


def test_sort_sends_cotangents_back_by_the_permutation_it_used():
    x = [2.0, 1.0, 2.0, 1.0, 2.0]
    weights = [1.0, 10.0, 100.0, 1000.0, 10000.0]
    np.testing.assert_array_equal(pulled(xp.sort, x, weights), [100, 1, 1000, 10, 10000])
    np.testing.assert_array_equal(
        pulled(lambda x: xp.sort(x, descending=True), x, weights), [1, 1000, 10, 10000, 100]
    )
    shuffled = pulled(lambda x: xp.sort(x, stable=False), x, weights)
    assert sorted(shuffled) == weights  # each weight once
    assert set(shuffled[[1, 3]]) == {1, 10}


def test_sort_of_columns():
    x = RNG.permutation(12).reshape(4, 3).astype(float)
    weights = RNG.standard_normal((4, 3))
    wanted = np.zeros((4, 3))
    np.put_along_axis(wanted, np.argsort(x, axis=0), weights, axis=0)
    np.testing.assert_array_equal(pulled(lambda x: xp.sort(x, axis=0), x, weights), wanted)


def test_sort_with_nan_keeps_the_other_gradients():
    got = pulled(lambda x: xp.sort(x)[:2], [math.nan, 3.0, 1.0], [1.0, 10.0])
    np.testing.assert_array_equal(got, [0, 10, 1])


def test_partitions():
    x = np.random.default_rng(0).permuted(np.arange(24.0).reshape(3, 8), axis=1)
    for kth, axis in ((3, -1), (0, 0), (5, None), ((1, 4), 1)):
        flat, place = (x, axis) if axis is not None else (x.reshape(-1), 0)
        got = pb.to_numpy(xp.partition(x, kth, axis=axis))
        ordered = np.sort(flat, axis=place)
        for k in kth if isinstance(kth, tuple) else (kth,):
            np.testing.assert_array_equal(np.take(got, k, place), np.take(ordered, k, place))
        assert xp.argpartition(x, kth, axis=axis).shape == got.shape
    g = pb.grad(lambda x: xp.sum(xp.partition(x, 2, axis=1)[:, 2]))(x)
    np.testing.assert_array_equal(g, x == np.sort(x, axis=1)[:, 2:3])
