"""Tests of `autograd/compile/cpu/native/convolution/winograd.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pullback.autograd.compile.cpu.native.convolution import winograd
from pullback.autograd.compile.cpu.native.convolution.geometry import Shape

from .._operations import by_kernel, by_numpy, normal
from .test_operations import settings, windows

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")


@pytest.fixture(autouse=True)
def small_ones_too(monkeypatch):
    monkeypatch.setattr(winograd, "CHANNELS", 1)
    monkeypatch.setattr(winograd, "OUTPUTS", 0)


def shape_of(
    x: Any, W: Any, lengths: Any, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1
) -> Shape:
    return Shape(
        x[0], x[1], W[0], x[2:], lengths, W[2:], (stride,) * 2, (padding,) * 2, (padding,) * 2, (dilation,) * 2, 1,
        np.dtype("float64"),
    )  # fmt: skip


def test_what_suits(monkeypatch):
    fits = shape_of((4, 20, 6, 6), (20, 20, 3, 3), (4, 4))
    assert winograd.suits(fits, forward=True)
    assert not winograd.suits(shape_of((4, 20, 6, 6), (20, 20, 3, 2), (4, 5)), forward=True)
    assert not winograd.suits(
        shape_of((4, 20, 7, 7), (20, 20, 3, 3), (3, 3), stride=2), forward=True
    )
    assert not winograd.suits(shape_of((4, 20, 3, 6), (20, 20, 3, 3), (1, 4)), forward=True)
    assert winograd.suits(shape_of((4, 20, 3, 6), (20, 20, 3, 3), (1, 4)), forward=False)
    monkeypatch.setattr(winograd, "CHANNELS", 21)
    assert not winograd.suits(fits, forward=True)
    monkeypatch.setattr(winograd, "CHANNELS", 20)
    monkeypatch.setattr(winograd, "OUTPUTS", 65)
    assert not winograd.suits(fits, forward=True)


# even and odd sides, padding, lanes that fill no vector, chunks of several images and of parts of one
CASES = [
    ((4, 5, 6, 6), 7, 0),
    ((4, 5, 7, 6), 17, 1),
    ((3, 20, 5, 9), 70, ((0, 2), (1, 0))),
    ((1, 20, 5, 9), 17, 3),
    ((20, 33, 4, 4), 40, 0),
    ((2, 64, 32, 30), 48, 1),
]


@pytest.mark.parametrize("case", CASES)
def test_as_numpy(case):
    x_shape, outputs, padding = case
    chosen = settings(2, padding=padding)
    x, W, b = normal(*x_shape), normal(outputs, x_shape[1], 3, 3, seed=1), normal(outputs, seed=2)
    out = by_numpy("convolution", x, W, b, **chosen)
    ours = by_kernel("convolution", (x, W, b), out, **chosen)
    np.testing.assert_allclose(ours, out, 1e-10, 1e-10)
    y = normal(*out.shape, seed=3)
    theirs = by_numpy("convolution_vjp_x", y, W, spatial=x_shape[2:], **chosen)
    ours = by_kernel("convolution_vjp_x", (y, W), theirs, spatial=x_shape[2:], **chosen)
    np.testing.assert_allclose(ours, theirs, 1e-10, 1e-10)


@pytest.mark.parametrize("pool", [(2, 2), (3, 2)])
def test_with_what_stands_next_to_it(pool):
    x, W, b = normal(5, 3, 11, 10), normal(21, 3, 3, 3, seed=1), normal(21, seed=2) - 4
    chosen, over = settings(2, padding=1), windows(*pool)
    r = np.maximum(by_numpy("convolution", x, W, b, **chosen), 0)
    ours = by_kernel("convolution", (x, W, b), r, relu=True, **chosen)
    np.testing.assert_allclose(ours, r, 1e-10, 1e-10)
    best, offsets = by_numpy("max_pool", r, **over)
    inside = {"spatial": r.shape[2:], **over}
    ours = by_kernel("convolution", (x, W, b), (best, offsets), relu=True, pool=inside, **chosen)
    np.testing.assert_allclose(ours[0], best, 1e-10, 1e-10)
    np.testing.assert_array_equal(ours[1], offsets)
    y = normal(*best.shape, seed=3)
    scattered = by_numpy("pool_scatter", y, offsets, **inside)
    theirs = by_numpy("convolution_vjp_x", scattered, W, spatial=x.shape[2:], **chosen)
    given = {"spatial": x.shape[2:], "pool": inside, **chosen}
    ours = by_kernel("convolution_vjp_x", (y, W, offsets), theirs, **given)
    np.testing.assert_allclose(ours, theirs, 1e-10, 1e-10)


def test_the_error_in_float32():
    x, W = normal(3, 64, 12, 12), normal(32, 64, 3, 3, seed=1)
    chosen = settings(2, padding=1)
    exact = by_numpy("convolution", x, W, **chosen)
    x, W = x.astype(np.float32), W.astype(np.float32)
    ours = by_kernel("convolution", (x, W), exact.astype(np.float32), **chosen)
    assert ours.dtype == np.float32
    assert abs(ours - exact).max() < 2e-6 * abs(exact).max()
