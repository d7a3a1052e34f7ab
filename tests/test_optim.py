"""First-order methods against their formulas, written out in NumPy."""

from __future__ import annotations

import dataclasses
import math

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


EVERYWHERE = lambda p: True  # a mask: decay of biases too


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


def damped(lr, momentum, dampening):
    velocity: dict = {}

    def step(name, w, g, t):
        u = g if t == 0 else momentum * velocity[name] + (1 - dampening) * g
        velocity[name] = u
        return w - lr * u

    return step


def nesterov_sequence(lr):
    x: dict = {}

    def step(name, y, g, t):
        before = x.get(name, y)
        x[name] = y - lr * g
        return x[name] + (t / (t + 3)) * (x[name] - before)  # k = t + 1

    return step


def adagrad(lr, lr_decay=0.0, eps=1e-10, initial=0.0):
    total: dict = {}

    def step(name, w, g, t):
        total[name] = total.get(name, initial) + g * g
        return w - lr / (1 + t * lr_decay) * g / (np.sqrt(total[name]) + eps)

    return step


def rmsprop(lr, alpha=0.99, eps=1e-8, momentum=0.0, centered=False, weight_decay=0.0):
    v: dict = {}
    m: dict = {}
    u: dict = {}

    def step(name, w, g, t):
        g = g + weight_decay * w
        v[name] = alpha * v.get(name, 0.0) + (1 - alpha) * g * g
        m[name] = alpha * m.get(name, 0.0) + (1 - alpha) * g
        spread = v[name] - m[name] ** 2 if centered else v[name]
        u[name] = momentum * u.get(name, 0.0) + g / (np.sqrt(spread) + eps)
        return w - lr * u[name]

    return step


def adadelta(lr, rho=0.9, eps=1e-6):
    v: dict = {}
    a: dict = {}

    def step(name, w, g, t):
        v[name] = rho * v.get(name, 0.0) + (1 - rho) * g * g
        d = np.sqrt(a.get(name, 0.0) + eps) / np.sqrt(v[name] + eps) * g
        a[name] = rho * a.get(name, 0.0) + (1 - rho) * d * d
        return w - lr * d

    return step


def amsgrad(lr, b1=0.9, b2=0.999, eps=1e-8):
    m: dict = {}
    v: dict = {}
    top: dict = {}

    def step(name, w, g, t):
        m[name] = b1 * m.get(name, 0.0) + (1 - b1) * g
        v[name] = b2 * v.get(name, 0.0) + (1 - b2) * g * g
        top[name] = np.maximum(top.get(name, 0.0), v[name])
        root = np.sqrt(top[name] / (1 - b2 ** (t + 1)))
        return w - lr * m[name] / (1 - b1 ** (t + 1)) / (root + eps)

    return step


def nadam(lr, b1=0.9, b2=0.999, eps=1e-8, psi=4e-3, weight_decay=0.0):
    m: dict = {}
    v: dict = {}
    mu = lambda k: b1 * (1 - 0.5 * 0.96 ** (k * psi))

    def step(name, w, g, t):
        w = w - lr * weight_decay * w
        k = t + 1
        product = np.prod([mu(i) for i in range(1, k + 1)])
        m[name] = b1 * m.get(name, 0.0) + (1 - b1) * g
        v[name] = b2 * v.get(name, 0.0) + (1 - b2) * g * g
        share = (1 - mu(k)) / (1 - product) * g + mu(k + 1) / (1 - product * mu(k + 1)) * m[name]
        return w - lr * share / (np.sqrt(v[name] / (1 - b2**k)) + eps)

    return step


def lion(lr, b1=0.9, b2=0.99, weight_decay=1e-3):
    m: dict = {}

    def step(name, w, g, t):
        move = np.sign(b1 * m.get(name, 0.0) + (1 - b1) * g)
        m[name] = b2 * m.get(name, 0.0) + (1 - b2) * g
        return w - lr * (move + weight_decay * w * (w.ndim >= 2))

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
    "dampening": (
        optim.SGD(0.1, momentum=0.9, dampening=0.3),
        lambda: damped(0.1, 0.9, 0.3),
    ),
    "nesterov's sequence": (optim.Nesterov(0.1), lambda: nesterov_sequence(0.1)),
    "adagrad": (optim.Adagrad(0.1), lambda: adagrad(0.1)),
    "adagrad, settings": (
        optim.Adagrad(0.1, lr_decay=0.2, initial=0.5, eps=1e-3),
        lambda: adagrad(0.1, 0.2, 1e-3, 0.5),
    ),
    "rmsprop": (optim.RMSprop(0.01), lambda: rmsprop(0.01)),
    "rmsprop, momentum": (
        optim.RMSprop(0.01, momentum=0.7),
        lambda: rmsprop(0.01, momentum=0.7),
    ),
    "rmsprop, centered": (optim.RMSprop(0.01, centered=True), lambda: rmsprop(0.01, centered=True)),
    "rmsprop, all": (
        optim.RMSprop(0.01, 0.9, 1e-4, 0.5, centered=True, weight_decay=0.1, mask=EVERYWHERE),
        lambda: rmsprop(0.01, 0.9, 1e-4, 0.5, True, 0.1),
    ),
    "adadelta": (optim.Adadelta(), lambda: adadelta(1.0)),
    "adadelta, settings": (
        optim.Adadelta(0.5, rho=0.5, eps=1e-3),
        lambda: adadelta(0.5, 0.5, 1e-3),
    ),
    "amsgrad": (optim.AMSGrad(0.1, b2=0.5), lambda: amsgrad(0.1, b2=0.5)),
    "nadam": (optim.NAdam(0.05), lambda: nadam(0.05)),
    "nadam, decay": (
        optim.NAdam(0.05, weight_decay=0.3, decoupled=True, mask=EVERYWHERE),
        lambda: nadam(0.05, weight_decay=0.3),
    ),
    "lion": (optim.Lion(0.01), lambda: lion(0.01)),
    "lion, decay": (optim.Lion(0.01, 0.5, 0.7, 0.3), lambda: lion(0.01, 0.5, 0.7, 0.3)),
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
        for moment in pb.tree.leaves((late.first, late.second, getattr(late, "third", None))):
            assert lib.is_raw(moment)
            assert lib.to_numpy(moment).dtype == dtype
        for taken, s in enumerate((state, mid, late)):
            assert lib.is_raw(s.step)  # an array, so that a compiled step is not recorded again
            assert lib.to_numpy(s.step) == taken
            assert lib.to_numpy(s.step).dtype.kind == "i"


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
    for opt, tolerance in (
        (optim.SGD(0.1), 1e-6),
        (optim.SGD(0.05, momentum=0.5), 1e-6),
        (optim.Nesterov(0.1), 1e-2),
        (optim.Adam(0.05), 0.05),
        (optim.AMSGrad(0.05), 0.05),
        (optim.NAdam(0.05), 0.05),
        (optim.RMSprop(0.02, centered=True), 0.1),
        (optim.Adagrad(0.5), 0.05),
    ):
        z, state = np.zeros(2, complex), opt.init(np.zeros(2, complex))
        for _ in range(300):
            z, state = opt.step(z, pb.grad(f)(z), state)
        np.testing.assert_allclose(z, target, atol=tolerance)


def test_lion_s_complex_steps_have_one_length():
    z = np.array([3 + 4j, -2j])
    new, _ = optim.Lion(0.1).step(z, z, optim.Lion().init(z))
    np.testing.assert_allclose(new, z - 0.1 * z / abs(z))


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
    (optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 1.0}, "dampening"),
    (optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.1, "nesterov": True}, "dampening"),
    (optim.Nesterov, {"lr": -0.1}, "lr"),
    (optim.Adagrad, {"lr": float("nan")}, "lr"),
    (optim.Adagrad, {"lr_decay": -1.0}, "lr_decay"),
    (optim.Adagrad, {"initial": -1.0}, "initial"),
    (optim.RMSprop, {"alpha": 1.0}, "alpha"),
    (optim.RMSprop, {"momentum": -0.5}, "momentum"),
    (optim.RMSprop, {"eps": float("nan")}, "eps"),
    (optim.Adadelta, {"rho": 1.0}, "rho"),
    (optim.Adadelta, {"eps": 0.0}, "eps"),
    (optim.AMSGrad, {"b2": 1.0}, "b2"),
    (optim.NAdam, {"momentum_decay": -1.0}, "momentum_decay"),
    (optim.NAdam, {"b1": float("inf")}, "b1"),
    (optim.Lion, {"b2": 1.0}, "b2"),
    (optim.Lion, {"weight_decay": float("inf")}, "weight_decay"),
]


@pytest.mark.parametrize(("kind", "settings", "name"), BAD)
def test_bad_settings_name_themselves(kind, settings, name):
    with pytest.raises(ValueError, match=name):
        kind(**settings)


OPTIMISERS = [
    optim.SGD(0.1), optim.SGD(0.1, momentum=0.9), optim.SGD(0.1, weight_decay=0.1), optim.Nesterov(0.1),
    optim.Adagrad(), optim.RMSprop(centered=True, momentum=0.5), optim.Adadelta(), optim.Adam(), optim.AdamW(),
    optim.AMSGrad(), optim.NAdam(), optim.Lion(), optim.Clipped(optim.Adam(), norm=1.0),
    optim.Accumulated(optim.Adam(), 2), optim.Averaged(optim.SGD(0.1)), optim.Finite(optim.SGD(0.1)),
]  # fmt: skip
NAMES = [repr(opt)[:40] for opt in OPTIMISERS]


@pytest.mark.parametrize("opt", OPTIMISERS, ids=NAMES)
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


# ── what may be wrong, and what is left alone ─────────────────────────────────────────────────


def copies(x):
    return [np.array(leaf) for leaf in pb.tree.leaves(x)]


def unchanged(before, x):
    return all(np.array_equal(a, b) for a, b in zip(before, pb.tree.leaves(x), strict=True))


WRONG = {
    "shape": (lambda g: g[:1], ValueError, "shape"),
    "broadcasts": (lambda g: np.sum(g), ValueError, "shape"),
    "complex": (lambda g: g + 1j, TypeError, "complex"),
    "list": (lambda g: 1.0, TypeError, "not an array"),
}


@pytest.mark.parametrize("opt", OPTIMISERS, ids=NAMES)
@pytest.mark.parametrize(("spoil", "kind", "message"), WRONG.values(), ids=WRONG)
def test_wrong_gradients_are_refused_by_name_and_change_nothing(opt, spoil, kind, message):
    params = {"a": np.ones((2, 3)), "b": np.ones(3)}
    state = opt.init(params)
    grads = {"a": spoil(np.ones((2, 3))), "b": np.ones(3)}
    before = copies((params, state))
    if isinstance(opt, optim.Clipped | optim.Finite) and message == "not an array":
        message = "number|not an array"
    with pytest.raises(kind, match=message):
        opt.step(params, grads, state)
    assert unchanged(before, (params, state))


@pytest.mark.parametrize("opt", OPTIMISERS, ids=NAMES)
def test_leaves_that_no_step_moves(opt, lib):
    """Keys, counters, and leaves without a gradient come back as they are; the others move."""
    key, fixed = lib.asarray([1, 2], np.int64), lib.asarray([3.0])
    params = {"w": lib.asarray(np.ones((2, 2))), "key": key, "fixed": fixed, "n": 3}
    grads = {
        "w": lib.asarray(np.ones((2, 2))),
        "key": lib.asarray([0, 0], np.int64),
        "fixed": None,
        "n": None,
    }
    state = opt.init(params)
    new = params
    for _ in range(3):
        new, state = opt.step(new, grads, state)
    assert new["key"] is key
    assert new["n"] == 3
    np.testing.assert_array_equal(lib.to_numpy(new["fixed"]), [3.0])
    assert np.all(lib.to_numpy(new["w"]) < 1)
    assert lib.is_raw(new["w"])


@pytest.mark.parametrize("opt", OPTIMISERS, ids=NAMES)
def test_parameters_that_are_pullback_s_arrays(opt):
    params = {"a": np.ones((2, 3)), "b": np.asarray([0.5, -1.0, 2.0])}
    theirs = pb.tree.map(pb.Array, params)
    state, ours = opt.init(params), opt.init(theirs)
    for _ in range(3):
        params, state = opt.step(params, params, state)
        theirs, ours = opt.step(theirs, theirs, ours)
    for a, b in zip(pb.tree.leaves(theirs), pb.tree.leaves(params), strict=True):
        assert type(a) is pb.Array
        np.testing.assert_allclose(pb.to_numpy(a), b, rtol=1e-13)


def test_a_leaf_without_a_gradient_does_not_decay():
    params = {"a": np.ones((2, 2)), "b": np.ones((2, 2))}
    for opt in (
        optim.SGD(0.1, weight_decay=0.5), optim.AdamW(0.1, weight_decay=0.5), optim.Lion(0.1, weight_decay=0.5),
        optim.Accumulated(optim.AdamW(0.1, weight_decay=0.5), 1), optim.Clipped(optim.AdamW(0.1), norm=1.0),
    ):  # fmt: skip
        new, _ = opt.step(params, {"a": np.zeros((2, 2)), "b": None}, opt.init(params))
        assert np.all(new["a"] < 1)
        np.testing.assert_array_equal(new["b"], 1)


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf])
def test_rates_that_cannot_be(bad):
    """From a schedule, or given for one step: said with the step, before anything is computed."""
    p = np.ones(2)
    for kind in (
        optim.SGD,
        optim.Nesterov,
        optim.Adagrad,
        optim.RMSprop,
        optim.Adadelta,
        optim.Adam,
        optim.NAdam,
        optim.Lion,
    ):
        opt = kind(lambda k: 0.1 if k < 1 else bad)
        new, state = opt.step(p, p, opt.init(p))
        with pytest.raises(ValueError, match=r"learning rate is .* after 1 steps"):
            opt.step(new, p, state)
        with pytest.raises(ValueError, match="learning rate"):
            opt.step(new, p, opt.init(p), lr=bad)


def test_nesterov_s_sequence_begins_in_a_buffer_of_its_own():
    y = np.ones(2)
    state = optim.Nesterov(0.1).init(y)
    y[0] = 5.0
    np.testing.assert_array_equal(state.first, [1.0, 1.0])


def test_a_python_number_is_no_parameter():
    opt = optim.Adam()
    with pytest.raises(TypeError, match="make it an array"):
        opt.init({"a": 1.0})


def test_gradients_of_another_precision_are_cast():
    for opt in OPTIMISERS:
        p = np.ones((2, 2), np.float32)
        new, state = opt.step(p, np.ones((2, 2)), opt.init(p))
        assert new.dtype == np.float32
        assert all(x.dtype == np.float32 for x in pb.tree.leaves(state) if x.shape)


def test_masks():
    params = {"W": np.ones((2, 2)), "b": np.ones(2)}
    zeros = pb.tree.map(np.zeros_like, params)
    for mask, moved in (
        (None, (True, False)),
        (EVERYWHERE, (True, True)),
        (lambda p: p.ndim < 2, (False, True)),
        ({"W": False, "b": True}, (False, True)),
    ):
        for opt in (
            optim.SGD(0.1, weight_decay=0.5, mask=mask),
            optim.AdamW(0.1, weight_decay=0.5, mask=mask),
            optim.Lion(0.1, weight_decay=0.5, mask=mask),
            optim.NAdam(0.1, weight_decay=0.5, decoupled=True, mask=mask),
        ):
            new, _ = opt.step(params, zeros, opt.init(params))
            assert (np.all(new["W"] == 0.95), np.all(new["b"] == 0.95)) == moved
    opt = optim.AdamW(mask={"W": True})
    with pytest.raises(ValueError, match="mask"):
        opt.step(params, zeros, opt.init(params))


@pytest.mark.parametrize(("opt", "formula"), METHODS.values(), ids=METHODS)
def test_steps_on_stand_ins_read_no_value(opt, formula, monkeypatch):
    """Under `compile` arrays cannot be read: bool, int, float and index raise. The numbers are NumPy's own."""
    expected, after = PARAMS, opt.init(PARAMS)
    wrap = lambda t: pb.tree.map(lambda x: pb.Array(x), t)
    params, state = wrap(PARAMS), wrap(opt.init(PARAMS))
    steps = []
    for _ in range(3):
        grads = pb.tree.map(lambda p: p**3 + 1, expected)
        expected, after = opt.step(expected, grads, after)
        steps.append(grads)

    def refuse(self, *args):
        raise AssertionError("a value was read")

    with monkeypatch.context() as patch:
        for name in ("__bool__", "__int__", "__float__", "__index__"):
            patch.setattr(pb.Array, name, refuse)
        for grads in steps:
            params, state = opt.step(params, wrap(grads), state)
    for a, b in zip(
        pb.tree.leaves((params, state)), pb.tree.leaves((expected, after)), strict=True
    ):
        assert type(a) is pb.Array
        np.testing.assert_allclose(pb.to_numpy(a), b, rtol=1e-12, atol=1e-15)


def test_a_gradient_through_a_step():
    """The parameters after a step are a differentiable function of those before."""
    opt = optim.Adam(0.1)
    w = np.asarray([1.0, -2.0])
    f = lambda p: xp.sum(opt.step(p, p * p, opt.init(w))[0] ** 2)
    eps = 1e-6
    slope = [(f(w + eps * e) - f(w - eps * e)) / (2 * eps) for e in np.eye(2)]
    np.testing.assert_allclose(pb.grad(f)(w), np.asarray([float(s) for s in slope]), rtol=1e-6)


def test_a_rate_for_one_step():
    p = np.asarray([1.0])
    for opt in (
        optim.SGD(1.0),
        optim.SGD(1.0, momentum=0.5),
        optim.Adam(1.0),
        optim.Averaged(optim.SGD(1.0)),
    ):
        state = opt.init(p)
        small, _ = opt.step(p, p, state, lr=1e-3)
        same, _ = opt.step(p, p, state, lr=np.asarray(1e-3))
        np.testing.assert_allclose(small, 1 - 1e-3, atol=1e-9)
        np.testing.assert_array_equal(small, same)


# where 20 steps of torch 2.13 (Lion: optax 0.2.8), in float64, lead from 1 along the gradient w³ − 2 cos 3w
TORCH = {
    "optim.SGD(0.02, momentum=0.9)": (optim.SGD(0.02, momentum=0.9), 0.6128504573883984),
    "optim.SGD(0.02, momentum=0.9, nesterov=True)": (
        optim.SGD(0.02, momentum=0.9, nesterov=True),
        0.5181339875856092,
    ),
    "optim.SGD(0.02, momentum=0.9, dampening=0.5)": (
        optim.SGD(0.02, momentum=0.9, dampening=0.5),
        0.5694521896460809,
    ),
    "optim.Adagrad()": (optim.Adagrad(), 0.9256809430912548),
    "optim.RMSprop()": (optim.RMSprop(), 0.5313450532060754),
    "optim.RMSprop(momentum=0.5, centered=True)": (
        optim.RMSprop(momentum=0.5, centered=True),
        0.5029598481175379,
    ),
    "optim.Adadelta()": (optim.Adadelta(), 0.9325012419789382),
    "optim.Adam()": (optim.Adam(), 0.9800317805380071),
    "optim.AMSGrad(0.1)": (optim.AMSGrad(0.1), 0.5557068876383485),
    "optim.AdamW(mask=EVERYWHERE)": (optim.AdamW(mask=EVERYWHERE), 0.9798340259626704),
    "optim.NAdam()": (optim.NAdam(), 0.9659589782647217),
    "optim.Lion(0.1, mask=EVERYWHERE)": (optim.Lion(0.1, mask=EVERYWHERE), 0.39894114124184926),
}


@pytest.mark.parametrize(("opt", "there"), TORCH.values(), ids=TORCH)
def test_20_steps_end_where_torch_s_do(opt, there):
    w = np.asarray([1.0])
    state = opt.init(w)
    for _ in range(20):
        w, state = opt.step(w, w**3 - 2 * np.cos(3 * w), state)
    np.testing.assert_allclose(w, there, rtol=1e-11)


def test_every_public_name_is_there():
    """Names are looked up when they are first used: each has a home, and each home its names."""
    assert set(optim.__all__) == set(optim._HOME)
    assert set(optim.__all__) <= set(dir(optim))
    for name in optim.__all__:
        assert getattr(optim, name).__name__ == name
        assert getattr(optim, name).__doc__
    with pytest.raises(AttributeError, match="Sgd"):
        optim.Sgd  # noqa: B018 - the look-up is what is tested
