"""Tests of `autograd/compile/loops/capture.py`."""

from __future__ import annotations

import numpy as np

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
