"""Tests of `autograd/numpy/sections/functional.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import R, front


def _outer(v):
    return v[:, None] * v[None, :]


def _total(v):
    return (v * v).sum()


def _scaled(v, factor, power=1):
    return v**power * factor


def _sum(x, axis):
    return pb.xp.sum(pb.xp.asarray(x), axis=axis) if type(x) is pb.Array else np.sum(x, axis)


def _negative(v):
    return -v


VALUES = {"compile": "how many elements a function gets depends on values"}
MASKS = {"gradients": "", "array_api_strict": "it has no boolean index beside others", **VALUES}

ROWS = [
    front("apply_along_axis", _total, 1, R(2, 3)),
    front("apply_along_axis", _outer, 0, R(2, 3)),
    front("apply_along_axis", _scaled, -1, R(2, 3, 2), 2.0, power=3),
    front("apply_over_axes", _sum, R(2, 3, 2), [0, 2]),
    front("apply_over_axes", _sum, R(2, 3), -1),
]
CONSTANTS = ("fromfunction", "iterable", "piecewise")


def test_piecewise(lib):
    host = np.asarray([-2.0, -1.0, 0.5, 4.0])
    x = pb.xp.asarray(lib.asarray(host))

    def f(x):
        return pullback.numpy.piecewise(x, [x < 0, x > 1], [_negative, pullback.numpy.sqrt, 7.0])

    wanted = np.piecewise(host, [host < 0, host > 1], [_negative, np.sqrt, 7.0])
    np.testing.assert_allclose(pb.to_numpy(f(x)), wanted)
    g = pb.grad(lambda x: pb.xp.sum(f(x)))(x)
    np.testing.assert_allclose(pb.to_numpy(g), [-1, -1, 0, 0.25])


@pytest.mark.parametrize(
    ("x", "conditions", "functions"),
    [
        (3.0, 3.0 > 2, [10.0, 20.0]),
        (np.asarray([1, 5, 2]), np.asarray([True, False, True]), [_negative, 9.5]),
        ([1.0, 5.0], [[True, False], [True, True]], [_negative, 3.0]),
        ([1.0, 5.0], [[False, False]], [_negative]),
    ],
)
def test_piecewise_in_numpys_forms(x, conditions, functions):
    got, wanted = (
        pullback.numpy.piecewise(x, conditions, functions),
        np.piecewise(x, conditions, functions),
    )
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(pb.to_numpy(got), wanted)


def test_piecewise_refuses():
    with pytest.raises(ValueError, match="functions are expected"):
        pullback.numpy.piecewise(np.ones(2), [[True, False]], [1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="where"):
        pb.compile(lambda x: pullback.numpy.piecewise(x, [x > 0], [_negative]))(np.ones(2))


def test_fromfunction():
    got = pullback.numpy.fromfunction(lambda i, j: i * 10 + j, (2, 3), dtype=int)
    np.testing.assert_array_equal(
        pb.to_numpy(got), np.fromfunction(lambda i, j: i * 10 + j, (2, 3), dtype=int)
    )


def test_iterable():
    assert pullback.numpy.iterable(pb.xp.ones(2))
    assert not pullback.numpy.iterable(pb.xp.asarray(1.0))


# ── vectorize ───────────────────────────────────────────────────────────────────────────────────


def _larger(a, b=1.0):
    return a * b if a > b else b


@pytest.mark.parametrize("shape", [(), (3,), (2, 1)])
def test_vectorize(shape):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=shape), rng.normal(size=3)
    f, g = pullback.numpy.vectorize(_larger), np.vectorize(_larger)
    np.testing.assert_allclose(pb.to_numpy(f(a, b)), g(a, b))
    np.testing.assert_allclose(pb.to_numpy(f(a, b=2.0)), g(a, b=2.0))
    pb.check_grads(lambda a, b: f(a, b), (a, b))


def test_vectorize_by_signature():
    def f(v, w):
        return (v * w).sum(), v - w

    rng = np.random.default_rng(1)
    v, w = rng.normal(size=(2, 3)), rng.normal(size=(4, 1, 3))
    ours = pullback.numpy.vectorize(f, signature="(n),(n)->(),(n)")
    wanted = np.vectorize(f, signature="(n),(n)->(),(n)")(v, w)
    for y, ref in zip(ours(v, w), wanted, strict=True):
        np.testing.assert_allclose(pb.to_numpy(y), ref)
    pb.check_grads(lambda v, w: list(ours(v, w)), (v, w))
    with pytest.raises(ValueError, match="core dimension"):
        ours(np.ones(2), np.ones(3))
    with pytest.raises(TypeError, match="arguments"):
        ours(np.ones(2))
    with pytest.raises(ValueError, match="gufunc"):
        pullback.numpy.vectorize(f, signature="n->n")


def test_vectorize_settings():
    @pullback.numpy.vectorize(otypes=[np.float32], excluded={1})
    def f(x, table):
        return table[0] * x

    got = f([1, 2], [10.0, 20.0])
    assert got.dtype == np.float32
    np.testing.assert_array_equal(pb.to_numpy(got), [10, 20])
    with pytest.raises(ValueError, match="size 0"):
        pullback.numpy.vectorize(_larger)([], 1.0)


def test_no_slices():
    with pytest.raises(ValueError, match="iteration"):
        pullback.numpy.apply_along_axis(_total, 0, np.ones((2, 0)))
    with pytest.raises(ValueError, match="correct shape"):
        pullback.numpy.apply_over_axes(lambda x, k: 1.0, np.ones((2, 2)), [0])
