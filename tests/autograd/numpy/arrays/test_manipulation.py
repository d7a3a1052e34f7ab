"""Tests of `autograd/numpy/arrays/manipulation.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import R, Z, front

pnp = pullback.numpy

ROWS = [
    front("reshape", R(2, 6), (3, -1)),
    front("reshape", R(2, 6), 12),
    front("reshape", R(2, 6), [4, 3], order="F"),
    front("reshape", R(2, 6), (3, 4), order="A"),
    front("reshape", Z(2, 3), (3, 2), copy=True),
    front("ravel", R(2, 3)),
    front("ravel", R(2, 3, 2), "F"),
    front("ravel", R(2, 3), order="K"),
    front("squeeze", R(1, 3, 1)),
    front("squeeze", R(1, 3, 1), axis=0),
    front("squeeze", R(1, 3, 1), axis=(0, -1)),
    front("expand_dims", R(2, 3), 1),
    front("expand_dims", R(2, 3), (0, -1)),
    front("atleast_1d", R()),
    front("atleast_2d", R(3)),
    front("atleast_2d", R()),
    front("atleast_3d", R(3)),
    front("atleast_3d", R(2, 3)),
    front("atleast_1d", R(), R(2)),
    front("broadcast_to", R(3), (2, 3)),
    front("broadcast_to", R(), 4),
    front("broadcast_arrays", R(3), R(2, 1), R()),
    front("transpose", R(2, 3, 4)),
    front("transpose", R(2, 3, 4), (1, 0, 2)),
    front("transpose", R(2, 3, 4), axes=[-1, 0, 1]),
    front("permute_dims", R(2, 3), (1, 0)),
    front("matrix_transpose", R(2, 3, 4)),
    front("swapaxes", R(2, 3, 4), 0, -1),
    front("moveaxis", R(2, 3, 4), 0, -1),
    front("moveaxis", R(2, 3, 4), [0, 1], [-1, 0]),
    front("rollaxis", R(2, 3, 4), 2),
    front("rollaxis", R(2, 3, 4), 0, 3),
    front("rollaxis", R(2, 3, 4), 1, -1),
]

CONSTANTS = ("broadcast_shapes",)


@pytest.mark.parametrize(
    ("host", "settings"),
    [
        ([0.0, 0.0, 1.0, 0.0, 2.0, 0.0], {}),
        ([0.0, 1.0, 0.0], {"trim": "f"}),
        ([0.0, 1.0, 0.0], {"trim": "b"}),
        ([0.0, 0.0], {}),
        ([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]], {}),
        ([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]], {"axis": 1}),
    ],
)
def test_trim_zeros(host, settings, lib):
    wanted = np.trim_zeros(np.asarray(host), **settings)
    got = pnp.trim_zeros(lib.asarray(host), **settings)
    np.testing.assert_array_equal(lib.to_numpy(got.value), wanted)
    slope = pb.grad(lambda x: pnp.sum(pnp.trim_zeros(x, **settings) * 3.0))(np.asarray(host))
    assert slope.sum() == 3.0 * wanted.size


def test_order_in_memory():
    x = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    for order in "CFAK":
        np.testing.assert_array_equal(pb.to_numpy(pnp.ravel(x, order)), np.ravel(x, order))
    for order in "CFA":
        np.testing.assert_array_equal(
            pb.to_numpy(pnp.reshape(x, (3, 2), order)), np.reshape(x, (3, 2), order)
        )
    y = np.arange(24.0).reshape(2, 3, 4).transpose(1, 2, 0)
    np.testing.assert_array_equal(pb.to_numpy(pnp.ravel(y, "K")), np.ravel(y, "K"))


def test_dtypes_and_casting():
    parts = [np.float32([1.5]), np.int64([2])]
    assert pnp.concatenate(parts).dtype == np.concatenate(parts).dtype
    assert pnp.concatenate(parts, dtype="float32").dtype == np.float32
    assert pnp.hstack(parts, dtype=complex).dtype == complex
    with pytest.raises(TypeError, match="cast"):
        pnp.concatenate(parts, dtype=int)
    assert pnp.stack(parts, dtype=int, casting="unsafe").dtype == int


VIEWS = {
    "reshape": lambda n, x: n.reshape(x, (3, 2)),
    "ravel": lambda n, x: n.ravel(x),
    "squeeze": lambda n, x: n.squeeze(x),
    "expand_dims": lambda n, x: n.expand_dims(x, 0),
    "atleast_3d": lambda n, x: n.atleast_3d(x),
    "transpose": lambda n, x: n.transpose(x),
    "swapaxes": lambda n, x: n.swapaxes(x, 0, 1),
    "moveaxis": lambda n, x: n.moveaxis(x, 0, 1),
    "rollaxis": lambda n, x: n.rollaxis(x, 1),
    "matrix_transpose": lambda n, x: n.matrix_transpose(x),
    "flip": lambda n, x: n.flip(x, 0),
    "rot90": lambda n, x: n.rot90(x),
    "rot180": lambda n, x: n.rot90(x, 2),
    "rot360": lambda n, x: n.rot90(x, 4),
    "split": lambda n, x: n.split(x, 2)[1],
    "unstack": lambda n, x: n.unstack(x, axis=1)[1],
    "ravel F": lambda n, x: n.ravel(x, "F"),
    "copy": lambda n, x: n.copy(x),
    "roll": lambda n, x: n.roll(x, 1),
    "repeat": lambda n, x: n.repeat(x, 1),
    "concatenate": lambda n, x: n.concatenate([x]),
}


@pytest.mark.parametrize("f", VIEWS.values(), ids=VIEWS)
def test_views_are_those_of_numpy(f):
    """A write to the result reaches the argument where it does in NumPy, and nowhere else."""

    def program(n, x):
        x = x * 1.0
        y = f(n, x)
        y[...] = y * 2.0 + 1.0
        return n.sum(x * x)

    host = np.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(float(program(pnp, pb.xp.asarray(host))), program(np, host))
    gradient = pb.grad(lambda x: program(pnp, x))(host)
    pb.check_grads(lambda x: program(pnp, pb.xp.asarray(x)), (host,))
    through_numpy = pb.grad(lambda x: program(np, x))(host)
    np.testing.assert_array_equal(through_numpy, gradient)


@pytest.mark.parametrize("f", VIEWS.values(), ids=VIEWS)
def test_a_write_to_a_view_of_numpy_s_own_array_is_refused(f):
    host = np.arange(6.0).reshape(2, 3)
    y = f(pnp, host)
    if np.shares_memory(f(np, host), host):
        with pytest.raises(ValueError, match="not an array of pullback"):
            y[...] = 0.0
    else:
        y[...] = 0.0
    np.testing.assert_array_equal(host, np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: pnp.squeeze(np.ones((2, 1)), 0), ValueError, "size not equal to one"),
        (lambda: pnp.transpose(np.ones((2, 3)), (0, 0)), ValueError, "twice"),
        (lambda: pnp.moveaxis(np.ones((2, 3)), 2, 0), np.exceptions.AxisError, "2"),
        (lambda: pnp.concatenate([1.0, 2.0]), ValueError, "zero-dimensional"),
        (lambda: pnp.concatenate([]), ValueError, "at least one"),
        (lambda: pnp.concatenate([[1.0]], out=np.zeros(1)), TypeError, "out="),
        (lambda: pnp.split(np.ones(5), 2), ValueError, "equal parts"),
        (lambda: pnp.block((1.0, 2.0)), TypeError, "tuple"),
        (lambda: pnp.ravel(np.ones(2), "X"), ValueError, "order"),
        (lambda: pnp.stack([np.ones(2), np.ones(3)]), ValueError, "same shape"),
    ],
)
def test_refusals(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_one_library_for_lists_beside_arrays(lib):
    x = lib.asarray([1.0, 2.0])
    for out in (
        pnp.concatenate([x, [3.0]]), pnp.append(x, 4.0), pnp.insert(x, 1, [5.0, 6.0]), pnp.vstack([x, [1.0, 2.0]]),
        pnp.delete(x, 0), pnp.resize(x, 5), pnp.repeat(x, [1, 2]), pnp.block([x, 3.0]),
    ):  # fmt: skip
        assert lib.is_raw(out.value)
