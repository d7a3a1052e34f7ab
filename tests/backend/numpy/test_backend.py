"""Tests of `backend/numpy/backend.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ._fused import RNG


@pytest.mark.parametrize(
    "key", [np.arange(30) % 7, np.array([-1, 6, 0] * 10), np.zeros(30, np.int8), [2] * 30]
)
@pytest.mark.parametrize("shape", [(7, 9), (7, 3, 3)])
def test_scatter_add_of_many_rows(key, shape):
    """The path for embeddings: whole rows, many of them, with repetitions."""
    values, expected = RNG.standard_normal((30, *shape[1:])), np.zeros(shape)
    np.add.at(expected, key, values)
    got = pb.backend.resolve("numpy").xp.scatter_add(shape, np.asarray(key), values)
    np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-15)


def test_caches_of_constants_stay_small():
    """Arrays of zeros and ones are kept by shape; a program with many shapes must not fill the memory."""
    from pullback.backend.numpy import fused as _numpy_fused

    direct = pb.backend.resolve("numpy").xp
    for n in range(1, 300):
        x = np.ones((n, n % 7 + 1), np.float32)
        np.testing.assert_array_equal(direct.relu(x.T), x.T)
        assert direct.sum_to_shape(x, (n % 7 + 1,))[0] == n
        direct.softmax_cross_entropy(x, np.zeros(n, int))
    for name in ("_ONES", "_NUMBERS"):
        assert len(getattr(_numpy_fused, name)) <= 66


@pytest.mark.parametrize(
    ("low", "high"), [(True, None), (None, True), (False, True), (True, 2.0), (np.True_, None)]
)
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_bounds_of_a_clip_that_are_bools_are_numbers(dtype, low, high):
    """A bool of Python has no dtype."""
    x = np.asarray([-1, 0, 3], dtype)
    out = pb.xp.clip(x, low, high)
    assert out.dtype == dtype
    np.testing.assert_array_equal(pb.to_numpy(out), np.clip(x, low, high).astype(dtype))


def test_a_bound_of_a_clip_that_is_no_number_is_refused():
    with pytest.raises((TypeError, ValueError), match=r"clip|str"):
        pb.xp.clip(np.ones(2), "low", None)
