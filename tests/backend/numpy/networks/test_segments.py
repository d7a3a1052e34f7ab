"""NumPy's sums and maxima over segments: every way that they take, against loops."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.backend.numpy.networks.segments import (
    add_rows,
    max_by_segment,
    softmax_by_segment,
    sum_by_segment,
)


def by_loop(x, indices, n, function, start):
    out = np.full((n, *x.shape[1:]), start, x.dtype)
    for row, s in zip(x, indices, strict=True):
        out[s] = function(out[s], row)
    return out


# few rows, many rows, one segment with nearly all rows, more segments than fit 16 bits
CASES = {
    "few": (20, 5, (3,)),
    "many": (3000, 400, (4,)),
    "matrices": (900, 40, (2, 3)),
    "vector": (3000, 40, ()),
    "one column": (3000, 40, (1,)),
    "a hub": (3000, 400, (4,)),
    "very many segments": (2000, 70_000, (2,)),
    "no rows": (0, 4, (3,)),
    "no columns": (10, 4, (0,)),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "complex64", "int64"])
def test_sums_are_those_of_a_loop(name, dtype):
    rows, n, rest = CASES[name]
    rng = np.random.default_rng(0)
    x = rng.integers(-8, 9, (rows, *rest)).astype(dtype)
    numbers = rng.integers(0, 2 if name == "a hub" else n, rows)
    out = sum_by_segment(x, numbers, num_segments=n)
    assert (out.dtype, out.flags.c_contiguous) == (np.dtype(dtype), True)
    np.testing.assert_array_equal(out, by_loop(x, numbers, n, np.add, 0))
    out = sum_by_segment(x[::-1], numbers[::-1].astype(np.uint32), num_segments=n)
    np.testing.assert_array_equal(out, by_loop(x, numbers, n, np.add, 0))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_maxima_are_those_of_a_loop(name, dtype):
    rows, n, rest = CASES[name]
    rng = np.random.default_rng(0)
    x = rng.integers(-99, 99, (rows, *rest)).astype(dtype)
    numbers = rng.integers(0, 2 if name == "a hub" else n, rows)
    lowest = -np.inf if dtype != "int64" else np.iinfo(np.int64).min
    out = max_by_segment(x, numbers, num_segments=n)
    assert out.dtype == dtype
    np.testing.assert_array_equal(out, by_loop(x, numbers, n, np.maximum, lowest))


def test_a_maximum_over_nan_is_nan_whichever_way():
    rng = np.random.default_rng(0)
    x, numbers = rng.standard_normal((3000, 4)), rng.integers(0, 400, 3000)
    x[17, 2] = np.nan
    out = max_by_segment(x, numbers, num_segments=400)
    assert np.argwhere(np.isnan(out)).tolist() == [[numbers[17], 2]]
    few = max_by_segment(x[:30], numbers[:30], num_segments=400)
    assert np.argwhere(np.isnan(few)).tolist() == [[numbers[17], 2]]


@pytest.mark.parametrize("function", [sum_by_segment, max_by_segment, softmax_by_segment])
@pytest.mark.parametrize("wrong", [-1, 5])
@pytest.mark.parametrize("rows", [10, 3000])
def test_a_number_that_is_no_segment_s_is_an_error_that_names_it(function, wrong, rows):
    numbers = np.zeros(rows, int)
    numbers[3] = wrong
    with pytest.raises(IndexError, match=f"index {wrong} is not one of the segments 0 … 4"):
        function(np.ones((rows, 2)), numbers, num_segments=5)


def test_no_buffer_is_written_to():
    x, numbers = np.ones((3000, 2)), np.zeros(3000, int)
    for a in (x, numbers):
        a.flags.writeable = False
    add_rows(x, numbers, 3)
    max_by_segment(x, numbers, num_segments=3)
    np.testing.assert_allclose(softmax_by_segment(x, numbers, num_segments=3), 1 / 3000)


def test_a_segment_of_minus_infinity_alone_has_no_softmax():
    x = np.asarray([[-np.inf], [0.0], [-np.inf]])
    with np.errstate(invalid="ignore"):
        out = softmax_by_segment(x, np.asarray([0, 1, 1]), num_segments=2)
    np.testing.assert_array_equal(out, [[np.nan], [1.0], [0.0]])
