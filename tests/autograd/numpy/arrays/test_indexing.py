"""Tests of `autograd/numpy/arrays/indexing.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import K, R, Z, front

pnp = pullback.numpy
MASK = K([[True, False, True], [False, True, True]])

ROWS = [
    front("take", R(2, 3), [0, 5, 5]),
    front("take", R(2, 3), 1, axis=0),
    front("take", R(2, 3), K([[0, 1], [2, 0]]), axis=1),
    front("take", R(4), [-1, 7], mode="wrap"),
    front("take", R(4), [-1, 7], mode="clip"),
    front("take", R(3, 4), K([2, -1]), axis=-1),
    front("take_along_axis", R(2, 3), K([[0, 0], [2, 1]]), axis=1),
    front("take_along_axis", R(2, 3), K([[0, 1, 1]]), axis=0),
    front("take_along_axis", R(2, 3), K([0, 4]), axis=None),
    front("choose", K([1, 0, 1]), [R(3), R(3)]),
    front("choose", K([[1], [0]]), [R(3), R()]),
    front("choose", K([3, -1]), [R(2), R(2)], mode="clip"),
    front("choose", K([3, -1]), [R(2), R(2)], mode="wrap"),
    front("choose", K([0, 1]), R(2, 2)),
    front("compress", [True, False, True], R(3, 2), axis=0),
    front("compress", K([False, True]), R(2, 3), axis=1),
    front("compress", [0, 1, 1], R(2, 3)),
    front("extract", MASK, R(2, 3)),
    front("select", [MASK, K([[False, True, False], [True, True, True]])], [R(2, 3), R(3)], R()),
    front("select", [K([True, False]), K([False, False])], [R(2), R(2)]),
    front("where", MASK, R(2, 3), R(3)),
    front("where", MASK, R(2, 1), 0.0),
    front("where", K([1, 0, 2]), 2, R(3)),
    front(
        "where", K(True), R(2), Z(2), _skip={"array_api_strict": "it does not mix real and complex"}
    ),
    front("diagonal", R(3, 4)),
    front("diagonal", R(3, 4), -1),
    front("diagonal", R(2, 3, 4), 1, 0, 2),
    front("diagonal", R(2, 3, 4), axis1=2, axis2=0),
]

CONSTANTS = (
    "argwhere", "diag_indices", "diag_indices_from", "flatnonzero", "ix_", "mask_indices", "nonzero",
    "ravel_multi_index", "tril_indices", "tril_indices_from", "triu_indices", "triu_indices_from", "unravel_index",
)  # fmt: skip

M = np.asarray([[0.0, 2.0, 0.0], [1.0, 0.0, 3.0]])
SAME = {
    "nonzero": lambda n, m: n.nonzero(m),
    "flatnonzero": lambda n, m: n.flatnonzero(m),
    "argwhere": lambda n, m: n.argwhere(m),
    "where": lambda n, m: n.where(m),
    "diag_indices_from": lambda n, m: n.diag_indices_from(m[:, :2]),
    "tril_indices_from": lambda n, m: n.tril_indices_from(m, -1),
    "triu_indices_from": lambda n, m: n.triu_indices_from(m, 1),
    "ix_": lambda n, m: n.ix_([0, 1], [2, 0]),
    "ix_ mask": lambda n, m: n.ix_(m[0, :] > 0, [0, 1]),
    "unravel_index": lambda n, m: n.unravel_index([3, 5], (2, 3)),
    "unravel_index number": lambda n, m: n.unravel_index(4, (2, 3), order="F"),
    "ravel_multi_index": lambda n, m: n.ravel_multi_index(([0, 1], [2, 1]), (2, 3)),
    "ravel_multi_index F": lambda n, m: n.ravel_multi_index(([0, 1], [2, 1]), (2, 3), order="F"),
    "ravel_multi_index modes": lambda n, m: n.ravel_multi_index(([0, 5], [2, -1]), (2, 3), mode=("clip", "wrap")),
    "diag_indices": lambda n, m: n.diag_indices(3, 3),
    "tril_indices": lambda n, m: n.tril_indices(3, 1, 4),
    "triu_indices": lambda n, m: n.triu_indices(3, -1),
    "mask_indices": lambda n, m: n.mask_indices(3, n.triu, 1),
}  # fmt: skip


def _flat(x):
    return list(x) if isinstance(x, tuple) else [x]


@pytest.mark.parametrize("call", SAME.values(), ids=SAME)
def test_indices_are_those_of_numpy(call):
    wanted, got = _flat(call(np, M)), _flat(call(pnp, pb.xp.asarray(M)))
    assert len(got) == len(wanted)
    for y, ref in zip(got, wanted, strict=True):
        assert y.shape == np.shape(ref)
        assert y.dtype.kind == "i"
        np.testing.assert_array_equal(pb.to_numpy(y), ref)


@pytest.mark.parametrize(
    "name", [n for n in SAME if "m)" in n or n.endswith("_from") or n in ("nonzero", "argwhere")]
)
def test_indices_are_in_the_library_of_the_array(name, lib):
    for y in _flat(SAME[name](pnp, pb.xp.asarray(lib.asarray(M)))):
        assert lib.is_raw(y.value)


def test_indices_select_as_in_numpy():
    def f(n, x):
        return (
            n.sum(x[n.tril_indices(3)] ** 2)
            + n.sum(x[n.ix_([0, 2], [1, 1])])
            + n.sum(x[n.diag_indices(3)])
        )

    host = np.arange(9.0).reshape(3, 3)
    assert float(f(pnp, pb.xp.asarray(host))) == f(np, host)
    pb.check_grads(lambda x: f(pnp, x), (host,))


def test_elements_with_their_indices():
    def f(x):
        return sum(v * (1 + i[0] + 2 * i[1]) for i, v in pnp.ndenumerate(x))

    np.testing.assert_array_equal(pb.grad(f)(np.ones((2, 2))), [[1.0, 3.0], [2.0, 4.0]])
    assert list(pnp.ndindex(2, 1)) == [(0, 0), (1, 0)]


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: pnp.take([1.0, 2.0], [0.5]), TypeError, "integers"),
        (lambda: pnp.take([1.0, 2.0], [5]), IndexError, "5"),
        (lambda: pnp.take([1.0], [0], mode="x"), ValueError, "mode"),
        (lambda: pnp.take([1.0], [0], out=np.zeros(1)), TypeError, "out="),
        (lambda: pnp.select([], []), ValueError, "empty"),
        (lambda: pnp.select([[True]], [1.0, 2.0]), ValueError, "same length"),
        (lambda: pnp.select([[1]], [[1.0]]), TypeError, "boolean"),
        (lambda: pnp.where([True], 1.0), ValueError, "both or neither"),
        (lambda: pnp.nonzero(3.0), ValueError, "0d"),
        (lambda: pnp.unravel_index([7], (2, 3)), ValueError, "out of bounds"),
        (lambda: pnp.ravel_multi_index(([2], [0]), (2, 3)), ValueError, "invalid entry"),
        (lambda: pnp.compress([True, True, True], [1.0, 2.0]), IndexError, "out of bounds"),
        (lambda: pnp.diagonal([1.0]), ValueError, "two dimensions"),
    ],
)
def test_refusals(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_where_keeps_float32_beside_numbers():
    x = pb.xp.asarray(np.asarray([1.0, 2.0], np.float32))
    assert pnp.where(x > 1, x, 0.0).dtype == np.float32
    assert pnp.where(x > 1, 1, 0).dtype.kind == "i"
