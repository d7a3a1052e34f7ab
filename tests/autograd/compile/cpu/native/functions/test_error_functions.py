"""Tests of `autograd/compile/cpu/native/functions/error_functions.py`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from pullback.autograd.compile.cpu.native.functions.error_functions import erf, erfc
from pullback.autograd.compile.cpu.native.jit import kernel

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")


@kernel()
def both(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[0, i] = erf(x[i])
    for i in range(x.size):
        out[1, i] = erfc(x[i])


@pytest.mark.parametrize(("dtype", "errors"), [(np.float32, (3, 4)), (np.float64, (3, 4))])
def test_errors_in_units_of_the_last_place(dtype, errors):
    rng = np.random.default_rng(0)
    small = np.exp(rng.uniform(-80, 2, 20000))
    x = np.concatenate([np.linspace(-30, 30, 20001), rng.normal(size=10000), small, -small])
    x = x.astype(dtype)
    out = np.empty((2, x.size), dtype)
    both.compiled((dtype, 1), (dtype, 2))(x, out)
    for exact, ours, largest in zip((math.erf, math.erfc), out, errors, strict=True):
        expected = np.array([exact(v) for v in x.tolist()])  # the C library's, right to one unit
        with np.errstate(under="ignore"):
            unit = np.spacing(abs(expected.astype(dtype))).astype(np.float64)
        normal = abs(expected) > np.finfo(dtype).tiny
        error = abs(ours - expected) / unit
        assert error[normal].max() <= largest, (exact, x[normal][error[normal].argmax()])
        assert error[~normal].max(initial=0) <= 8


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tails(dtype):
    least = np.finfo(dtype).smallest_subnormal
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, least, -least, 1e30, -1e30], dtype)
    out = np.empty((2, x.size), dtype)
    both.compiled((dtype, 1), (dtype, 2))(x, out)
    tiny = dtype(2 / math.sqrt(math.pi) * float(least))
    expected = [
        [np.nan, 1, -1, 0.0, -0.0, tiny, -tiny, 1, -1],
        [np.nan, 0, 2, 1, 1, 1, 1, 0, 2],
    ]
    np.testing.assert_array_equal(out, np.array(expected, dtype))
    np.testing.assert_array_equal(np.signbit(out[0, 1:]), np.signbit(np.array(expected[0][1:])))
