"""Reading and writing parts of an array, and updates in place."""

from __future__ import annotations

import gc
import operator as op
import threading

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.functions import writes

from ..._host import A, numpy_is_active, same  # noqa: F401 - one is a fixture

xp = pb.xp

KEYS = [
    0, -1, np.int64(1), slice(1, None), slice(None, None, -1), (slice(0, 0),), ..., None, (None, 0), (slice(None), 1),
    (..., 0), (1, 2), [0, 1], np.array([1, 0, 1]), np.array([True, False]), (np.array([0, 1]), np.array([2, 2])),
    (slice(None), np.array([0, 0])),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_getitem_is_numpy_s(key):
    host = np.arange(6.0).reshape(2, 3)
    same(xp.asarray(host)[key], host[key])
    g = pb.grad(lambda x: xp.sum(x[key] * x[key]))(host)
    expected = np.zeros((2, 3))
    np.add.at(expected, key, 2 * host[key])
    np.testing.assert_array_equal(g, expected)


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_setitem_is_numpy_s(key):
    host, x = np.arange(6.0).reshape(2, 3), xp.asarray(np.arange(6.0).reshape(2, 3))
    x[key] = -1.0
    host[key] = -1.0
    same(x, host)


def test_writes_into_an_untraced_array_of_a_traced_value_are_traced():
    """A buffer of the program's own, filled step by step."""

    def f(x):
        room = xp.zeros(4)
        for i in range(4):
            room[i] = x[i % 2] * (i + 1)
        return xp.sum(room * room)

    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(pb.grad(f)(x), [2 * x[0] * (1 + 9), 2 * x[1] * (4 + 16)])
    pb.check_grads(f, (x,), order=2)


def test_writes_of_an_outer_level_into_an_inner_one():
    def f(x):
        def inner(y):
            y[0] = x[1] * y[1]
            return xp.sum(y * y)

        return xp.sum(pb.grad(inner)(x * 1.0))

    # inner: x1² y1² + y1² + y2², with gradient (0, 2 x1² y1 + 2 y1, 2 y2) at y = x
    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(pb.grad(f)(x), [0.0, 6 * x[1] ** 2 + 2, 2.0])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda x: op.setitem(x, 0, 1j), TypeError, "complex"),
        (lambda x: op.setitem(x, slice(None), np.ones(2)), ValueError, "shape"),
        (lambda x: op.setitem(x, 9, 1.0), IndexError, "out of bounds"),
        (lambda x: op.iadd(x, np.ones((2, 3))), ValueError, r"shape \(2, 3\).*in-place"),
        (lambda x: op.imul(x, 1j), TypeError, "complex128 does not go into float64"),
        (lambda x: op.iadd(xp.asarray([1, 2]), 1.5), TypeError, "float64 does not go into int64"),
    ],
    ids=["complex", "shape", "bounds", "grows", "complex in place", "float in place"],
)
def test_writes_that_do_not_fit_are_refused_traced_or_not(change, error, message):
    with pytest.raises(error, match=message):
        change(xp.asarray(A))
    with pytest.raises(error, match=message):
        pb.grad(lambda x: xp.sum(change(x)))(A)


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (op.iadd, lambda x: 2 * (x + 3)),
        (op.isub, lambda x: 2 * (x - 3)),
        (op.imul, lambda x: 2 * 9 * x),
        (op.itruediv, lambda x: 2 * x / 9),
        (op.ipow, lambda x: 6 * x**5),
    ],
    ids=lambda f: getattr(f, "__name__", ""),
)
def test_in_place_operators_are_recorded(f, slope):
    def g(x):
        y = x
        x = f(x, 3)
        assert x is y
        return xp.sum(x * x)

    np.testing.assert_allclose(pb.grad(g)(A), slope(A), rtol=1e-14)


def test_in_place_keeps_the_dtype():
    x = xp.asarray(A, dtype=xp.float32)
    x += np.ones(3)
    assert x.dtype == np.float32

    def f(x):
        x *= np.full(3, 2.0)
        return xp.sum(x)

    assert pb.grad(f)(A.astype(np.float32)).dtype == np.float32


def test_slices_are_views_and_names_are_aliases():
    x = xp.asarray(A)
    part, alias, chosen = x[:2], x, x[np.asarray([0, 1])]
    x[0] = 100.0
    assert float(part[0]) == 100.0
    assert float(chosen[0]) == 1.5
    assert float(alias[0]) == 100.0
    assert A[0] == 1.5


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_what_a_mask_writes_over_as_a_whole_passes_no_nan_on(lib):
    """scikit-learn's StandardScaler divides by a count of 0, and writes over the results: 0 · NaN going back."""
    count = np.zeros(3)

    def f(x):
        zero = pb.xp.asarray(lib.asarray(count))
        updated = x**2 + (zero / zero - x) ** 2
        updated[zero == 0] = (3 * x)[zero == 0]
        return pb.xp.sum(updated)

    np.testing.assert_array_equal(lib.to_numpy(pb.grad(f)(lib.asarray(np.ones(3)))), 3)


def test_a_mask_that_leaves_something_keeps_its_derivative(lib):
    def f(x):
        y = x**2
        mask = pb.xp.asarray(lib.asarray(np.asarray([True, False, True])))
        y[mask] = (3 * x)[mask]
        return pb.xp.sum(y)

    np.testing.assert_array_equal(lib.to_numpy(pb.grad(f)(lib.asarray(np.ones(3)))), [3, 2, 3])


def test_an_array_in_a_cycle_while_another_thread_collects(monkeypatch):
    collect, calls = gc.collect, []

    def refused(*args):  # what `gc.collect` does while another thread is in it
        calls.append(1)
        return 0 if len(calls) < 3 else collect(*args)

    monkeypatch.setattr(writes.gc, "collect", refused)

    def f(x):
        total = xp.zeros_like(x)
        total += x
        cycle = [total]
        cycle.append(cycle)
        return xp.sum(2.0 * x)

    end = threading.Event()
    other = threading.Thread(target=end.wait)
    other.start()
    gc.disable()
    try:
        assert pb.compile(f, fast=False)(np.ones(2)) == 4.0
    finally:
        gc.enable()
        end.set()
        other.join()
    assert len(calls) == 3
