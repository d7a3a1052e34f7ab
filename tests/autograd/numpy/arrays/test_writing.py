"""Tests of `autograd/numpy/arrays/writing.py`: values and gradients are those of the same program on NumPy arrays."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import pullback as pb
import pullback.numpy

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

pnp = pullback.numpy
X = np.asarray([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
MASK = [[True, False, True], [False, False, True]]


def _indices(n, i):
    """Indices as a list, which ours takes to the array's library, and NumPy's does not take."""
    return np.asarray(i) if n is np else i


WRITES = {
    "copyto": lambda n, y, v: n.copyto(y, v[0, :]),
    "copyto number": lambda n, y, v: n.copyto(y, 3.0),
    "copyto where": lambda n, y, v: n.copyto(y, 2 * v, where=MASK),
    "copyto where number": lambda n, y, v: n.copyto(y, 7.0, where=[True, False, True]),
    "put": lambda n, y, v: n.put(y, [0, 4, 5], v[0, :]),
    "put repeated": lambda n, y, v: n.put(y, [0, 2, 4, 5], v[0, :2]),
    "put number": lambda n, y, v: n.put(y, 3, v[1, 1]),
    "put clip": lambda n, y, v: n.put(y, [-3, 99], v[0, :2], mode="clip"),
    "put wrap": lambda n, y, v: n.put(y, [-1, 7], v[0, :2], mode="wrap"),
    "place": lambda n, y, v: n.place(y, MASK, v[0, :]),
    "place repeated": lambda n, y, v: n.place(y, MASK, v[0, :2]),
    "place numbers": lambda n, y, v: n.place(y, MASK, [1.0, 2.0]),
    "putmask": lambda n, y, v: n.putmask(y, MASK, v * 2),
    "putmask repeated": lambda n, y, v: n.putmask(y, MASK, v[0, :2]),
    "put_along_axis": lambda n, y, v: n.put_along_axis(y, _indices(n, [[2], [0]]), v[:, :1], 1),
    "put_along_axis 0": lambda n, y, v: n.put_along_axis(y, _indices(n, [[1, 0, 1]]), v[:1, :], axis=0),
    "put_along_axis None": lambda n, y, v: n.put_along_axis(y, _indices(n, [1, 4]), v[0, :2], None),
    "fill_diagonal": lambda n, y, v: n.fill_diagonal(y, v[0, 1]),
    "fill_diagonal row": lambda n, y, v: n.fill_diagonal(y, v[0, :2]),
    "fill_diagonal tall": lambda n, y, v: n.fill_diagonal(y.T, 4.0),
    "fill_diagonal wrap": lambda n, y, v: n.fill_diagonal(y.T, v[0, 1], wrap=True),
}  # fmt: skip


def _program(n, write):
    def f(x):
        y = x * 1.0
        part = y[1:, ...]
        write(n, y, n.sin(x))
        return n.sum(y**3) + n.sum(part)

    return f


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_values_and_gradients(write):
    wanted = _program(np, write)(X)
    f = _program(pnp, write)
    np.testing.assert_allclose(float(f(pb.xp.asarray(X))), wanted, rtol=1e-13)
    pb.check_grads(lambda x: f(pb.xp.asarray(x)), (X,))
    gradient = pb.grad(f)(X)
    np.testing.assert_array_equal(pb.grad(_program(np, write))(X), gradient)
    for _ in range(2):
        np.testing.assert_allclose(pb.compile(pb.grad(f))(X), gradient, rtol=1e-13)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_on_every_library(write, lib):
    if lib.name == "array_api_strict" and {"put", "put_along_axis"} & set(write.__code__.co_names):
        pytest.skip("it does not write at integer arrays")
    f = _program(pnp, write)
    gradient = pb.grad(f)(lib.asarray(X))
    assert lib.is_raw(gradient)
    np.testing.assert_allclose(lib.to_numpy(gradient), pb.grad(f)(X), rtol=1e-12)


@pytest.mark.parametrize(
    "name", ["copyto", "put", "place", "putmask", "put_along_axis", "fill_diagonal"]
)
def test_signatures(name):
    ours, theirs = inspect.signature(getattr(pnp, name)), inspect.signature(getattr(np, name))
    assert [(p.name, p.kind, p.default) for p in ours.parameters.values()] == [
        (p.name, p.kind, p.default) for p in theirs.parameters.values()
    ]


INTO_NUMPY = {
    "copyto": lambda n, a, v: n.copyto(a, v),
    "put": lambda n, a, v: n.put(a, [0], v[:1]),
    "place": lambda n, a, v: n.place(a, np.ones(3, bool), v),
    "putmask": lambda n, a, v: n.putmask(a, np.ones(3, bool), v),
    "put_along_axis": lambda n, a, v: n.put_along_axis(a, np.asarray([0]), v[:1], 0),
    "fill_diagonal": lambda n, a, v: n.fill_diagonal(np.zeros((3, 3)), v),
}


@pytest.mark.parametrize("write", INTO_NUMPY.values(), ids=INTO_NUMPY)
@pytest.mark.parametrize("n", [pnp, np], ids=["pullback.numpy", "numpy"])
def test_traced_values_do_not_go_into_numpy_arrays(n, write):
    def f(x):
        write(n, np.zeros(3), x)
        return pnp.sum(x)

    with pytest.raises(TypeError, match=r"NumPy array.*pb\.xp\.zeros.*set\("):
        pb.grad(f)(np.ones(3))
    host = np.zeros(3)
    pnp.copyto(host, pb.xp.ones(3))
    np.testing.assert_array_equal(host, 1.0)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x: pnp.copyto(x, 1j), TypeError, "cast"),
        (lambda x: pnp.copyto(pb.xp.ones(2, dtype=pb.xp.int64), x), TypeError, "cast"),
        (lambda x: pnp.place(x, [True], [1.0]), ValueError, "same size"),
        (lambda x: pnp.place(x, [True, True], []), ValueError, "empty"),
        (lambda x: pnp.put(x, [5], 1.0), IndexError, "5"),
        (lambda x: pnp.fill_diagonal(x, 1.0), ValueError, "2-d"),
        (lambda x: pnp.put([1.0], [0], 1.0), TypeError, "list"),
    ],
)
def test_refusals(call, error, match):
    with pytest.raises(error, match=match):
        call(pb.xp.ones(2))
