"""Tests of `autograd/transforms/loops/carry.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.transforms.loops.carry import (
    Carry,
    Promoted,
    as_array,
    given_back,
    length_of,
    raw_results,
)

xp = pb.xp


def test_numbers_are_arrays_of_the_dtype_that_they_have_among_the_others():
    x = np.ones(3, "float32")
    dtypes = [str(leaf.dtype) for leaf in Carry("scan", (1, 2.0, True, 1j), [x]).first]
    assert dtypes == ["int64", "float32", "bool", "complex64"]
    assert [str(leaf.dtype) for leaf in Carry("scan", (1, 2.0), []).first] == ["int64", "float64"]


def test_a_number_may_be_promoted_and_an_array_may_not():
    carry = Carry("scan", 0, [np.ones(2, "float32")])
    with pytest.raises(Promoted) as raised:
        carry.leaves(xp.asarray(1.5))
    carry.promote(raised.value)
    assert carry.first[0].dtype == np.float32  # as a Python number among float32
    with pytest.raises(Promoted) as raised:
        carry.leaves(xp.asarray(1.5))
    carry.promote(raised.value)
    assert carry.first[0].dtype == np.float64
    with pytest.raises(TypeError, match="begins as float64"):
        carry.leaves(xp.asarray(1.5 + 1j))
    with pytest.raises(TypeError, match="begins as int64"):
        Carry("scan", np.asarray(0), []).leaves(xp.asarray(1.5))


def test_a_number_that_a_step_returns_has_the_dtype_of_the_carry():
    carry = Carry("scan", np.ones((), "float32"), [])
    assert carry.leaves(2)[0].dtype == np.float32
    with pytest.raises(TypeError, match="returns complex128"):
        carry.leaves(2j)


def test_leaves_are_arrays_of_their_own(lib):
    x = xp.asarray(lib.asarray([1.0, 2.0]))
    y = as_array(x, "x")
    y += 1.0
    assert float(pb.to_numpy(x)[0]) == 1.0
    assert lib.is_raw(as_array(2, "x", x).value)
    assert as_array(2, "x", x).dtype == np.int64


def test_results_are_raw_where_arrays_went_in_and_no_array_of_ours():
    x = np.ones(2)
    assert raw_results([0.0, x])
    assert not raw_results([x, xp.asarray(x)])
    assert not raw_results([0.0])
    assert type(given_back(xp.asarray(x), raw=True)) is np.ndarray
    assert type(given_back(xp.asarray(x), raw=False)) is pb.Array
    kinds = []
    pb.grad(lambda x: (kinds.append(type(given_back(x * 1, raw=True))), xp.sum(x))[1])(x)
    assert kinds == [pb.Array]


def test_lengths():
    assert length_of("scan", X, [X], None) == 3
    assert length_of("scan", None, [], np.int64(2)) == 2
    with pytest.raises(ValueError, match="3 rows, but length is 2"):
        length_of("scan", X, [X], 2)


X = np.ones((3, 2))
