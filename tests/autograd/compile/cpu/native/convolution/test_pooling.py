"""Tests of `autograd/compile/cpu/native/convolution/pooling.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu.native.convolution import pooling as native

from ......_host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._operations import by_kernel, by_numpy, normal, taken

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")

# shape of x, window, stride, padding, dilation
CASES = [
    ((3, 4, 9, 7), 2, 2, (0, 0), 1),
    ((3, 4, 9, 7), 3, 2, (1, 1), 1),
    ((1, 1, 9, 7), 3, 1, (0, 1), 2),
    ((2, 3, 11), 2, 3, (0, 0), 1),
    ((2, 3, 5, 6, 5), 2, 2, (1, 1), 1),
]


def settings(dims: int, window: int, stride: int, padding: Any, dilation: int) -> dict[str, Any]:
    return {
        "window": (window,) * dims,
        "stride": (stride,) * dims,
        "padding": (padding,) * dims,
        "dilation": (dilation,) * dims,
    }


@pytest.mark.parametrize("case", CASES)
def test_maxima(case):
    shape, *more = case
    chosen = settings(len(shape) - 2, *more)
    x = np.round(normal(*shape))  # with equal ones
    for nan in (False, True):
        if nan:
            x.flat[::7] = np.nan
        theirs = by_numpy("max_pool", x, **chosen)
        for ours, expected in zip(
            by_kernel("max_pool", (x,), theirs, **chosen), theirs, strict=True
        ):
            np.testing.assert_array_equal(ours, expected)
    y, offsets = normal(*theirs[0].shape), theirs[1]
    out = by_numpy("pool_scatter", y, offsets, spatial=shape[2:], **chosen)
    ours = by_kernel("pool_scatter", (y, offsets), out, spatial=shape[2:], **chosen)
    np.testing.assert_allclose(ours, out, 1e-12, 1e-12)


@pytest.mark.parametrize("case", [case for case in CASES if case[-1] == 1])
def test_means(case):
    shape, *more = case
    chosen = settings(len(shape) - 2, *more)
    del chosen["dilation"]
    x = normal(*shape)
    for counted in (None, ((0, 0),) * (len(shape) - 2), chosen["padding"]):
        out = by_numpy("avg_pool", x, counted=counted, **chosen)
        ours = by_kernel("avg_pool", (x,), out, counted=counted, **chosen)
        np.testing.assert_allclose(ours, out, 1e-12, 1e-12)
        more_settings = {"spatial": shape[2:], "counted": counted, **chosen}
        back = by_numpy("avg_pool_vjp", out, **more_settings)
        ours = by_kernel("avg_pool_vjp", (out,), back, **more_settings)
        np.testing.assert_allclose(ours, back, 1e-12, 1e-12)


def test_many_elements_and_the_helper(monkeypatch):
    chosen = settings(2, 17, 1, (0, 0), 1)  # 289 elements: their numbers are int32
    x = normal(3, 2, 18, 17)
    best, offsets = by_numpy("max_pool", x, **chosen)
    assert offsets.dtype == np.int32
    for parallel in (0, 1 << 60):
        monkeypatch.setattr(native, "PARALLEL", parallel)
        ours = by_kernel("max_pool", (x,), (best, offsets), **chosen)
        np.testing.assert_array_equal(ours[0], best)
        np.testing.assert_array_equal(ours[1], offsets)


def test_what_is_left_to_numpy():
    chosen = settings(1, 2, 2, (0, 0), 1)
    x = normal(2, 3, 6)
    theirs = by_numpy("max_pool", x, **chosen)
    assert taken("max_pool", (x,), theirs, **chosen)
    assert not taken("max_pool", (x.astype(np.float16),), theirs, **chosen)
    empty = (theirs[0][:0], theirs[1][:0])
    assert not taken("max_pool", (x[:0],), empty, **chosen)
    outside = settings(1, 2, 2, (0, -1), 1)
    assert not taken("max_pool", (x,), theirs, **outside)


def test_in_programs():
    def f(x: Any) -> Any:
        return pb.xp.sum(pb.models.max_pool(x, 3, stride=2, padding=1) ** 2) + pb.xp.sum(
            pb.models.avg_pool(x, 2) ** 3
        )

    x = normal(2, 3, 8, 9)
    compiled = pb.compile(pb.grad(f), fast=True)
    compiled(x)
    np.testing.assert_allclose(compiled(x), pb.grad(f)(x), 1e-10, 1e-10)
    assert compiled.program(x).count(": kernel") == 4
