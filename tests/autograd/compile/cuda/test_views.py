"""Tests of views."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.ir import aliasing as memory

from ...._host import numpy_is_active  # noqa: F401 - a fixture
from ....cuda.emulator import COMPILER, NEEDS
from .._compiled import arrays
from ..ir._views import HOSTILE, _flat, recorded
from ._assemble import runtime  # noqa: F401 - a fixture


@pytest.mark.skipif(COMPILER is None, reason=NEEDS)
@pytest.mark.parametrize(
    "name", ["transposed", "itself", "contiguous", "two of one", "one copied, one not"]
)
def test_views_on_a_device(runtime, name):  # noqa: F811 - the fixture
    """As NumPy's, with arrays of the emulated device between calls."""

    def f(x: Any) -> Any:
        buffer = x.T * 2.0 + 1.0
        parts = _flat(recorded(HOSTILE[name], buffer))
        new = x - parts[0][0, 0]
        other = new * parts[0][1, 1]
        return parts, recorded(np.copy, new) + recorded(np.copy, other), +x, x * 1

    compiled = pb.compile(f)
    kept = []
    for seed in range(4):
        (x,) = arrays((4, 4), seed=seed)
        mine, eager = _flat(compiled(x)), _flat(f(x))
        for a, b in zip(mine, eager, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)
            assert not any(np.may_share_memory(a, y) for y in (x, *kept))
        kept += [y for y in mine if y.base is None]
    assert "segment_" in compiled.source()


class _OnDevice:
    """What is asked of a CuPy array."""

    def __init__(self, start: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.data = SimpleNamespace(ptr=start)
        self.shape, self.strides, self.size, self.itemsize = shape, strides, math.prod(shape), 8
        self.dtype = np.dtype(float)


@pytest.mark.parametrize(
    ("other", "shares"),
    [
        (_OnDevice(1000, (4, 3), (24, 8)), True),
        (_OnDevice(1000, (3, 4), (8, 24)), True),
        (_OnDevice(1088, (1,), (8,)), True),
        (_OnDevice(1096, (5,), (8,)), False),
        (_OnDevice(904, (12,), (8,)), False),
        (_OnDevice(904, (13,), (8,)), True),
        (_OnDevice(1095, (12,), (-8,)), True),
        (_OnDevice(1192, (12,), (-8,)), False),
        (_OnDevice(1000, (0, 3), (24, 8)), False),
        (_OnDevice(960, (4, 3), (0, 0)), False),
        (_OnDevice(1008, (4, 3), (0, 0)), True),
    ],
)
def test_addresses_on_a_device(other, shares):
    x = _OnDevice(1000, (4, 3), (24, 8))
    assert memory.overlap(x, other) is shares
    assert memory.overlap(other, x) is shares
    assert memory.shared_arguments((other,), [x, np.ones(2)]) == (
        frozenset((0,)) if shares else frozenset()
    )
