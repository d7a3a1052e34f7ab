"""Tests of `playground/training/programs.py` against formulas written out."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.playground.training.programs import network, programs
from pullback.playground.training.settings import FIRST_ORDER, Settings

X = np.random.default_rng(0).normal(size=(20, 2))
CLASSES = (X[:, 0] > 0).astype(float)
NUMBERS = X[:, 0] * 0.5


def there(*arrays):
    """On the active backend's device."""
    return [pb.asarray(a) for a in arrays]


def by_hand(params, X):
    h = X
    for layer in params.layers[:-1]:
        h = np.tanh(h @ pb.to_numpy(layer.W) + pb.to_numpy(layer.b))
    last = params.layers[-1]
    return h, (h @ pb.to_numpy(last.W) + pb.to_numpy(last.b))[:, 0]


def test_the_loss_and_the_score_of_classes():
    settings = Settings(hidden=(3,))
    params = network(settings)
    _, z = by_hand(params, X)
    loss, score, norms = programs(settings).measure(params, *there(X, CLASSES))
    p = 1 / (1 + np.exp(-z))
    assert np.isclose(float(loss), -np.mean(np.log(np.where(CLASSES == 1, p, 1 - p))))
    assert float(score) == np.mean((z > 0) == (CLASSES == 1))
    assert norms.shape == (2,)


def test_the_loss_and_the_score_of_a_regression():
    settings = Settings(problem="regression", dataset="plane", hidden=(3,))
    params = network(settings)
    _, z = by_hand(params, X)
    loss, score, _ = programs(settings).measure(params, *there(X, NUMBERS))
    assert np.isclose(float(loss), np.mean((z - NUMBERS) ** 2))
    assert np.isclose(float(score), 1 - np.mean((z - NUMBERS) ** 2) / np.var(NUMBERS))


def test_norms_are_those_of_the_gradient_by_layer():
    settings = Settings(hidden=(3, 2), regularisation="l2", strength=0.1)
    params, made = network(settings), programs(settings)
    gradient = pb.grad(made.objective)(params, *there(X, CLASSES))
    wanted = [
        np.sqrt(np.sum(pb.to_numpy(g.W) ** 2) + np.sum(pb.to_numpy(g.b) ** 2))
        for g in gradient.layers
    ]
    assert np.allclose(pb.to_numpy(made.measure(params, *there(X, CLASSES))[2]), wanted)


@pytest.mark.parametrize(("kind", "penalty"), [("l1", np.abs), ("l2", lambda w: 0.5 * w * w)])
def test_the_objective_has_its_penalty_on_the_weights_alone(kind, penalty):
    plain = Settings(hidden=(3,))
    params = network(plain)
    chosen = Settings(hidden=(3,), regularisation=kind, strength=0.3)
    added = float(programs(chosen).objective(params, *there(X, CLASSES))) - float(
        programs(plain).objective(params, *there(X, CLASSES))
    )
    weights = sum(penalty(pb.to_numpy(layer.W)).sum() for layer in params.layers)
    assert np.isclose(added, 0.3 * weights)
    # what is reported is the loss alone
    for settings in (plain, chosen):
        assert np.isclose(float(programs(settings).measure(params, *there(X, CLASSES))[0]),
                          float(programs(plain).objective(params, *there(X, CLASSES))))  # fmt: skip


def test_the_surfaces_are_the_units_and_the_output():
    settings = Settings(hidden=(3, 2))
    params = network(settings)
    found = pb.to_numpy(programs(settings).surfaces(params, *there(X)))
    last, z = by_hand(params, X)
    assert found.shape == (20, 6)
    assert np.allclose(found[:, 3:5], last)
    assert np.allclose(found[:, 5], np.tanh(z / 2))


def test_a_unit_that_does_not_saturate_is_scaled():
    settings = Settings(hidden=(4,), activation="relu", problem="regression", dataset="plane")
    found = pb.to_numpy(programs(settings).surfaces(network(settings), *there(100 * X)))
    assert np.abs(found).max() <= 1
    assert np.abs(found[:, :4]).max() == 1


@pytest.mark.parametrize("name", FIRST_ORDER)
def test_each_optimiser_steps_by_the_rate_it_is_given(name):
    settings = Settings(optimiser=name, hidden=(3,))
    params, made = network(settings), programs(settings)
    moved = []
    for rate in (0.01, 0.02):
        new, _ = made.step(params, made.init(params), *there(X, CLASSES), pb.asarray(rate))
        moved.append(pb.to_numpy(new.layers[0].W) - pb.to_numpy(params.layers[0].W))
    assert np.abs(moved[0]).max() > 0
    # the first step of each is proportional to its rate, decay apart
    assert np.allclose(moved[1], 2 * moved[0], rtol=1e-3)


def test_the_proximal_step_makes_weights_exactly_zero():
    settings = Settings(hidden=(6,), regularisation="l1", strength=0.1)
    params, made = network(settings), programs(settings)
    state = made.init(params)
    for _ in range(100):
        params, state = made.step(params, state, *there(X, CLASSES), pb.asarray(0.1))
    assert np.sum(pb.to_numpy(params.layers[0].W) == 0) > 3
