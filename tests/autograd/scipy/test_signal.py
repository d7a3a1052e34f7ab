"""Tests of `autograd/scipy/signal.py`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

import pullback as pb
from pullback.scipy import signal

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._against_scipy import (
    Row,
    check_compiled,
    check_float32,
    check_gradients,
    check_library,
    check_value,
)

RNG = np.random.default_rng(0)
X, K, X2, K2 = (RNG.standard_normal(n) for n in (9, 4, (5, 6), (3, 2)))
NUMERATOR, DENOMINATOR = scipy.signal.butter(3, 0.3)
SECTIONS = scipy.signal.butter(3, 0.3, output="sos")


def _row(name, label, *args, **settings) -> Row:
    return Row(
        f"{name} {label}",
        getattr(signal, name),
        getattr(scipy.signal, name),
        args,
        settings=settings,
    )


PAIRS = {
    "longer first": (X, K),
    "shorter first": (K, X),
    "matrices": (X2, K2),
    "complex": (X + 1j, 1j * K),
}
ROWS = [
    *(
        _row(name, f"{label} {mode} {method}", *pair, mode=mode, method=method)
        for name in ("convolve", "correlate")
        for label, pair in PAIRS.items()
        for mode in ("full", "same", "valid")
        for method in ("auto", "direct", "fft")
    ),
    *(
        _row(name, mode, X2, K2, mode=mode)
        for name in ("fftconvolve", "oaconvolve", "convolve2d", "correlate2d")
        for mode in ("full", "same", "valid")
    ),
    *(_row("fftconvolve", f"one axis {mode}", X2, X2[:, :2], mode=mode, axes=1) for mode in ("full", "same", "valid")),
    _row("lfilter", "Butterworth's", NUMERATOR, DENOMINATOR, X),
    _row("lfilter", "first axis", NUMERATOR, DENOMINATOR, X2, axis=0),
    _row("lfilter", "scaled", np.asarray([1.0, 2.0]), np.asarray([2.0, 0.5, 0.1]), X),
    _row("sosfilt", "Butterworth's", SECTIONS, X),
    _row("detrend", "line", X2),
    _row("detrend", "mean", X2, type="constant", axis=0),
    _row("hilbert", "odd", X),
    _row("hilbert", "even", X2),
]  # fmt: skip
every = pytest.mark.parametrize("row", ROWS, ids=lambda r: r.name)


@every
def test_value(row):
    check_value(row)


@every
def test_gradients(row):
    check_gradients(row)


@every
def test_float32(row):
    check_float32(row)


@every
def test_on_every_library(row, lib):
    check_library(row, lib)


@pytest.mark.parametrize(
    "row", [r for r in ROWS if "auto" in r.name or "lfilter" in r.name], ids=lambda r: r.name
)
def test_compiled(row):
    check_compiled(row)


def test_long_ones_go_by_fourier_transforms():
    x, y = RNG.standard_normal(3000), RNG.standard_normal(500)
    np.testing.assert_allclose(
        pb.to_numpy(signal.convolve(x, y)), scipy.signal.convolve(x, y), rtol=1e-9, atol=1e-10
    )


def test_lengths_that_transforms_like():
    for n in range(1, 400):
        m = signal._fast_length(n)
        assert n <= m <= 2 * n
        for prime in (2, 3, 5):
            while m % prime == 0:
                m //= prime
        assert m == 1


def test_what_is_refused():
    with pytest.raises(ValueError, match="'full', 'same' or 'valid'"):
        signal.convolve(X, K, "half")
    with pytest.raises(ValueError, match="at least as large in every dimension"):
        signal.convolve(X2, K2.reshape(1, 6)[:, :6].repeat(7, 0)[:, :2], mode="valid")
    with pytest.raises(NotImplementedError, match="start from rest"):
        signal.lfilter(NUMERATOR, DENOMINATOR, X, zi=np.zeros(3))
    with pytest.raises(NotImplementedError, match="pad before"):
        signal.convolve2d(X2, K2, boundary="wrap")
    with pytest.raises(TypeError, match=r"scipy\.signal\.medfilt of a traced array.*convolve"):
        pb.grad(lambda x: pb.xp.sum(signal.medfilt(x)))(X)
    with pytest.raises(AttributeError, match="nor has SciPy"):
        signal.nothing  # noqa: B018 - asking for it raises


def test_what_has_no_derivative_runs_on_constants():
    np.testing.assert_array_equal(
        pb.to_numpy(signal.medfilt(pb.asarray(X))), scipy.signal.medfilt(X)
    )
