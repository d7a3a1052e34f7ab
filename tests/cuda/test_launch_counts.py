"""The work that an eager training step gives to a device, counted on the stand-in.

Counted are products, kernels, array functions and waits.

Each costs the host 4 to 30 µs, which is all that a small step takes on a GPU; the numbers here are those that the
design is made for. No time is measured.
"""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np
import pytest

import pullback as pb

from .. import standin
from ..standin.memory import SYNCHRONISATIONS

KINDS = {
    "gemm": "products",
    "launch": "kernels",
    "quiet": "computations",
}  # by the stand-in's functions


def counted(step):
    """The calls of one step that reach the stand-in for the device."""
    found: Counter[str] = Counter()

    def watch(frame, event, _):
        code = frame.f_code
        if event == "call" and "standin" in code.co_filename and code.co_name in KINDS:
            found[KINDS[code.co_name]] += 1

    before = SYNCHRONISATIONS[0]
    sys.setprofile(watch)
    try:
        step()
    finally:
        sys.setprofile(None)
    found["waits"] = SYNCHRONISATIONS[0] - before
    found["array functions"] = found["computations"] - found["kernels"]
    return found


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("method", ["sgd", "adam"])
def test_a_step_of_a_perceptron(layers, method, monkeypatch):
    monkeypatch.delenv("CUPY_TF32", raising=False)
    with pb.backend.use(standin.backend()):
        model = pb.models.MLP([6, *[5] * (layers - 1), 4], activation="relu", seed=0)
        x = pb.backend.current().asarray(np.ones((8, 6), "float32"))
        y = pb.backend.current().asarray(np.zeros(8, "int64"))
        opt = pb.optim.SGD(0.1) if method == "sgd" else pb.optim.Adam(0.1)
        state = opt.init(model)
        both = pb.value_and_grad(lambda m: pb.models.cross_entropy(m(x), y))

        def step():
            nonlocal model, state
            _, grads = both(model)
            model, state = opt.step(model, grads, state)

        step()
        found = counted(step)
    # forward one product a layer, backward two, but for the first layer's input
    assert found["products"] == 3 * layers - 1
    # a bias each; the loss, its mean; the last bias's gradient; both gradients of each bias and relu; one update
    assert found["kernels"] == layers + 2 + 1 + (layers - 1) + 1
    # the loss's cotangent times its slope, and the step count
    assert found["array functions"] == 2
    assert found["waits"] == 0


def _written(x):
    x[x > 0] = 0.0
    return x


NO_WAIT = {
    "abs": lambda x: pb.xp.sum(pb.xp.abs(x)),
    "sign": lambda x: pb.xp.sum(pb.xp.sign(x) * x),
    "clip": lambda x: pb.xp.sum(pb.xp.clip(x, -0.5, 0.5)),
    "clip of whole numbers": lambda x: pb.xp.sum(x * pb.xp.clip(pb.xp.astype(x, np.int32), 0, 3)),
    "relu6": lambda x: pb.xp.sum(pb.models.relu6(x)),
    "huber": lambda x: pb.models.huber(x, pb.xp.zeros_like(x)),
    "max": lambda x: pb.xp.sum(pb.xp.max(x, axis=0)),
    "where": lambda x: pb.xp.sum(pb.xp.where(x > 0, x, 0.1 * x)),
    "std": lambda x: pb.xp.std(x),
    "write under a mask": lambda x: pb.xp.sum(_written(x * 2.0)),
}


@pytest.mark.parametrize("name", NO_WAIT)
def test_a_gradient_reads_nothing_on_the_host(name):
    with pb.backend.use(standin.backend()):
        x = pb.backend.current().asarray(np.linspace(-1, 1, 12, dtype="float32").reshape(3, 4))
        gradient = pb.value_and_grad(NO_WAIT[name])
        gradient(x)
        assert counted(lambda: gradient(x))["waits"] == 0


def test_gradients_are_clipped_without_a_wait():
    with pb.backend.use(standin.backend()):
        params = {"W": pb.backend.current().asarray(np.ones((3, 4), "float32"))}
        opt = pb.optim.Clipped(pb.optim.SGD(0.1), value=0.5)
        state = opt.init(params)
        assert counted(lambda: opt.step(params, params, state))["waits"] == 0


def test_a_mask_makes_the_host_wait():
    x = standin.backend().asarray(np.arange(4.0))
    assert counted(lambda: x[x > 1])["waits"] == 1
    assert counted(lambda: x.__setitem__(x > 1, 0.0))["waits"] == 1
    assert counted(lambda: x[1:])["waits"] == 0
