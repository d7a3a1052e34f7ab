"""Tests of `autograd/compile/cpu/native/convolution/kernels.py`: what does not depend on shapes."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.autograd.compile.cpu.native.convolution import operations as native

from .._operations import by_kernel, by_numpy, normal
from .test_operations import settings, windows

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")


def test_nan_stays():
    x, W = normal(2, 3, 6, 6), normal(8, 3, 1, 1, seed=1)
    x[0, 1, 2, 3] = np.nan
    chosen, over = settings(2), windows(2, 2)
    r = np.maximum(by_numpy("convolution", x, W, **chosen), 0)
    np.testing.assert_array_equal(by_kernel("convolution", (x, W), r, relu=True, **chosen), r)
    theirs = by_numpy("max_pool", r, **over)
    inside = {"spatial": (6, 6), **over}
    ours = by_kernel("convolution", (x, W), theirs, relu=True, pool=inside, **chosen)
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_array_equal(ours[1], theirs[1])


def test_the_helper_changes_no_bit(monkeypatch):
    x, W, y = normal(7, 8, 6, 6), normal(16, 8, 3, 3), normal(7, 16, 4, 4)
    chosen = settings(2)
    found = []
    for parallel in (0, 1 << 60):
        monkeypatch.setattr(native, "PARALLEL", parallel)
        found.append(
            [
                by_kernel("convolution", (x, W), y, **chosen),
                by_kernel("convolution_vjp_x", (y, W), x, spatial=(6, 6), **chosen),
                by_kernel("convolution_vjp_W", (x, y), W, spatial=(3, 3), **chosen),
            ]
        )
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)
