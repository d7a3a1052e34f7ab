"""Tests of `autograd/compile/cpu/native/convolution/windows.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pullback.autograd.compile.cpu.native.convolution.vectors import vector_bytes
from pullback.autograd.compile.cpu.native.convolution.windows import largest, place
from pullback.autograd.compile.cpu.native.jit import kernel

from .._operations import normal

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")

ARRAY, TABLE = (np.float64, 1), (np.int64, 1)


@kernel()
def _pieces(which: int, s: Any, tables: Any, taps: int, first: int, second: int) -> None:
    if which == 0:
        largest(s, 0, tables, 0, taps, 0, second, first)
    else:
        place(s, 0, second, tables, 0, taps, first)


def run(*arguments: Any) -> None:
    _pieces.compiled(int, ARRAY, TABLE, int, int, int)(*arguments)


@pytest.mark.parametrize("rectify", [False, True])
def test_maxima_and_their_places(rectify):
    lanes = vector_bytes()[0] // 8
    x = np.round(normal(5 * lanes))
    x[2 * lanes] = np.nan
    columns = x.reshape(5, lanes)[[3, 1, 2, 4]]
    if rectify:
        columns = np.maximum(columns, 0)
    tables = np.array([3, 1, 2, 4], np.int64) * lanes
    s = np.concatenate([x, np.zeros(2 * lanes)])
    s[:lanes] = 0
    # the maxima go to the front of s, which no tap reads, their numbers behind x
    run(0, s, tables, 4, int(rectify), 5 * lanes)
    np.testing.assert_array_equal(s[:lanes], columns.max(0))
    np.testing.assert_array_equal(s[5 * lanes : 6 * lanes], columns.argmax(0))


def test_each_lane_to_its_place():
    lanes = vector_bytes()[0] // 8
    which = np.arange(lanes) % 3
    s = np.concatenate([normal(lanes), which, np.full(4 * lanes, 7.0)])
    run(1, s, np.array([2, 0, 1], np.int64) * lanes, 3, 2 * lanes, lanes)
    blocks = s[2 * lanes : 5 * lanes].reshape(3, lanes)
    for t, block in enumerate((2, 0, 1)):
        np.testing.assert_array_equal(blocks[block], np.where(which == t, s[:lanes], 0))
    assert np.all(s[5 * lanes :] == 7)
