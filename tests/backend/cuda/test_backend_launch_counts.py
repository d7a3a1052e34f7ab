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

from ... import standin
from ...standin.array import SYNCHRONISATIONS

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
