"""Tests of `autograd/numpy/sections/order_statistics.py`; its quantiles are in `test_quantiles.py`."""

from __future__ import annotations

import numpy as np

import pullback as pb
from pullback.autograd.numpy.sections import order_statistics as order


def test_slices_go_back_into_shape():
    x, back = order.slices(np.arange(24.0).reshape(2, 3, 4), (0, 2), True)
    assert x.shape == (8, 3)
    assert back(pb.xp.ones((5, 3))).shape == (5, 1, 3, 1)
    np.testing.assert_array_equal(pb.to_numpy(x)[:, 1], [4, 5, 6, 7, 16, 17, 18, 19])


def test_elements_by_place(lib):
    host = np.asarray([[3.0, 1.0], [2.0, np.nan], [5.0, 0.0]])
    x = pb.xp.asarray(lib.asarray(host))
    wanted = np.sort(host, axis=0)
    for ranks in (order.ranks(x), order.partition(x, [0, 1, 2])):
        got = order.elements(x, ranks, np.asarray([2, 0]))
        np.testing.assert_array_equal(pb.to_numpy(got), wanted[[2, 0]])
    count = order.count_numbers(x)
    np.testing.assert_array_equal(pb.to_numpy(count), [3, 2])
    last = order.elements_of_slices(x, order.ranks(x), (count - 1)[None, :])
    np.testing.assert_array_equal(pb.to_numpy(last), [[5.0, 1.0]])
    assert lib.is_raw(last.value)


def test_only_the_elements_that_are_taken_get_a_cotangent():
    def f(x):
        return pb.xp.sum(order.elements(x, order.partition(x, [1]), np.asarray([1])))

    np.testing.assert_array_equal(pb.grad(f)(np.asarray([4.0, 2.0, 3.0])), [0, 0, 1])
