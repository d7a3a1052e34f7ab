"""Tests of `autograd/compile/cpu/native/convolution/products.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pullback.autograd.compile.cpu.native.convolution.products import SIDE, narrow, transpose, wide
from pullback.autograd.compile.cpu.native.convolution.vectors import block_shape
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
    else:
        transpose(x, 1, inner, out, 2, ld)


def run(*arguments: Any) -> None:
    _pieces.compiled(int, ARRAY, TABLE, ARRAY, ARRAY, int, int, int)(*arguments)


@pytest.mark.parametrize("vectors_wide", [2, 1])
@pytest.mark.parametrize("taps", [0, 1, 3])
def test_the_product_of_gathered_rows(vectors_wide, taps):
    rows, width = block_shape()
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
