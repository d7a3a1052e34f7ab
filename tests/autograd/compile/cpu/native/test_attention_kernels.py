"""Tests of `autograd/compile/cpu/native/attention_kernels.py`; `test_attention.py` runs the kernels."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.autograd.compile.cpu.native import attention_kernels


@pytest.mark.parametrize("double", [False, True])
def test_orders_of_numbers(double):
    ordered, number, dtype = (
        (attention_kernels.ordered64, attention_kernels.number64, np.float64)
        if double
        else (attention_kernels.ordered32, attention_kernels.number32, np.float32)
    )
    x = np.array([-np.inf, -1e30, -2.0, -0.0, 0.0, 1e-40, 3.0, np.inf, np.nan], dtype)
    orders = [ordered(y) for y in x]
    assert orders == sorted(orders)
    for y, order in zip(x, orders, strict=True):
        np.testing.assert_array_equal(number(order), y)


def test_decay_is_the_exponential_where_it_is_not_tiny():
    x = np.concatenate([np.linspace(-86.9, 1.0, 2001), -np.logspace(-20, 1, 200)]).astype(
        np.float32
    )
    got = np.array([attention_kernels.decay32(y) for y in x])
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, np.exp(x.astype(np.float64)), rtol=3e-7)
    assert attention_kernels.decay32(np.float32(-87.5)) == 0
    assert attention_kernels.decay32(np.float32(-np.inf)) == 0
    with np.errstate(invalid="ignore"):
        assert np.isnan(attention_kernels.decay32(np.float32(np.nan)))
