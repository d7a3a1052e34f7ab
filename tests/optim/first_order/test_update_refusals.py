"""What first-order methods refuse, by name, and which leaves they leave alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._optimisers import NAMES, OPTIMISERS, PARAMS

xp = pb.xp
optim = pb.optim
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


@pytest.mark.parametrize("opt", OPTIMISERS, ids=NAMES)
def test_gradients_of_another_structure_are_refused(opt):
    with pytest.raises(ValueError, match="structure"):
        opt.step(PARAMS, {"W": PARAMS["W"]}, opt.init(PARAMS))


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


def test_parameters_of_one_element_and_none():
    opt = optim.Adam(0.1)
    params = {"a": np.ones((1, 1)), "b": np.ones(0), "c": None}
    new, state = opt.step(params, pb.tree.map(np.ones_like, params), opt.init(params))
    assert new["c"] is None
    assert new["b"].shape == (0,)
    assert state.step == 1


@pytest.mark.parametrize("opt", [pb.optim.SGD(0.1, momentum=0.9), pb.optim.Adam(0.1)])
def test_gradients_and_states_of_another_library_are_refused_by_name(opt, lib):
    if lib.name == "numpy":
        pytest.skip("there is no second library")
    here, there = ({"w": f(np.ones(3))} for f in (np.asarray, lib.asarray))
    for params, other, names in (
        (there, here, f"numpy, the parameter one of {lib.says}"),
        (here, there, f"{lib.says}, the parameter one of numpy"),
    ):
        state = opt.init(params)
        with pytest.raises(TypeError, match=rf"gradient of w is an array of {names}.*tree\.map"):
            opt.step(params, other, state)
        with pytest.raises(TypeError, match=rf"state of w is an array of {names}.*opt\.init"):
            opt.step(params, params, opt.init(other))
    opt.step(there, there, opt.init(there))
