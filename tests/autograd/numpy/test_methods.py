"""The methods and attributes of `Array`: those of `numpy.ndarray`, with its signatures, views and refusals."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest

import pullback as pb
import pullback.numpy
from pullback.autograd.numpy import methods

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
X = np.asarray([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
MASK = np.asarray([[True, False, True], [False, True, True]])

# Each is a program of NumPy's arrays, which says what is right.
CALLS = {
    "sum": lambda x: x.sum(),
    "sum axis": lambda x: x.sum(0),
    "sum keepdims": lambda x: x.sum(axis=(0, 1), keepdims=True),
    "sum where": lambda x: x.sum(axis=1, where=MASK, initial=2.0),
    "sum dtype": lambda x: x.sum(dtype=np.float32),
    "mean": lambda x: x.mean(-1),
    "mean where": lambda x: x.mean(where=MASK),
    "prod": lambda x: x.prod(axis=1),
    "min": lambda x: x.min(0),
    "max": lambda x: x.max(axis=1, keepdims=True),
    "max where": lambda x: x.max(initial=0.0, where=MASK),
    "var": lambda x: x.var(ddof=1),
    "std": lambda x: x.std(axis=0, ddof=0.5),
    "cumsum": lambda x: x.cumsum(),
    "cumsum axis": lambda x: x.cumsum(1),
    "cumprod": lambda x: x.cumprod(axis=0),
    "trace": lambda x: x.trace(1),
    "reshape": lambda x: x.reshape(3, 2),
    "reshape tuple": lambda x: x.reshape((3, -1)),
    "reshape number": lambda x: x.reshape(-1),
    "reshape list": lambda x: x.reshape([6]),
    "reshape order": lambda x: x.reshape(3, 2, order="F"),
    "reshape numpy integers": lambda x: x.reshape(np.int64(3), np.int64(2)),
    "ravel": lambda x: x.ravel(),
    "ravel order": lambda x: x.ravel("F"),
    "flatten": lambda x: x.flatten(),
    "flatten order": lambda x: x.flatten(order="F"),
    "transpose": lambda x: x.transpose(),
    "transpose axes": lambda x: x.transpose(1, 0),
    "transpose tuple": lambda x: x.transpose((1, 0)),
    "transpose None": lambda x: x.transpose(None),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "squeeze": lambda x: x[None].squeeze(),
    "squeeze axis": lambda x: x[None].squeeze(axis=0),
    "diagonal": lambda x: x.diagonal(1),
    "repeat": lambda x: x.repeat(2, axis=1),
    "astype": lambda x: x.astype("float32"),
    "astype complex": lambda x: x.astype(complex),
    "copy": lambda x: x.copy(),
    "dot": lambda x: x.dot(x.T),
    "clip": lambda x: x.clip(-0.5, 1.0),
    "clip min": lambda x: x.clip(min=0.3),
    "round": lambda x: (x + 0.01).round(1) + x,
    "conj": lambda x: (x * 1j).conj(),
    "conjugate": lambda x: x.conjugate(),
    "take": lambda x: x.take([0, 5, 5]),
    "take axis": lambda x: x.take([[1, 0]], axis=1),
    "compress": lambda x: x.compress([True, False, True], axis=1),
    "real": lambda x: (x * 1j + x).real,
    "real of real": lambda x: x.real,
    "imag": lambda x: (x * 1j + x).imag,
    "T": lambda x: x.T,
    "T of three": lambda x: x[None].T,
    "T of a vector": lambda x: x[0].T,
    "mT": lambda x: x.mT,
    "flat": lambda x: x.flat[4],
    "flat slice": lambda x: x.flat[1::2],
    "flat array": lambda x: x.flat[[0, 3]],
    "divmod": lambda x: divmod(x, 0.6)[1],
    "rdivmod": lambda x: divmod(2.1, x)[1],
    "builtin sum": lambda x: sum(x),
    "abs": lambda x: abs(x),
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_values_and_gradients(call):
    wanted = np.asarray(call(X))
    got = call(xp.asarray(X))
    assert type(got) is pb.Array
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
    np.testing.assert_allclose(
        pb.to_numpy(got), wanted, rtol=1e-7 if wanted.dtype == np.float32 else 1e-13
    )
    if wanted.dtype == np.float32:
        slope = pb.grad(lambda x: xp.sum(call(x)))(X)
        assert slope.dtype == np.float64
        np.testing.assert_array_equal(slope, 1.0)
    else:
        pb.check_grads(lambda x: call(xp.asarray(x)), (X,))


CONSTANTS = {
    "any": lambda x: (x > 1).any(),
    "any axis": lambda x: (x > 1).any(axis=0, keepdims=True),
    "all": lambda x: (x > 1).all(axis=1, where=MASK),
    "argmax": lambda x: x.argmax(),
    "argmax axis": lambda x: x.argmax(axis=0, keepdims=True),
    "argmin": lambda x: x.argmin(1),
    "argsort": lambda x: x.argsort(axis=0),
    "argpartition": lambda x: x.argpartition(0, axis=1)[:, :1],
    "nonzero": lambda x: x.nonzero()[0],
    "searchsorted": lambda x: x[0, ::2].searchsorted([0.0, 1.0, 3.0], side="right"),
    "choose": lambda x: (x[0] > 0).astype(int).choose([[1.0, 2.0, 3.0], 5.0]),
}


@pytest.mark.parametrize("call", CONSTANTS.values(), ids=CONSTANTS)
def test_answers_without_a_derivative(call):
    wanted, got = call(X), call(xp.asarray(X))
    assert got.shape == wanted.shape
    np.testing.assert_array_equal(pb.to_numpy(got), wanted)


@pytest.mark.parametrize("name", methods.METHODS)
def test_signatures_are_those_of_ndarray(name):
    ours = list(inspect.signature(getattr(pb.Array, name)).parameters.values())[1:]
    try:
        theirs = list(inspect.signature(getattr(np.ndarray, name)).parameters.values())[1:]
    except ValueError:
        pytest.skip("this version of NumPy does not tell the signatures of its methods")
    named = {p.name: p.default for p in ours}
    given = [p for p in theirs if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    order = [p.name for p in ours if p.name in {q.name for q in given}]
    assert order == [p.name for p in given]
    for p in given:
        assert named[p.name] == p.default
    doc = inspect.getdoc(getattr(pb.Array, name))
    assert ">>> " in doc


# ── writes ────────────────────────────────────────────────────────────────────────────────────────


def _set(name, value):
    def write(y, v):
        setattr(y, name, value(v))

    return write


WRITES = {
    "fill": lambda y, v: y.fill(v[0, 0]),
    "fill a row": lambda y, v: y[0].fill(v[1, 1]),
    "fill a number": lambda y, v: y.fill(3),
    "sort": lambda y, v: y.sort(),
    "sort axis": lambda y, v: y.sort(axis=0, kind="stable"),
    "partition": lambda y, v: y[0].partition(2),
    "put": lambda y, v: y.put([0, 5], v[0, :2]),
    "flat": lambda y, v: y.flat.__setitem__(slice(1, 4), v[0]),
    "flat repeated": lambda y, v: y.flat.__setitem__(slice(0, 6, 2), v[0, :2]),
    "flat number": lambda y, v: y.flat.__setitem__(2, v[0, 0]),
    "flat set": _set("flat", lambda v: v[0]),
    "real": _set("real", lambda v: 2 * v),
    "T": lambda y, v: y.T.__setitem__(0, v[:, 1]),
    "reshape": lambda y, v: y.reshape(3, 2).__setitem__((0, 1), v[0, 0]),
    "ravel": lambda y, v: y.ravel().__setitem__(slice(2), v[0, :2]),
    "ravel of a transpose": lambda y, v: y.T.ravel().__setitem__(slice(2), v[0, :2]),
    "ravel F": lambda y, v: y.ravel("F").fill(5.0),
    "ravel F of a transpose": lambda y, v: y.T.ravel("F").fill(5.0),
    "flatten": lambda y, v: y.flatten().fill(5.0),
    "copy": lambda y, v: y.copy().fill(5.0),
    "transpose": lambda y, v: y.transpose(1, 0)[1:].fill(v[0, 0]),
    "swapaxes": lambda y, v: y.swapaxes(0, 1)[0].sort(),
    "squeeze": lambda y, v: y[None].squeeze().fill(v[1, 2]),
    "real of real": lambda y, v: y.real[0].fill(v[1, 2]),
    "astype": lambda y, v: y.astype(float).fill(7.0),
    "astype without a copy": lambda y, v: y.astype(float, copy=False)[0].fill(7.0),
}  # fmt: skip


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_writes_reach_what_they_reach_in_numpy(write):
    def f(x):
        y = x * 1.0
        part = y[1:]
        write(y, x * x)
        return (y**3).sum() + (part**2).sum()

    wanted = f(X)
    np.testing.assert_allclose(float(f(xp.asarray(X))), wanted, rtol=1e-13)
    gradient = pb.grad(f)(X)
    pb.check_grads(lambda x: f(xp.asarray(x)), (X,))
    compiled = pb.compile(pb.grad(f))
    for _ in range(2):
        np.testing.assert_allclose(compiled(X), gradient, rtol=1e-13, atol=1e-15)


def test_parts_of_complex_numbers_are_set():
    def f(x):
        z = x * (1.0 + 0j)
        z.real = 2 * x
        z.imag = x**2
        z.real[0, 0] = 5.0
        return (z * z.conj()).real.sum() + z.imag.sum()

    assert float(f(xp.asarray(X))) == pytest.approx(float(f(X.copy())))
    pb.check_grads(lambda x: f(xp.asarray(x)), (X,))
    with pytest.raises(TypeError, match=r"astype\(complex\)"):
        xp.asarray(X).imag = 1.0


# ── reading ───────────────────────────────────────────────────────────────────────────────────────


def test_elements_as_numbers_of_python():
    x = xp.asarray(X)
    assert x.item(1, 0) == x.item((1, 0)) == x.item(3) == 1.5
    assert x.item(-1) == -0.75
    assert x[0, 0].item() == 0.5
    assert x.tolist() == X.tolist()
    with pytest.raises(IndexError):
        x.item(6)
    with pytest.raises(ValueError, match="indices"):
        x.item(1, 0, 0)
    for read in (lambda x: x.item(0), lambda x: x.tolist(), lambda x: x[0, 0].item()):
        with pytest.raises(TypeError, match="stop_gradient"):
            pb.grad(lambda x, read=read: read(x) or x.sum())(X)


def test_attributes_of_shape_and_memory(lib):
    x = xp.asarray(lib.asarray(np.ones((2, 3)), "float32"))
    assert (x.itemsize, x.nbytes, x.size, x.ndim) == (4, 24, 6, 2)
    assert len(x) == 2


def test_what_python_asks_for():
    x = xp.asarray(X)
    assert 2.0 in x
    assert 7.0 not in x
    n = xp.asarray(2.5)
    assert (math.floor(n), math.ceil(n), math.trunc(n), round(n)) == (2, 3, 2, 2)
    assert type(math.floor(n)) is type(round(n)) is int
    assert float(round(xp.asarray(2.56), 1)) == 2.6
    assert pb.grad(lambda x: x * math.floor(x))(2.5) == 2.0
    assert [float(e) for e in x.flat] == X.ravel().tolist()
    assert len(x.flat) == 6
    np.testing.assert_array_equal(np.asarray(x.flat), X.ravel())
    assert bool((x.flat == X.ravel()).all())


def test_on_every_library(lib):
    x = xp.asarray(lib.asarray(X))
    for out in (
        x.sum(axis=0), x.mean(), x.reshape(3, 2), x.T, x.ravel(), x.clip(0, 1), x.cumsum(), x.take([0, 1], axis=1),
        x.argsort(), x.std(), x.repeat(2, 1), x.transpose(1, 0), x.dot(x.T), x.flatten(), x.max(), x.copy(), x.round(),
        x.diagonal(), x.astype("float32"), x.compress([True, False, True], 1), x.any(), x.flat[0],
    ):  # fmt: skip
        assert lib.is_raw(out.value)
    x.fill(2.0)
    x.flat[1:3] = 7.0
    x.sort()
    np.testing.assert_array_equal(lib.to_numpy(x.value), [[2.0, 7.0, 7.0], [2.0, 2.0, 2.0]])


# ── what is NumPy's alone ─────────────────────────────────────────────────────────────────────────


def test_every_public_name_of_ndarray_is_there_or_says_what_to_use():
    x = xp.asarray(X)
    for name in (n for n in dir(np.ndarray) if not n.startswith("_")):
        if name in methods.INSTEAD:
            with pytest.raises(AttributeError, match="has no attribute") as caught:
                getattr(x, name)
            assert methods.INSTEAD[name].partition("{")[0] in str(caught.value)
            assert not hasattr(x, name)
        else:
            assert hasattr(x, name), name


def test_a_method_costs_one_call_more_and_attributes_are_found_as_before():
    assert not hasattr(pb.Array, "__getattr__")


def test_without_a_cast_that_numpy_forbids():
    with pytest.raises(TypeError, match="cast"):
        xp.asarray(X).astype(int, casting="safe")
    assert pullback.numpy.ones(2).astype(int).dtype == int
