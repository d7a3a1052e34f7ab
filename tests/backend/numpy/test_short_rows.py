"""Tests of `backend/numpy/short_rows.py`: the bits of NumPy's own reductions."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.backend.numpy import short_rows

REDUCTIONS = {"sum": np.add.reduce, "max": np.maximum.reduce, "min": np.minimum.reduce}


def bits(x):
    return x.view(f"u{x.itemsize}")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["sum", "max", "min"])
def test_the_bits_of_numpy(name, dtype):
    ours = getattr(pb.backend.resolve("numpy").xp, name)
    rng = np.random.default_rng(0)
    for n in range(2, 34):
        x = (rng.normal(size=(600, n)) * 10 ** rng.uniform(-4, 4, (600, n))).astype(dtype)
        x[0], x[1], x[2, 1], x[3, 0], x[4, -1] = 0.0, -0.0, np.nan, np.inf, -np.inf
        longest = short_rows.LONGEST_SUM if name == "sum" else short_rows.LONGEST_EXTREME
        assert short_rows.has_short_rows(x, -1, longest) == (n <= longest)
        for keepdims in (False, True):
            for axis in (1, -1):
                got = ours(x, axis=axis, keepdims=keepdims)
                expected = REDUCTIONS[name](x, axis, keepdims=keepdims)
                assert got.shape == expected.shape
                assert got.flags.c_contiguous
                np.testing.assert_array_equal(bits(got), bits(expected))
    x = rng.normal(size=(20, 30, 5)).astype(dtype)
    for y in (x, x.transpose(1, 0, 2), x[:, ::2], np.broadcast_to(x[:1], x.shape)):
        np.testing.assert_array_equal(ours(y, axis=2), REDUCTIONS[name](y, 2))
        np.testing.assert_array_equal(ours(y, axis=0), REDUCTIONS[name](y, 0))
        np.testing.assert_array_equal(ours(y, axis=(0, 2)), REDUCTIONS[name](y, (0, 2)))


def test_other_dtypes_and_few_elements_are_left_to_numpy():
    x = np.arange(6000).reshape(-1, 3)
    for y in (x, x.astype(np.complex128), x.astype(np.float16), x[:10].astype(float), x > 3):
        assert not short_rows.has_short_rows(y, -1, 32)
    assert not short_rows.has_short_rows(x.astype(float).T, -1, 3000)
    assert not short_rows.has_short_rows(np.ones((5000, 1)), -1, 32)
