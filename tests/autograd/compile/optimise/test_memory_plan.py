"""`pb.compile` and memory: results stay, only donated arguments are written to, nothing is allocated."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.compile.cpu import numba_kernels as native

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._compiled import OPTIMISERS, Pair, arrays, close, model_and_step

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


def test_donated_arrays_are_written_in_place(fast):
    compiled = pb.compile(lambda w, g: w - 0.1 * g, fast=fast, donate_argnums=0)
    w, g = arrays((4, 3), (4, 3))
    w = compiled(w, g)
    before, wanted = w, w - 0.1 * g
    after = compiled(w, g)
    assert after is before
    np.testing.assert_allclose(after, wanted)


def test_a_whole_donated_argument_comes_back(fast):
    compiled = pb.compile(
        lambda p: Pair(p.first * 2, p.second + p.first), fast=fast, donate_argnums=0
    )
    p = compiled(Pair(*arrays((3,), (3,))))
    first, second = p.first.copy(), p.second.copy()
    out = compiled(p)
    np.testing.assert_allclose(out.first, first * 2)
    np.testing.assert_allclose(out.second, second + first)


def test_donated_arrays_that_overlap(fast):
    def f(a: Any, b: Any, x: Any) -> Any:
        return a + x, b * 2, xp.sum(x) + xp.sum(a)

    compiled = pb.compile(f, fast=fast, donate_argnums=(0, 1))
    compiled(*arrays((4,), (4,), (4,)))
    for _ in range(2):
        same, x = arrays((4,), (4,))
        close(compiled(same, same, x), f(*arrays((4,)), *arrays((4,)), x))
        a, b = arrays((4,), (4,))
        wanted = f(a.copy(), b.copy(), a.copy())
        close(compiled(a, b, a), wanted)  # the argument that is read is also written to
        a, b = arrays((4,), (4,))
        view = a[::-1]
        wanted = f(a.copy(), b.copy(), view.copy())
        close(compiled(a, b, view), wanted)
        a, b = arrays((4,), (4,))
        window = np.lib.stride_tricks.as_strided(a, (4,), (8,))
        wanted = f(a.copy(), b.copy(), window.copy())
        close(compiled(a, b, window), wanted)


def test_donated_arrays_that_cannot_be_written_to(fast):
    compiled = pb.compile(lambda w: w * 2, fast=fast, donate_argnums=0)
    compiled(*arrays((4, 4)))
    (base,) = arrays((4, 4))
    locked = base.copy()
    locked.flags.writeable = False
    for w in (base.T, base[:, ::1].view(), np.asfortranarray(base), locked):
        kept = w.copy()
        np.testing.assert_array_equal(compiled(w), 2 * kept)
        np.testing.assert_array_equal(w, kept)


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


@pytest.mark.parametrize("how", ["after", "before", "both", "number", "array"])
def test_updates_taken_into_products(fast, how):
    """``w − s · A B`` in place, unless the old w, or the gradient itself, is needed afterwards."""
    if native.products(kernels=fast) is False:
        pytest.skip("NumPy was built against a BLAS that is not called directly")

    def f(w: Any, a: Any, b: Any, s: Any) -> Any:
        g = a.mT @ b
        x = w @ b.mT if how == "before" else b
        new = w - (0.1 if how in ("after", "before", "both") else s) * g
        late = xp.sum(w) if how == "after" else xp.sum(g) if how == "both" else xp.sum(x)
        return new, xp.sum(x), late

    scale = 0.3 if how == "number" else np.asarray(0.3, "float32")
    compiled = pb.compile(f, fast=fast, donate_argnums=0)
    for seed in range(4):
        w, a, b = arrays((600, 500), (40, 600), (40, 500), seed=seed, dtype="float32")
        wanted = f(w.copy(), a, b, scale)
        close(compiled(w, a, b, scale), wanted, 2e-5)
    call = "np.float32(1.0), x0.ctypes.data, 500)" if fast else "add_product("
    assert (call in compiled.source()) is (how in ("before", "number", "array"))


def test_swapped_donated_arrays(fast):
    def f(a: Any, b: Any) -> Any:
        return b, a + b

    compiled = pb.compile(f, fast=fast, donate_argnums=(0, 1))
    a, b = arrays((4,), (4,))
    mine = [a.copy(), b.copy()]
    for _ in range(6):
        a, b = f(a, b)
        mine = list(compiled(*mine))
        close(mine, [a, b])


def test_what_a_model_was_changed_to_is_used(fast):
    model, step = model_and_step(OPTIMISERS["sgd"])
    compiled = pb.compile(step, fast=fast, donate_argnums=(0, 1))
    x, y = arrays((5, 6), dtype="float32")[0], np.asarray([0, 1, 2, 0, 1])
    state = OPTIMISERS["sgd"].init(model)
    model = pb.tree.map(np.copy, model)
    for _ in range(3):
        model, state, _ = compiled(model, state, x, y)
    model.layers[0].W = np.zeros_like(model.layers[0].W)
    wanted = step(pb.tree.map(np.copy, model), state, x, y)
    close(compiled(model, state, x, y), wanted, 1e-4)


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
