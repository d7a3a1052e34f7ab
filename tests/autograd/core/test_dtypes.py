"""Kinds of dtypes, by the dtype objects of every library."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.autograd.core import dtypes

KINDS = {
    "float32": (True, False, False),
    "float64": (True, False, False),
    "complex64": (True, True, False),
    "complex128": (True, True, False),
    "int8": (False, False, True),
    "int64": (False, False, True),
    "uint16": (False, False, True),
    "bool": (False, False, False),
}


@pytest.mark.parametrize("name", KINDS)
def test_kinds(xp, name):
    dtype = getattr(xp, name)
    found = dtypes.is_inexact(dtype), dtypes.is_complex(dtype), dtypes.is_integer(dtype)
    assert found == KINDS[name]
    assert dtypes.as_numpy(dtype) == np.dtype(name)


def test_dtypes_that_numpy_alone_has():
    assert dtypes.is_inexact(np.dtype("float16"))
    assert dtypes.is_inexact(np.dtype("longdouble"))
    for char in ("O", "M8[s]", "m8[s]", "U3", "V4"):
        dtype = np.dtype(char)
        assert not dtypes.is_inexact(dtype)
        assert not dtypes.is_integer(dtype)


def test_python_classes_are_dtypes_too():
    assert dtypes.is_inexact(float)
    assert dtypes.is_complex(complex)
    assert dtypes.is_integer(int)
    assert not dtypes.is_integer(bool)
