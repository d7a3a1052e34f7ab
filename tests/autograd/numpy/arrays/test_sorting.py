"""Tests of `autograd/numpy/arrays/sorting.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import R, X, Z, front

pnp = pullback.numpy
COMPLEX = {"array_api_strict": "the standard orders no complex numbers"}

ROWS = [
    front("sort", R(2, 5)),
    front("sort", R(2, 5), axis=0),
    front("sort", R(2, 3), axis=None),
    front("sort", R(5), kind="stable"),
    front("sort", R(5), stable=True),
    front("sort", Z(4), _skip=COMPLEX),
    front("sort", X([2 + 1j, 1 + 5j, 2 - 1j]), _skip={"gradients": "equal real parts"} | COMPLEX),
    front("partition", R(6), 2),
    front("partition", R(2, 3), 1, axis=0),
    front("sort_complex", Z(4), _skip=COMPLEX),
]

CONSTANTS = (
    "argmax",
    "argmin",
    "argpartition",
    "argsort",
    "count_nonzero",
    "lexsort",
    "searchsorted",
)

M = np.asarray([[3.0, 1.0, 2.0], [2.0, 2.0, 5.0]])
SAME = {
    "argmax": lambda n, m: n.argmax(m),
    "argmax axis": lambda n, m: n.argmax(m, 0),
    "argmax keepdims": lambda n, m: n.argmax(m, axis=1, keepdims=True),
    "argmax bool": lambda n, m: n.argmax(m > 2),
    "argmin": lambda n, m: n.argmin(m, -1),
    "argsort": lambda n, m: n.argsort(m),
    "argsort axis": lambda n, m: n.argsort(m, axis=0, kind="mergesort"),
    "argsort None": lambda n, m: n.argsort(m, None, stable=True),
    "lexsort": lambda n, m: n.lexsort(m),
    "lexsort list": lambda n, m: n.lexsort((m[0, :], m[1, :])),
    "searchsorted": lambda n, m: n.searchsorted([1.0, 2.0, 3.0], m),
    "searchsorted right": lambda n, m: n.searchsorted(m[1, :], 2.0, side="right"),
    "searchsorted sorter": lambda n, m: n.searchsorted(m[0, :], [1.5, 2.5], sorter=[1, 2, 0]),
    "searchsorted integers": lambda n, m: n.searchsorted([1, 2, 3], 2.5),
    "count_nonzero": lambda n, m: n.count_nonzero(m > 2),
    "count_nonzero axis": lambda n, m: n.count_nonzero(m > 1, axis=0, keepdims=True),
    "count_nonzero axes": lambda n, m: n.count_nonzero(m, axis=(0, 1)),
}


@pytest.mark.parametrize("call", SAME.values(), ids=SAME)
def test_indices_are_those_of_numpy(call):
    wanted, got = call(np, M), call(pnp, pb.xp.asarray(M))
    assert got.shape == np.shape(wanted)
    np.testing.assert_array_equal(pb.to_numpy(got), wanted)

    def f(x):
        y = call(np, x)
        assert not getattr(y, "traced", False)
        np.testing.assert_array_equal(pb.to_numpy(y), wanted)
        return pnp.sum(x)

    pb.grad(f)(M)


def test_partitions_have_smaller_ones_before():
    host = np.random.default_rng(0).standard_normal((3, 9))
    for kth in (0, 4, -1, [2, 5]):
        for k in np.atleast_1d(kth):
            y = pb.to_numpy(pnp.partition(host, kth))
            np.testing.assert_array_equal(y[:, k], np.sort(host)[:, k])
            assert (y[:, : k % 9] <= y[:, [k]]).all()
        i = pb.to_numpy(pnp.argpartition(host, kth))
        np.testing.assert_array_equal(
            np.take_along_axis(host, i, -1), pb.to_numpy(pnp.partition(host, kth))
        )


def test_dtypes_of_sort_complex():
    for dtype in ("float32", "int8", "int64", "complex64"):
        host = np.asarray([3, 1, 2], dtype)
        assert pnp.sort_complex(host).dtype == np.sort_complex(host).dtype


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: pnp.sort([1.0], kind="bubble"), ValueError, "bubble"),
        (lambda: pnp.sort([1.0], order="x"), ValueError, "fields"),
        (lambda: pnp.sort([1.0], kind="stable", stable=True), ValueError, "same time"),
        (lambda: pnp.sort(1.0), np.exceptions.AxisError, "-1"),
        (lambda: pnp.partition([1.0, 2.0], 2), ValueError, "out of bounds"),
        (lambda: pnp.argmax([]), ValueError, "empty"),
        (lambda: pnp.argmin([1.0], out=np.zeros(1)), TypeError, "out="),
        (lambda: pnp.searchsorted([1.0], 1.0, side="up"), ValueError, "side"),
        (lambda: pnp.lexsort([]), TypeError, "keys"),
    ],
)
def test_refusals(call, error, match):
    with pytest.raises(error, match=match):
        call()
