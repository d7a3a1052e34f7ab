"""Tests of `autograd/compile/optimise/simplify.py`."""

from __future__ import annotations

from typing import Any

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
