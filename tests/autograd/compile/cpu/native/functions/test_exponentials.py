"""Tests of `autograd/compile/cpu/native/functions/exponentials.py`: errors against wider numbers, and the tails."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special

from pullback.autograd.compile.cpu.native.functions.exponentials import (
    exp,
    expm1,
    over_cosh2,
    sigmoid,
    tanh,
)
from pullback.autograd.compile.cpu.native.jit import T, kernel

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")

FUNCTIONS = ("exp", "expm1", "tanh", "sigmoid", "over_cosh2")
# in units of the last place
ERRORS = {"exp": 2.0, "expm1": 2.5, "tanh": 4.0, "sigmoid": 3.0, "over_cosh2": 4.0}


@kernel()
def every(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[0, i] = exp(x[i])
    for i in range(x.size):
        out[1, i] = expm1(x[i])
    for i in range(x.size):
        out[2, i] = tanh(x[i])
    for i in range(x.size):
        out[3, i] = sigmoid(x[i])
    for i in range(x.size):
        out[4, i] = over_cosh2(T(1.0), x[i])


def _sigmoid(x: Any) -> Any:
    e = np.exp(-abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def _over_cosh2(x: Any) -> Any:
    e = np.exp(-abs(x))
    return (2 * e / (1 + e * e)) ** 2


REFERENCES = {
    "exp": np.exp,
    "expm1": np.expm1,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "over_cosh2": _over_cosh2,
}


def points(dtype: Any) -> Any:
    rng = np.random.default_rng(0)
    widest = 110.0 if dtype == np.float32 else 760.0
    small = np.exp(rng.uniform(-100 if dtype == np.float32 else -740, 2, 5000))
    parts = [np.linspace(-widest, widest, 40001), rng.normal(size=20000) * 3, small, -small]
    return np.concatenate(parts).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_errors_in_units_of_the_last_place(dtype):
    x = points(dtype)
    out = np.empty((len(FUNCTIONS), x.size), dtype)
    every.compiled((dtype, 1), (dtype, 2))(x, out)
    for name, ours in zip(FUNCTIONS, out, strict=True):
        wide = x.astype(np.float64 if dtype == np.float32 else np.longdouble)
        with np.errstate(over="ignore", under="ignore"):
            exact = REFERENCES[name](wide)
            rounded = exact.astype(dtype)
        finite = np.isfinite(rounded)
        np.testing.assert_array_equal(ours[~finite], rounded[~finite])
        error = abs(ours[finite] - exact[finite]) / np.spacing(abs(rounded[finite]))
        assert error.max() <= ERRORS[name], (name, x[finite][error.argmax()])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tails(dtype):
    least = np.finfo(dtype).smallest_subnormal
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, least, -least, 1e30, -1e30], dtype)
    out = np.empty((len(FUNCTIONS), x.size), dtype)
    every.compiled((dtype, 1), (dtype, 2))(x, out)
    with np.errstate(all="ignore"):
        expected = [np.exp(x), np.expm1(x), np.tanh(x), scipy.special.expit(x), 1 / np.cosh(x) ** 2]  # fmt: skip
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(np.signbit(out[:, 1:]), np.signbit(expected)[:, 1:])


@kernel()
def scaled(ct: Any, x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = over_cosh2(ct[i], x[i])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_large_cotangent_is_not_lost_where_the_slope_is_small(dtype):
    """Of the largest number, with which nothing overflows on the way, and down to where the product is subnormal."""
    limits = np.finfo(dtype)
    x = np.linspace(0, 1.1 * np.log(limits.max), 5001).astype(dtype)
    ct = np.full_like(x, limits.max)
    out = np.empty_like(x)
    scaled.compiled((dtype, 1), (dtype, 1), (dtype, 1))(ct, x, out)
    wide = x.astype(np.longdouble)
    e = np.exp(-2 * wide)
    exact = ct * (4 * e / (1 + e) ** 2)
    normal = exact > limits.tiny
    np.testing.assert_allclose(out[normal], exact[normal], rtol=4 * limits.eps)
    assert out[~normal].max(initial=0) <= limits.tiny
