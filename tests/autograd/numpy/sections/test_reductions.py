"""Tests of `autograd/numpy/sections/reductions.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import K, R, X, Z, front

MASK = K([[True, False, True], [False, True, True]])

ROWS = [
    front("sum", R(2, 3)),
    front("sum", R(2, 3), axis=-1, keepdims=True),
    front("sum", R(2, 3, 2), axis=(0, 2)),
    front("sum", Z(2, 3), axis=0),
    front("sum", R(2, 3), initial=R(), where=MASK),
    front("prod", R(2, 3), axis=1),
    front("prod", X([[0.0, 2.0, 3.0], [1.0, 0.0, 0.0]]), axis=1),
    front("prod", R(2, 3), axis=0, initial=2.0, where=MASK),
    front("cumsum", R(2, 3)),
    front("cumsum", R(2, 3), axis=1),
    front("cumprod", R(2, 3)),
    front("cumprod", X([[0.0, 2.0, 3.0], [1.0, 0.0, 4.0]]), axis=1),
    front("cumulative_sum", R(2, 3), axis=0, include_initial=True),
    front("cumulative_prod", R(4), include_initial=True),
    front("max", R(2, 3)),
    front("max", R(2, 3), axis=1, keepdims=True),
    front("max", R(2, 3), axis=1, initial=0.0, where=MASK),
    front("min", R(2, 3), axis=(0, 1)),
    front("min", R(2, 3), axis=0, initial=9.0, where=MASK),
    front("amax", R(2, 3), axis=0),
    front("amin", R(2, 3), axis=0),
    front("ptp", R(2, 3)),
    front("ptp", R(2, 3), axis=1, keepdims=True),
    front(
        "var", Z(2, 3), axis=0, _skip={"array_api_strict": "it has no variance of complex numbers"}
    ),
]

CONSTANTS = ("all", "any")


def test_truth():
    x = np.asarray([[0.0, 2.0], [3.0, 4.0]])
    for name in ("all", "any"):
        for settings in ({}, {"axis": 0}, {"axis": (0, 1), "keepdims": True}, {"where": x != 0}):
            got = getattr(pullback.numpy, name)(x, **settings)
            np.testing.assert_array_equal(pb.to_numpy(got), getattr(np, name)(x, **settings))


@pytest.mark.parametrize("name", ["sum", "prod", "max", "mean", "var", "cumsum", "all", "ptp"])
def test_out_is_refused(name):
    with pytest.raises(TypeError, match="not written into existing arrays"):
        getattr(pullback.numpy, name)(np.ones(3), out=np.ones(()))


def test_what_where_leaves_out_spoils_nothing():
    x = np.asarray([1.0, np.nan, np.inf])
    mask = np.asarray([True, False, False])
    for name, settings in (
        ("sum", {}),
        ("prod", {}),
        ("max", {"initial": 0.0}),
        ("mean", {}),
        ("var", {}),
    ):
        f = getattr(pullback.numpy, name)
        g = pb.grad(lambda x, f=f, settings=settings: f(x, where=mask, **settings))(x)
        assert np.isfinite(g).all(), name
        assert (g[1:] == 0).all(), name


def test_extremes_need_a_start():
    with pytest.raises(ValueError, match="initial"):
        pullback.numpy.max(np.ones(3), where=[True, False, True])
    with pytest.raises(ValueError, match="axis="):
        pullback.numpy.cumulative_sum(np.ones((2, 2)))
    empty = pullback.numpy.max(np.zeros((0, 2)), axis=0, initial=3.0)
    np.testing.assert_array_equal(pb.to_numpy(empty), [3.0, 3.0])


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min"])
@pytest.mark.parametrize("initial", [2.5, np.float64(2.5), 3, True])
@pytest.mark.parametrize("dtype", ["int64", "float32", "bool"])
def test_the_start_takes_the_dtype_of_the_array(name, initial, dtype):
    x = np.asarray([1, 0], dtype)
    got = getattr(pullback.numpy, name)(x, initial=initial)
    wanted = getattr(np, name)(x, initial=initial)
    assert got.dtype == wanted.dtype
    assert pb.to_numpy(got) == wanted
