"""Tests of `autograd/compile/optimise/outputs.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._compiled import Pair, arrays, close


def test_a_whole_donated_argument_comes_back(fast):
    compiled = pb.compile(
        lambda p: Pair(p.first * 2, p.second + p.first), fast=fast, donate_argnums=0
    )
    p = compiled(Pair(*arrays((3,), (3,))))
    first, second = p.first.copy(), p.second.copy()
    out = compiled(p)
    np.testing.assert_allclose(out.first, first * 2)
    np.testing.assert_allclose(out.second, second + first)


def test_swapped_donated_arrays(fast):
    def f(a: Any, b: Any) -> Any:
        return b, a + b

    compiled = pb.compile(f, fast=fast, donate_argnums=(0, 1))
    a, b = arrays((4,), (4,))
    mine = [a.copy(), b.copy()]
    for _ in range(6):
        a, b = f(a, b)
        mine = list(compiled(*mine))
        close(mine, [a, b])
