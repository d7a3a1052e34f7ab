"""Tests of `autograd/numpy/sections/ufunc_methods.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import K, P, front

METHODS = [
    "add",
    "multiply",
    "subtract",
    "divide",
    "power",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "logaddexp",
    "logaddexp2",
    "hypot",
]


def _row(name, method, *args, **settings):
    return front(f"{name}.{method}", *args, **settings)


# NumPy 2.4 is wrong: power.reduce([2., 3., 2.]) is 4 there along a contiguous axis
RIGHT = [n for n in METHODS if n != "power"]
ROWS = [_row(n, "reduce", P(3, 4), axis=1) for n in RIGHT]
ROWS += [_row(n, "accumulate", P(5, 2)) for n in METHODS]
ROWS += [_row(n, "reduceat", P(5), [0, 3, 1]) for n in RIGHT]
ROWS += [_row(n, "outer", P(3), P(2, 2)) for n in METHODS]
ROWS += [
    _row("add", "reduce", P(2, 3), axis=(0, 1), keepdims=True, initial=2.0),
    _row("logaddexp", "reduce", P(2, 3), axis=None, where=K([True, False, True])),
    _row("hypot", "reduce", P(2, 5), axis=-1, keepdims=True, initial=1.5),
    _row("multiply", "accumulate", P(2, 3), axis=-1),
]


# A method has NumPy's signature only in part, because NumPy's are builtins that say less.
def test_signature():
    assert pullback.numpy.add.reduce([1.0, 2.0], 0, None, None, True).shape == (1,)


def test_powers_in_order():
    assert float(pullback.numpy.power.reduce([2.0, 3.0, 2.0])) == 64.0


INTEGERS = [
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "gcd",
    "lcm",
    "logical_and",
    "logical_or",
    "logical_xor",
    "add",
    "multiply",
]


@pytest.mark.parametrize("name", INTEGERS)
def test_of_integers(name):
    x = np.asarray([[12, 18, 0], [6, 9, 24]])
    ours, theirs = getattr(pullback.numpy, name), getattr(np, name)
    for got, wanted in (
        (ours.reduce(x), theirs.reduce(x)),
        (ours.reduce(x, axis=-1), theirs.reduce(x, axis=-1)),
        (ours.accumulate(x, axis=1), theirs.accumulate(x, axis=1)),
        (ours.outer(x, x), theirs.outer(x, x)),
        (ours.reduce(x[:0]), theirs.reduce(x[:0])) if theirs.identity is not None else (x, x),
    ):
        np.testing.assert_array_equal(pb.to_numpy(pb.xp.asarray(got)), wanted)


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "maximum", "hypot"])
def test_at(name):
    indices, b = np.asarray([0, 0, 2]), np.asarray([2.0, 3.0, 5.0])
    wanted = np.asarray([1.0, 2.0, 4.0])
    getattr(np, name).at(wanted, indices, b)

    def f(x, b):
        y = pb.xp.asarray(x) * 1.0
        getattr(pullback.numpy, name).at(y, indices, b)
        return y

    x = np.asarray([1.0, 2.0, 4.0])
    np.testing.assert_allclose(pb.to_numpy(f(pb.xp.asarray(x), b)), wanted)
    pb.check_grads(f, (x, b))


def test_at_of_one_operand():
    x = pb.xp.asarray([1.0, 2.0])
    pullback.numpy.negative.at(x, [0])
    np.testing.assert_array_equal(pb.to_numpy(x), [-1.0, 2.0])


def test_what_cannot_be():
    with pytest.raises(TypeError, match="pullback array first"):
        pullback.numpy.add.at(np.ones(3), [0], 1.0)
    with pytest.raises(ValueError, match="identity"):
        pullback.numpy.fmax.reduce([])
    with pytest.raises(ValueError, match="reorderable"):
        pullback.numpy.subtract.reduce(np.ones((2, 2)), axis=(0, 1))
    with pytest.raises(TypeError, match="scalar"):
        pullback.numpy.add.accumulate(1.0)
    with pytest.raises(IndexError):
        pullback.numpy.add.reduceat(np.ones(3), [5])
    with pytest.raises(TypeError, match="existing"):
        pullback.numpy.add.reduce(np.ones(3), out=np.ones(()))
    assert not hasattr(pullback.numpy.matmul, "reduce")
