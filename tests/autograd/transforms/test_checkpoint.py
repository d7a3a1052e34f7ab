"""Tests of `autograd/transforms/checkpoint.py`."""

from __future__ import annotations

import gc
import tracemalloc

import numpy as np
import pytest

import pullback as pb

from ._custom_vjp import X

xp = pb.xp


W = np.random.default_rng(0).standard_normal((3, 3))


block = pb.checkpoint(lambda x, w: xp.tanh(x @ w))


def test_checkpoint_equals_plain():
    def plain(x, w):
        return xp.sum(xp.tanh(xp.tanh(x @ w) @ w) ** 2)

    def cheap(x, w):
        return xp.sum(block(block(x, w), w) ** 2)

    for i in (0, 1):
        np.testing.assert_allclose(
            pb.grad(cheap, argnums=i)(X, W), pb.grad(plain, argnums=i)(X, W), rtol=1e-14
        )
    pb.check_grads(cheap, (X, W), order=3)


def test_checkpoints_nest():
    nested = pb.checkpoint(lambda x: block(block(x, W), W))
    pb.check_grads(lambda x: xp.sum(nested(x)), (X,), order=2)


def test_checkpoint_recomputes_once_per_sweep():
    calls = []

    @pb.checkpoint
    def f(x):
        calls.append(1)
        return xp.sin(xp.sin(x))

    pb.grad(f)(0.3)
    assert len(calls) == 2


def test_checkpoint_refuses_a_closure_over_a_traced_array():
    with pytest.raises(TypeError, match="pass it as an argument"):
        pb.grad(lambda w: xp.sum(pb.checkpoint(lambda x: x @ w)(w)))(W)


def test_checkpoint_of_complex_and_pytrees():
    z = np.asarray([1 + 2j, 0.5 - 1j])
    pb.check_grads(pb.checkpoint(lambda z: xp.exp(z) * z), (z,), order=2)
    f = pb.checkpoint(lambda d: {"y": d["a"] * d["b"], "n": 3})
    pb.check_grads(lambda d: f(d)["y"], ({"a": X, "b": X + 1},), order=2)


@pytest.mark.usefixtures("only_new_objects")
def test_checkpoint_keeps_only_its_arguments():
    """Forward memory of 16 layers of 4 operations: a value per layer instead of one per operation."""
    x = np.ones(100_000)

    def layer(x):
        for _ in range(4):
            x = xp.sin(x)
        return x

    def peak(one):
        def f(x):
            for _ in range(16):
                x = one(x)
            return xp.sum(x)

        gc.collect()
        tracemalloc.start()
        pb.grad(f)(x)
        high = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return high / x.nbytes

    assert peak(layer) > 60
    assert peak(pb.checkpoint(layer)) < 30


def test_second_derivatives_of_a_compiled_loop_that_makes_its_carry_of_an_argument():
    """The share of that argument is no function of what a derivative is taken by."""

    def f(x):
        def g(c):
            return pb.scan(lambda h, _: (xp.tanh(c), None), c, None, 3)[0]

        return xp.sum(pb.checkpoint(g)(x))

    second = pb.grad(lambda x: xp.sum(xp.sin(pb.grad(f)(x))))
    x = np.asarray([0.3, -0.2, 0.7])
    compiled = pb.compile(second, fast=False)
    for _ in range(2):
        np.testing.assert_allclose(compiled(x), second(x), rtol=1e-12)
