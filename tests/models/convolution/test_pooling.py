"""Tests of `models/convolution/pooling.py`: against loops, ties and NaN, on every library, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp
M = pb.models
RNG = np.random.default_rng(6)


def drawn(*shape, dtype="float64"):
    return RNG.standard_normal(shape).astype(dtype)


def test_windows_side_by_side_are_blocks():
    x = drawn(2, 3, 6, 8)
    blocks = x.reshape(2, 3, 3, 2, 4, 2)
    np.testing.assert_array_equal(pb.to_numpy(M.max_pool(x, 2)), blocks.max((3, 5)))
    np.testing.assert_allclose(pb.to_numpy(M.avg_pool(x, 2)), blocks.mean((3, 5)), rtol=1e-13)
    np.testing.assert_allclose(pb.to_numpy(M.global_avg_pool(x)), x.mean((2, 3)), rtol=1e-13)
    assert M.global_avg_pool(x, keepdims=True).shape == (2, 3, 1, 1)


def test_channels_last():
    x = drawn(2, 6, 5, 3)
    moved = np.moveaxis(x, -1, 1)
    for f in (lambda x, **k: M.max_pool(x, 2, **k), lambda x, **k: M.avg_pool(x, 2, **k)):
        np.testing.assert_array_equal(
            pb.to_numpy(f(x, channels_last=True)), np.moveaxis(pb.to_numpy(f(moved)), 1, -1)
        )
    np.testing.assert_allclose(
        pb.to_numpy(M.global_avg_pool(x, channels_last=True)), x.mean((1, 2)), rtol=1e-13
    )


def test_the_first_of_equal_elements_takes_the_cotangent(lib, backend):
    x = lib.asarray([[[1.0, 1.0, 0.0, 2.0, 2.0, 2.0]]])
    g = pb.grad(lambda x: xp.sum(M.max_pool(x, 3)))(x)
    np.testing.assert_array_equal(lib.to_numpy(g), [[[1, 0, 0, 1, 0, 0]]])
    g = pb.grad(lambda x: xp.sum(M.max_pool(x, 3, stride=1)))(x)
    np.testing.assert_array_equal(lib.to_numpy(g), [[[1, 0, 0, 3, 0, 0]]])


def test_nan_is_the_maximum(lib, backend):
    x = lib.asarray([[[1.0, np.nan, 0.0, 2.0, np.inf, -np.inf]]])
    out, pull = pb.vjp(lambda x: M.max_pool(x, 2), x)
    np.testing.assert_array_equal(lib.to_numpy(xp.asarray(out).value), [[[np.nan, 2.0, np.inf]]])
    (g,) = pull(lib.asarray([[[5.0, 6.0, 7.0]]]))
    np.testing.assert_array_equal(lib.to_numpy(xp.asarray(g).value), [[[0, 5, 0, 6, 7, 0]]])


def test_an_infinite_cotangent_stays_where_it_belongs(lib, backend):
    for stride in (2, 1):
        _, pull = pb.vjp(
            lambda x, stride=stride: M.max_pool(x, 2, stride=stride), lib.asarray([[[1.0, 2.0]]])
        )
        (g,) = pull(lib.asarray([[[np.inf]]]))
        np.testing.assert_array_equal(lib.to_numpy(xp.asarray(g).value), [[[0.0, np.inf]]])


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_every_library(lib, backend, stride):
    """Values, gradients and second derivatives are NumPy's, on the device."""
    x, v = drawn(2, 2, 6, 5), drawn(2, 2, 6, 5)

    def f(x):
        h = M.max_pool(x * x * x, 3, stride=stride, padding=1)
        return xp.sum(M.avg_pool(h, 2, stride=1, padding=1, count_include_pad=False) ** 2)

    second = pb.grad(lambda x, v: xp.sum(pb.grad(f)(x) * v))
    there = (lib.asarray(x), lib.asarray(v))
    for g, wanted in (
        (pb.grad(f)(there[0]), pb.grad(f)(x)),
        (second(*there), second(x, v)),
    ):
        assert lib.is_raw(g)
        np.testing.assert_allclose(lib.to_numpy(g), wanted, rtol=1e-11, atol=1e-12)


def test_both_orders_against_central_differences():
    x = drawn(1, 2, 5, 4)
    for f in (
        lambda x: M.max_pool(x, 2, stride=1) ** 3,
        lambda x: M.max_pool(x, 3, stride=2, padding=1, ceil_mode=True) ** 3,
        lambda x: M.avg_pool(x, (2, 3), stride=1, padding=1) ** 3,
        lambda x: M.global_avg_pool(x) ** 3,
    ):
        pb.check_grads(f, (x,), order=2)


def test_vmap_jvp_checkpoint_and_compile():
    x, v = drawn(3, 2, 2, 4, 5), drawn(3, 2, 2, 4, 5)
    f = lambda x: xp.sum(M.avg_pool(M.max_pool(x, 2, stride=1), 2) ** 2)
    rows = np.stack([pb.grad(f)(row) for row in x])
    np.testing.assert_allclose(pb.to_numpy(pb.vmap(pb.grad(f))(x)), rows, rtol=1e-13)
    _, along = pb.jvp(f, (x[0],), (v[0],))
    np.testing.assert_allclose(float(along), np.sum(rows[0] * v[0]), rtol=1e-12)
    np.testing.assert_array_equal(pb.grad(pb.checkpoint(f))(x[0]), rows[0])
    step = pb.compile(pb.grad(f), fast=False)
    for row, wanted in zip(x, rows, strict=True):
        np.testing.assert_allclose(step(row), wanted, rtol=1e-13)
    assert f(x[0].astype("f")).dtype == np.float32


def test_integers_have_maxima_too():
    x = np.array([[[3, -5, 2, 7]]])
    out = M.max_pool(x, 3, stride=1, padding=1)
    assert out.dtype == np.int64
    np.testing.assert_array_equal(pb.to_numpy(out), [[[3, 3, 7, 7]]])


X = np.ones((2, 3, 8, 8))
REFUSALS = {
    "window": (lambda: M.max_pool(X, 9), r"max_pool: a window of \(9, 9\) does not fit into inputs of \(8, 8\)"),
    "no window": (lambda: M.avg_pool(X, 0), r"avg_pool: window=0; it has to be an integer of at least 1"),
    "windows": (lambda: M.max_pool(X[0], (2, 2, 2)), r"max_pool: inputs of shape \(3, 8, 8\); in 3 dimensions they"),
    "axes": (lambda: M.max_pool(np.ones((2, 3)), 2), r"0 spatial dimensions"),
    "padding": (lambda: M.max_pool(X, 3, padding=2), r"half of a window of 3 is the most"),
    "stride": (lambda: M.avg_pool(X, 2, stride=0), r"stride=0"),
    "nothing": (lambda: M.max_pool(np.ones((2, 3, 0, 8)), 2), r"have nothing to pool"),
    "padding alone": (lambda: M.max_pool(np.ones((1, 1, 1)), 2, padding=2, dilation=3), r"window 0 .* padding alone"),
    "complex numbers": (lambda: M.max_pool(X + 0j, 2), r"max_pool: complex numbers have no order"),
    "nothing to average": (lambda: M.global_avg_pool(np.ones((2, 3, 0))), r"nothing to take the mean of"),
    "no spatial axis": (lambda: M.global_avg_pool(np.ones((2, 3))), r"at least one more axis"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name):
    call, message = REFUSALS[name]
    with pytest.raises(ValueError, match=message):
        call()
