"""Tests of `autograd/compile/cuda/schedule.py`."""

from __future__ import annotations

import pytest

import pullback as pb
from pullback.backend.common.launches import Launch, Product

from ...._host import numpy_is_active  # noqa: F401 - a fixture
from ....cuda.emulator import COMPILER, NEEDS
from ._assemble import (
    RNG,
    normal,
    runtime,  # noqa: F401 - a fixture
    same,
    step_of,
)

pytestmark = pytest.mark.skipif(COMPILER is None, reason=NEEDS)


xp = pb.xp


def test_calls_stand_between_segments(runtime):  # noqa: F811 - a fixture
    def f(A, b):
        x = xp.linalg.solve(xp.exp(A), b * 2)
        return xp.sort(x) + 1, xp.sum(x)

    same(f, normal(4, 4), normal(4))


def test_a_step_is_few_launches(runtime):  # noqa: F811 - a fixture
    """Eight products, and no more kernels between them than depend on each other."""
    model, opt = pb.models.MLP([64, 128, 64, 10], activation="relu", seed=0), pb.optim.Adam(1e-3)
    step = pb.compile(step_of(opt), donate_argnums=(0, 1))
    state, x, y = opt.init(model), normal(32, 64, dtype="float32"), RNG.integers(0, 10, 32)
    model, state, _ = step(model, state, x, y)
    step(model, state, x, y)
    products = [s for s in runtime.steps if isinstance(s, Product)]
    launches = [s for s in runtime.steps if isinstance(s, Launch)]
    assert len(products) == 8
    assert len(launches) == 7
    assert "device: 15 steps" in step.program()


def test_softmax_is_one_launch(runtime):  # noqa: F811 - a fixture
    same(lambda x: xp.softmax(x), normal(40, 300))
    assert len(runtime.steps) == 1


def test_a_stack_of_rows_with_one_matrix_is_a_product(runtime):  # noqa: F811 - a fixture
    """Linear layers of (batch, time, features): no call, which would cut the segment in two."""

    def f(x, W):
        h = xp.matmul(xp.tanh(x), W)
        return xp.sum(h, axis=-1), xp.matmul(xp.exp(h), W.T), xp.matmul(x, W)

    compiled = same(f, normal(3, 6, 8), normal(8, 5))
    assert ": call" not in compiled.program()
    assert sum(isinstance(s, Product) for s in runtime.steps) == 3
