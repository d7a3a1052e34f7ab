"""Tests of `autograd/compile/loops/runner.py` on the emulator of a CUDA device: the step is kernels and products."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture
from ....cuda.emulator import COMPILER, NEEDS
from ...transforms.loops._loops import ROWS, W, X, cumulative, rnn, written
from ..cuda._assemble import normal, runtime, same  # noqa: F401 - a fixture among them

pytestmark = pytest.mark.skipif(COMPILER is None, reason=NEEDS)
xp = pb.xp


def test_a_recurrent_cell(runtime):  # noqa: F811 - a fixture
    same(pb.value_and_grad(lambda r, w: rnn(pb.scan, r, w), (0, 1)), ROWS, W)


def test_batches_products_and_sums_of_gradients(runtime):  # noqa: F811 - a fixture
    def f(w, rows):
        step = lambda h, x: ((h := xp.tanh(h @ w + x)), (h, xp.sum(h, axis=1)))
        h, (all_h, sums) = pb.scan(step, rows[0] * 0, rows)
        return xp.sum(h) + xp.sum(all_h**2) + xp.sum(sums**3)

    same(pb.value_and_grad(f, (0, 1)), normal(4, 4) / 3, normal(5, 3, 4))


@pytest.mark.parametrize("f", [cumulative, written], ids=["cumulative", "written"])
def test_first_and_second_derivatives(runtime, f):  # noqa: F811 - a fixture
    g = lambda x: f(pb.scan, x)
    same(pb.grad(g), X)
    same(pb.grad(lambda x: xp.sum(pb.grad(g)(x))), X)


def test_conditions(runtime):  # noqa: F811 - a fixture
    def f(x):
        return xp.sum(
            pb.while_loop(lambda c: xp.sum(c) < 50, lambda c: c * x * 2 + 1, x, max_steps=9)
        )

    same(pb.value_and_grad(f), X)
    same(lambda x: pb.jvp(f, (x,), (x,)), X)
    same(lambda x: pb.while_loop(lambda c: c[0] < 50, lambda c: c + x, x), X)
    assert np.isfinite(X).all()
