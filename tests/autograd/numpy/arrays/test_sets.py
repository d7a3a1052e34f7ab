"""Tests of `autograd/numpy/arrays/sets.py`: values, indices and gradients."""

from __future__ import annotations

import inspect
import itertools

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

pnp = pullback.numpy
NAMES = [
    "intersect1d",
    "isin",
    "setdiff1d",
    "setxor1d",
    "union1d",
    "unique",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
]

ARRAYS = {
    "vector": np.asarray([3.0, 1.0, 3.0, 2.0, 1.0]),
    "matrix": np.asarray([[3, 1], [1, 3], [3, 1]]),
    "empty": np.zeros(0),
    "nan": np.asarray([np.nan, 1.0, np.nan, 0.0]),
    "bool": np.asarray([True, False, True]),
    "complex": np.asarray([1j, 1.0, 1j]),
}


def _leaves(x):
    return list(x) if isinstance(x, tuple) else [x]


@pytest.mark.parametrize("which", list(itertools.product([False, True], repeat=3)), ids=str)
@pytest.mark.parametrize("host", ARRAYS.values(), ids=ARRAYS)
def test_unique(host, which, lib):
    if lib.name == "array_api_strict" and host.dtype.kind == "c":
        pytest.skip("the standard orders no complex numbers")
    wanted = _leaves(np.unique(host, *which))
    got = _leaves(pnp.unique(lib.asarray(host), *which))
    assert len(got) == len(wanted)
    for y, ref in zip(got, wanted, strict=True):
        assert (y.shape, y.dtype) == (ref.shape, ref.dtype)
        np.testing.assert_array_equal(lib.to_numpy(y.value), ref)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_unique_slices(axis, lib):
    host = np.asarray([[1.0, 2.0, 1.0], [0.0, 5.0, 0.0], [1.0, 2.0, 1.0]])
    wanted = np.unique(host, True, True, True, axis=axis)
    got = pnp.unique(lib.asarray(host), True, True, True, axis=axis)
    for y, ref in zip(got, wanted, strict=True):
        assert y.shape == ref.shape
        np.testing.assert_array_equal(lib.to_numpy(y.value), ref)


def test_nans_that_are_not_equal():
    host = ARRAYS["nan"]
    np.testing.assert_array_equal(
        pb.to_numpy(pnp.unique(host, equal_nan=False)), np.unique(host, equal_nan=False)
    )


def test_the_first_of_each_receives_the_cotangent():
    x = ARRAYS["vector"]
    np.testing.assert_array_equal(
        pb.grad(lambda x: pnp.sum(pnp.unique(x) ** 2))(x), [6.0, 2.0, 0.0, 4.0, 0.0]
    )
    M = np.asarray([[1.0, 2.0], [1.0, 2.0], [0.0, 3.0]])
    f = lambda x: pnp.sum(pnp.unique(x, axis=0) ** 2)
    np.testing.assert_array_equal(pb.grad(f)(M), [[2.0, 4.0], [0.0, 0.0], [0.0, 6.0]])
    np.testing.assert_array_equal(
        pb.grad(lambda x: pnp.sum(np.unique(x, return_counts=True)[0]))(x), [1, 1, 0, 1, 0]
    )


A, B = np.asarray([3.0, 1.0, 2.0, 3.0]), np.asarray([4.0, 3.0, 3.0, 1.0])
PAIRS = {
    "union1d": lambda n, a, b: n.union1d(a, b),
    "intersect1d": lambda n, a, b: n.intersect1d(a, b),
    "intersect1d indices": lambda n, a, b: n.intersect1d(a, b, return_indices=True),
    "intersect1d unique": lambda n, a, b: n.intersect1d(
        a[:3], b[:2], assume_unique=True, return_indices=True
    ),
    "setdiff1d": lambda n, a, b: n.setdiff1d(a, b),
    "setdiff1d unique": lambda n, a, b: n.setdiff1d(a, b, assume_unique=True),
    "setxor1d": lambda n, a, b: n.setxor1d(a, b),
    "setxor1d unique": lambda n, a, b: n.setxor1d(a[:3], b[:2], assume_unique=True),
    "isin": lambda n, a, b: n.isin(a, b),
    "isin invert": lambda n, a, b: n.isin(a, b, invert=True, kind="sort"),
}


@pytest.mark.parametrize("call", PAIRS.values(), ids=PAIRS)
def test_two_sets(call, lib):
    if lib.name == "array_api_strict" and call in [
        PAIRS[n] for n in PAIRS if "isin" in n or "diff" in n
    ]:
        pytest.skip("its isin is of integers")
    wanted, got = (
        _leaves(call(np, A, B)),
        _leaves(call(pnp, pb.xp.asarray(lib.asarray(A)), lib.asarray(B))),
    )
    for y, ref in zip(got, wanted, strict=True):
        assert y.shape == ref.shape
        np.testing.assert_array_equal(lib.to_numpy(y.value), ref)


@pytest.mark.parametrize("name", ["union1d", "intersect1d", "setdiff1d", "setxor1d"])
def test_gradients_of_two_sets(name):
    f = lambda a, b: pnp.sum(PAIRS[name](pnp, a, b) ** 2)
    pb.check_grads(lambda a: f(a, np.asarray([4.0, 3.0])), (np.asarray([1.0, 2.0, 5.0]),))
    gradients = pb.grad(f, argnums=(0, 1))(A, B)
    assert sum(float(g.sum()) for g in gradients) == 2 * float(PAIRS[name](np, A, B).sum())


@pytest.mark.parametrize("name", [n for n in NAMES if n.startswith("unique_")])
def test_the_standard_s(name):
    for y, ref in zip(_leaves(getattr(pnp, name)(A)), _leaves(getattr(np, name)(A)), strict=True):
        np.testing.assert_array_equal(pb.to_numpy(y), ref)


@pytest.mark.parametrize("name", NAMES)
def test_signatures(name):
    ours, theirs = inspect.signature(getattr(pnp, name)), inspect.signature(getattr(np, name))
    assert [(p.name, p.kind, p.default) for p in ours.parameters.values()] == [
        (p.name, p.kind, p.default) for p in theirs.parameters.values()
    ]


def test_refusals():
    with pytest.raises(ValueError, match="kind"):
        pnp.isin([1], [1], kind="hash")
