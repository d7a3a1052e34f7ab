"""Tests of `autograd/numpy/fft.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from ._fronts import *  # noqa: F403 - the tests of rows
from ._fronts import R, Z, front

ONE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
SEVERAL = ("fftn", "ifftn", "rfftn", "irfftn", "fft2", "ifft2", "rfft2", "irfft2")
REAL = {"rfft", "ihfft", "rfftn", "rfft2"}
# a derivative by the imaginary parts that these ignore is 0, which differences of NumPy's show, too
ROWS = [
    front(f"fft.{name}", (R if name in REAL else Z)(2, 4), **settings)
    for name in ONE
    for settings in ({}, {"n": 3}, {"n": 6, "axis": 0, "norm": "ortho"}, {"norm": "forward"})
]
ROWS += [
    front(f"fft.{name}", (R if name in REAL else Z)(2, 3, 2), **settings)
    for name in SEVERAL
    for settings in (
        {},
        {"s": (3, 4), "axes": (0, 1), "norm": "ortho"},
        {"axes": (2, 1), "norm": "forward"},
    )
]
ROWS += [
    front("fft.fft", R(5)),
    front("fft.irfft", R(4)),
    front("fft.fftn", R(3, 2), s=(-1, 3), axes=(0, 1)),
    front("fft.fftshift", R(5)),
    front("fft.fftshift", R(2, 5), axes=1),
    front("fft.ifftshift", Z(2, 5)),
]
CONSTANTS = ("fft.fftfreq", "fft.rfftfreq")


def test_frequencies():
    for name in ("fftfreq", "rfftfreq"):
        f = getattr(pullback.numpy.fft, name)
        np.testing.assert_allclose(pb.to_numpy(f(5, 0.1)), getattr(np.fft, name)(5, 0.1))
        pb.check_grads(lambda d, f=f: f(5, d), (np.asarray(0.3),))


def test_lists_and_integers():
    got, wanted = pullback.numpy.fft.fft([1, 2, 3]), np.fft.fft([1, 2, 3])
    assert got.dtype == wanted.dtype
    np.testing.assert_allclose(pb.to_numpy(got), wanted)


def test_what_cannot_be():
    with pytest.raises(TypeError, match="real"):
        pullback.numpy.fft.rfft([1j])
    with pytest.raises(ValueError, match="one length"):
        pullback.numpy.fft.fftn(np.ones((2, 2)), s=(2,), axes=(0, 1))
    with pytest.raises(TypeError, match="existing arrays"):
        pullback.numpy.fft.fft([1.0], out=np.ones(1, complex))


def test_names():
    assert set(pullback.numpy.fft.__all__) == set(np.fft.__all__)
    assert dir(pullback.numpy.fft) == sorted(np.fft.__all__)
