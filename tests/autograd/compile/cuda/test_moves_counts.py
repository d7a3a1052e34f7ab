"""The kernels, products and calls of compiled training steps: what only moves data adds no call."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest

import pullback as pb
from pullback.backend.common.launches import Launch, Product

from ...._host import numpy_is_active  # noqa: F401 - a fixture
from ....cuda.emulator import COMPILER, NEEDS
from ._assemble import (
    normal,
    runtime,  # noqa: F401 - a fixture
    same,
)

pytestmark = pytest.mark.skipif(COMPILER is None, reason=NEEDS)
xp = pb.xp


def single(*shape):
    """Normal variates in single precision."""
    return normal(*shape, dtype="float32")


def trained(model, predict, x, y):
    """A step of gradient descent on the squared error, and its arguments."""
    model = pb.tree.map(lambda v: np.asarray(v, "float32"), model)
    opt = pb.optim.SGD(1e-2)

    def step(model, state, x, y):
        def loss(model):
            return xp.mean((predict(model, x) - y) ** 2)

        value, slope = pb.value_and_grad(loss)(model)
        return *opt.step(model, slope, state), value

    return step, (model, opt.init(model), x, y)


def transformer():
    """A block with four heads."""
    block = pb.models.TransformerBlock.init(16, 4, seed=0)
    return trained(block, lambda m, x: m(x), single(2, 6, 16), single(2, 6, 16))


def lstm():
    """A sequence of four, all of whose states count."""
    layer = pb.models.LSTM.init(5, 7, seed=0)
    return trained(layer, lambda m, x: m(x), single(2, 4, 5), single(2, 4, 7))


def skipping():
    """Three layers, each of which reads what all before it have made."""

    def predict(layers, x):
        for W, b in layers:
            x = xp.concat([x, xp.tanh(x @ W + b)], axis=-1)
        return x

    layers = [(single(n, 4), single(4)) for n in (6, 10, 14)]
    return trained(layers, predict, single(8, 6), single(8, 18))


def variation(x):
    """The total variation of an image."""
    return xp.sum((x[:, 1:] - x[:, :-1]) ** 2) + xp.sum(xp.abs(x[1:] - x[:-1]))


STEPS = {
    # kernels, products and calls
    "transformer": (transformer, 21, 18, {}),
    "lstm": (lstm, 5, 2, {"lstm_sequence": 1, "lstm_sequence_vjp": 1, "recurrent_vjp_W": 1}),
    "concat and skip": (skipping, 12, 8, {}),
    "total variation": (lambda: (pb.value_and_grad(variation), (single(6, 7),)), 2, 0, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", STEPS)
def test_steps(runtime, name):  # noqa: F811 - a fixture
    make, kernels, products, calls = STEPS[name]
    f, args = make()
    compiled = same(f, *args, calls=1, rtol=1e-4, atol=1e-5)
    compiled(*args)
    launches, multiplied = (
        sum(isinstance(s, kind) for s in runtime.steps) for kind in (Launch, Product)
    )
    names = re.findall(r": call\n.* = ([\w.]+)\(", compiled.program())
    assert (launches, multiplied, Counter(names)) == (kernels, products, calls)
