"""Edges of the rules of segments; their rows are in `cases/layers/segments.py`."""

from __future__ import annotations

import numpy as np

import pullback as pb

M = pb.models


def test_ties_share_the_cotangent_equally_and_nan_gets_none():
    x = np.asarray([[1.0, 2.0], [1.0, 0.0], [np.nan, 5.0]])
    g = pb.grad(lambda x: pb.xp.sum(M.segment_max(x, [0, 0, 1], num_segments=2)[:1] * 3))(x)
    np.testing.assert_array_equal(g, [[1.5, 3], [1.5, 0], [0, 0]])
    g = pb.grad(lambda x: pb.xp.sum(M.segment_max(x, [0, 0, 1], num_segments=2)))(x)
    np.testing.assert_array_equal(g, [[0.5, 1], [0.5, 0], [0, 1]])


def test_the_second_derivative_of_a_maximum_is_that_of_what_stands_behind():
    x, numbers = np.asarray([1.0, 3.0, 2.0]), np.asarray([0, 0, 1])
    f = lambda x: pb.xp.sum(M.segment_max(x, numbers, num_segments=2) ** 3)
    np.testing.assert_allclose(pb.hessian(f)(x), np.diag([0.0, 18.0, 12.0]))


def test_a_third_derivative_of_softmax():
    rng = np.random.default_rng(0)
    x, w, numbers = rng.standard_normal(5), rng.standard_normal(5), np.asarray([1, 0, 1, 1, 0])
    soft = lambda x: pb.xp.sum(M.segment_softmax(x, numbers, num_segments=2) * w)
    dense = lambda x: sum(
        pb.xp.sum(pb.xp.softmax(x[numbers == s]) * w[numbers == s]) for s in (0, 1)
    )
    third = [pb.jacobian(pb.hessian(f))(x) for f in (soft, dense)]
    np.testing.assert_allclose(third[0], third[1], rtol=1e-10, atol=1e-13)


def test_the_gradient_of_take_counts_repeated_and_negative_numbers():
    x, numbers = np.arange(6.0).reshape(3, 2), np.asarray([0, -1, 2, 0, 1])
    g = pb.grad(lambda x: pb.xp.sum(pb.xp.take(x, numbers, axis=0) ** 2))(x)
    np.testing.assert_array_equal(g, 2 * x * np.asarray([[2], [1], [2]]))
