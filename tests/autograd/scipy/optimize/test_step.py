"""Tests of `autograd/scipy/optimize/step.py`."""

from __future__ import annotations

import numpy as np

import pullback as pb
from pullback.autograd.scipy.optimize import step
from pullback.scipy.optimize import root

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file


def test_functions_are_scipys():
    seen = []

    def square(x):
        seen.append(x)
        return x * x

    call, x = step.wide(square, np.dtype("float32")), np.ones(2)
    assert call(x).dtype == np.float64  # which SciPy wants
    assert seen[0].dtype == np.float32
    assert not np.shares_memory(seen[0], x)  # SciPy writes to its own
    assert step.number(square)(3) == 9.0
    assert type(step.number(square)(3)) is float


def test_numbers_of_the_result_within_a_compiled_function():
    def f(p):
        found = root(lambda x: x**3 - p, np.ones(2))
        return found.x, found.success, found.nfev

    compiled = pb.compile(f, fast=False)
    for p in (np.asarray([8.0, 27.0]), np.asarray([1.0, 1.0])):
        (x, success, calls), (wanted, _, wanted_calls) = compiled(p), f(p)
        np.testing.assert_allclose(x, wanted)
        assert success is True
        assert calls == wanted_calls
