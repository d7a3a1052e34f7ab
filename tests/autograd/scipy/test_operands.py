"""Tests of `autograd/scipy/operands.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.scipy.operands import floating_arrays, host, on_constants

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file


def test_numbers_and_lists_take_the_dtype_of_the_arrays(lib):
    x, number, listed, whole, scalar = floating_arrays(
        lib.asarray([1.0, 2.0], "float32"), 0.5, [1, 2], lib.asarray([3, 4]), np.float64(2.0)
    )
    for y in (x, number, listed, whole):
        assert y.dtype == np.float32
        assert lib.is_raw(y.value)
    assert float(scalar + 0) == 2.0 or lib.name == "array_api_strict"


def test_without_arrays_they_are_of_the_active_backend(backend):
    made = floating_arrays(1, [2.0, 3], 0.5)
    assert all(type(y.value) is backend.array_type for y in made)
    assert all(y.dtype == np.float64 for y in made)


def test_traced_values_stay_traced():
    def f(x):
        (y, z) = floating_arrays([x, 1.0], 2)
        assert y.traced
        return pb.xp.sum(y * z)

    assert pb.grad(f)(1.0) == 2.0


def test_constants_alone():
    f = on_constants("scipy.special", "jn_zeros", "use something else")
    assert f.__name__ == "jn_zeros"
    assert type(f(0, 2)) is pb.Array
    with pytest.raises(TypeError, match=r"scipy\.special\.erf of a traced.*use something else"):
        pb.grad(on_constants("scipy.special", "erf", "use something else"))(1.0)


def test_nothing_is_moved_to_the_host_silently(lib):
    if lib.name == "numpy":
        assert host(pb.asarray(np.ones(2)), "f").shape == (2,)
        return
    with pytest.raises(TypeError, match=r"SciPy computes it on the host alone; use pb\.to_numpy"):
        host(pb.xp.asarray(lib.asarray([1.0])), "f")
