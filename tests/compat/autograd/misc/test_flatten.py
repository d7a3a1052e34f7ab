"""Tests of `compat/autograd/misc/flatten.py`."""

import numpy as np
import pytest

from pullback.compat.autograd import grad, make_vjp
from pullback.compat.autograd import numpy as anp
from pullback.compat.autograd.misc import flatten
from pullback.compat.autograd.misc.flatten import flatten_func
from pullback.compat.autograd.test_util import check_grads

VALUE = {
    "k": np.arange(6.0).reshape(2, 3),
    "a": [1.0, (), (2.5, np.ones(2))],
    "z": {"y": np.asarray(3.0)},
}


def test_there_and_back():
    vector, unflatten = flatten(VALUE)
    assert np.array_equal(vector, [1.0, 2.5, 1.0, 1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 3.0])
    assert type(vector) is np.ndarray
    back = unflatten(vector)
    assert back["a"][:2] == [1.0, ()]
    assert type(back["a"][0]) is np.float64
    assert np.array_equal(back["k"], VALUE["k"])
    assert back["z"]["y"].shape == ()
    assert np.array_equal(flatten(back)[0], vector)


def test_both_are_differentiable():
    vector, unflatten = flatten(VALUE)
    check_grads(lambda v: flatten(unflatten(v * v))[0])(vector)
    assert grad(lambda x, y: anp.sum(flatten([x, y])[0] ** 2), (0, 1))(1.0, 2.0) == (2.0, 4.0)
    back, _ = make_vjp(unflatten)(vector)
    assert np.array_equal(back(VALUE), vector)


def test_complex_parts_make_a_complex_vector_and_real_ones_come_back_real():
    vector, unflatten = flatten([1 + 1j, 2.0])
    assert vector.dtype == complex
    assert unflatten(vector) == [1 + 1j, 2.0]
    assert type(unflatten(vector)[1]) is np.float64


def test_nothing_is_an_empty_vector():
    vector, unflatten = flatten(())
    assert vector.shape == (0,)
    assert unflatten(vector) == ()


def test_a_vector_of_another_length_is_refused():
    with pytest.raises(ValueError, match="11 elements"):
        flatten(VALUE)[1](np.ones(3))


def test_a_function_of_containers_is_one_of_vectors():
    def scaled(p, s):
        return {"a": p["a"] * s, "b": p["b"]}

    f, unflatten, vector = flatten_func(scaled, {"a": 1.0, "b": np.ones(2)})
    assert np.array_equal(f(vector, 3.0), [3.0, 1.0, 1.0])
    assert unflatten(vector)["a"] == 1.0


def test_vectors_are_of_the_library(lib, backend):
    vector, unflatten = flatten([lib.asarray([1.0, 2.0], dtype="float32")])
    assert lib.is_raw(vector)
    assert lib.is_raw(unflatten(vector)[0])
    assert lib.to_numpy(vector).dtype == np.float32
