"""Tests of `autograd/core/index_keys.py`."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import pullback as pb

from ..._host import (
    A,
    numpy_is_active,  # noqa: F401 - one is a fixture
)
from ..rules.test_manipulation import RNG, X, pulled

xp = pb.xp


@pytest.mark.parametrize("make", [xp.asarray, np.asarray], ids=["Array", "ndarray"])
def test_keys_may_be_arrays_of_either_kind(make):
    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(pb.grad(lambda x: xp.sum(x[make([2, 2])]))(x), [0, 0, 2])
    np.testing.assert_array_equal(
        pb.grad(lambda x: xp.sum(x[make([True, False, True])]))(x), [1, 0, 1]
    )
    np.testing.assert_array_equal(pb.grad(lambda x: x[make(1)])(x), [0, 1, 0])


def test_a_mask_of_the_traced_array_itself():
    x = np.array([1.0, -2.0, 3.0])
    np.testing.assert_array_equal(pb.grad(lambda x: xp.sum(x[x > 0] ** 2))(x), [2.0, 0.0, 6.0])

    def clamp(x):
        x[x < 0] = 0.0
        return xp.sum(x * x)

    np.testing.assert_array_equal(pb.grad(clamp)(x), [2.0, 0.0, 6.0])


@pytest.mark.parametrize("key", [7, (0, 0), 1.0, "a"], ids=str)
def test_bad_keys_are_index_errors(key):
    with pytest.raises(IndexError):
        xp.asarray(A)[key]
    with pytest.raises(IndexError):
        pb.grad(lambda x: x[key])(A)


MASK = np.asarray(
    [[True, False, True, True], [False, False, True, False], [True, True, False, False]]
)


KEYS = {
    "integer": 1,
    "NumPy integer": np.int64(-1),
    "0-d array": np.asarray(2),
    "slice": slice(2, None, -1),
    "list": [2, 0, 2],
    "array": np.asarray([2, 0, 2]),
    "small integers": np.asarray([2, 0, 2], np.int8),
    "matrix of indices": np.asarray([[0, 1], [1, 2]]),
    "negative": np.asarray([-1, -3]),
    "slices on all axes": (slice(None, None, 2), slice(3, 0, -2), slice(1)),
    "array and slice": (np.asarray([2, 0, 2]), slice(1, 3)),
    "slice and array": (slice(None), np.asarray([3, 3, 0])),
    "arrays apart": (np.asarray([2, 0, 2]), slice(None), np.asarray([1, 1, 1])),
    "arrays side by side": (slice(None), np.asarray([2, 0, 2]), np.asarray([1, 1, 1])),
    "array and integer": (np.asarray([2, 0, 2]), 1),
    "broadcast arrays": (np.asarray([[2], [0]]), np.asarray([1, 3, 1])),
    "newaxis": (None, 1, ..., None),
    "newaxis and array": (None, np.asarray([1, 1]), ..., None),
    "ellipsis": (..., 1),
    "ellipsis alone": ...,
    "ellipsis and array": (..., np.asarray([1, 1, 0])),
    "nothing": (),
    "mask": X > 0,
    "mask of two axes": MASK,
    "mask of one axis": np.asarray([True, False, True]),
    "slice and mask": (slice(None), np.asarray([True, False, True, True])),
    "mask and integer": (MASK, 1),
    "mask and array": (np.asarray([True, False, True]), np.asarray([3, 3])),
    "mask of nothing": np.zeros(3, bool),
    "True": True,
    "False": False,
    "empty array": np.asarray([], np.int64),
    "empty slice": slice(2, 2),
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_every_kind_of_key(key):
    """Values and gradients as NumPy's own indexing of an array of places says; linear, so second order is exact."""
    part = X[key]
    weights = RNG.standard_normal(part.shape)
    wanted = np.zeros(X.shape)
    np.add.at(wanted, key, weights)
    with_array = (
        tuple(xp.asarray(k) if isinstance(k, np.ndarray) else k for k in key)
        if type(key) is tuple
        else key
    )
    for k in (key, with_array):
        np.testing.assert_array_equal(pb.to_numpy(xp.asarray(X)[k]), part)
        np.testing.assert_allclose(pulled(lambda x, k=k: x[k], X, weights), wanted, rtol=1e-15)
    pb.check_grads(lambda x: xp.asarray(x)[key] ** 2, (X,), order=2)

    def put(x, value):
        x = copy.copy(xp.asarray(x))
        x[key] = value
        return x

    written = X.copy()
    written[key] = weights
    value, (by_x, by_value) = pb.value_and_grad(lambda x, v: xp.sum(put(x, v) * X), argnums=(0, 1))(
        X, weights
    )
    np.testing.assert_allclose(value, np.sum(written * X))
    places = np.arange(X.size).reshape(X.shape)
    last = np.full(X.size, -1)  # which element of `value` is the last written at each place
    last[places[key].reshape(-1)] = np.arange(part.size)
    kept = (last < 0).reshape(X.shape)
    np.testing.assert_array_equal(by_x, X * kept)
    wanted_value = np.zeros(part.size)
    wanted_value[last[last >= 0]] = X.reshape(-1)[last >= 0]
    np.testing.assert_array_equal(by_value, wanted_value.reshape(part.shape))
    pb.check_grads(lambda x, v: put(x, v) ** 2, (X, weights), order=2)


def test_keys_out_of_range_are_refused():
    for key in (3, np.asarray([3]), (0, 4), np.asarray([0.5]), "a"):
        with pytest.raises((IndexError, TypeError)):
            pb.grad(lambda x, key=key: xp.sum(x[key]))(X)


def test_a_key_may_be_changed_afterwards():
    key = np.asarray([0, 2])
    _, pull = pb.vjp(lambda x: x[key], np.asarray([1.0, 2.0, 3.0]))
    key[:] = 1
    np.testing.assert_array_equal(pull(np.asarray([5.0, 7.0]))[0], [5, 0, 7])
