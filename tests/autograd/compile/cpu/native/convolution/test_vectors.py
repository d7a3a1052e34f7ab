"""Tests of `autograd/compile/cpu/native/convolution/vectors.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pullback.autograd.compile.cpu.native.convolution import vectors
from pullback.autograd.compile.cpu.native.convolution.vectors import (
    SIDE,
    largest,
    narrow,
    place,
    transpose,
    wide,
)
from pullback.autograd.compile.cpu.native.jit import kernel

from .._operations import normal

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")

ARRAY, TABLE = (np.float64, 1), (np.int64, 1)


@kernel()
def _pieces(
    which: int, x: Any, tables: Any, y: Any, out: Any, taps: int, inner: int, ld: int
) -> None:
    if which == 0:
        wide(x, 0, tables, 0, 32, taps, inner, 2, y, 0, ld, out, 0, 1, out, 0, 16)
    elif which == 1:
        narrow(x, 0, tables, 0, 32, taps, inner, 2, y, 0, ld, out, 0, 1, out, 0, 16)
    elif which == 2:
        transpose(x, 1, inner, out, 2, ld)
    elif which == 3:
        largest(x, 0, tables, 0, taps, 0, ld, inner)
    else:
        place(x, 0, ld, tables, 0, taps, inner)


def run(*arguments: Any) -> None:
    _pieces.compiled(int, ARRAY, TABLE, ARRAY, ARRAY, int, int, int)(*arguments)


def test_a_piece_is_no_function_of_python():
    with pytest.raises(TypeError, match="wide is called by compiled kernels alone"):
        wide(1)


@pytest.mark.parametrize("vectors_wide", [2, 1])
@pytest.mark.parametrize("taps", [0, 1, 3])
def test_the_product_of_gathered_rows(vectors_wide, taps):
    rows, width = vectors.block_shape()
    lanes, inner, step = vectors_wide * width // 8, 3, 2
    x, y = normal(200), normal(4 * inner * lanes + 7)
    rng = np.random.default_rng(0)
    places, shifts = rng.integers(0, 100, 16), rng.integers(0, 80, 4)
    targets = rng.permutation(16) * (lanes + 1)
    out = normal(16 * (lanes + 1) + lanes, seed=1)
    before = out.copy()
    tables = np.concatenate([places, targets, shifts]).astype(np.int64)
    run(2 - vectors_wide, x, tables, y, out, taps, inner, lanes + 1 if taps < 3 else lanes)
    ld = lanes + 1 if taps < 3 else lanes
    expected = before.copy()
    for r in range(rows):
        for t in range(taps):
            for j in range(inner):
                b = (t * inner + j) * ld
                share = x[places[r] + shifts[t] + step * j] * y[b : b + lanes]
                expected[targets[r] : targets[r] + lanes] += share
    np.testing.assert_allclose(out, expected, 1e-12, 1e-12)


def test_a_block_is_transposed():
    x, out = normal(200), np.zeros(200)
    run(2, x, np.zeros(1, np.int64), x, out, 0, 11, 13)
    block = x[1 : 1 + 11 * SIDE].reshape(SIDE, 11)[:, :SIDE]
    np.testing.assert_array_equal(out[2 : 2 + 13 * SIDE].reshape(SIDE, 13)[:, :SIDE], block.T)
    assert np.count_nonzero(out) == SIDE * SIDE


@pytest.mark.parametrize("rectify", [False, True])
def test_maxima_and_their_places(rectify):
    lanes = vectors.block_shape()[1] // 8
    x = np.round(normal(5 * lanes))
    x[2 * lanes] = np.nan
    columns = x.reshape(5, lanes)[[3, 1, 2, 4]]
    if rectify:
        columns = np.maximum(columns, 0)
    tables = np.array([3, 1, 2, 4], np.int64) * lanes
    s = np.concatenate([x, np.zeros(2 * lanes)])
    s[:lanes] = 0
    # the maxima go to the front of s, which no tap reads, their numbers behind x
    run(3, s, tables, s, s, 4, int(rectify), 5 * lanes)
    np.testing.assert_array_equal(s[:lanes], columns.max(0))
    np.testing.assert_array_equal(s[5 * lanes : 6 * lanes], columns.argmax(0))


def test_each_lane_to_its_place():
    lanes = vectors.block_shape()[1] // 8
    which = np.arange(lanes) % 3
    s = np.concatenate([normal(lanes), which, np.full(4 * lanes, 7.0)])
    run(4, s, np.array([2, 0, 1], np.int64) * lanes, s, s, 3, 2 * lanes, lanes)
    blocks = s[2 * lanes : 5 * lanes].reshape(3, lanes)
    for t, block in enumerate((2, 0, 1)):
        np.testing.assert_array_equal(blocks[block], np.where(which == t, s[:lanes], 0))
    assert np.all(s[5 * lanes :] == 7)


@pytest.mark.parametrize(
    ("features", "avx", "shape"),
    [
        ("+avx,+avx2,+fma", 1, (6, 32)),
        ("+avx2,+avx512f,-avx512vl", 1, (14, 64)),
        ("+neon", 1, (8, 16)),
        ("", 1, (6, 16)),
        (None, 0, (6, 16)),
    ],
)
def test_blocks_are_of_the_processor_that_numba_compiles_for(monkeypatch, features, avx, shape):
    from numba.core import config

    monkeypatch.setattr(config, "CPU_FEATURES", features)
    monkeypatch.setattr(config, "ENABLE_AVX", avx)
    if features is None and vectors._features().get("neon"):
        shape = (8, 16)
    assert vectors.block_shape.__wrapped__() == shape
