"""Tests of `autograd/compile/tracing/trace.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp


def test_an_error_while_recording_leaves_nothing():
    def f(x: Any) -> Any:
        raise ValueError("no")

    compiled = pb.compile(f)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            compiled(np.ones(2))
    assert compiled._executables == []


class Holder(dict):
    """A dictionary of a kind that is no pytree, with an attribute."""

    def __init__(self, attribute: Any, **items: Any) -> None:
        super().__init__(**items)
        self.attribute = attribute


def test_recorded_values_in_an_object_that_is_no_pytree_are_refused():
    """They came back as they were recorded, without a value."""
    x = np.ones(2)
    inside = lambda x: Holder(1, inner=[2.0 * x])
    for f, name in ((inside, "inner"), (lambda x: Holder(2.0 * x), "attribute")):
        compiled = pb.compile(f, fast=False)
        for _ in range(2):
            with pytest.raises(TypeError, match=f"of type Holder, which is no pytree.*'{name}'"):
                compiled(x)
    fine = pb.compile(lambda x: (Holder("kept", inner=3), 2.0 * x), fast=False)
    for _ in range(2):
        held, twice = fine(x)
        assert held["inner"] == 3
        np.testing.assert_array_equal(twice, 2.0 * x)


def test_what_is_traced_outside_runs_eagerly(fast):
    def f(w: Any) -> Any:
        return pb.compile(lambda x: xp.sum(w * x), fast=fast)(np.ones(3))

    for _ in range(2):
        np.testing.assert_array_equal(pb.grad(f)(np.arange(3.0)), np.ones(3))


def test_two_models_in_one_result_are_two_even_where_their_leaves_are_wrapped():
    """A model that comes back from `has_aux` holds untraced Arrays; donated, it was mixed up with the moments."""
    r = np.random.default_rng(0)
    x, y = r.standard_normal((20, 5)).astype("float32"), r.integers(0, 3, 20)
    opt = pb.optim.Adam(0.1)

    def step(model, state):
        def loss(model):
            return pb.models.cross_entropy(model(x), y), model

        (value, model), grads = pb.value_and_grad(loss, has_aux=True)(model)
        model, state = opt.step(model, grads, state)
        return model, state, value

    losses = {}
    for how in (None, (), (0,), (0, 1)):
        run = step if how is None else pb.compile(step, donate_argnums=how, fast=False)
        model = pb.models.MLP([5, 4, 3])
        state, losses[how] = opt.init(model), []
        for _ in range(6):
            model, state, value = run(model, state)
            losses[how].append(float(value))
        arrays = [pb.to_numpy(leaf) for leaf in pb.tree.leaves((model, state))]
        assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])
    for found in losses.values():
        np.testing.assert_allclose(found, losses[None], rtol=1e-5)
