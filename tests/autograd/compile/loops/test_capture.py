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
    m, v = (pb.asarray(rng.standard_normal(shape)) for shape in ((3, 3), 3))
    slopes = pb.grad(f, argnums=(0, 1))
    compiled = pb.compile(slopes, fast=False)
    for scale in (1.0, 1.0, 0.7):
        for ours, eager in zip(compiled(m * scale, v), slopes(m * scale, v), strict=True):
            np.testing.assert_allclose(pb.to_numpy(ours), pb.to_numpy(eager), rtol=1e-8, atol=1e-10)


def _with_its_counter(h, i, v):
    """A loop that begins with what is outside alone, whose counter is the step's."""
    more = lambda c: c[1] < 3
    return pb.while_loop(more, lambda c: (xp.tanh(c[0] * v), c[1] + i), (v, 1), max_steps=4)[0]


def _until_its_condition(h, i, v):
    """A loop that begins with what is outside alone, whose condition reads the step's carry."""
    more = lambda c: xp.logical_and(c[1] < 2, xp.sum(xp.abs(c[0])) > h[0] * 0 - 1)
    return pb.while_loop(more, lambda c: (xp.tanh(c[0] * v), c[1] + 1), (v, 0), max_steps=4)[0]


@pb.custom_vjp
def _picked(v, mask):
    return xp.where(mask, v, 0.5)


_picked.defvjp(
    lambda v, mask: (_picked.f(v, mask), mask), lambda mask, ct: (xp.where(mask, ct, 0.0), None)
)

# Of a floating array that is traced outside of the step, and a condition, a mask or a number that belongs to the step.
MIXED = {
    "while_loop, counter": _with_its_counter,
    "while_loop, condition": _until_its_condition,
    "checkpoint": lambda h, i, v: pb.checkpoint(lambda v, k: xp.where(k, v, 0.5 * v))(v, h > 0.1),
    "custom_vjp": lambda h, i, v: _picked(v, h > 0.1),
}


@pytest.mark.parametrize("name", MIXED)
def test_operations_in_one_piece_on_what_is_outside_and_a_condition_of_the_step(name):
    def f(v, rows):
        def step(c, x):
            return (xp.tanh(c[0] * MIXED[name](c[0], c[1], v) + x), c[1] + 1), None

        return xp.sum(pb.scan(step, (v, 0), rows)[0][0])

    rng = np.random.default_rng(0)
    v, rows = rng.standard_normal(3), rng.standard_normal((4, 3))
    slopes = pb.grad(f, argnums=(0, 1))
    compiled = pb.compile(slopes, fast=False)
    for scale in (1.0, 1.0, 0.7):
        for ours, eager in zip(compiled(v * scale, rows), slopes(v * scale, rows), strict=True):
            np.testing.assert_allclose(ours, eager, rtol=1e-10, atol=1e-12)
