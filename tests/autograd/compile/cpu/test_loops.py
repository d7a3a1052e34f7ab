"""Loops with sums in them, over every axis, of length 0 and 1 too."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

xp = pb.xp

pytest.importorskip("numba", reason="kernels are an extra")


@pytest.mark.parametrize("axis", [None, 0, 1, 2, (0, 2), (1, 2), -1])
@pytest.mark.parametrize(
    "shape", [(2, 3, 4), (1, 3, 4), (2, 1, 4), (2, 3, 1), (0, 3, 4), (2, 3, 0)]
)
def test_a_sum_over_any_axis(shape, axis):
    def f(x):
        return xp.sum(xp.tanh(x) * x, axis=axis)

    x = np.random.default_rng(0).standard_normal(shape)
    out = pb.compile(f, fast=True)(x)
    np.testing.assert_allclose(out, np.sum(np.tanh(x) * x, axis=axis), rtol=1e-12)


@pytest.mark.parametrize("shape", [(3, 4), (3, 1), (1, 4)])
def test_a_sum_that_the_same_program_uses(shape):
    def f(x):
        return x * 2 - xp.sum(x * x, axis=1, keepdims=True)

    x = np.random.default_rng(0).standard_normal(shape)
    out = pb.compile(f, fast=True)(x)
    np.testing.assert_allclose(out, x * 2 - np.sum(x * x, axis=1, keepdims=True), rtol=1e-12)


def test_nan_goes_through_a_sum():
    x = np.asarray([[1.0, np.nan], [2.0, 3.0]])
    out = pb.compile(lambda x: xp.sum(x * 2, axis=1), fast=True)(x)
    np.testing.assert_array_equal(out, [np.nan, 10.0])
