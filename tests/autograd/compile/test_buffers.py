"""Tests of `autograd/compile/buffers.py`."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._compiled import arrays

xp = pb.xp


def test_results_never_change(fast):
    compiled = pb.compile(lambda x: (x * 2, xp.sum(x), xp.sin(x)[1:]), fast=fast)
    kept, views, copies = [], [], []
    for seed in range(12):
        out = compiled(*arrays((5, 4), seed=seed))
        kept.append(out)
        views.append((out[0][1:, ::2].T, memoryview(out[0])))
        copies.append(pb.tree.map(np.copy, out))
        if seed % 3 == 2:  # some are let go, and only a view of them stays
            kept.pop(seed // 3)
            continue
    for out in kept:
        x = out[0] / 2
        np.testing.assert_allclose(float(out[1]), x.sum())
    for (view, memory), copy in zip(views, copies, strict=True):
        np.testing.assert_array_equal(view, copy[0][1:, ::2].T)
        np.testing.assert_array_equal(np.asarray(memory), copy[0])


def test_inputs_are_not_returned_changed(fast):
    compiled = pb.compile(lambda x: (x, x + 1), fast=fast)
    for seed in range(4):
        (x,) = arrays((3,), seed=seed)
        same, more = compiled(x)
        assert same is x
        np.testing.assert_array_equal(more, x + 1)


@pytest.mark.usefixtures("only_new_objects")
def test_no_allocation_in_steady_state(fast):
    resource = pytest.importorskip("resource", reason="page faults are counted by Unix")
    sizes, batch = [64, 400, 300, 10], 256
    model = pb.models.MLP(sizes, activation="relu", seed=0)
    opt = pb.optim.SGD(0.01)
    state = opt.init(model)

    def step(model: Any, state: Any, x: Any, y: Any) -> Any:
        loss, grads = pb.value_and_grad(lambda m: pb.models.cross_entropy(m(x), y))(model)
        return *opt.step(model, grads, state), loss

    x = arrays((batch, 64), dtype="float32")[0]
    y = np.arange(batch) % 10
    for donate in ((), (0, 1)):
        compiled = pb.compile(step, fast=fast, donate_argnums=donate)
        for _ in range(5):
            model, state, loss = compiled(model, state, x, y)
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        for _ in range(10):
            model, state, loss = compiled(model, state, x, y)
        peak = tracemalloc.get_traced_memory()[1] - before
        tracemalloc.stop()
        assert peak < 64_000, (
            f"{peak} bytes"
        )  # NumPy buffers 32 kB of a broadcast sum; hidden layers take 400 and 300
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(20):
            model, state, loss = compiled(model, state, x, y)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults < 40
    assert np.isfinite(loss)
