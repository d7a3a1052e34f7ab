"""Tests of `autograd/compile/tracing/trace_builder.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile import TraceError

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp


REFUSED = {
    "branch": (lambda x: x if xp.sum(x) > 0 else -x, r"bool\(x\)"),
    "float": (lambda x: float(xp.sum(x)), r"float\(x\)"),
    "int": (lambda x: int(xp.argmax(x)), r"int\(x\)"),
    "index": (lambda x: x[: xp.argmax(x).value], "index"),
    "range": (lambda x: list(range(xp.argmax(x))), "index"),
    "item": (lambda x: xp.sum(x).item(), r"item\(\)"),
    "host": (lambda x: pb.to_numpy(x * 2), "to_numpy"),
    "NumPy array": (lambda x: np.asarray(xp.sin(x)), "asarray"),
    "mask": (lambda x: x[x > 0], "shape of its result depends on values"),
    "nonzero": (lambda x: xp.nonzero(x), "shape of its result depends on values"),
    "unique": (lambda x: xp.unique_values(x), "shape of its result depends on values"),
    "foreign": (lambda x: np.packbits(x > 0), "cannot be recorded"),
    "NumPy's unique": (lambda x: np.unique(x), "shape of its result depends on values"),
    "flatnonzero": (lambda x: np.flatnonzero(x), "shape of its result depends on values"),
    "math": (lambda x: __import__("math").sin(xp.sum(x)), r"float\(x\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_line(name):
    f, message = REFUSED[name]
    compiled = pb.compile(f, fast=False)
    for _ in range(2):
        with pytest.raises(TraceError, match=message) as caught:
            compiled(np.asarray([1.0, -2.0]))
        assert "test_trace_builder.py:" in str(caught.value)


def test_what_leaks_from_a_recording_is_refused():
    leaked = []

    def f(x: Any) -> Any:
        leaked.append(xp.sin(x))
        return x

    pb.compile(f, fast=False)(np.ones(2))
    with pytest.raises(TraceError, match="recording that is over"):
        leaked[0] + 1


def test_constants_may_be_read():
    def f(x: Any) -> Any:
        n = xp.sum(xp.ones_like(x))
        return x * float(n) if n > 2 else x

    compiled = pb.compile(f, fast=False)
    for _ in range(2):
        np.testing.assert_array_equal(compiled(np.ones(3)), 3 * np.ones(3))
