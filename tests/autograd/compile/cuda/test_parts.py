"""Tests of `autograd/compile/cuda/parts.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cuda import parts as cuda_parts

from ...._host import numpy_is_active  # noqa: F401 - a fixture
from ....cuda.emulator import COMPILER, NEEDS
from ._assemble import (
    normal,
    runtime,  # noqa: F401 - a fixture
    same,
)

pytestmark = pytest.mark.skipif(COMPILER is None, reason=NEEDS)


xp = pb.xp


def test_reductions_keep_numbers_that_are_none(runtime):  # noqa: F811 - a fixture
    x = normal(9, 40)
    x[3, 5], x[7, 0] = np.nan, np.inf
    same(lambda x: [g(x, axis=a) for g in (xp.sum, xp.max, xp.min) for a in (0, 1, None)], x)


@pytest.mark.parametrize("shape", [(8, 6), (40, 70), (3, 1500), (80, 1100)], ids=str)
def test_normalisation_is_one_kernel_each_way(runtime, shape):  # noqa: F811 - a fixture
    """The rows of a matrix are normalised, and their gradient taken, by phases of one part."""
    layer = pb.models.LayerNorm.init(shape[1])

    def f(x):
        return pb.value_and_grad(lambda x: xp.sum(xp.sin(layer(xp.asarray(x)))))(x)

    same(f, normal(*shape), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    ("shape", "reduced", "mode"),
    [((5, 6), (), "flat"), ((5, 6), (1,), "warp"), ((100, 5000), (1,), "block"), ((2, 50000), (1,), "split"),
     ((50, 60), (0,), "columns"), ((50, 60, 1), (1,), "warp"), ((3, 4, 5), (0, 2), "warp")],
)  # fmt: skip
def test_which_threads_share_a_row(shape, reduced, mode):
    assert cuda_parts.Part(shape, frozenset(reduced)).mode == mode
