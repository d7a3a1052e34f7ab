"""Tests of `backend/numpy/networks/convolution.py`: the chunks of images against the formulas for any library."""

from __future__ import annotations

import itertools

import array_api_strict as strict
import numpy as np
import pytest

from pullback.backend import backend_of
from pullback.backend.numpy.networks import convolution as fast

RNG = np.random.default_rng(4)
GENERIC = backend_of(strict.asarray(1.0)).xp
SHAPES = [  # x, W, groups, stride, padding, dilation
    ((5, 4, 9), (6, 2, 3), 2, (2,), ((1, 2),), (2,)),
    ((4, 3, 6, 7), (5, 3, 3, 2), 1, (1, 2), ((0, 0), (1, 0)), (1, 1)),
    ((3, 2, 5, 4, 4), (2, 1, 2, 2, 2), 2, (1, 1, 2), ((0, 0), (0, 1), (0, 0)), (2, 1, 1)),
    ((3, 3, 6, 5), (3, 1, 3, 2), 3, (2, 1), ((1, 0), (2, 1)), (1, 2)),
    ((2, 3, 6), (4, 3, 1), 1, (1,), ((0, 0),), (1,)),
]


def host(x):
    return np.asarray(x)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("images", [1, 2, 5])
def test_chunks_of_any_size_give_the_same(monkeypatch, shape, images):
    """One image in a chunk is written in place, and the last chunk may be a part."""
    x_shape, W_shape, groups, stride, padding, dilation = shape
    monkeypatch.setattr(fast, "_images", lambda N, rows, places: min(images, N))
    monkeypatch.setattr(fast, "_SMALL", images * 27)
    x, W, b = (RNG.standard_normal(s) for s in (x_shape, W_shape, W_shape[:1]))
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    out = fast.convolution(x, W, b, **settings)
    close = {"rtol": 1e-12, "atol": 1e-12}
    expected = GENERIC.convolution(*map(strict.asarray, (x, W, b)), **settings)
    np.testing.assert_allclose(out, host(expected), **close)
    y = RNG.standard_normal(out.shape)
    for name, args, spatial in (
        ("convolution_vjp_x", (y, W), x_shape[2:]),
        ("convolution_vjp_W", (x, y), W_shape[2:]),
    ):
        got = getattr(fast, name)(*args, spatial=spatial, **settings)
        expected = getattr(GENERIC, name)(*map(strict.asarray, args), spatial=spatial, **settings)
        np.testing.assert_allclose(got, host(expected), **close)


def test_how_many_images_make_a_chunk():
    assert fast._images(64, 100, 600) == 1
    assert fast._images(64, 100, 100) == 26
    assert fast._images(8, 100, 100) == 8
    assert fast._images(8, 1 << 20, 100) == 1
    assert fast._images(0, 0, 0) == 1


@pytest.mark.parametrize("order", list(itertools.permutations(range(3)))[1:4])
def test_any_order_in_memory_and_read_only_arrays(order):
    x, W = RNG.standard_normal((3, 4, 5)), RNG.standard_normal((2, 4, 2))
    settings = {"stride": (1,), "padding": ((1, 1),), "dilation": (1,), "groups": 1}
    turned = np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))
    turned.flags.writeable = False
    expected = fast.convolution(x, W, **settings)
    np.testing.assert_array_equal(fast.convolution(turned, W, **settings), expected)
    y = RNG.standard_normal(expected.shape)
    same = fast.convolution_vjp_W(turned, np.asfortranarray(y), spatial=(2,), **settings)
    wanted = fast.convolution_vjp_W(x, y, spatial=(2,), **settings)
    np.testing.assert_allclose(same, wanted, rtol=1e-13)
