"""Tests of `autograd/numpy/operands.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.numpy.conversions import normalize_axes, normalize_axis
from pullback.autograd.numpy.operands import (
    NO_VALUE,
    arrays,
    as_array_like,
    as_default_integer,
    chosen_by,
    constant,
    highest,
    holds_arrays,
    is_traced,
    lowest,
    mask_of,
    number_like,
    of_one_dtype,
    operands,
    reduced_axis,
    starting_value,
    value_or,
)


def test_lists_go_to_the_library_of_the_array(lib):
    x = pb.xp.asarray(lib.asarray([1.0, 2.0]))
    for made in (
        operands([3, 4], x)[0],
        arrays([3, 4], x)[0],
        as_array_like([[3.0]], x),
        number_like(2, "float32", x),
    ):
        assert lib.is_raw(made.value)
    assert operands(2.0, x)[0] == 2.0
    assert type(operands(np.float64(2.0), x)[0]) is np.float64
    traced = pb.vjp(lambda y: as_array_like([y[0], 1.0], x), x)[0]
    assert traced.shape == (2,)


def test_without_an_array_the_first_becomes_one():
    first, second = operands(2.0, 3)
    assert (type(first), second) == (pb.Array, 3)
    assert [x.shape for x in arrays([1, 2], 3.0)] == [(2,), ()]


def test_numbers_are_weak():
    x = pb.xp.asarray(np.float32([1.0]))
    assert [y.dtype for y in arrays(x, 2.0, 3)] == [np.float32] * 3
    assert [y.dtype for y in of_one_dtype(x, [1.0])] == [np.float64] * 2


def test_settings():
    x = pb.xp.ones((2, 3))
    assert value_or(NO_VALUE, 3) == 3
    assert value_or(4, 3) == 4
    assert normalize_axes(None, 2) == (0, 1)
    assert normalize_axes((-1, 0), 3) == (2, 0)
    for wrong in (2, (0, 0)):
        with pytest.raises(ValueError, match=r"axis|repeated"):
            normalize_axes(wrong, 2)
    assert mask_of(True, x) is mask_of(NO_VALUE, x) is None
    assert mask_of([1, 0, 1], x).dtype == bool
    assert as_default_integer(pb.xp.asarray([True])).dtype == np.int64
    assert as_default_integer(x) is x


def test_settings_of_reductions():
    x = pb.xp.ones((2, 3))
    assert chosen_by([True, False, True], x).shape == (3,)
    with pytest.raises(ValueError, match="broadcast"):
        chosen_by(np.ones((2, 2, 3), bool), x)
    assert starting_value(NO_VALUE, x.dtype) is None
    assert starting_value(2.5, x.dtype) == 2.5
    assert starting_value(2.5, np.dtype("int64")) == 2
    with pytest.raises(ValueError, match="one number"):
        starting_value([1.0, 2.0], x.dtype)
    assert normalize_axis(np.int64(-1), 3) == 2
    with pytest.raises(TypeError):
        normalize_axis((0, 1), 3)
    assert reduced_axis(np.int64(1), 2) == 1
    assert reduced_axis((np.int64(1), 0), 2) == (1, 0)
    assert reduced_axis(0, 0) is reduced_axis(None, 2) is None


def test_ends_of_dtypes():
    for dtype, ends in (
        ("bool", (False, True)),
        ("int8", (-128, 127)),
        ("float32", (-np.inf, np.inf)),
    ):
        x = pb.xp.zeros(1, dtype=dtype)
        assert (lowest(x), highest(x)) == ends


def test_constants():
    seen = []

    def f(x):
        seen.append((is_traced(x), is_traced(constant(x))))
        return x

    pb.grad(f)(1.0)
    assert seen == [(True, False)]
    assert not is_traced(1.0)


def test_arrays_in_lists():
    assert holds_arrays([1.0, [pb.xp.ones(1)]])
    assert not holds_arrays([1.0, (2, 3)])
