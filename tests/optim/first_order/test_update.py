"""First-order methods against their formulas, written out in NumPy, and against torch's."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._optimisers import METHODS, PARAMS, RNG, loss

xp = pb.xp
optim = pb.optim


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


DECAYING = [
    lambda **k: optim.SGD(0.1, weight_decay=0.5, **k), lambda **k: optim.SGD(0.1, 0.9, True, 0.5, **k),
    lambda **k: optim.AdamW(0.1, weight_decay=0.5, **k), lambda **k: optim.Lion(0.1, weight_decay=0.5, **k),
    lambda **k: optim.Adam(weight_decay=0.5, **k), lambda **k: optim.AMSGrad(weight_decay=0.5, **k),
    lambda **k: optim.NAdam(weight_decay=0.5, **k), lambda **k: optim.NAdam(weight_decay=0.5, decoupled=True, **k),
    lambda **k: optim.RMSprop(weight_decay=0.5, **k), lambda **k: optim.Adagrad(weight_decay=0.5, **k),
    lambda **k: optim.Adadelta(weight_decay=0.5, **k),
]  # fmt: skip


@pytest.mark.parametrize("make", DECAYING, ids=lambda make: repr(make())[:60])
def test_decay_is_of_every_parameter_or_of_matrices(make):
    """With gradients of 0, what decays moves towards 0 and nothing else moves; torch's default is every parameter."""
    zeros = pb.tree.map(np.zeros_like, PARAMS)
    for mask, decaying in ((None, "Wbks"), ("matrices", "Wk"), (lambda p: p.ndim == 1, "b")):
        opt = make(mask=mask)
        for step in (opt.step, pb.compile(opt.step, fast=False)):
            params, state = PARAMS, opt.init(PARAMS)
            for _ in range(2):
                params, state = step(params, zeros, state)
            for name, before in PARAMS.items():
                if name in decaying:
                    assert np.all(np.abs(params[name]) < np.abs(before)), (mask, name)
                else:
                    np.testing.assert_array_equal(params[name], before)


@pytest.mark.parametrize("make", DECAYING, ids=lambda make: repr(make())[:60])
def test_running_statistics_do_not_decay(make):
    norm = pb.models.BatchNorm.init(3, dtype="float64")
    norm = pb.tree.map(lambda x: x + np.ones_like(x), norm)
    for model in (norm, {"layers": [norm]}, (norm, np.ones(2))):
        for mask in (None, "matrices", lambda p: True):
            opt = make(mask=mask)
            new, _ = opt.step(model, pb.tree.map(np.zeros_like, model), opt.init(model))
            leaves = pb.tree.leaves(pb.tree.map(lambda a, b: np.all(a == b), new, model))
            moves = mask != "matrices"
            assert [not stays for stays in leaves[:4]] == [moves, moves, False, False]


def test_a_word_that_names_no_mask_is_refused():
    for make in DECAYING:
        with pytest.raises(
            ValueError, match=r"mask='biases': None for every parameter, 'matrices'"
        ):
            make(mask="biases")


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


def test_optimisers_are_frozen_records():
    for opt in (optim.SGD(0.1), optim.Adam(), optim.AdamW()):
        with pytest.raises(dataclasses.FrozenInstanceError):
            opt.lr = 1.0
        assert opt == dataclasses.replace(opt)
        assert hash(opt) == hash(dataclasses.replace(opt))
        assert "lr=" in repr(opt)


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


def test_masks():
    params = {"W": np.ones((2, 2)), "b": np.ones(2)}
    zeros = pb.tree.map(np.zeros_like, params)
    for mask, moved in (
        (None, (True, True)),
        ("matrices", (True, False)),
        (lambda p: True, (True, True)),
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


def test_a_rate_may_be_a_pullback_array_beside_raw_parameters(lib):
    """As a model's parameters are raw, and what `pb.xp` makes is not; a derivative is taken through it as well."""
    p = lib.asarray([1.0, -2.0])
    for opt in (optim.SGD(1.0), optim.Adam(1.0)):
        state = opt.init(p)
        raw = lib.asarray(1e-3)
        wanted, _ = opt.step(p, p, state, lr=raw)
        found, _ = opt.step(p, p, state, lr=pb.Array(raw))
        assert lib.is_raw(found)
        np.testing.assert_array_equal(lib.to_numpy(found), lib.to_numpy(wanted))
    slope = pb.grad(
        lambda r: xp.sum(optim.SGD(1.0).step(p, p, optim.SGD(1.0).init(p), lr=r)[0] ** 2)
    )(raw)
    np.testing.assert_allclose(pb.to_numpy(slope), -2 * 5 * (1 - 1e-3))


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
    "optim.AdamW()": (optim.AdamW(), 0.9798340259626704),
    "optim.NAdam()": (optim.NAdam(), 0.9659589782647217),
    "optim.Lion(0.1)": (optim.Lion(0.1), 0.39894114124184926),
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
    assert set(optim.__all__) == {*optim._HOME, "proximal"}
    assert set(optim.__all__) <= set(dir(optim))
    for name in optim._HOME:
        assert getattr(optim, name).__name__ == name
        assert getattr(optim, name).__doc__
    with pytest.raises(AttributeError, match="Sgd"):
        optim.Sgd  # noqa: B018 - the look-up is what is tested


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop"])
def test_complex_parameters_on_a_librarys_second_device(name):
    strict = pytest.importorskip("array_api_strict", reason="the standard's own implementation")
    device = strict.Device("device1")
    z = strict.asarray([1 + 2j, -1j], dtype=strict.complex128, device=device)
    opt = getattr(pb.optim, name)(0.1)
    new, state = opt.step(z, z, opt.init(z))
    assert new.device == device
    reference = np.asarray([1 + 2j, -1j])
    expected, _ = opt.step(reference, reference, opt.init(reference))
    np.testing.assert_allclose(pb.to_numpy(new), expected, rtol=1e-12)
    assert {leaf.device for leaf in pb.tree.leaves(state)} == {device}
