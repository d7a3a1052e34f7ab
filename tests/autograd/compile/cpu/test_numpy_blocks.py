"""Tests of `autograd/compile/cpu/numpy_blocks.py`."""

from __future__ import annotations

from typing import Any

import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._compiled import arrays, close

xp = pb.xp


@pytest.mark.parametrize("donate", [(), (0,), (0, 1)])
def test_large_arrays_block_by_block(fast, donate):
    """Chains on large arrays run over blocks; what is written in place is read before."""

    def f(p: Any, m: Any, g: Any, scale: Any) -> Any:
        m = 0.9 * m + g * g
        new = p - scale * m / (xp.sqrt(m) + 1.0)
        return new, m, p * 2 + m, xp.maximum(g, p)

    shape = (301, 701)  # not a whole number of blocks
    compiled = pb.compile(f, fast=fast, donate_argnums=donate)
    for seed in range(4):
        given = arrays(shape, shape, shape, (), seed=seed)
        wanted = f(*[x.copy() for x in given])
        close(compiled(*given), wanted, 1e-12)
    if not fast:
        assert "for i in range(0, 211001" in compiled.source()
