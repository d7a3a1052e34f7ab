"""Tests of `compat/autograd/values.py`."""

from collections import namedtuple

import numpy as np
import pytest

import pullback as pb
from pullback.compat.autograd import values

Pair = namedtuple("Pair", "a b")


def test_what_is_traced_is_a_box_and_its_value_is_at_the_bottom():
    seen = []

    def inner(y, x):
        seen.append((values.isbox(x), values.isbox(y), values.getval(x), values.getval(y)))
        return y * x

    pb.grad(lambda x: pb.grad(lambda y: inner(y, x))(3.0))(2.0)
    assert seen == [(True, True, 2.0, 3.0)]
    assert [type(v) for v in seen[0][2:]] == [np.float64, np.float64]
    assert not values.isbox(pb.xp.asarray(1.0))
    assert values.getval("text") == "text"


def test_results_are_taken_off_closed_tapes_in_any_container():
    kept = []
    pb.grad(lambda x: kept.append(x * 2) or pb.xp.sum(x))(np.ones(2))
    (leaked,) = kept
    out = values.plain({"a": [leaked], "b": Pair(leaked, "text")})
    assert type(out["a"][0]) is np.ndarray
    assert type(out["b"]) is Pair
    assert type(out["b"].a) is np.ndarray


def test_numbers_are_numpys_scalars_and_arrays_without_axes_stay_arrays():
    x = pb.xp.asarray([1.0, 2.0])
    assert type(values.plain(pb.xp.sum(x))) is np.float64
    assert type(values.plain(pb.xp.asarray(1.0))) is np.ndarray


def test_arrays_in_containers_are_found():
    x = pb.xp.asarray(1.0)
    assert values.holds_array([1.0, (2.0, {"a": x})])
    assert not values.holds_array([1.0, (2.0, {"a": np.ones(2)})])


def test_integer_arrays_are_differentiated_as_floats_and_integers_not_at_all():
    assert values.as_leaf(np.asarray([1, 2])).dtype == np.float64
    with pytest.raises(TypeError, match="floating-point"):
        values.as_leaf(np.int64(1))


@pytest.mark.parametrize("x", [1 + 2j, np.complex64(1 + 2j), np.asarray([1 + 2j])])
def test_conjugates(x):
    assert np.all(values.conj(x) == np.conj(x))
    assert values.conj(1.5) == 1.5
