"""Tests of `autograd/compile/optimise/simplify.py`."""

from __future__ import annotations

from typing import Any

import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._compiled import arrays, close

xp = pb.xp


def test_repeated_and_dead_work_is_left_out():
    def f(x: Any) -> Any:
        xp.exp(x)
        a, b = xp.sin(x) * 2, xp.sin(x) * 2
        return a + b, xp.sum(xp.zeros_like(x) + 1.0)

    compiled = pb.compile(f, fast=False)
    (x,) = arrays((3,))
    text = compiled.program(x)
    assert "taken out" in text
    assert text.count("sin(") == 1
    assert "exp(" not in text
    assert "zeros_like" not in text
    close(compiled(x), f(x))
    close(compiled(x), f(x))


def test_a_part_is_written_once():
    """``x[k] += y`` writes the part that it has already written; what another write has changed is written again."""

    def f(x: Any, y: Any) -> Any:
        x = x * 2.0
        x[1:] += y
        x[:, 0] = x[:, 0]
        x[:2] = y
        x[0] = 1.0
        x[:2] = y
        return x

    compiled = pb.compile(f, fast=False)
    x, y = arrays((3, 2), (2, 2))
    text = compiled.program(x, y)
    assert text.count("setitem(") == 4
    close(compiled(x, y), f(x, y))
    close(compiled(x, y), f(x, y))


WRITES = {
    "another part of it": lambda x, y: [(slice(1, 3), x[:2])],
    "the part of another": lambda x, y: [(slice(1, 3), (x * y)[1:3])],
    "another value": lambda x, y: [(slice(1, 3), y[0]), (slice(1, 3), y[1])],
    "another place": lambda x, y: [(k, v) for v in [y[0]] for k in (slice(1, 3), slice(2))],
    "a number": lambda x, y: [(0, 1.0), (0, 2.0)],
}


@pytest.mark.parametrize("name", WRITES)
def test_what_a_part_does_not_hold_is_written(name):
    def f(x: Any, y: Any) -> Any:
        x = x * 2.0
        for key, value in WRITES[name](x, y):
            x[key] = value
        return x

    compiled = pb.compile(f, fast=False)
    x, y = arrays((3, 2), (3, 2))
    compiled(x, y)
    close(compiled(x, y), f(x, y))
