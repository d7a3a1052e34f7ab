"""Functions that write into memory of the program, against those that allocate."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu import numpy_calls

# less than a block, a block, a block and a rest, two blocks
SHAPES = [(5,), (3, 4), (numpy_calls.WIDTH,), (numpy_calls.WIDTH + 3,), (2, numpy_calls.WIDTH)]  # fmt: skip


def numbers(shape, dtype="float64"):
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    x.reshape(-1)[:3] = [np.nan, np.inf, -np.inf][: x.size]
    return x


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_relu(shape, dtype):
    x = numbers(shape, dtype)
    out = np.full(shape, 7, dtype)
    numpy_calls.relu_into(shape, out.dtype)(x, out)
    np.testing.assert_array_equal(out, np.maximum(x, 0))


def test_relu_of_another_order_in_memory():
    x = numbers((4, 3)).T
    out = np.empty((3, 4))
    numpy_calls.relu_into((3, 4), out.dtype)(x, out)
    np.testing.assert_array_equal(out, np.maximum(x, 0))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_cotangent_of_relu(shape):
    ct = np.random.default_rng(1).standard_normal(shape)
    out = np.maximum(np.random.default_rng(2).standard_normal(shape), 0)
    target = np.full(shape, 7.0)
    numpy_calls.relu_vjp_into(shape, out.dtype)(ct, out, target)
    np.testing.assert_array_equal(target, np.where(out > 0, ct, 0))


def test_where():
    condition, x = np.asarray([True, False, True]), np.asarray([np.nan, 1.0, np.inf])
    target = np.empty(3)
    numpy_calls.where_into(condition, x, 2, target)
    np.testing.assert_array_equal(target, np.where(condition, x, 2))
    small = np.empty(3, np.int8)
    numpy_calls.where_into(condition, np.int8([1, 2, 3]), 300, small)
    assert small.tolist() == [1, 300 - 256, 3]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 5), (5, 1), (7, 9), (300, 200)])
def test_outer_products_have_the_bits_of_the_librarys(n, m, dtype):
    x = np.resize([np.nan, np.inf, -np.inf, -0.0, 0.0, 5e-324, 1e-40, -3.0, 1.5], n).astype(dtype)
    y = np.resize([-2.5, -0.0, np.inf, 1e-40, 0.0, np.nan, 7.0], m).astype(dtype)
    library = pb.backend.resolve("numpy").xp.linalg.outer
    target = np.full((n, m), 7, dtype)
    wide = np.zeros((m, 3), dtype)
    wide[:, 1] = y
    for second in (y, y[::-1], wide[:, 1], np.broadcast_to(y[:1], (m,))):
        with np.errstate(invalid="ignore"):
            numpy_calls.outer_into(x, second, target)
            assert target.tobytes() == library(x, second).tobytes()
