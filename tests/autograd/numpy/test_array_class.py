"""Tests of `autograd/numpy/array_class.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy as pnp


def test_arrays_of_every_kind_are_instances():
    assert isinstance(pnp.ones(2), pnp.ndarray)
    assert isinstance(np.ones(2), pnp.ndarray)
    for other in (1.0, np.float64(1.0), [1.0], None, np.ndarray, "a"):
        assert not isinstance(other, pnp.ndarray)
    assert issubclass(np.ndarray, pnp.ndarray)
    assert issubclass(pb.Array, pnp.ndarray)
    assert not issubclass(list, pnp.ndarray)


def test_a_branch_on_it_is_the_same_inside_of_a_derivative():
    f = lambda x: pnp.sum(x**2) if isinstance(x, pnp.ndarray) else 0.0
    x = np.asarray([1.0, 2.0])
    np.testing.assert_array_equal(pb.grad(f)(x), 2 * x)
    np.testing.assert_array_equal(pb.compile(pb.grad(f), fast=False)(x), 2 * x)
    np.testing.assert_array_equal(pb.vmap(f)(np.stack([x, x])), [5.0, 5.0])


def test_it_makes_no_arrays():
    with pytest.raises(TypeError, match=r"make arrays by np\.empty"):
        pnp.ndarray((2, 3))
