"""Tests of `autograd/scipy/integrate/probe.py`."""

from __future__ import annotations

import numpy as np

import pullback as pb
from pullback.autograd.scipy.integrate.probe import recorded_probe

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file


def test_a_function_is_called_where_a_program_is_recorded():
    found = []

    def f(p):
        found.append(recorded_probe(lambda x: x * p, np.asarray(2.0)))
        return p

    f(np.asarray(3.0))
    pb.compile(f, fast=False)(np.asarray(3.0))
    assert found[0] is None
    assert found[1].real_value == 6.0
