"""Tests of `autograd/compile/call_wrapper.py`."""

from __future__ import annotations

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp


def test_pullback_arrays_come_back_as_such(fast):
    compiled = pb.compile(lambda x: (x + 1, xp.sum(x)), fast=fast)
    for value in (1.0, 2.0, 3.0):
        y, total = compiled(xp.asarray([value, 1.0]))
        assert type(y) is type(total) is pb.Array
        assert float(total) == value + 1
