"""Tests of `models/convolution/resampling.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp
M = pb.models
RNG = np.random.default_rng(7)


def test_whole_factors_repeat_and_their_pullback_sums():
    x = RNG.standard_normal((2, 3, 4, 5))
    out = M.upsample(x, scale=(2, 3))
    np.testing.assert_array_equal(pb.to_numpy(out), x.repeat(2, 2).repeat(3, 3))
    ct = RNG.standard_normal(out.shape)
    g = pb.grad(lambda x: xp.sum(M.upsample(x, scale=(2, 3)) * ct))(x)
    np.testing.assert_allclose(g, ct.reshape(2, 3, 4, 2, 5, 3).sum((3, 5)), rtol=1e-12, atol=1e-13)


def test_linear_keeps_lines_inside_and_ends_at_the_borders():
    x = np.arange(5.0)[None, None]
    out = pb.to_numpy(M.upsample(x, scale=2, mode="linear"))[0, 0]
    np.testing.assert_allclose(out[1:-1], (np.arange(10)[1:-1] + 0.5) / 2 - 0.5)
    assert (out[0], out[-1]) == (0.0, 4.0)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_every_library_and_dtype(lib, backend, mode):
    x = RNG.standard_normal((1, 2, 3, 4)).astype("f")
    for setting in ({"scale": 1.6}, {"size": (6, 2)}):
        f = lambda x, setting=setting: xp.sum(M.upsample(x, mode=mode, **setting) ** 2)
        g = pb.grad(f)(lib.asarray(x))
        assert lib.is_raw(g)
        assert lib.to_numpy(g).dtype == np.float32
        np.testing.assert_allclose(lib.to_numpy(g), pb.grad(f)(x), rtol=1e-5, atol=1e-6)
        y = M.upsample(lib.asarray(x), mode=mode, **setting)
        wanted = M.upsample(x, mode=mode, **setting)
        np.testing.assert_allclose(lib.to_numpy(y.value), pb.to_numpy(wanted), rtol=1e-6)


def test_channels_last_differences_and_compile():
    x = RNG.standard_normal((1, 3, 2, 2))
    moved = np.moveaxis(x, -1, 1)
    for mode in ("nearest", "bilinear"):
        f = lambda x, mode=mode: M.upsample(x, scale=1.5, mode=mode, channels_last=True)
        wanted = M.upsample(moved, scale=1.5, mode=mode)
        np.testing.assert_array_equal(pb.to_numpy(f(x)), np.moveaxis(pb.to_numpy(wanted), 1, -1))
        pb.check_grads(lambda x, f=f: f(x) ** 2, (x,), order=2)
        step = pb.compile(pb.grad(lambda x, f=f: xp.sum(f(x) ** 2)), fast=False)
        step(x + 1)
        np.testing.assert_allclose(step(x), pb.grad(lambda x, f=f: xp.sum(f(x) ** 2))(x))


X = np.ones((1, 2, 3, 4))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: M.upsample(X), r"upsample: scale=None and size=None; give one of the two"),
        (lambda: M.upsample(X, scale=2, size=4), r"scale=2 and size=4; give one"),
        (lambda: M.upsample(X, scale=-1), r"scale=-1; it is a positive number"),
        (lambda: M.upsample(X, scale=(1, 2, 3)), r"one for each of 2"),
        (lambda: M.upsample(X, scale=0.1), r"makes \(0, 0\) of \(3, 4\)"),
        (lambda: M.upsample(X, size=0), r"size=0; it has to be an integer of at least 1"),
        (lambda: M.upsample(X, scale=2, mode="cubic"), r"mode='cubic' is none of nearest, linear"),
        (lambda: M.upsample(X, scale=2, mode="trilinear"), r"'trilinear' is of 3 spatial dimensions"),
        (lambda: M.upsample(X[0, 0], scale=2), r"inputs of shape \(3, 4\); they are \(batch"),
        (lambda: M.upsample(X[:, :, :0], scale=2), r"have no element"),
    ],
)  # fmt: skip
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
