"""Tests of `autograd/core/tape.py`."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp


@pytest.mark.usefixtures("only_new_objects")
def test_a_long_tape_is_destroyed_without_recursion():
    tape = pb.Tape()
    x = tape.watch(1.0)
    for _ in range(200_000):
        x = xp.sin(x)
    watcher = weakref.ref(tape)
    del x, tape
    gc.collect()
    assert watcher() is None


def test_leaked_arrays_are_constants():
    leaked = []

    def f(x):
        leaked.append(x * 2)
        return xp.sum(x * x)

    x = np.array([1.0, 2.0])
    pb.grad(f)(x)
    assert not leaked[0].traced
    np.testing.assert_array_equal(pb.to_numpy(leaked[0]), [2.0, 4.0])
    np.testing.assert_array_equal(pb.grad(lambda y: xp.sum(y * leaked[0]))(x), [2.0, 4.0])
    assert float(leaked[0][0]) == 2.0


def test_leaked_arrays_hold_no_tape_s_entries():
    """A kept output must not keep the whole graph and what its rules saved."""
    kept = []

    def f(x):
        y = x
        for _ in range(10):
            y = xp.exp(y * 0.1)
        kept.append(y)
        return xp.sum(y)

    pb.grad(f)(np.ones(3))
    assert kept[0].tape.entries == []


def test_threads_do_not_see_each_other():
    results, errors = {}, []
    start = threading.Barrier(4)

    def work(k: int) -> None:
        try:
            start.wait()
            x = np.full(5, float(k))
            for _ in range(50):
                hvp = pb.grad(lambda x: xp.sum(pb.grad(lambda y: xp.sum(xp.sin(y) * y * k))(x) * x))
                results[k] = hvp(x)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    for k, g in results.items():  # d/dx [x k (x cos x + sin x)]
        np.testing.assert_allclose(
            g, k * (3 * k * np.cos(k) + np.sin(k) - k**2 * np.sin(k)), rtol=1e-12
        )


def test_threads_may_share_an_input():
    """Two gradients at once of one array: locked until the last is done, and then writable."""
    x = np.linspace(0.1, 1.0, 20)
    inside, errors = threading.Barrier(2), []

    def f(y):
        inside.wait(timeout=10)
        return xp.sum(xp.exp(y))

    def work():
        try:
            np.testing.assert_allclose(pb.grad(f)(x), np.exp(x))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert x.flags.writeable
