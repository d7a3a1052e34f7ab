"""Schedules by their names: their rates at the ends, the warm-up, what they refuse; the rate that follows the loss."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb
from pullback.train.schedules import (
    SCHEDULES,
    OnPlateau,
    by_all_steps,
    make_schedule,
    note_loss,
    on_plateau,
    warm_up_steps,
)

from .parallel._ranks import close, same_bits, simulated

RATE, STEPS = 0.5, 90

# rates after so many of 90 steps, as factors of the greatest one
RATES = {
    "constant": {0: 1, 89: 1},
    "step": {0: 1, 29: 1, 30: 0.1, 60: 0.01, 89: 0.01},
    "inverse": {0: 1, 9: 1 / 2, 27: 1 / 4, 81: 1 / 10},
    "inverse_sqrt": {0: 1, 27: 1 / 2, 72: 1 / 3},
    "exponential": {0: 1, 45: 0.1, 90: 0.01},
    "polynomial": {0: 1, 30: 2 / 3, 45: 1 / 2, 90: 0},
    "cosine": {0: 1, 30: 0.75, 45: 1 / 2, 90: 0},
    "one_cycle": {0: 1 / 25, 26: 1, 89: 1 / 250_000},
    "plateau": {0: 1, 89: 1},
}


def at(schedule, count):
    return schedule(count) if callable(schedule) else schedule


@pytest.mark.parametrize("name", SCHEDULES)
def test_rates_over_a_run(name):
    schedule = make_schedule(name, RATE, STEPS)
    for count, factor in RATES[name].items():
        assert at(schedule, count) == pytest.approx(factor * RATE), count
        assert float(at(schedule, np.asarray(count))) == pytest.approx(factor * RATE)
    assert max(at(schedule, count) for count in range(STEPS)) <= RATE * (1 + 1e-12)


@pytest.mark.parametrize(
    "name", [name for name in SCHEDULES if name not in ("one_cycle", "plateau")]
)
@pytest.mark.parametrize("warmup", [10, 0.1])
def test_warm_up_is_a_straight_line_and_then_the_schedule_of_what_is_left(name, warmup):
    steps = STEPS + 10
    schedule = make_schedule(name, RATE, steps, warmup)
    for count in range(10):
        assert schedule(count) == pytest.approx(RATE * (count + 1) / 11)
    for count, factor in RATES[name].items():
        assert schedule(10 + count) == pytest.approx(factor * RATE)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="warmup: 90 steps of warm-up are all of the run's 90"):
        make_schedule("cosine", RATE, STEPS, 90)
    with pytest.raises(ValueError, match="one_cycle needs 4 steps or more, and the run has 3"):
        make_schedule("one_cycle", RATE, 3)
    with pytest.raises(ValueError, match="schedule 'linear' is unknown; choose one of constant"):
        make_schedule("linear", RATE, STEPS)


@pytest.mark.parametrize("steps", [4, 5, 6, 7, 11, 1000])
def test_every_schedule_has_rates_for_few_steps(steps):
    for name in SCHEDULES:
        rates = [at(make_schedule(name, RATE, steps), count) for count in range(steps)]
        assert all(0 < rate <= RATE * (1 + 1e-12) for rate in rates), name


def test_warm_up_in_steps_and_in_shares():
    assert [warm_up_steps(w, 200) for w in (0, 1, 30, 0.5, 0.001)] == [0, 1, 30, 100, 1]


def test_which_schedules_depend_on_the_number_of_steps():
    for name in SCHEDULES:
        for warmup in (0, 0.2, 5) if name not in ("one_cycle", "plateau") else (0,):
            rates = [
                [at(make_schedule(name, RATE, steps, warmup), count) for count in range(90)]
                for steps in (90, 120)
            ]
            assert by_all_steps(name, warmup) == (rates[0] != rates[1]), (name, warmup)


# The rate that follows the loss -------------------------------------------------------------------

RULE = pb.optim.ReduceOnPlateau(0.5, factor=0.1, patience=1)


def test_steps_are_of_the_rates_of_the_rule():
    opt = on_plateau(pb.optim.SGD(99.0), RULE)
    w = np.asarray([1.0])
    state = opt.init(w)
    for loss, rate in ((3.0, 0.5), (3.0, 0.5), (3.0, 0.05), (2.0, 0.05)):
        kept = state.rule.lr
        note_loss(opt, state, loss)
        # the arrays are the same ones
        assert state.rule.lr is kept
        new, state = opt.step(w, np.ones(1), state)
        assert new[0] == pytest.approx(1 - rate)
    assert on_plateau(pb.optim.SGD(1.0), None) == pb.optim.SGD(1.0)


def test_with_a_scaled_loss_the_rule_is_inside():
    opt = on_plateau(pb.optim.LossScaling(pb.optim.SGD(99.0)), RULE)
    assert isinstance(opt, pb.optim.LossScaling)
    assert isinstance(opt.opt, OnPlateau)
    w = np.asarray([1.0], np.float32)
    state = opt.init(w)
    for loss in (3.0, 3.0, 3.0):
        note_loss(opt, state, loss)
    assert float(state.inner.rule.lr) == pytest.approx(0.05)


def test_l1_steps_have_the_threshold_of_the_rule_s_rate():
    from pullback.train.optimizers import with_l1

    opt = on_plateau(with_l1(pb.optim.SGD(99.0), 1.0), RULE)
    W = np.asarray([[2.0, 0.3]])
    np.testing.assert_allclose(opt.step(W, np.zeros((1, 2)), opt.init(W))[0], [[1.5, 0.0]])


@pytest.mark.parametrize("compile", [True, False])
def test_fit_lowers_the_rate_by_the_validation_loss(compile):
    x = np.random.default_rng(0).standard_normal((128, 3))
    y = x @ np.ones((3, 1))
    model = pb.models.MLP([3, 1], dtype="float64")
    # an immense rate of the optimiser's own would show; noise keeps the loss from falling
    noisy = y + np.random.default_rng(1).standard_normal(y.shape)
    rule = pb.optim.ReduceOnPlateau(0.3, factor=0.01, patience=2)
    run = pb.train.fit(
        model, pb.models.squared_error, (x, noisy), (x, y), pb.optim.SGD(1e9), batch_size=8,
        epochs=30, patience=0, plateau=rule, compile=compile,
    )  # fmt: skip
    losses = [row.validation_loss for row in run.history]
    assert all(map(math.isfinite, losses))
    moves = np.abs(np.diff(losses))
    # after the first reductions nothing moves any more
    assert moves[:3].max() > 1e-4
    assert moves[-5:].max() < 1e-3 * moves[:3].max()


def test_on_ranks_it_is_lowered_on_all_of_them_at_once():
    x = np.random.default_rng(0).standard_normal((64, 3))
    y = x @ np.ones((3, 1)) + np.random.default_rng(1).standard_normal((64, 1))

    def train(group):
        return pb.train.fit(
            pb.models.MLP([3, 1], dtype="float64"), pb.models.squared_error, (x, y), (x, y),
            pb.optim.SGD(1.0), batch_size=16, epochs=12, patience=0, distributed=group,
            plateau=pb.optim.ReduceOnPlateau(0.4, factor=0.2, patience=1, threshold=0.05),
        )  # fmt: skip

    one, two = train(None), simulated(2, train)
    same_bits(two)
    close(two[0], one)
