"""Tests of `autograd/compile/cpu/native/recurrence_kernels.py`; `test_recurrence.py` runs the other kernels."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.autograd.compile.cpu.native import jit, recurrence_kernels


def test_the_sigmoid_of_kernels():
    x = np.linspace(-30, 30, 121)
    got = [recurrence_kernels.logistic.function(y) for y in x]
    np.testing.assert_allclose(got, 1 / (1 + np.exp(-x)), rtol=1e-14, atol=2e-16)


def test_a_kernel_writes_the_rows_that_it_is_given():
    pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")
    if not jit.has_blas():
        pytest.skip("NumPy's BLAS is none that kernels can call")
    times, rows, n = 3, 4, 2
    rng = np.random.default_rng(0)
    x, W_T, h = (rng.standard_normal(s) for s in [(times, rows, n), (n, n), (rows, n)])
    mask, ys = np.empty((0, 0, 0), bool), np.full((times, rows, n), np.nan)
    scratch = np.empty((2, 2, n))
    types = [(np.float64, a.ndim) for a in (x, W_T, h)] + [(bool, 3)] + [(np.float64, 3)] * 2
    run = recurrence_kernels.rnn.compiled(*types, *[int] * 5)
    run(x, W_T, h, mask, ys, scratch, 0, 1, 1, 3, 1)
    state = h
    for t in range(times):
        state = np.tanh(x[t] + state @ W_T)
        np.testing.assert_allclose(ys[t, 1:3], state[1:3], rtol=1e-13, atol=1e-15)
    assert np.isnan(ys[:, [0, 3]]).all()
