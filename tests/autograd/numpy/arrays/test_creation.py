"""Tests of `autograd/numpy/arrays/creation.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._fronts import *  # noqa: F403 - the tests of rows
from .._fronts import R, Z, front

pnp = pullback.numpy
DOUBLE = {"float32": "NumPy's is of double precision"}

ROWS = [
    front("array", R(2, 3)),
    front("array", [R(2), R(2)]),
    front("array", [[R(), R()], [R(), R()]]),
    front("array", [[R(), 2.0], [1.0, R()]]),
    front("array", (R(2), [1.0, 2.0])),
    front("array", R(2), ndmin=3),
    front("array", R(2), dtype="complex128", _skip={"float32": "it is asked for double precision"}),
    front("asarray", [R(), R()]),
    front("asanyarray", R(2)),
    front("ascontiguousarray", R()),
    front("asfortranarray", R(2, 3)),
    front("asarray_chkfinite", R(2), _skip={"compile": "it reads whether values are finite"}),
    front("copy", R(2, 3)),
    front("copy", Z(2)),
    front("full", (2, 3), R()),
    front("full", 3, R(3)),
    front("full_like", R(2, 3), R()),
    front("full_like", R(2, 3), R(3), shape=(4, 3)),
]

CONSTANTS = (
    "empty", "empty_like", "from_dlpack", "ones", "ones_like", "require", "zeros", "zeros_like", "astype",
)  # fmt: skip

SAME = {
    "arange 1": lambda n: n.arange(4),
    "arange 2": lambda n: n.arange(1, 4.5),
    "arange 3": lambda n: n.arange(3, 0, -1),
    "arange stop": lambda n: n.arange(1, stop=5, step=2, dtype="float32"),
    "arange empty": lambda n: n.arange(3, 1),
    "array numbers": lambda n: n.array([[1, 2], [3, 4]]),
    "array bools": lambda n: n.array([True, False]),
    "array dtype": lambda n: n.array([1, 2], dtype=n.float32),
    "array range": lambda n: n.array(range(3)),
    "array scalar": lambda n: n.array(3.0),
    "array numpy scalars": lambda n: n.array([np.float32(1), np.float32(2)]),
    "array empty": lambda n: n.array([]),
    "array ragged in one axis": lambda n: n.array([[]]),
    "asarray complex": lambda n: n.asarray([1j, 2]),
    "zeros int": lambda n: n.zeros(3),
    "zeros list": lambda n: n.zeros([2, 3], dtype=int),
    "zeros tuple": lambda n: n.zeros((2, np.int64(3)), "f4"),
    "zeros 0-d": lambda n: n.zeros(()),
    "ones": lambda n: n.ones((2, 2), order="F"),
    "full": lambda n: n.full((2, 2), 3),
    "full dtype": lambda n: n.full(2, 3, dtype=float),
    "full row": lambda n: n.full((2, 2), [1.0, 2.0]),
    "zeros_like": lambda n: n.zeros_like([[1, 2]]),
    "zeros_like shape": lambda n: n.zeros_like(np.ones(3), shape=(2, 2)),
    "ones_like": lambda n: n.ones_like(np.ones((2, 3), "f4")),
    "ones_like shape": lambda n: n.ones_like([1, 2], dtype=float, shape=4),
    "full_like": lambda n: n.full_like([1, 2], 2.7),
    "eye": lambda n: n.eye(3),
    "eye k": lambda n: n.eye(2, 3, 1, dtype=int),
    "identity": lambda n: n.identity(2),
    "tri": lambda n: n.tri(3, 4, -1),
    "tri dtype": lambda n: n.tri(2, dtype=int),
    "indices": lambda n: n.indices((2, 3)),
    "indices float": lambda n: n.indices((2, 3), dtype=float),
    "linspace": lambda n: n.linspace(0, 1, 7),
    "linspace default": lambda n: n.linspace(2, 3),
    "linspace int": lambda n: n.linspace(0, 10, 4, dtype=int),
    "linspace negative int": lambda n: n.linspace(-10, 10, 4, dtype=int),
    "logspace": lambda n: n.logspace(0, 3, 4),
    "logspace int": lambda n: n.logspace(0, 3, 4, dtype=int),
    "geomspace": lambda n: n.geomspace(1, 1000, 4),
    "geomspace negative": lambda n: n.geomspace(-1000, -1, 4),
    "geomspace complex": lambda n: n.geomspace(1j, 1000j, 4),
    "astype": lambda n: n.astype(n.asarray([1.7]), n.int64),
    "require": lambda n: n.require([1.0], requirements=["C"]),
    "vander": lambda n: n.vander([1, 2, 3]),
}


@pytest.mark.parametrize("call", SAME.values(), ids=SAME)
def test_values_and_dtypes_are_those_of_numpy(call):
    wanted = np.asarray(call(np))
    got = call(pnp)
    assert type(got) is pb.Array
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
    np.testing.assert_allclose(pb.to_numpy(got), wanted, rtol=1e-13)


@pytest.mark.parametrize("call", SAME.values(), ids=SAME)
def test_new_arrays_are_on_the_active_backend(call, lib, backend):
    if lib.name == "array_api_strict" and call in (SAME["ones"], SAME["geomspace complex"]):
        pytest.skip(
            "the order in memory is not in the standard; nor a sign of complex numbers on its second device"
        )
    if "np." in str(call.__code__.co_names) or "np" in call.__code__.co_names:
        pytest.skip("its arguments are NumPy's")
    assert lib.is_raw(call(pnp).value)


def test_an_array_of_elements_and_numbers_has_their_gradients():
    def f(x):
        A = pnp.array([[x[0], 1.0, 0], [x[1] * x[2], x[0], np.float64(2.0)]])
        assert A.shape == (2, 3)
        return pnp.sum(A @ A.T)

    pb.check_grads(f, (np.asarray([0.5, -1.0, 2.0]),))
    x = np.asarray([0.5, 2.0], np.float32)
    assert pb.grad(lambda x: pnp.sum(pnp.array([x[0], 1.0, x[1]]) ** 2))(x).dtype == np.float32


def test_copies_and_views():
    x = pb.xp.asarray([1.0, 2.0])
    assert pnp.asarray(x) is x
    assert pnp.array(x, copy=None) is x
    y = pnp.array(x)
    y[0] = 5.0
    assert float(x[0]) == 1.0
    with pytest.raises(ValueError, match="copy"):
        pnp.array([1.0], copy=False)
    with pytest.raises(ValueError, match="copy"):
        pnp.asarray(x, dtype="float32", copy=False)
    z = pnp.require(x, requirements="W")
    z[0] = 7.0
    assert float(x[0]) == 1.0


def test_diagonals_of_matrices_are_views():
    x = pnp.ones((2, 2))
    with pytest.raises(ValueError, match="read-only"):
        pnp.diag(x)[0:1] = 3.0


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: pnp.array([[1.0], [1.0, 2.0]]), ValueError, "inhomogeneous"),
        (lambda: pnp.array([pb.xp.ones(1), pb.xp.ones(2)]), ValueError, "shape"),
        (lambda: pnp.array("text"), TypeError, "numbers"),
        (lambda: pnp.array([object()]), TypeError, "numbers"),
        (lambda: pnp.array([1.0], dtype=object), TypeError, "numbers"),
        (lambda: pnp.zeros(3, order="X"), ValueError, "order"),
        (lambda: pnp.linspace(0, 1, -1), ValueError, "non-negative"),
        (lambda: pnp.geomspace(0, 1), ValueError, "zero"),
        (lambda: pnp.diag(np.ones((2, 2, 2))), ValueError, "1- or 2-d"),
        (lambda: pnp.asarray_chkfinite([np.nan]), ValueError, "NaN"),
        (lambda: pnp.meshgrid([1], indexing="yx"), ValueError, "indexing"),
    ],
)
def test_refusals(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_like_names_the_library(lib):
    x = lib.asarray([1.0])
    for made in (pnp.zeros(2, like=x), pnp.ones(2, like=x), pnp.eye(2, like=x), pnp.arange(3, like=x),
                 pnp.array([1.0, 2.0], like=x), pnp.tri(2, like=x), pnp.full(2, 1.0, like=x)):  # fmt: skip
        assert lib.is_raw(made.value)


def test_a_range_has_the_gradients_of_its_start_and_step():
    assert pb.grad(lambda x: pnp.sum(pnp.arange(x, 3.0, 0.5)))(1.0) == 4.0
    assert pb.grad(lambda x: pnp.sum(pnp.arange(0.0, 1.9, x)))(0.5) == 6.0
