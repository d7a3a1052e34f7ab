"""Tests of `autograd/compile/loops/capture.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.loops.capture import CaptureTape
from pullback.autograd.core.array import Array
from pullback.autograd.core.tape import TapeData
from pullback.autograd.core.tracer_like import CAPTURING

xp = pb.xp


def capturing(function):
    """What a function of one array takes for inputs, beside it, where it is recorded on a capturing tape."""
    outer = TapeData()
    w, v = outer.watch(np.asarray([1.0, 2.0])), outer.watch(np.asarray([3.0, 4.0]))
    tape = CaptureTape(lambda x: x.value * 1.0)
    c = tape.watch(np.asarray([5.0, 6.0]))
    before = len(outer.entries)
    try:
        out = function(c, w, v)
    finally:
        tape.close()
    outer.close()
    return tape, out, [x.slot for x in tape.found], len(outer.entries) - before


def test_arrays_of_older_tapes_become_inputs_once():
    tape, out, slots, recorded = capturing(lambda c, w, v: c * w + w * c)
    assert (slots, recorded) == ([0], 0)
    assert out.tape is tape
    np.testing.assert_allclose(out.value, [10.0, 24.0])


def test_work_on_closures_alone_stays_outside():
    _, out, slots, recorded = capturing(lambda c, w, v: c * (w * v))
    assert (slots, recorded) == ([2], 1)
    np.testing.assert_allclose(out.value, [15.0, 48.0])


def test_lists_of_arrays_and_functions_in_one_piece():
    piece = pb.checkpoint(lambda a, b: xp.sin(a) * b)
    _, out, slots, recorded = capturing(lambda c, w, v: xp.concat([piece(c, w), v]))
    assert (slots, recorded) == ([0, 1], 0)
    np.testing.assert_allclose(out.value, [np.sin(5.0), 2 * np.sin(6.0), 3.0, 4.0])


def test_a_closed_tape_takes_nothing():
    tape, *_ = capturing(lambda c, w, v: c * w)
    assert tape.capture is None
    assert CAPTURING == []
    assert type(tape.inside[0]) is Array


SOLVERS_IN_STEPS = {
    "root": lambda h, m: pb.implicit.root(
        lambda y, p: y + 0.3 * xp.tanh(p @ y) - h, xp.zeros(3), m
    ),
    "a function of what is outside": lambda h, m: pb.implicit.root(
        lambda y: y + 0.3 * (xp.sin(m).mT @ y) - h, xp.zeros(3)
    ),
    "fixed_point": lambda h, m: pb.implicit.fixed_point(
        lambda y: 0.3 * xp.tanh(m @ y) + h, xp.zeros(3)
    ),
}


@pytest.mark.parametrize("loop", ["scan", "while_loop"])
@pytest.mark.parametrize("name", SOLVERS_IN_STEPS)
def test_pullbacks_that_call_a_function_with_traced_arrays_from_outside(name, loop):
    """The adjoint of a solution asks the equation again, which closes over what the gradient is taken by."""
    solved = SOLVERS_IN_STEPS[name]

    def f(m, v):
        m = 0.5 * m
        step = lambda h: xp.tanh(solved(h, m))
        if loop == "scan":
            return xp.sum(pb.scan(lambda h, _: (step(h), None), v, None, 3)[0])
        more = lambda c: c[1] < 3
        return xp.sum(pb.while_loop(more, lambda c: (step(c[0]), c[1] + 1), (v, 0), max_steps=4)[0])

    rng = np.random.default_rng(0)
    m, v = rng.standard_normal((3, 3)), rng.standard_normal(3)
    slopes = pb.grad(f, argnums=(0, 1))
    compiled = pb.compile(slopes, fast=False)
    for scale in (1.0, 1.0, 0.7):
        for ours, eager in zip(compiled(m * scale, v), slopes(m * scale, v), strict=True):
            np.testing.assert_allclose(ours, eager, rtol=1e-8, atol=1e-10)
