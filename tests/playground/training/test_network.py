"""Tests of `playground/training/network.py`: the state machine, without a page."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import pullback as pb
from pullback.playground.training.data import draw, read_table
from pullback.playground.training.network import OUTPUT_SIDE, History, Training, grid
from pullback.playground.training.settings import FIRST_ORDER, FULL_BATCH, SEARCHES, Settings
from pullback.train import InputError

SMALL = Settings(hidden=(3,))


@pytest.mark.parametrize("name", [*FIRST_ORDER, *FULL_BATCH])
def test_each_optimiser_lowers_the_loss(name):
    rate = {"Adadelta": 1.0, "Lion": 0.003}.get(name, 0.03)
    training = Training(Settings(hidden=(3,), optimiser=name, rate=rate))
    before = training.measured.train
    for _ in range(12):
        training.advance()
    assert training.measured.train < 0.99 * before
    assert (training.epoch, training.ended) == (12, "")


def objective(training):
    return training.programs.objective(training.params, *training.training_arrays)


@pytest.mark.parametrize("search", SEARCHES)
def test_each_line_search_lowers_the_loss_at_every_step(search):
    training = Training(
        Settings(hidden=(3,), optimiser="gradient-descent", search=search, rate=0.03)
    )
    for _ in range(10):
        before = objective(training)
        training.advance()
        assert float(objective(training)) < float(before)


@pytest.mark.parametrize(("batch", "steps"), [(10, 25), (50, 5), (30, 8)])
def test_an_epoch_takes_the_steps_that_the_batch_says(batch, steps):
    training = Training(Settings(hidden=(), batch=batch))
    taken = []
    step = training.programs.step

    def counted(*arguments):
        taken.append(len(arguments[3]))
        return step(*arguments)

    training.programs = replace(training.programs, step=counted)
    training.advance()
    assert taken == [batch] * steps


def test_an_epoch_may_be_taken_in_parts_and_is_the_same():
    whole, parts = Training(SMALL), Training(SMALL)
    whole.advance()
    calls = 0
    while parts.epoch == 0:
        parts.advance(1e-9 if calls % 2 else 1e-4)
        calls += 1
        assert calls < 1000
    assert calls > 1
    assert np.array_equal(whole.vector(), parts.vector())


def test_the_seed_decides_and_a_reset_begins_again():
    training = Training(SMALL)
    start = training.vector()
    for _ in range(3):
        training.advance()
    there = training.vector()
    assert not np.array_equal(there, start)
    training.reset()
    assert (training.epoch, training.losses.epochs) == (0, [0])
    assert np.array_equal(training.vector(), start)
    for _ in range(3):
        training.advance()
    assert np.array_equal(training.vector(), there)


@pytest.mark.parametrize(
    ("name", "value"),
    [("noise", 0.2), ("share", 0.8), ("seed", 3), ("dataset", "xor"), ("features", ["x1"]),
     ("hidden", [2, 2]), ("activation", "relu"), ("problem", "regression")],
)  # fmt: skip
def test_other_data_and_another_structure_begin_anew(name, value):
    training = Training(SMALL)
    training.advance()
    training.change(name, value)
    assert (training.epoch, training.losses.epochs) == (0, [0])
    training.advance()
    assert training.epoch == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("rate", 0.1), ("batch", 25), ("optimiser", "Adam"), ("optimiser", "l-bfgs"), ("search", "wolfe"),
     ("regularisation", "l1"), ("strength", 0.01)],
)  # fmt: skip
def test_other_settings_go_on_from_where_the_network_is(name, value):
    training = Training(Settings(hidden=(3,), strength=0.003, regularisation="l2"))
    training.advance()
    there = training.vector()
    training.change(name, value)
    assert np.array_equal(training.vector(), there)
    training.advance()
    assert training.epoch == 2
    assert not np.array_equal(training.vector(), there)


def test_the_state_of_an_optimiser_stays_where_it_fits():
    training = Training(Settings(hidden=(3,), optimiser="Adam"))
    training.advance()
    state = training._state
    training.change("rate", 0.1)
    assert training._state is state
    training.change("regularisation", "l1")
    training.change("strength", 0.01)  # a proximal step has a state of its own
    assert training._state is not state


def test_a_loss_that_is_not_finite_ends_it_in_words():
    training = Training(Settings(problem="regression", dataset="plane", rate=10.0, activation="identity"))  # fmt: skip
    for _ in range(50):
        training.advance()
    assert "smaller learning rate" in training.ended
    epoch = training.epoch
    training.advance()
    assert training.epoch == epoch
    training.reset()
    assert training.ended == ""
    assert math.isfinite(training.measured.train)


def test_a_method_that_finds_no_step_ends_in_words_and_may_be_changed():
    training = Training(Settings(hidden=(), features=("x1",), dataset="gauss", optimiser="newton"))
    for _ in range(200):
        training.advance()
        if training.ended:
            break
    assert training.ended
    training.change("optimiser", "SGD")
    assert training.ended == ""


def test_own_data_train():
    rows = [f"{a:.4f},{b:.4f},{'up' if b > a else 'down'}" for a, b in draw("xor", points=40).X]
    training = Training(SMALL)
    training.bring(read_table("\n".join(rows)))
    assert (training.settings.dataset, training.train.labels) == ("own", ("down", "up"))
    before = training.measured.train
    for _ in range(10):
        training.advance()
    assert training.measured.train < before
    with pytest.raises(InputError, match="choose a file"):
        Training(Settings(dataset="own"))


@pytest.mark.parametrize("hidden", [(), (8,), (8, 8, 8, 8, 8, 8)])
def test_there_is_a_surface_for_each_unit_and_the_output(hidden):
    training = Training(Settings(hidden=hidden, features=("x1", "x2", "x1^2")))
    found = training.surfaces()
    assert found.shape == (sum(hidden) + 1, OUTPUT_SIDE, OUTPUT_SIDE)
    assert np.abs(found).max() <= 1
    features = training.feature_surfaces()
    assert features.shape == (3, OUTPUT_SIDE, OUTPUT_SIDE)
    # rows from below, columns from the left
    assert features[0, 0, 0] == features[0, -1, 0] == -1
    assert features[1, 0, 0] == features[1, 0, -1] == -1
    z = training.params(training._grid)[:, 0]
    assert np.allclose(found[-1].ravel(), np.tanh(pb.to_numpy(z) / 2))


def test_the_grid_goes_from_the_left_and_from_below():
    points = grid()
    assert points[0].tolist() == [-6, -6]
    assert points[1].tolist() == [-5.85, -6]
    assert points[-1].tolist() == [6, 6]


def test_a_history_never_is_too_long_and_has_the_start():
    history = History(most=50)
    for epoch in range(10_000):
        history.add(epoch, epoch)
        assert len(history.epochs) == len(history.values) <= 50
    assert history.epochs == history.values
    assert history.epochs[0] == 0
    assert history.epochs[-1] > 9000
    assert len(set(np.diff(history.epochs))) == 1
