"""Tests of `autograd/compile/cpu/native/functions/logarithms.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pullback.autograd.compile.cpu.native.functions.logarithms import log, log1p, logaddexp
from pullback.autograd.compile.cpu.native.jit import kernel

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")


@kernel()
def both(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[0, i] = log(x[i])
    for i in range(x.size):
        out[1, i] = log1p(x[i])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_errors_in_units_of_the_last_place(dtype):
    rng = np.random.default_rng(0)
    limits = np.log([np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max])
    wide = np.exp(rng.uniform(*limits, 20000))
    near = 1 + rng.normal(size=10000) * np.exp(rng.uniform(-30, -1, 10000))
    x = np.concatenate([wide, near, near - 1, -np.exp(rng.uniform(-80, 0, 5000))]).astype(dtype)
    out = np.empty((2, x.size), dtype)
    both.compiled((dtype, 1), (dtype, 2))(x, out)
    numbers = x.astype(np.float64 if dtype == np.float32 else np.longdouble)
    for function, ours in zip((np.log, np.log1p), out, strict=True):
        with np.errstate(all="ignore"):
            exact = function(numbers)
        rounded = exact.astype(dtype)
        finite = np.isfinite(rounded)
        np.testing.assert_array_equal(ours[~finite], rounded[~finite])
        error = abs(ours[finite] - exact[finite]) / np.spacing(abs(rounded[finite]))
        assert error.max() <= 1, (function, x[finite][error.argmax()])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tails(dtype):
    least = np.finfo(dtype).smallest_subnormal
    x = np.array(
        [np.nan, np.inf, -np.inf, 0.0, -0.0, least, -least, 1, -1, -2, np.finfo(dtype).max], dtype
    )
    out = np.empty((2, x.size), dtype)
    both.compiled((dtype, 1), (dtype, 2))(x, out)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(out[0], np.log(x), rtol=np.finfo(dtype).eps)
        np.testing.assert_allclose(out[1], np.log1p(x), rtol=np.finfo(dtype).eps)
    assert np.signbit(out[1, 4])


@kernel()
def joined(x: Any, y: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = logaddexp(x[i], y[i])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logarithms_of_sums(dtype):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=4000) * 10.0**k for k in (-8, -1, 0, 1, 2, 8)])
    y = np.concatenate([rng.normal(size=x.size), x + rng.normal(size=x.size), 0 * x, x])
    x = np.tile(x, 4)
    odd = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, np.finfo(dtype).max / 4])
    x, y = (
        np.concatenate([a, b.ravel()]).astype(dtype)
        for a, b in zip((x, y), np.meshgrid(odd, odd), strict=True)
    )
    out = np.empty(x.size, dtype)
    joined.compiled((dtype, 1), (dtype, 1), (dtype, 1))(x, y, out)
    wide = np.float64 if dtype == np.float32 else np.longdouble
    with np.errstate(all="ignore"):
        exact = np.logaddexp(x.astype(wide), y.astype(wide))
        rounded = exact.astype(dtype)
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(out[~finite], rounded[~finite])
    # of opposite signs the two terms cancel, so that errors are those of the larger one
    larger = np.maximum(x, y)[finite]
    least = np.maximum(abs(larger), abs(exact[finite] - larger)).astype(dtype)
    unit = np.spacing(np.maximum(least, abs(rounded[finite])))
    assert (abs(out[finite] - exact[finite]) / unit).max() <= 3
