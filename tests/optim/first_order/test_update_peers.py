"""The first 20 iterates of every optimiser against torch's and optax's, where they have it, in float64."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._update_peers import A, B, W

optim = pb.optim


def ours(opt, steps=20):
    """The iterates of a small network of one layer and a quartic penalty."""
    xp = pb.xp

    def loss(p):
        return (
            xp.mean(xp.tanh(A @ p[0] + p[1]) ** 2)
            + 0.1 * xp.sum(p[0] ** 4)
            + xp.sum((p[1] - 1) ** 2)
        )

    params = [W, B]
    state = opt.init(params)
    for _ in range(steps):
        params, state = opt.step(params, pb.grad(loss)(params), state)
        yield params


def from_torch(name, settings):
    """The iterates of an optimiser of `torch.optim`."""
    torch = pytest.importorskip("torch", reason="torch is a peer, not a dependency")
    before = torch.get_default_dtype()
    torch.set_default_dtype(
        torch.float64
    )  # NAdam keeps its product of momenta in the default dtype
    try:
        params = [
            torch.tensor(W.copy(), requires_grad=True),
            torch.tensor(B.copy(), requires_grad=True),
        ]
        opt, data = getattr(torch.optim, name)(params, **settings), torch.tensor(A)
        for _ in range(20):
            opt.zero_grad()
            w, b = params
            loss = (
                (torch.tanh(data @ w + b) ** 2).mean() + 0.1 * (w**4).sum() + ((b - 1) ** 2).sum()
            )
            loss.backward()
            opt.step()
            yield [p.detach().numpy().copy() for p in params]
    finally:
        torch.set_default_dtype(before)


TORCH = {
    "sgd": (optim.SGD(0.05), "SGD", {"lr": 0.05}),
    "sgd, decay": (
        optim.SGD(0.05, weight_decay=0.3),
        "SGD",
        {"lr": 0.05, "weight_decay": 0.3},
    ),
    "momentum": (optim.SGD(0.05, momentum=0.9), "SGD", {"lr": 0.05, "momentum": 0.9}),
    "dampening": (
        optim.SGD(0.05, momentum=0.8, dampening=0.3, weight_decay=0.1),
        "SGD",
        {"lr": 0.05, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.1},
    ),
    "nesterov": (
        optim.SGD(0.05, momentum=0.9, nesterov=True),
        "SGD",
        {"lr": 0.05, "momentum": 0.9, "nesterov": True},
    ),
    "adagrad": (optim.Adagrad(), "Adagrad", {}),
    "adagrad, settings": (
        optim.Adagrad(0.1, lr_decay=0.1, initial=0.5, weight_decay=0.1),
        "Adagrad",
        {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.5, "weight_decay": 0.1},
    ),
    "rmsprop": (optim.RMSprop(), "RMSprop", {}),
    "rmsprop, momentum": (optim.RMSprop(momentum=0.9), "RMSprop", {"momentum": 0.9}),
    "rmsprop, centered": (optim.RMSprop(centered=True), "RMSprop", {"centered": True}),
    "rmsprop, all": (
        optim.RMSprop(centered=True, momentum=0.5, weight_decay=0.1),
        "RMSprop",
        {"centered": True, "momentum": 0.5, "weight_decay": 0.1},
    ),
    "adadelta": (optim.Adadelta(), "Adadelta", {}),
    "adadelta, decay": (
        optim.Adadelta(0.5, weight_decay=0.1),
        "Adadelta",
        {"lr": 0.5, "weight_decay": 0.1},
    ),
    "adam": (optim.Adam(), "Adam", {}),
    "adam, settings": (
        optim.Adam(0.1, b1=0.5, b2=0.9, eps=1e-3, weight_decay=0.1),
        "Adam",
        {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1},
    ),
    "amsgrad": (
        optim.AMSGrad(0.1, b2=0.5),
        "Adam",
        {"lr": 0.1, "betas": (0.9, 0.5), "amsgrad": True},
    ),
    "adamw": (optim.AdamW(0.1), "AdamW", {"lr": 0.1}),
    "adamw, amsgrad": (
        optim.AdamW(0.1, amsgrad=True),
        "AdamW",
        {"lr": 0.1, "amsgrad": True},
    ),
    "nadam": (optim.NAdam(), "NAdam", {}),
    "nadam, l2": (
        optim.NAdam(0.1, weight_decay=0.1),
        "NAdam",
        {"lr": 0.1, "weight_decay": 0.1},
    ),
    "nadam, decoupled": (
        optim.NAdam(weight_decay=0.1, decoupled=True),
        "NAdam",
        {"weight_decay": 0.1, "decoupled_weight_decay": True},
    ),
}


@pytest.mark.parametrize(("opt", "name", "settings"), TORCH.values(), ids=TORCH)
def test_first_20_iterates_are_torch_s(opt, name, settings):
    for k, (there, here) in enumerate(zip(from_torch(name, settings), ours(opt), strict=True)):
        for a, b in zip(here, there, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13, err_msg=f"step {k + 1}")


OPTAX = {
    "lion": (optim.Lion(), lambda o: o.lion(1e-4)),
    "lion, settings": (
        optim.Lion(0.05, 0.5, 0.8, 0.3),
        lambda o: o.lion(0.05, 0.5, 0.8, weight_decay=0.3),
    ),
    "adam": (optim.Adam(0.1), lambda o: o.adam(0.1)),
    "adamw, matrices alone": (
        optim.AdamW(0.1, weight_decay=0.3, mask="matrices"),
        lambda o: o.adamw(0.1, weight_decay=0.3, mask=[True, False]),
    ),
    "adamw": (optim.AdamW(0.1, weight_decay=0.3), lambda o: o.adamw(0.1, weight_decay=0.3)),
    "clipped": (
        optim.Clipped(optim.SGD(0.05), value=0.2),
        lambda o: o.chain(o.clip(0.2), o.sgd(0.05)),
    ),
    "clipped by norm": (  # torch adds 1e-6 to the norm, optax does not
        optim.Clipped(optim.SGD(0.05), norm=0.5),
        lambda o: o.chain(o.clip_by_global_norm(0.5), o.sgd(0.05)),
    ),
    "accumulated": (
        optim.Accumulated(optim.Adam(0.1), 3),
        lambda o: o.MultiSteps(o.adam(0.1), 3),
    ),
    "warm-up and cosine": (
        optim.SGD(optim.WarmUp(optim.CosineDecay(0.1, 15), 5)),
        lambda o: o.sgd(o.warmup_cosine_decay_schedule(0.0, 0.1, 5, 20)),
    ),
}


@pytest.mark.parametrize(("opt", "make"), OPTAX.values(), ids=OPTAX)
def test_first_20_iterates_are_optax_s(opt, make):
    optax = pytest.importorskip("optax", reason="optax is a peer, not a dependency")
    jax = pytest.importorskip("jax", reason="jax is a peer, not a dependency")
    with jax.enable_x64(True):
        jnp = jax.numpy
        data = jnp.asarray(A)
        params = [jnp.asarray(W), jnp.asarray(B)]

        def loss(p):
            w, b = p
            return (jnp.tanh(data @ w + b) ** 2).mean() + 0.1 * (w**4).sum() + ((b - 1) ** 2).sum()

        their = make(optax)
        state = their.init(params)
        for k, here in enumerate(ours(opt)):
            moves, state = their.update(jax.grad(loss)(params), state, params)
            params = optax.apply_updates(params, moves)
            for a, b in zip(here, params, strict=True):
                np.testing.assert_allclose(
                    a, np.asarray(b), rtol=1e-6, atol=1e-9, err_msg=f"step {k + 1}"
                )


def test_averages_of_weights_are_torch_s():
    torch = pytest.importorskip("torch", reason="torch is a peer, not a dependency")
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    model = torch.nn.Linear(3, 2, bias=False, dtype=torch.float64)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    opt = optim.Averaged(optim.SGD(0.1), 0.9)
    w = model.weight.detach().numpy().copy()
    state = opt.init(w)
    average.update_parameters(model)  # the first call copies
    for _ in range(5):
        w, state = opt.step(w, w**3 + 1, state)
        with torch.no_grad():
            model.weight.copy_(torch.tensor(w))
        average.update_parameters(model)
    np.testing.assert_allclose(state.average, average.module.weight.detach().numpy(), rtol=1e-12)
