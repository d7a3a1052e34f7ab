"""Depth without recursion, values freed on the way, and nothing left behind."""

from __future__ import annotations

import gc
import tracemalloc

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.sweep import sweep
from pullback.autograd.core.tape import TapeData

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp


def test_a_million_chained_operations():
    """Forward, backward and freed without recursion: 4 s."""

    def f(x):
        for _ in range(500_000):
            x = x * 1.000001
            x = x + 0.0
        return x

    assert pb.grad(f)(2.0) == pytest.approx(1.000001**500_000, rel=1e-9)


def test_saved_values_are_freed_as_the_sweep_passes():
    """With 100 saved megabytes, the backward pass needs a few arrays more, not 100 more."""
    n, steps = 125_000, 100  # 1 MB each
    tracemalloc.start()
    try:
        tape = TapeData()
        x = y = tape.watch(np.zeros(n))
        for _ in range(steps):
            y = xp.exp(y)
            y = y * 0.0
        forward = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        cts = [None] * len(tape.entries)
        cts[y.slot] = np.ones(n)
        slot = x.slot
        del x, y
        sweep(tape, cts, consume=True)
        assert tracemalloc.get_traced_memory()[1] < forward + 10e6
        assert tracemalloc.get_traced_memory()[0] < 10e6
        assert cts[slot] is not None
    finally:
        tracemalloc.stop()


def _step(x):
    return pb.value_and_grad(lambda p: xp.sum(xp.tanh(p["a"] @ p["b"])[0] ** 2) + xp.max(p["b"]))(x)


def _hvp_step(x):
    g = pb.grad(lambda p: xp.sum(xp.exp(p["a"] @ p["b"])))
    return pb.grad(lambda p: xp.sum(g(p)["a"] ** 2))(x)


def _tape_step(x):
    with pb.Tape() as tape:
        p = tape.watch(x)
        y = xp.sum(p["a"] @ p["b"])
    return tape.gradient(y, p)


def _vjp_step(x):
    _, pull = pb.vjp(lambda p: p["a"] @ p["b"], x)
    return pull(np.ones((2, 2)))


@pytest.mark.parametrize("step", [_step, _hvp_step, _tape_step, _vjp_step])
@pytest.mark.usefixtures("only_new_objects")
def test_memory_after_1000_steps_is_memory_after_10(step):
    """With gc disabled: what a step leaves behind in a cycle would stay.

    The interpreter keeps up to 2000 freed tuples of each length for later use, which tracemalloc counts: these lists
    are filled first.
    """
    x = {"a": np.full((2, 3), 0.1), "b": np.full((3, 2), 0.2)}
    step(x)
    gc.collect()  # empties them
    gc.disable()
    try:
        for _ in range(2_500):
            step(x)
        tracemalloc.start()
        for _ in range(10):
            step(x)
        objects, memory = len(gc.get_objects()), tracemalloc.get_traced_memory()[0]
        for _ in range(990):
            step(x)
        assert len(gc.get_objects()) - objects <= 2
        assert tracemalloc.get_traced_memory()[0] - memory < 2_000
    finally:
        tracemalloc.stop()
        gc.enable()
