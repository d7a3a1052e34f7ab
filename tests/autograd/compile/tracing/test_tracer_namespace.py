"""Tests of `autograd/compile/tracing/tracer_namespace.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._compiled import arrays

xp = pb.xp


def test_other_libraries():
    strict = pytest.importorskip("array_api_strict", reason="no array-api-strict")
    compiled = pb.compile(pb.grad(lambda x: xp.sum(xp.sin(x) * x)))
    for seed in (0, 1, 2):
        (x,) = arrays((3,), seed=seed)
        out = compiled(strict.asarray(x))
        assert type(out) is type(strict.asarray(x))
        np.testing.assert_allclose(np.asarray(out), np.cos(x) * x + np.sin(x))
    assert len(compiled._executables) == 1


def test_numbers_on_a_librarys_second_device():
    """A result of no dimension is the library's own array, not NumPy's."""
    strict = pytest.importorskip("array_api_strict", reason="the standard's own implementation")
    device = strict.Device("device1")
    x = strict.asarray([1.0, 2.0], device=device)
    compiled = pb.compile(lambda x, n: (xp.sum(x) * n, n * 2.0))
    for n in (0.5, 1.5, 2.5):
        total, twice = compiled(x, strict.asarray(n, device=device))
        assert total.device == twice.device == device
        assert (float(total), float(twice)) == (3 * n, 2 * n)
