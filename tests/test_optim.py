"""First-order methods against their formulas, written out in NumPy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import pullback as pb

from ._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp
optim = pb.optim
RNG = np.random.default_rng(0)
PARAMS = {
    "W": RNG.standard_normal((3, 2)),
    "b": RNG.standard_normal(2),
    "k": RNG.standard_normal((2, 1, 2)),
    "s": np.asarray(0.7),
}
A = RNG.standard_normal((5, 3))


def loss(p):
    return xp.mean(xp.tanh(A @ p["W"] + p["b"]) ** 2) + xp.sum(p["k"] ** 4) + (p["s"] - 2) ** 2


# ── the formulas ──────────────────────────────────────────────────────────────────────────────


def sgd(lr, momentum=0.0, nesterov=False, weight_decay=0.0):
    velocity: dict = {}

    def step(name, w, g, t):
        if w.ndim >= 2:
            g = g + weight_decay * w
        velocity[name] = momentum * velocity.get(name, 0.0) + g
        return w - lr(t) * (g + momentum * velocity[name] if nesterov else velocity[name])

    return step


def adam(lr, b1=0.9, b2=0.999, eps=1e-8, weight_decay=0.0, decoupled=False):
    first: dict = {}
    second: dict = {}

    def step(name, w, g, t):
        if w.ndim >= 2 and not decoupled:
            g = g + weight_decay * w
        first[name] = b1 * first.get(name, 0.0) + (1 - b1) * g
        second[name] = b2 * second.get(name, 0.0) + (1 - b2) * g * g
        m, v = first[name] / (1 - b1 ** (t + 1)), second[name] / (1 - b2 ** (t + 1))
        if w.ndim >= 2 and decoupled:
            w = w - lr(t) * weight_decay * w
        return w - lr(t) * m / (np.sqrt(v) + eps)

    return step


def constant(lr):
    return lambda t: lr


def decaying(t: int) -> float:
    return 0.1 / (1 + t)


METHODS = {
    "sgd": (optim.SGD(0.1), lambda: sgd(constant(0.1))),
    "momentum": (optim.SGD(0.1, momentum=0.9), lambda: sgd(constant(0.1), 0.9)),
    "nesterov": (
        optim.SGD(0.1, momentum=0.9, nesterov=True),
        lambda: sgd(constant(0.1), 0.9, True),
    ),
    "sgd, decay": (optim.SGD(0.1, weight_decay=0.3), lambda: sgd(constant(0.1), weight_decay=0.3)),
    "nesterov, decay": (
        optim.SGD(0.1, momentum=0.5, nesterov=True, weight_decay=0.3),
        lambda: sgd(constant(0.1), 0.5, True, 0.3),
    ),
    "sgd, schedule": (optim.SGD(decaying, momentum=0.5), lambda: sgd(decaying, 0.5)),
    "adam": (optim.Adam(0.05), lambda: adam(constant(0.05))),
    "adam, settings": (
        optim.Adam(0.05, b1=0.5, b2=0.9, eps=1e-2, weight_decay=0.3),
        lambda: adam(constant(0.05), 0.5, 0.9, 1e-2, 0.3),
    ),
    "adam, b1 = b2 = 0": (optim.Adam(0.05, b1=0.0, b2=0.0), lambda: adam(constant(0.05), 0.0, 0.0)),
    "adam, schedule": (optim.Adam(decaying), lambda: adam(decaying)),
    "adamw": (optim.AdamW(0.05), lambda: adam(constant(0.05), weight_decay=1e-2, decoupled=True)),
    "adamw, decay": (
        optim.AdamW(decaying, weight_decay=0.5),
        lambda: adam(decaying, weight_decay=0.5, decoupled=True),
    ),
}


@pytest.mark.parametrize(("opt", "formula"), METHODS.values(), ids=METHODS)
def test_first_20_iterates(opt, formula):
    params, state, step = PARAMS, opt.init(PARAMS), formula()
    expected = dict(PARAMS)
    for t in range(20):
        params, state = opt.step(params, pb.grad(loss)(params), state)
        slopes = pb.grad(loss)(expected)
        expected = {k: step(k, w, slopes[k], t) for k, w in expected.items()}
        for name, w in expected.items():
            np.testing.assert_allclose(params[name], w, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(("opt", "formula"), METHODS.values(), ids=METHODS)
def test_steps_are_pure_and_keep_kind_and_dtype(opt, formula, lib):
    """Neither parameters nor gradients nor state are written to; the library, dtype and shape stay."""
    for dtype in (np.float32, np.float64):
        params = {k: lib.asarray(v, dtype) for k, v in PARAMS.items()}
        grads = {k: lib.asarray(v + 1, dtype) for k, v in PARAMS.items()}
        state = opt.init(params)
        hosts = [lib.to_numpy(x) + 0 for x in pb.tree.leaves((params, grads))]
        one, mid = opt.step(params, grads, state)
        two, _ = opt.step(params, grads, state)
        three, late = opt.step(one, grads, mid)
        again, _ = opt.step(one, grads, mid)
        for x, host in zip(pb.tree.leaves((params, grads)), hosts, strict=True):
            np.testing.assert_array_equal(lib.to_numpy(x), host)
        for a, b in (
            *zip(one.values(), two.values(), strict=True),
            *zip(three.values(), again.values(), strict=True),
        ):
            np.testing.assert_array_equal(lib.to_numpy(a), lib.to_numpy(b))
        for p, q in zip(params.values(), three.values(), strict=True):
            assert lib.is_raw(q)
            assert (q.shape, q.dtype) == (p.shape, p.dtype)
        for moment in pb.tree.leaves((late.first, late.second)):
            assert lib.is_raw(moment)
            assert lib.to_numpy(moment).dtype == dtype
        assert (state.step, mid.step, late.step) == (0, 1, 2)


def test_decay_is_for_weights_alone():
    """With zero gradients, matrices shrink and vectors and numbers stay."""
    zeros = pb.tree.map(np.zeros_like, PARAMS)
    for opt in (optim.SGD(0.1, weight_decay=0.5), optim.AdamW(0.1, weight_decay=0.5)):
        params, _ = opt.step(PARAMS, zeros, opt.init(PARAMS))
        for name, decays in (("W", True), ("k", True), ("b", False), ("s", False)):
            factor = 0.95 if decays else 1.0
            np.testing.assert_allclose(params[name], factor * PARAMS[name], rtol=1e-13)


def test_models_step_as_they_are():
    model = pb.models.MLP([3, 4, 2], dtype="float64")
    x, y = RNG.standard_normal((20, 3)), RNG.integers(0, 2, 20)
    f = lambda m: pb.models.cross_entropy(m(x), y)
    for opt in (optim.SGD(0.5, momentum=0.9), optim.Adam(0.05), optim.AdamW(0.05)):
        m, state = model, opt.init(model)
        for _ in range(60):
            m, state = opt.step(m, pb.grad(f)(m), state)
        assert type(m) is pb.models.MLP
        assert m.sizes == model.sizes
        assert float(f(m)) < 0.7 * float(f(model))


def test_complex_parameters_descend():
    target = np.array([1 + 2j, -3j])
    f = lambda z: xp.sum(xp.abs(z - target) ** 2)
    for opt, tolerance in ((optim.SGD(0.1), 1e-6), (optim.Adam(0.05), 0.05)):
        z, state = np.zeros(2, complex), opt.init(np.zeros(2, complex))
        for _ in range(300):
            z, state = opt.step(z, pb.grad(f)(z), state)
        np.testing.assert_allclose(z, target, atol=tolerance)


BAD = [
    (optim.SGD, {"lr": 0.0}, "lr"),
    (optim.SGD, {"lr": -1.0}, "lr"),
    (optim.SGD, {"lr": float("nan")}, "lr"),
    (optim.SGD, {"lr": float("inf")}, "lr"),
    (optim.SGD, {"lr": 0.1, "momentum": 1.0}, "momentum"),
    (optim.SGD, {"lr": 0.1, "momentum": -0.1}, "momentum"),
    (optim.SGD, {"lr": 0.1, "nesterov": True}, "nesterov"),
    (optim.SGD, {"lr": 0.1, "weight_decay": -1.0}, "weight_decay"),
    (optim.Adam, {"lr": 0.0}, "lr"),
    (optim.Adam, {"b1": 1.0}, "b1"),
    (optim.Adam, {"b2": -0.1}, "b2"),
    (optim.Adam, {"b2": 1.5}, "b2"),
    (optim.Adam, {"eps": -1e-8}, "eps"),
    (optim.Adam, {"b1": float("nan")}, "b1"),
    (optim.AdamW, {"weight_decay": -0.1}, "weight_decay"),
    (optim.AdamW, {"lr": 0}, "lr"),
]


@pytest.mark.parametrize(("kind", "settings", "name"), BAD)
def test_bad_settings_name_themselves(kind, settings, name):
    with pytest.raises(ValueError, match=name):
        kind(**settings)


@pytest.mark.parametrize(
    "opt", [optim.SGD(0.1), optim.SGD(0.1, momentum=0.9), optim.Adam(), optim.AdamW()]
)
def test_gradients_of_another_structure_are_refused(opt):
    with pytest.raises(ValueError, match="structure"):
        opt.step(PARAMS, {"W": PARAMS["W"]}, opt.init(PARAMS))


def test_optimisers_are_frozen_records():
    for opt in (optim.SGD(0.1), optim.Adam(), optim.AdamW()):
        with pytest.raises(dataclasses.FrozenInstanceError):
            opt.lr = 1.0
        assert opt == dataclasses.replace(opt)
        assert hash(opt) == hash(dataclasses.replace(opt))
        assert "lr=" in repr(opt)


def test_parameters_of_one_element_and_none():
    opt = optim.Adam(0.1)
    params = {"a": np.ones((1, 1)), "b": np.ones(0), "c": None}
    new, state = opt.step(params, pb.tree.map(np.ones_like, params), opt.init(params))
    assert new["c"] is None
    assert new["b"].shape == (0,)
    assert state.step == 1


def test_a_state_survives_a_copy():
    """Restored from what was saved, the iterates go on as before, bit for bit."""
    import copy
    import pickle

    opt = optim.Adam(0.05)
    params, state = PARAMS, opt.init(PARAMS)
    for _ in range(3):
        params, state = opt.step(params, pb.grad(loss)(params), state)
    kept = pickle.loads(pickle.dumps((params, copy.deepcopy(state))))
    for _ in range(3):
        params, state = opt.step(params, pb.grad(loss)(params), state)
    p, s = kept
    for _ in range(3):
        p, s = opt.step(p, pb.grad(loss)(p), s)
    for a, b in zip(pb.tree.leaves((p, s)), pb.tree.leaves((params, state)), strict=True):
        np.testing.assert_array_equal(a, b)
