"""Tests of `compat/autograd/misc/optimizers.py`."""

import numpy as np
import pytest

import pullback as pb
from pullback.compat.autograd import grad
from pullback.compat.autograd import numpy as anp
from pullback.compat.autograd.misc.optimizers import adam, rmsprop, sgd

TARGET = {"w": np.asarray([1.0, -2.0]), "b": 0.5}
START = {"w": np.zeros(2), "b": 0.0}


def loss(p, i=0):
    return anp.sum((p["w"] - TARGET["w"]) ** 2) + (p["b"] - TARGET["b"]) ** 2


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        (sgd, {"step_size": 0.5, "num_iters": 100}),
        (rmsprop, {"step_size": 0.05, "num_iters": 300}),
        (adam, {"step_size": 0.05, "num_iters": 400}),
    ],
)
def test_they_find_a_minimum(method, settings):
    seen = []
    out = method(
        grad(loss), START, callback=lambda x, i, g: seen.append((i, x["b"], g["b"])), **settings
    )
    assert np.allclose(out["w"], TARGET["w"], atol=2e-2)
    assert np.isclose(out["b"], TARGET["b"], atol=2e-2)
    assert seen[0] == (0, 0.0, -1.0)
    assert [i for i, *_ in seen] == list(range(settings["num_iters"]))


def test_adam_takes_the_steps_of_our_own():
    optimiser = pb.optim.Adam(0.1)
    start = {"w": np.zeros(2), "b": np.zeros(())}
    params, state = start, optimiser.init(start)
    for _ in range(5):
        params, state = optimiser.step(params, grad(loss)(params), state)
    ours = adam(grad(loss), start, step_size=0.1, num_iters=5)
    assert np.allclose(ours["w"], params["w"])
    assert np.isclose(ours["b"], params["b"])


def test_one_step_by_hand():
    g = np.asarray([2.0])
    assert np.allclose(sgd(lambda x, i: g, np.zeros(1), num_iters=1), -0.1 * 0.1 * 2)
    average = 0.9 + 0.1 * 4
    assert np.allclose(rmsprop(lambda x, i: g, np.zeros(1), num_iters=1), -0.2 / (np.sqrt(average) + 1e-8))  # fmt: skip


def test_they_are_differentiable():
    final = lambda rate: loss(sgd(grad(loss), START, num_iters=3, step_size=rate))
    slope = (final(0.1 + 1e-6) - final(0.1 - 1e-6)) / 2e-6
    assert np.isclose(grad(final)(0.1), slope, rtol=1e-5)
