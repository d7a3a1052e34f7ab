"""Compiled steps: recorded once, whatever the count, the schedule or what goes around the optimiser."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

optim = pb.optim
OPTIMISERS = [
    optim.SGD(0.1), optim.SGD(0.1, momentum=0.9), optim.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    optim.SGD(0.1, momentum=0.5, dampening=0.1), optim.Nesterov(0.1), optim.Adagrad(lr_decay=0.1),
    optim.RMSprop(centered=True, momentum=0.5), optim.Adadelta(), optim.Adam(), optim.AdamW(), optim.AMSGrad(),
    optim.NAdam(), optim.Lion(), optim.SGD(optim.WarmUp(optim.CosineDecay(0.1, 5), 3)),
    optim.Adam(optim.OneCycle(0.1, 20)), optim.SGD(optim.StepDecay(0.1, 2)), optim.SGD(optim.InverseDecay(0.1)),
    optim.SGD(optim.InverseSqrtDecay(0.1)), optim.SGD(optim.ExponentialDecay(0.1, 0.9)),
    optim.SGD(optim.PolynomialDecay(0.1, 4)), optim.Clipped(optim.Adam(), value=0.05, norm=0.1),
    optim.Accumulated(optim.Adam(), 2), optim.Averaged(optim.Adam(), 0.9), optim.Finite(optim.Adam(), "skip"),
    optim.Finite(optim.SGD(0.1)),
]  # fmt: skip
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((12, 4)), RNG.integers(0, 3, 12)


@pytest.mark.parametrize("opt", OPTIMISERS, ids=lambda opt: repr(opt)[:60])
def test_a_compiled_step_is_recorded_once_and_is_the_eager_one(opt):
    recorded = 0
    loss = lambda m: pb.models.cross_entropy(m(X), Y)

    @pb.compile
    def step(model, state):
        nonlocal recorded
        recorded += 1
        return opt.step(model, pb.grad(loss)(model), state)

    model = pb.models.MLP([4, 5, 3], seed=0, dtype="float64")
    state = opt.init(model)
    compiled, kept = model, state
    for _ in range(7):
        model, state = opt.step(model, pb.grad(loss)(model), state)
        compiled, kept = step(compiled, kept)
    assert recorded == 1
    for a, b in zip(pb.tree.leaves((compiled, kept)), pb.tree.leaves((model, state)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("opt", OPTIMISERS[:14], ids=lambda opt: repr(opt)[:60])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_rate_may_be_an_argument_of_a_compiled_step(opt, dtype):
    recorded = 0

    @pb.compile
    def step(w, g, state, rate):
        nonlocal recorded
        recorded += 1
        return opt.step(w, g, state, lr=rate)

    w = kept = np.linspace(0, 1, 6, dtype=dtype).reshape(2, 3)
    state = other = opt.init(w)
    for rate in (0.1, 0.05, 0.025):
        w, state = opt.step(w, w - 1, state, lr=rate)
        kept, other = step(kept, kept - 1, other, rate)
        assert kept.dtype == w.dtype
        np.testing.assert_allclose(kept, w, rtol=1e-5 if dtype == "float32" else 1e-12)
    assert recorded == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_compiled_step_raises_for_what_is_not_finite_before_anything_is_written(dtype):
    opt = optim.Finite(optim.SGD(0.5, momentum=0.9))
    step = pb.compile(opt.step, donate_argnums=(0, 2))
    w = {"a": np.ones(3, dtype), "b": -np.ones(2, dtype)}
    g = {"a": np.asarray([0.0, -0.0, 2.0], dtype), "b": np.ones(2, dtype)}
    kept = pb.tree.map(np.copy, w)
    state = after = opt.init(w)
    for _ in range(2):
        w, state = step(w, g, state)
        kept, after = opt.step(kept, g, after)
    before = pb.tree.map(np.copy, (w, state))
    for name in ("a", "b"):
        bad = {**g, name: np.full_like(g[name], np.inf)}
        with pytest.raises(
            FloatingPointError, match=f"the gradient of {name} holds NaN or infinity"
        ):
            step(w, bad, state)
    for x, y in zip(pb.tree.leaves((w, state)), pb.tree.leaves(before), strict=True):
        np.testing.assert_array_equal(x, y)
    for x, y in zip(pb.tree.leaves((w, state)), pb.tree.leaves((kept, after)), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-6)
        assert x.dtype == y.dtype
