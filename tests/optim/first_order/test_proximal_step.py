"""Tests of `optim/first_order/proximal_step.py`: steps that end with a proximal step."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

optim, xp = pb.optim, pb.xp
P = optim.proximal


def test_a_step_is_the_optimisers_and_then_the_penaltys(lib):
    opt = optim.Proximal(optim.SGD(0.5), P.L1(1.0))
    params = {
        "w": lib.asarray([2.0, 0.4], np.float32),
        "count": lib.asarray(3, np.int64),
        "c": lib.asarray([1.0]),
    }
    state = opt.init(params)
    grads = {"w": lib.asarray([1.0, 0.0], np.float32), "count": None, "c": None}
    new, state = opt.step(params, grads, state)
    np.testing.assert_allclose(lib.to_numpy(new["w"]), [1.0, 0.0])  # 2 − 0.5 − 0.5; 0.4 − 0 → 0
    assert lib.is_raw(new["w"])
    assert lib.to_numpy(new["w"]).dtype == np.float32
    assert new["count"] is params["count"]
    np.testing.assert_allclose(lib.to_numpy(new["c"]), [1.0])  # no gradient, no step
    assert int(lib.to_numpy(state.count)) == 1
    again, _ = opt.step(params, grads, opt.init(params), lr=0.25)
    np.testing.assert_allclose(lib.to_numpy(again["w"]), [1.5, 0.15], rtol=1e-6)


def test_a_schedule_and_a_wrapped_rate_are_followed():
    rate = optim.InverseDecay(1.0)
    opt = optim.Proximal(optim.Clipped(optim.SGD(rate), norm=1e9), P.L1(1.0))
    w, wanted = np.asarray([10.0]), 10.0
    state = opt.init(w)
    for k in range(3):
        w, state = opt.step(w, np.zeros(1), state)
        wanted -= float(rate(k))
        np.testing.assert_allclose(w, wanted)


def test_only_matrices_shrink_by_a_mask():
    opt = optim.Proximal(optim.SGD(1.0), P.L1(0.5), mask="matrices")
    model = {"W": np.ones((2, 2)), "b": np.ones(2)}
    new, _ = opt.step(model, {"W": np.zeros((2, 2)), "b": np.zeros(2)}, opt.init(model))
    np.testing.assert_allclose(new["W"], 0.5)
    np.testing.assert_allclose(new["b"], 1.0)


def test_parts_and_functions():
    model = {"w": np.ones(2), "b": np.ones(2)}
    zero = {"w": np.zeros(2), "b": np.zeros(2)}
    for penalty in ({"w": P.L1(0.5)}, lambda v, step: {"w": v["w"] - 0.5 * step, "b": v["b"]}):
        opt = optim.Proximal(optim.SGD(1.0), penalty)
        new, _ = opt.step(model, zero, opt.init(model))
        np.testing.assert_allclose(new["w"], 0.5)
        np.testing.assert_allclose(new["b"], 1.0)
        with pytest.raises(ValueError, match="a mask together"):
            optim.Proximal(optim.SGD(1.0), penalty, mask="matrices")


def test_what_is_refused():
    with pytest.raises(TypeError, match="no learning rate"):
        optim.Proximal(object(), P.L1(1.0))
    with pytest.raises(TypeError, match="is None"):
        optim.Proximal(optim.SGD(1.0), None)
    with pytest.raises(ValueError, match="mask="):
        optim.Proximal(optim.SGD(1.0), P.L1(1.0), mask="all")


def test_it_finds_the_lasso_and_is_compiled():
    """Proximal gradient steps end where FISTA does, exact zeros included; compiled steps are the same."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 8))
    y = X[:, 0] - 2 * X[:, 1] + 0.1 * rng.normal(size=50)

    def loss(w):
        return 0.5 * xp.mean((X @ w - y) ** 2)

    opt = optim.Proximal(optim.SGD(0.3), P.L1(0.2))

    def step(w, state):
        return opt.step(w, pb.grad(loss)(w), state)

    fast = pb.compile(step)
    w = v = np.zeros(8)
    state = other = opt.init(w)
    for _ in range(300):
        w, state = step(w, state)
        v, other = fast(v, other)
    best = optim.minimize(loss, np.zeros(8), method="fista", l1=0.2, gtol=1e-10).x
    np.testing.assert_allclose(w, best, atol=1e-8)
    np.testing.assert_allclose(pb.to_numpy(v), w, atol=1e-12)
    assert np.sum(w == 0) >= 4


def test_an_adam_step_stays_in_a_constraint():
    opt = optim.Proximal(optim.Adam(0.5), P.NonNegative())
    w = np.asarray([0.1, 1.0])
    new, _ = opt.step(w, np.asarray([1.0, -1.0]), opt.init(w))
    assert new[0] == 0
    assert new[1] > 1
