"""Tests of `autograd/compile/cuda/part_writer.py`."""

from __future__ import annotations

import pytest

import pullback as pb
from pullback.backend.common.launches import Launch

from ...._host import numpy_is_active  # noqa: F401 - a fixture
from ....cuda.emulator import COMPILER, NEEDS
from ._assemble import (
    normal,
    runtime,  # noqa: F401 - a fixture
    same,
)

pytestmark = pytest.mark.skipif(COMPILER is None, reason=NEEDS)


xp = pb.xp


SHAPES = [(), (1,), (7,), (300,), (5, 3), (1, 9), (33, 40), (3, 4, 5), (2, 1, 6), (70, 1100), (2, 20000), (1, 40000),
          (3000, 5), (700, 70)]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", ["sum", "max", "min"])
def test_reductions(runtime, shape, name):  # noqa: F811 - a fixture
    axes = [None, *range(len(shape)), *([(0, -1)] if len(shape) == 3 else [])]

    def f(x):
        y = x * 2 + 1
        every = [(axis, keep) for axis in axes for keep in (False, True)]
        return [getattr(xp, name)(y, axis=axis, keepdims=keep) for axis, keep in every] + [y]

    same(f, normal(*shape))
    assert all(isinstance(step, Launch) for step in runtime.steps)


def test_sums_over_axes_of_length_one_beside_others(runtime):  # noqa: F811 - a fixture
    """They are no sums: beside one over rows, each of their elements is an element."""

    def f(x):
        y = xp.sin(x)
        return xp.sum(y, axis=0), xp.sum(y), xp.sum(y * 2, axis=1) + xp.sum(y, axis=0) * 3

    same(f, normal(1, 5))
    same(f, normal(1, 1))


def test_a_copied_output_has_another_name_than_an_index(runtime):  # noqa: F811 - a fixture
    """The copy that is output 1 is `r1`; a sum over two axes that do not lie as one has two indices."""
    same(lambda x: (xp.sum(x[::2, ::2]), x[::2, ::2], x[::2, ::2]), normal(3, 3))
