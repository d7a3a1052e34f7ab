"""Tests of `autograd/compile/cuda/epilogues.py`."""

from __future__ import annotations

import pytest

import pullback as pb
from pullback.backend.common.launches import EPILOGUES, Product

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


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_epilogues_of_products(runtime, depth):  # noqa: F811 - a fixture
    """Bias, relu and their gradients go into the products: a layer is one call each way."""
    runtime.epilogues = True
    model = pb.models.MLP([12, *[40 + i for i in range(depth)], 10], activation="relu", seed=3)
    opt, x, y = pb.optim.SGD(0.1), normal(50, 12, dtype="float32"), RNG.integers(0, 10, 50)
    same(step_of(opt), model, opt.init(model), x, y, rtol=2e-4, atol=1e-6)
    names = [s.epilogue for s in runtime.steps if isinstance(s, Product)]
    assert names.count("relu_bias_mask") == names.count("relu_vjp_bias_vjp") == depth


def test_an_activation_that_is_used_twice_keeps_its_product(runtime):  # noqa: F811 - a fixture
    runtime.epilogues = True
    x, W, b = (
        normal(5, 6, dtype="float32"),
        normal(6, 4, dtype="float32"),
        normal(4, dtype="float32"),
    )

    def f(x, W, b):
        z = x @ W
        return xp.maximum(z + b, 0), z + b, z

    same(f, x, W, b, rtol=1e-5, atol=1e-6)


FORWARD, BACKWARD = "relu_bias_mask", "relu_vjp_bias_vjp"


@pytest.mark.parametrize(
    ("refused", "taken"),
    [
        ((), {FORWARD: 2, BACKWARD: 2}),
        ((BACKWARD,), {"relu_bias": 2}),
        ((FORWARD,), {}),  # without a mask, no gradient can read it
        (EPILOGUES, {}),
    ],
)
def test_an_epilogue_that_does_not_pay_is_a_kernel_after_the_product(
    runtime,  # noqa: F811 - a fixture
    monkeypatch,
    refused,
    taken,
):
    runtime.epilogues = True
    monkeypatch.setattr(runtime, "pays", lambda product: product.epilogue not in refused)
    model = pb.models.MLP([12, 40, 41, 10], activation="relu", seed=3)
    opt, x, y = pb.optim.SGD(0.1), normal(50, 12, dtype="float32"), RNG.integers(0, 10, 50)
    same(step_of(opt), model, opt.init(model), x, y, rtol=2e-4, atol=1e-6)
    found = [s.epilogue for s in runtime.steps if isinstance(s, Product) and s.epilogue]
    assert {name: found.count(name) for name in found} == taken


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_a_trial_is_asked_for_the_products_that_run(
    runtime,  # noqa: F811 - a fixture
    monkeypatch,
    precision,
):
    """With their sizes, layouts and rounding, since a library's algorithms depend on them."""
    runtime.epilogues = True
    asked = []
    monkeypatch.setattr(runtime, "pays", lambda product: asked.append(product) or True)
    model = pb.models.MLP([12, 40, 41, 10], activation="relu", seed=3)
    opt, x, y = pb.optim.SGD(0.1), normal(50, 12, dtype="float32"), RNG.integers(0, 10, 50)
    step = pb.compile(step_of(opt), precision=precision)
    for _ in range(2):
        step(model, opt.init(model), x, y)
    assert {p.tf32 for p in asked} == {precision == "tf32"}

    def form(p):
        matrices = [(x.leading, x.transposed) for x in (p.a, p.b, p.c)]
        return (p.m, p.n, p.k, *matrices, p.tf32, p.operands, p.dtype, p.epilogue)

    run = {form(s) for s in runtime.steps if isinstance(s, Product) and s.epilogue}
    assert {form(p) for p in asked} == run
    assert len(run) == 4


@pytest.mark.parametrize("shape", [(7,), (5, 7)])
def test_what_is_added_to_a_stack_of_matrices_stays_outside(runtime, shape):  # noqa: F811 - a fixture
    """A bias, or a matrix as positions in a sequence have it."""
    runtime.epilogues = True
    x, W, b = (normal(*s, dtype="float32") for s in ((3, 5, 4), (4, 7), shape))
    same(lambda x, W, b: x @ W + b, x, W, b, rtol=1e-5, atol=1e-6)
