"""Tests of `backend/numpy/kept_memory.py`: memory is used again, and never under what still refers to it."""

from __future__ import annotations

import gc
import pickle
import threading
import weakref

import numpy as np
import pytest

import pullback as pb
from pullback.backend.numpy import kept_memory
from pullback.backend.numpy.kept_memory import (
    LARGEST,
    LEAST,
    MOST_ARRAYS,
    TOTAL,
    empty,
    is_only_view,
)

F8 = np.dtype("float64")
SHAPE = (256, 256)  # 512 KB


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    if not kept_memory._COUNTED:
        pytest.skip("without a GIL nothing is kept")
    monkeypatch.setattr(kept_memory, "_held", [])


def address(x):
    return x.__array_interface__["data"][0]


def held_bytes():
    return sum(x.nbytes for x in kept_memory._held)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_is_as_numpy_makes_it_and_its_memory_is_used_again(dtype, order):
    dtype = np.dtype(dtype)
    x = empty((300, 301), dtype, order)
    assert (x.shape, x.dtype) == ((300, 301), dtype)
    assert x.flags.c_contiguous == (order == "C")
    assert x.flags.f_contiguous == (order == "F")
    assert x.flags.aligned
    assert x.flags.writeable
    where = address(x)
    del x
    assert address(empty((301, 300), dtype, "C")) == where  # of the same size
    assert len(kept_memory._held) == 1


@pytest.mark.parametrize(
    "reader",
    [
        lambda x: x,
        lambda x: x[3:9, ::2],
        lambda x: x.reshape(-1)[5:].T,
        lambda x: x[1:][1:].view("int64"),
        lambda x: x.base,
        memoryview,
        np.from_dlpack,
        lambda x: np.frombuffer(x, "uint8"),
        lambda x: np.lib.stride_tricks.as_strided(x, (4,), (8,)),
        lambda x: iter(x),
        lambda x: x.flat,
        lambda x: x.__array_interface__ and x.ctypes,
    ],
)  # fmt: skip
def test_no_memory_is_used_again_while_something_refers_to_it(reader):
    x = empty(SHAPE, F8)
    x[...] = 7
    where, left = address(x), reader(x)
    del x
    y = empty(SHAPE, F8)
    assert address(y) != where
    y[...] = 0
    del left
    gc.collect()
    assert address(empty(SHAPE, F8)) == where


def test_a_weak_reference_dies_with_its_array():
    x = empty(SHAPE, F8)
    dead = weakref.ref(x)
    del x
    assert dead() is None


def test_flags_and_shapes_of_one_array_are_not_those_of_the_next():
    x = empty(SHAPE, F8)
    where = address(x)
    x.setflags(write=False)
    del x
    y = empty(SHAPE, F8)
    assert address(y) == where
    assert y.flags.writeable


def test_small_large_and_other_arrays_are_numpys_own():
    for shape, dtype in [
        ((0, 5), F8), ((1,), F8), ((), F8), ((LEAST // 8 - 1,), F8), ((LARGEST // 8 + 1,), F8),
        ((LEAST,), np.dtype(object)),
    ]:  # fmt: skip
        x = empty(shape, dtype)
        assert x.shape == shape
        assert x.base is None
    assert kept_memory._held == []


def test_what_is_kept_is_bounded():
    for n in range(3 * MOST_ARRAYS):
        empty((LEAST + 8 * n,), np.dtype("uint8"))
    assert len(kept_memory._held) == MOST_ARRAYS
    kept = [empty((LARGEST,), np.dtype("uint8")) for _ in range(5)]
    assert held_bytes() <= TOTAL
    assert len({address(x) for x in kept}) == 5  # those that are forgotten stay their users'
    kept[0][:] = 1
    kept[4][:] = 2
    assert kept[0].max() == 1


def test_only_the_only_view_counts_as_an_array_of_its_own():
    x = empty(SHAPE, F8)
    assert is_only_view(x)
    view = x[:]
    assert not is_only_view(x)
    assert not is_only_view(view)
    del view
    assert is_only_view(x)
    export = memoryview(x)
    assert is_only_view(x)  # which refers to x itself, as a name does
    del export
    assert not is_only_view(x[1:])
    plain = np.empty(SHAPE)
    assert not is_only_view(plain)
    assert not is_only_view(plain[:])
    as_gradient = pb.backend.resolve("numpy").as_gradient
    assert as_gradient(x) is x
    view = x[:]
    assert not np.shares_memory(as_gradient(x), view)


def test_threads_never_share_memory():
    failures, start = [], threading.Barrier(4)

    def work(k):
        start.wait()
        mine = []
        for i in range(300):
            x = empty(SHAPE, F8)
            x.ravel()[::512] = k * 1000 + i
            mine.append((x, k * 1000 + i))
            if len(mine) > 1:
                old, value = mine.pop(0)
                if not (old.ravel()[::512] == value).all():
                    failures.append((k, i))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert failures == []


# ── factors and outer products ────────────────────────────────────────────────────────────────


def system(n, seed=0, dtype="float64"):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, n)) + n**0.5 * np.eye(n)
    return A.astype(dtype), rng.standard_normal(n).astype(dtype)


def test_solves_and_their_gradients_take_new_memory_for_three_matrices_at_most():
    A, b = system(300)
    loss = pb.value_and_grad(lambda A, b: b @ pb.linalg.solve(A, b), argnums=(0, 1))
    loss(A, b)
    assert len(kept_memory._held) == 2  # of the factor, and of the gradient
    loss(A, b)
    assert len(kept_memory._held) == 2
    for _ in range(6):
        _, (A_bar, _) = loss(A, b)  # the one before is still there meanwhile
    assert len(kept_memory._held) == 3
    assert address(A_bar) in {address(x) for x in kept_memory._held}


def test_gradients_that_are_kept_do_not_change():
    loss = pb.value_and_grad(lambda A, b: b @ pb.linalg.solve(A, b), argnums=(0, 1))
    systems = [system(200, seed) for seed in range(6)]
    kept = [loss(A, b)[1][0] for A, b in systems]
    for (A, b), found in zip(systems, kept, strict=True):
        v = np.linalg.solve(A, b)
        np.testing.assert_allclose(
            found, -np.outer(np.linalg.solve(A.T, b), v), rtol=1e-9, atol=1e-12
        )
    assert len({address(g) for g in kept}) == 6
    g = kept[0]
    assert g.flags.carray
    assert pickle.loads(pickle.dumps(g)).tobytes() == g.tobytes()


@pytest.mark.parametrize("assume", ["general", "positive"])
def test_factors_that_are_kept_do_not_change(assume):
    systems = [system(200, seed) for seed in range(5)]
    systems = [(A @ A.T, b) for A, b in systems]
    factors = [pb.linalg.factorize(A, assume=assume) for A, _ in systems]
    for A, b in systems:  # others come and go
        pb.linalg.solve(A.T, b, assume=assume)
    for factor, (A, b) in zip(factors, systems, strict=True):
        np.testing.assert_allclose(A @ pb.to_numpy(factor.solve(b)), b, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("n", [5, 181, 200])  # 181² · 8 is just below, or above, what is kept
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_neither_factorisation_changes_its_matrix(n, dtype):
    A, b = system(n, dtype=dtype)
    A = A @ np.conj(A.T)
    for given in (A, A.T, np.asfortranarray(A), np.repeat(A, 2, 0)[::2]):
        before = given.copy()
        for assume in ("general", "positive"):
            v = pb.to_numpy(pb.linalg.solve(given, b, assume=assume))
            assert np.abs(given @ v - b).max() < 1e4 * n * np.finfo(dtype).eps
        assert given.tobytes() == before.tobytes()


def test_solves_of_threads_do_not_disturb_each_other():
    loss = pb.value_and_grad(lambda A, b: b @ pb.linalg.solve(A, b), argnums=(0, 1))
    systems = [system(200, seed) for seed in range(4)]
    expected = [loss(A, b)[1][0].copy() for A, b in systems]
    failures = []

    def work(k):
        for _ in range(20):
            found = loss(*systems[k])[1][0]
            if not np.allclose(found, expected[k], rtol=1e-9):
                failures.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert failures == []


def test_second_derivatives_and_pulls_that_come_later_keep_their_factors():
    (A, b), (other, _) = system(200), system(200, 1)
    _, pull = pb.vjp(pb.linalg.solve, A, b)
    for _ in range(3):
        pb.linalg.solve(other, b)
    A_bar, b_bar = pull(np.ones(200))
    row = np.linalg.solve(A.T, np.ones(200))
    np.testing.assert_allclose(b_bar, row, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(A_bar, -np.outer(row, np.linalg.solve(A, b)), rtol=1e-9, atol=1e-12)
    for _ in range(3):
        pb.linalg.solve(other, b)
    again = pull(np.ones(200))
    assert again[0].tobytes() == A_bar.tobytes()
