"""`pb.compile` and memory: results stay, only donated arguments are written to, nothing is allocated."""

from __future__ import annotations

from typing import Any

import numpy as np

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._compiled import OPTIMISERS, arrays, close, model_and_step

xp = pb.xp


def test_donated_arrays_are_written_in_place(fast):
    compiled = pb.compile(lambda w, g: w - 0.1 * g, fast=fast, donate_argnums=0)
    w, g = arrays((4, 3), (4, 3))
    w = compiled(w, g)
    before, wanted = w, w - 0.1 * g
    after = compiled(w, g)
    assert after is before
    np.testing.assert_allclose(after, wanted)


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
