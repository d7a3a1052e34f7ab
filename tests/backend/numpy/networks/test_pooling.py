"""Tests of `backend/numpy/networks/pooling.py`: flat places against the formulas for any library."""

from __future__ import annotations

import array_api_strict as strict
import numpy as np
import pytest

from pullback.backend import backend_of
from pullback.backend.numpy.networks import pooling as fast

RNG = np.random.default_rng(4)
GENERIC = backend_of(strict.asarray(1.0)).xp
CASES = [  # x, window, stride, padding, dilation
    ((2, 3, 7), (2,), (2,), ((0, 0),), (1,)),
    ((2, 3, 6, 7), (3, 2), (2, 1), ((1, 1), (0, 1)), (1, 1)),
    ((1, 2, 6, 7), (2, 2), (3, 2), ((1, 0), (0, 0)), (1, 1)),
    ((1, 2, 9), (3,), (1,), ((0, 0),), (3,)),
    ((0, 2, 4), (2,), (2,), ((0, 0),), (1,)),
    ((1, 1, 3, 4, 3), (2, 2, 2), (1, 2, 1), ((0, 0), (0, 0), (1, 0)), (1, 1, 1)),
]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_maxima_scatter_and_gather(case, dtype):
    shape, window, stride, padding, dilation = case
    x = RNG.integers(-3, 3, shape).astype(dtype)  # with ties
    settings = {"window": window, "stride": stride, "padding": padding, "dilation": dilation}
    out, offsets = fast.max_pool(x, **settings)
    there = strict.asarray(x.astype("float32"))
    expected = GENERIC.max_pool(there, **settings)
    np.testing.assert_array_equal(out, np.asarray(expected[0]))
    np.testing.assert_array_equal(offsets, np.asarray(expected[1]))
    assert (out.dtype, offsets.dtype) == (x.dtype, np.uint8)
    y = RNG.integers(-4, 4, out.shape).astype(dtype)
    back = fast.pool_scatter(y, offsets, spatial=shape[2:], **settings)
    wanted = GENERIC.pool_scatter(
        strict.asarray(y.astype("float32")), strict.asarray(offsets), spatial=shape[2:], **settings
    )
    np.testing.assert_array_equal(back, np.asarray(wanted))
    assert back.dtype == x.dtype
    np.testing.assert_array_equal(fast.pool_gather(x, offsets, **settings), out)


@pytest.mark.parametrize("case", [c for c in CASES if set(c[4]) == {1}], ids=str)
@pytest.mark.parametrize("counted", ["padding", "none", "sum"])
def test_means(case, counted):
    shape, window, stride, padding, _ = case
    x = RNG.standard_normal(shape)
    of = {"padding": padding, "none": ((0, 0),) * len(window), "sum": None}[counted]
    settings = {"window": window, "stride": stride, "padding": padding, "counted": of}
    out = fast.avg_pool(x, **settings)
    expected = GENERIC.avg_pool(strict.asarray(x), **settings)
    np.testing.assert_allclose(out, np.asarray(expected), rtol=1e-13, atol=1e-14)
    y = RNG.standard_normal(out.shape)
    back = fast.avg_pool_vjp(y, spatial=shape[2:], **settings)
    wanted = GENERIC.avg_pool_vjp(strict.asarray(y), spatial=shape[2:], **settings)
    np.testing.assert_allclose(back, np.asarray(wanted), rtol=1e-13, atol=1e-14)


def test_windows_of_many_elements_have_wider_numbers():
    x = RNG.standard_normal((1, 1, 400))
    out, offsets = fast.max_pool(x, window=(300,), stride=(1,), padding=((0, 0),), dilation=(1,))
    assert offsets.dtype == np.int32
    np.testing.assert_array_equal(
        offsets[0, 0], [x[0, 0, i : i + 300].argmax() for i in range(101)]
    )
    assert out[0, 0, 0] == x[0, 0, :300].max()


def test_the_last_nan_of_a_window_has_its_place():
    x = np.array([[[np.nan, 1.0, np.nan, 2.0]]])
    _, offsets = fast.max_pool(x, window=(3,), stride=(1,), padding=((0, 0),), dilation=(1,))
    np.testing.assert_array_equal(offsets, [[[2, 1]]])
