"""The bytes that a program takes: the block, and what calls return while it is read."""

from __future__ import annotations

import tracemalloc

import numpy as np

import pullback as pb
from pullback.autograd.compile.optimise.memory_use import largest, memory_needed, returned

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._recompute import Laid, chain, loss, xp


def test_the_block_and_what_calls_return():
    x = np.ones((8, 8))
    one = Laid(lambda x: xp.sum(xp.sort(xp.sin(x))), x)
    assert list(returned(one.program, one.out, one.plan).values()) == [x.nbytes]
    assert memory_needed(one.program, one.out, one.plan) == one.plan.size + x.nbytes
    twice = Laid(lambda x: xp.sum(xp.sort(xp.sort(x)) * xp.sort(x, axis=0)), x)
    assert memory_needed(twice.program, twice.out, twice.plan) == twice.plan.size + 2 * x.nbytes
    view = Laid(lambda x: xp.sum(xp.linalg.diagonal(xp.sort(x)) * 2), x)
    assert sorted(returned(view.program, view.out, view.plan).values()) == [0, x.nbytes]


def test_arguments_and_results_are_the_callers():
    x = np.ones((8, 8))
    for f in (lambda x: x + 1, lambda x: xp.sort(x), lambda x: x):
        laid = Laid(f, x)
        assert memory_needed(laid.program, laid.out, laid.plan) in (0, x.nbytes)


def test_the_largest_values_are_alive_together():
    laid = Laid(pb.grad(loss), *chain(4))
    found = largest(laid.program, laid.out, laid.plan)
    assert [v.shape for v in found] == [(16, 8)] * 4
    assert {v.op.name for v in found} <= {"matmul", "tanh"}
    assert largest(laid.program, laid.out, laid.plan, 0) == []


def test_what_is_counted_is_what_is_allocated():
    weights, x = chain(12)
    weights, x = weights, np.tile(x, (400, 1))  # so that arrays alone count
    for memory in (None, 12 * x.nbytes):
        compiled = pb.compile(pb.grad(loss), fast=False, memory=memory)
        compiled(weights, x)
        executable = compiled._executables[0]
        compiled.program()
        need = memory_needed(
            executable.program, executable.assembly.statements, executable.assembly.plan
        )
        tracemalloc.start()
        compiled(weights, x)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1.15 * need + 2 * sum(W.nbytes for W in weights)
        assert memory is None or need <= memory
