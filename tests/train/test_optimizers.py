"""The factory of optimisers: what a name stands for, which arrays decay, and the L1 penalty of any method."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.train.optimizers import METHODS, Subgradient, make_optimizer, with_l1

from .._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._loop import on_device, weights

DECAY = {"weight_decay": 0.5, "mask": "matrices"}
MADE = {
    "adamw": pb.optim.AdamW(0.1, b1=0.5, b2=0.6, eps=1e-3, **DECAY),
    "adam": pb.optim.Adam(0.1, b1=0.5, b2=0.6, eps=1e-3, **DECAY),
    "sgd": pb.optim.SGD(0.1, **DECAY),
    "momentum": pb.optim.SGD(0.1, momentum=0.7, **DECAY),
    "nesterov": pb.optim.SGD(0.1, momentum=0.7, nesterov=True, **DECAY),
    "amsgrad": pb.optim.AMSGrad(0.1, b1=0.5, b2=0.6, eps=1e-3, **DECAY),
    "nadam": pb.optim.NAdam(0.1, b1=0.5, b2=0.6, eps=1e-3, **DECAY),
    "lion": pb.optim.Lion(0.1, b1=0.5, b2=0.6, **DECAY),
    "rmsprop": pb.optim.RMSprop(0.1, alpha=0.6, **DECAY),
    "adagrad": pb.optim.Adagrad(0.1, **DECAY),
    "adadelta": pb.optim.Adadelta(0.1, rho=0.6, **DECAY),
}


@pytest.mark.parametrize("method", MADE)
def test_a_name_stands_for_its_method(method):
    made = make_optimizer(method, 0.1, 0.5, momentum=0.7, b1=0.5, b2=0.6, eps=1e-3)
    assert made == MADE[method]


def test_every_optimizer_of_the_settings_is_made():
    assert set(MADE) == set(pb.train.settings.defaults.OPTIMIZERS) == set(METHODS)


def test_what_is_not_given_is_the_method_s_own():
    assert make_optimizer("lion", 0.1, 0.5) == pb.optim.Lion(0.1, **DECAY)
    assert make_optimizer("rmsprop", 0.1, 0.5) == pb.optim.RMSprop(0.1, **DECAY)
    assert make_optimizer("adadelta", 0.1, 0.5) == pb.optim.Adadelta(0.1, **DECAY)
    assert make_optimizer("adam", 0.1, 0.5) == pb.optim.Adam(0.1, **DECAY)


def test_gradients_are_clipped_where_that_is_asked_for():
    schedule = pb.optim.CosineDecay(0.1, 5)
    made = make_optimizer("sgd", schedule, 0.5, clip=2.0)
    assert made == pb.optim.Clipped(pb.optim.SGD(schedule, **DECAY), norm=2.0)


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="optimizer 'lyon' is unknown; choose one of adamw"):
        make_optimizer("lyon", 0.1, 0.0)


A = np.random.default_rng(0).standard_normal((40, 6))
B = A @ np.asarray([[2.0], [0.0], [-1.0], [0.0], [0.3], [0.0]])
L1 = 8.0


def lasso(W):
    return 0.5 * pb.xp.sum((pb.asarray(A) @ W - pb.asarray(B)) ** 2)


def at_rest(opt, steps=3000):
    W = np.zeros((6, 1))
    state, slope = opt.init(W), pb.grad(lasso)
    for _ in range(steps):
        W, state = opt.step(W, slope(W), state)
    return W


def exact_lasso():
    """The minimum, by coordinate descent."""
    w = np.zeros((6, 1))
    for _ in range(300):
        for j in range(6):
            rest = B - A @ w + A[:, j : j + 1] * w[j]
            pull = float(A[:, j] @ rest[:, 0])
            w[j] = np.sign(pull) * max(abs(pull) - L1, 0) / float(A[:, j] @ A[:, j])
    return w


SGDS = {
    "plain": {},
    "momentum": {"momentum": 0.8},
    "nesterov": {"momentum": 0.8, "nesterov": True},
    "damped": {"momentum": 0.8, "dampening": 0.5},
}


@pytest.mark.parametrize("name", SGDS)
def test_l1_with_sgd_comes_to_rest_at_the_lasso_with_exact_zeros(name):
    """The threshold follows the momentum, or the penalty would be (1 − m) times too weak."""
    wanted = exact_lasso()
    found = at_rest(with_l1(pb.optim.SGD(1e-3, **SGDS[name]), L1), steps=1500)
    np.testing.assert_allclose(found, wanted, atol=1e-8)
    assert ((found == 0) == (wanted == 0)).all()
    assert 1 < (wanted == 0).sum() < 5


@pytest.mark.parametrize(
    "opt", [pb.optim.Adam(3e-3), pb.optim.RMSprop(1e-3), pb.optim.Nesterov(1e-3)]
)
def test_l1_with_other_methods_is_a_subgradient_and_comes_near(opt):
    found = at_rest(with_l1(opt, L1), steps=2500)
    np.testing.assert_allclose(found, exact_lasso(), atol=0.02)


def test_a_subgradient_is_for_matrices_and_for_what_has_a_gradient():
    opt = Subgradient(pb.optim.SGD(1.0), 0.5)
    params = {"W": np.asarray([[2.0, -2.0, 0.0]]), "b": np.asarray([2.0]), "mean": np.ones((1, 1))}
    grads = {"W": np.zeros((1, 3)), "b": np.zeros(1), "mean": None}
    new, _ = opt.step(params, grads, opt.init(params))
    assert new["W"].tolist() == [[1.5, -1.5, 0.0]]
    assert (new["b"].tolist(), new["mean"].tolist()) == ([2.0], [[1.0]])


def test_l1_goes_into_the_wrappers_that_need_it_inside():
    scaled = with_l1(pb.optim.LossScaling(pb.optim.Adam()), 0.1)
    assert isinstance(scaled, pb.optim.LossScaling)
    assert isinstance(scaled.opt, Subgradient)
    clipped = with_l1(pb.optim.Clipped(pb.optim.SGD(0.1, momentum=0.5), norm=1.0), 0.1)
    assert isinstance(clipped, pb.optim.Proximal)
    assert clipped.penalty.alpha == pytest.approx(0.2)
    assert with_l1(MADE["adam"], 0) is MADE["adam"]
    for wrong in (-1.0, float("nan"), float("inf"), True, "1"):
        with pytest.raises(ValueError, match="l1="):
            with_l1(MADE["adam"], wrong)


@pytest.mark.parametrize("opt", [pb.optim.SGD(0.05, momentum=0.5), pb.optim.Adam(0.01)])
def test_fit_takes_l1_compiled_and_not(opt):
    data = on_device(A, B)

    def trained(compile):
        return pb.train.fit(
            pb.models.Linear.init(6, 1, dtype="float64"), pb.models.squared_error, data, data, opt,
            epochs=200, batch_size=20, l1=0.3, patience=0, compile=compile,
        )  # fmt: skip

    one, other = trained(True), trained(False)
    assert not one.eager
    for W, same in zip(weights(one.model), weights(other.model), strict=True):
        np.testing.assert_allclose(W, same, rtol=1e-9, atol=1e-12)
    W, b = weights(one.model)
    zeros = (W == 0).sum()
    assert zeros >= 1 if isinstance(opt, pb.optim.SGD) else zeros == 0
    assert (abs(W) < 0.05).sum() >= 2
    assert abs(b).max() < 0.3


def test_fit_refuses_a_negative_l1():
    data = on_device(A, B)
    model = pb.models.Linear.init(6, 1, dtype="float64")
    with pytest.raises(ValueError, match=r"l1=-1\.0"):
        pb.train.fit(model, pb.models.squared_error, data, data, pb.optim.SGD(0.1), l1=-1.0)
    with pytest.raises(pb.train.InputError, match="l1"):
        pb.train.Settings(l1=-1.0)
