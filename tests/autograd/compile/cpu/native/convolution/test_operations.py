"""Tests of `autograd/compile/cpu/native/convolution/operations.py`."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu.native.convolution import operations

from ......_host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._operations import by_kernel, by_numpy, normal, operation, taken

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")


def settings(
    dims: int, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """The settings of a convolution: one number for all dimensions, or one for each."""

    def each(x: Any) -> Any:
        return x if isinstance(x, tuple) else (x,) * dims

    pairs = tuple(p if isinstance(p, tuple) else (p, p) for p in each(padding))
    return {"stride": each(stride), "padding": pairs, "dilation": each(dilation), "groups": groups}


# x, W, settings
CASES = {
    "one channel": ((3, 1, 8, 8), (5, 1, 3, 3), {}),
    "padding": ((5, 8, 9, 7), (17, 8, 3, 3), {"padding": 1}),
    "wide": ((2, 9, 6, 6), (70, 9, 1, 1), {}),
    "a row at a time": ((4, 32, 13, 13), (33, 32, 3, 3), {}),
    "strides": ((5, 8, 9, 7), (17, 8, 3, 3), {"stride": 2, "padding": 1}),
    "all of them": (
        (5, 8, 9, 7), (40, 8, 2, 3), {"stride": (3, 2), "padding": ((1, 2), (0, 1)), "dilation": (2, 1)},
    ),
    "strides over the kernel": ((3, 4, 7, 7), (6, 4, 2, 2), {"stride": 3}),
    "single pixels apart": ((3, 4, 7, 7), (6, 4, 1, 1), {"stride": 3}),
    "groups": ((3, 16, 4, 4), (24, 4, 3, 3), {"stride": 2, "padding": 1, "groups": 4}),
    "groups of one": ((3, 17, 6, 5), (17, 1, 3, 3), {"stride": 2, "padding": 1, "groups": 17}),
    "groups of one, strides of 1": ((3, 5, 6, 5), (5, 1, 3, 2), {"groups": 5}),
    "small images": ((20, 16, 3, 3), (24, 16, 3, 3), {"padding": 1}),
    "one image": ((1, 8, 9, 7), (17, 8, 3, 3), {"padding": 1, "dilation": 2}),
    "much padding": ((3, 10, 6, 6), (5, 10, 3, 3), {"padding": 5}),
    "one dimension": ((3, 4, 20), (6, 4, 5), {"stride": 2, "padding": 3}),
    "three dimensions": ((3, 4, 5, 6, 7), (6, 4, 2, 3, 2), {"stride": (1, 2, 1), "padding": 1}),
    "the whole image": ((3, 8, 5, 4), (6, 8, 5, 4), {}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_as_numpy(case):
    x_shape, W_shape, more = CASES[case]
    chosen = settings(len(x_shape) - 2, **more)
    x, W, b = normal(*x_shape), normal(*W_shape, seed=1), normal(W_shape[0], seed=2)
    out = by_numpy("convolution", x, W, b, **chosen)
    np.testing.assert_allclose(
        by_kernel("convolution", (x, W, b), out, **chosen), out, 1e-10, 1e-10
    )
    y = normal(*out.shape, seed=3)
    for name, arrays, spatial in (
        ("convolution_vjp_x", (y, W), x_shape[2:]),
        ("convolution_vjp_W", (x, y), W_shape[2:]),
    ):
        theirs = by_numpy(name, *arrays, spatial=spatial, **chosen)
        ours = by_kernel(name, arrays, theirs, spatial=spatial, **chosen)
        np.testing.assert_allclose(ours, theirs, 1e-10, 1e-10)


def test_without_bias_and_in_float32():
    x, W = normal(3, 8, 6, 5, dtype=np.float32), normal(20, 8, 3, 3, dtype=np.float32)
    chosen = settings(2, padding=1)
    out = by_numpy("convolution", x, W, **chosen)
    ours = by_kernel("convolution", (x, W), out, **chosen)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, out, rtol=1e-4, atol=1e-5)


def test_what_is_left_to_numpy():
    chosen = settings(2)
    x, W, out = normal(3, 4, 6, 6), normal(4, 4, 3, 3), normal(3, 4, 4, 4)
    assert taken("convolution", (x, W), out, **chosen)
    assert not taken("convolution", (x.astype("f"), W), out, **chosen)
    assert not taken("convolution", (x.astype(int), W.astype(int)), out.astype(int), **chosen)
    assert not taken("convolution", (x[:0], W), out[:0], **chosen)
    narrow = normal(4, 2, 3, 3)
    assert not taken("convolution", (x, narrow), out, **{**chosen, "groups": 2})
    assert not taken("convolution", (x, W), normal(3, 4, 3, 4), **settings(2, padding=((0, -1), 0)))


# ── what stands next to them ──────────────────────────────────────────────────────────────────


def windows(window: Any, stride: Any, dilation: Any = 1) -> dict[str, Any]:
    return {
        "window": (window,) * 2, "stride": (stride,) * 2, "padding": ((0, 0),) * 2, "dilation": (dilation,) * 2,
    }  # fmt: skip


@pytest.mark.parametrize("pool", [(2, 2), (3, 3), (3, 2), (2, 1, 2)])
@pytest.mark.parametrize("outputs", [5, 32])
def test_with_windows(pool, outputs):
    x, W, b = normal(5, 3, 11, 10), normal(outputs, 3, 3, 3, seed=1), normal(outputs, seed=2)
    # so that many windows have no positive element, or equal ones
    x, W, b = np.round(x), np.round(W), np.round(b - 6)
    chosen, over = settings(2, padding=1), windows(*pool)
    z = by_numpy("convolution", x, W, b, **chosen)
    for relu in (True, False):
        r = np.maximum(z, 0) if relu else z
        best, offsets = by_numpy("max_pool", r, **over)
        inside = {"spatial": z.shape[2:], **over}
        ours = by_kernel(
            "convolution", (x, W, b), (best, offsets), relu=relu, pool=inside, **chosen
        )
        np.testing.assert_array_equal(ours[0], best)
        np.testing.assert_array_equal(ours[1], offsets)
    y = normal(*best.shape, seed=3)
    scattered = by_numpy("pool_scatter", y, offsets, **inside)
    for name, arrays, whole, spatial in (
        ("convolution_vjp_x", (y, W, offsets), (scattered, W), x.shape[2:]),
        ("convolution_vjp_W", (x, y, offsets), (x, scattered), W.shape[2:]),
    ):
        theirs = by_numpy(name, *whole, spatial=spatial, **chosen)
        got = by_kernel(name, arrays, theirs, spatial=spatial, pool=inside, **chosen)
        np.testing.assert_allclose(got, theirs, 1e-10, 1e-10)


# ── threads ───────────────────────────────────────────────────────────────────────────────────


def loss(x: Any, W: Any, b: Any) -> Any:
    h = pb.models.max_pool(pb.xp.relu(pb.models.conv(x, W, b, padding=1)), 2)
    return pb.xp.sum(h * h)


def test_in_programs_and_threads():
    x, W, b = normal(6, 3, 9, 8), normal(8, 3, 3, 3), normal(8)
    f = pb.value_and_grad(loss, argnums=(0, 1, 2))
    compiled = pb.compile(f, fast=True)
    compiled(x, W, b)
    assert compiled.program(x, W, b).count("= convolution") == 3
    assert "pool_scatter" not in compiled.program(x, W, b)
    wrong = []

    def work(seed: int) -> None:
        for i in range(10):
            other = normal(*x.shape, seed=10 * seed + i)
            value, grads = compiled(other, W, b)
            expected, theirs = f(other, W, b)
            if not np.allclose(value, expected):
                wrong.append((seed, i))
            wrong.extend(
                (seed, i) for g, t in zip(grads, theirs, strict=True) if not np.allclose(g, t)
            )

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []


def test_without_kernels():
    x, W, b = normal(6, 3, 9, 8), normal(8, 3, 3, 3), normal(8)
    compiled = pb.compile(pb.grad(loss, argnums=(0, 1, 2)), fast=False)
    compiled(x, W, b)
    assert ": kernel" not in compiled.program(x, W, b)
    for a, g in zip(compiled(x, W, b), pb.grad(loss, argnums=(0, 1, 2))(x, W, b), strict=True):
        np.testing.assert_allclose(a, g)


@pytest.mark.parametrize("case", CASES)
def test_what_fills_up_blocks_reads_the_kernels_own_memory(case, monkeypatch):
    """The gradient of the inputs reaches back from each place; of a place at 0, to before its scratch memory."""
    lowest = []

    class Kernel:
        @staticmethod
        def compiled(*_: Any) -> Any:
            def run(y: Any, W: Any, o: Any, out: Any, s: Any, tables: Any, g: Any, *_: Any) -> None:
                count, at, R, images, pixels = g[11], g[12], g[13], g[6], 3
                for row in tables[at : at + 6 * count].reshape(count, 6):
                    full = -(-images * row[pixels] // R) * R
                    if row[1] and full:
                        places, taps = (
                            tables[i : i + n] for i, n in ((row[4], full), (row[2], row[1]))
                        )
                        lowest.append(places.min() + taps.min())

            return run

    monkeypatch.setattr(operations.kernels, "backward_x", Kernel)
    monkeypatch.setattr(operations.winograd, "suits", lambda *_, **more: False)
    x_shape, W_shape, more = CASES[case]
    chosen = settings(len(x_shape) - 2, **more)
    x, W = normal(*x_shape), normal(*W_shape, seed=1)
    y = by_numpy("convolution", x, W, **chosen)
    op = operation("convolution_vjp_x", (y, W), (x,), {**chosen, "spatial": x_shape[2:]})
    operations._make_backward_x(op)(y, W, np.empty(x.shape))
    assert lowest
    assert min(lowest) >= 0
