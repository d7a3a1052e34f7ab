"""Tests of `autograd/compile/cpu/native/convolution/geometry.py`."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.autograd.compile.cpu.native.convolution import geometry
from pullback.autograd.compile.cpu.native.convolution.geometry import Pool, Shape, Tables


def test_tables_lie_one_after_another():
    tables = Tables()
    assert [tables.add([1, 2]), tables.add([[3], [4]]), tables.add([])] == [0, 2, 4]
    np.testing.assert_array_equal(tables.array(), [1, 2, 3, 4])
    assert tables.array().dtype == np.int64
    assert Tables().array().size == 1  # kernels take the address of the first


def test_grids_are_flat_places():
    x = np.arange(2 * 5 * 7).reshape(2, 5, 7)
    steps = geometry.steps_of((2, 5, 7), 1)
    assert steps == (35, 7, 1)
    found = geometry.grid((2, 3, 2), (35, 14, 3))
    np.testing.assert_array_equal(found, x[:, ::2, :6:3].reshape(-1))
    np.testing.assert_array_equal(geometry.grid((), ()), [0])


def test_runs_are_joined_where_nothing_is_between():
    # rows of 3 elements of 2 channels: without padding one run, with padding around rows one each
    starts, length = geometry.runs((4, 3), (6, 2), 0)
    assert (list(starts), length) == ([0], 12)
    starts, length = geometry.runs((4, 3), (10, 2), 12)
    assert (list(starts), length) == ([12, 22, 32, 42], 3)


def test_blocks_and_images():
    np.testing.assert_array_equal(geometry.blocks(np.array([3, 4]), 4, 9), [3, 4, 9, 9])
    np.testing.assert_array_equal(geometry.for_images(np.array([0, 2]), 2, 10), [0, 2, 10, 12])
    assert geometry.rounded(9, 8) == 16
    # one image at least, no more than half of them, no more than fit
    assert geometry.images_in_chunk(1 << 30, 10, 64) == 1
    assert geometry.images_in_chunk(1 << 10, 10, 6) == 3
    assert geometry.images_in_chunk(1 << 10, 1000, 64) == 1


def shape(stride: int, low: int) -> Shape:
    return Shape(
        2, 3, 4, (7,), (3,), (3,), (stride,), (low,), (0,), (1,), 1, np.dtype("float32"),
    )  # fmt: skip


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("low", [0, 1, 2])
def test_phases_begin_inside(stride, low):
    found = geometry.phases(shape(stride, low))
    assert [remainder for remainder, _ in found] == [(r,) for r in range(stride)]
    for (remainder,), (first,) in found:
        assert first >= low > first - stride
        assert first % stride == remainder


def test_windows_that_do_not_meet():
    assert Pool((2, 2), (2, 2), (2, 2), (1, 1)).apart
    assert not Pool((2, 2), (3, 2), (2, 2), (1, 1)).apart
    assert not Pool((2, 2), (2, 2), (2, 2), (2, 1)).apart
    tables = Tables()
    spots, count, taps, size, apart = Pool((2,), (2,), (3,), (1,)).tables(tables, (5,), 7)
    assert (count, size, apart) == (2, 2, True)
    np.testing.assert_array_equal(tables.array()[spots : spots + 2], [7, 22])
    np.testing.assert_array_equal(tables.array()[taps : taps + 2], [0, 5])
