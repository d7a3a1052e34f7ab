"""Tests of `autograd/functions/data_type.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .test_namespace import DTYPES, KINDS

strict = pytest.importorskip("array_api_strict")


def strict_result(*dtypes):
    try:
        return np.dtype(str(strict.result_type(*dtypes)).rpartition(".")[2])
    except TypeError:
        return None  # the standard leaves it open


@pytest.mark.parametrize("one", DTYPES)
def test_promotion(one):
    for other in DTYPES:
        expected = strict_result(getattr(strict, one), getattr(strict, other))
        if expected is None:
            continue
        assert pb.xp.result_type(getattr(pb.xp, one), getattr(pb.xp, other)) == expected
        if one != "bool" or other != "bool":
            x, y = (pb.xp.ones(2, dtype=d) for d in (one, other))
            assert (x + y).dtype == expected == pb.xp.result_type(x, y)
            assert pb.xp.where(x == y, x, y).dtype == expected


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "complex64", "complex128", "int8", "uint16"]
)
def test_python_numbers_are_weak(dtype):
    x = pb.xp.ones(2, dtype=dtype)
    for y in (x + 1, 1 + x, x * 2, 3 - x, x**2):
        assert y.dtype == dtype
    if x.dtype.kind in "fc":
        assert (x * 0.5).dtype == (0.5 / x).dtype == dtype
        assert pb.xp.result_type(x, 1.0) == pb.xp.result_type(x.dtype, 1) == dtype


def test_result_type_needs_a_dtype():
    with pytest.raises(ValueError, match="at least one"):
        pb.xp.result_type(1.0, 2)


@pytest.mark.parametrize(
    "kind", [*KINDS, ("integral", "bool"), ("real floating", "complex floating")]
)
def test_isdtype(kind):
    for name in DTYPES:
        expected = strict.isdtype(getattr(strict, name), kind)
        assert pb.xp.isdtype(getattr(pb.xp, name), kind) is expected
    assert pb.xp.isdtype(pb.xp.int8, pb.xp.int8)
    assert not pb.xp.isdtype(pb.xp.int8, (pb.xp.int16, "bool"))
    assert pb.xp.isdtype(
        strict.float32, "real floating"
    )  # dtypes of other libraries, by their names
    with pytest.raises(ValueError, match="floaty"):
        pb.xp.isdtype(pb.xp.int8, "floaty")


def test_can_cast():
    assert pb.xp.can_cast(pb.xp.float32, pb.xp.complex128)
    assert pb.xp.can_cast(pb.xp.ones(2, dtype="int8"), pb.xp.int16)
    assert pb.xp.can_cast(pb.xp.float64, pb.xp.float32) is False


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_finfo_is_of_python_floats(dtype):
    limits, expected = pb.xp.finfo(getattr(pb.xp, dtype)), np.finfo(dtype)
    for name in ("eps", "max", "min", "smallest_normal"):
        assert type(getattr(limits, name)) is float
        assert getattr(limits, name) == getattr(expected, name)
    assert (limits.bits, limits.dtype) == (expected.bits, expected.dtype)
    assert pb.xp.finfo(pb.xp.ones(2, dtype=dtype)) == limits
    with pytest.raises(TypeError, match="iinfo"):
        pb.xp.finfo(pb.xp.int8)


def test_iinfo():
    limits = pb.xp.iinfo(pb.xp.zeros(2, dtype="uint8"))
    assert (limits.bits, limits.min, limits.max, limits.dtype) == (8, 0, 255, np.uint8)
    with pytest.raises(TypeError, match="finfo"):
        pb.xp.iinfo(pb.xp.float32)
