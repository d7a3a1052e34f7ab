"""Tests of `autograd/compile/cpu/native/convolution/tiles.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pullback.autograd.compile.cpu.native.convolution.tiles import tile_in, tile_out
from pullback.autograd.compile.cpu.native.convolution.vectors import vector_bytes
from pullback.autograd.compile.cpu.native.jit import kernel

from .._operations import normal

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")

ARRAY, TABLE = (np.float64, 1), (np.int64, 1)


# Winograd's matrices, as in `winograd.py`
B_T = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]], float)
A_T = np.array([[1, 1, 1, 0], [0, 1, -1, -1]], float)


@kernel()
def _pieces(which: int, s: Any, at: int, row: int, step: int, to: int, plane: int) -> None:
    if which == 0:
        tile_in(s, at, row, step, to, plane)
    else:
        tile_out(s, at, plane, 0, to, row, step)


def run(*arguments: Any) -> None:
    _pieces.compiled(int, ARRAY, *[int] * 5)(*arguments)


def test_the_transform_of_inputs():
    lanes = vector_bytes()[0] // 8
    row, step, plane, at, to = 5 * lanes, lanes, lanes + 1, 3, 25 * lanes
    s = normal(to + 16 * plane)
    tile = np.array([[s[at + i * row + j * step :][:lanes] for j in range(4)] for i in range(4)])
    run(0, s, at, row, step, to, plane)
    wanted = np.einsum("ik,klv,jl->ijv", B_T, tile, B_T)
    for i in range(4):
        for j in range(4):
            got = s[to + (4 * i + j) * plane :][:lanes]
            np.testing.assert_allclose(got, wanted[i, j], 1e-14, 1e-14)


def test_the_transform_of_outputs():
    lanes = vector_bytes()[0] // 8
    row, step, plane, at, to = 3 * lanes, lanes, lanes + 1, lanes, 20 * lanes + 16
    s = normal(to + 6 * lanes)
    bias = s[:lanes].copy()
    m = np.array([[s[at + (4 * i + j) * plane :][:lanes] for j in range(4)] for i in range(4)])
    run(1, s, at, row, step, to, plane)
    wanted = np.einsum("ik,klv,jl->ijv", A_T, m, A_T) + bias
    for i in range(2):
        for j in range(2):
            np.testing.assert_allclose(
                s[to + i * row + j * step :][:lanes], wanted[i, j], 1e-14, 1e-14
            )
