"""The loop that `fit` and the estimators share: which batches it takes, and what ends it."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb
from pullback.train.epochs import Training, run_epochs
from pullback.train.fitting.signals import Interrupt
from pullback.train.step import LossSum, SummedTally, Tally

HOME = pb.backend.resolve("numpy")
TALLIES = {"steps": Tally, "sum": LossSum, "both": SummedTally}


def training(tally, losses, interrupt=None, after=math.inf):
    """Steps that count themselves in the parameters and have these losses."""
    losses = iter(losses)

    def step(parameters, state, tally, x):
        if parameters + 1 == after:
            interrupt.seen = True
        return parameters + 1, state, tally.after(np.asarray(next(losses)), x.shape[0])

    return Training(step, 0, None, TALLIES[tally].new(HOME))


def batches(n):
    return lambda: [(np.zeros(2),)] * n


@pytest.mark.parametrize("tally", TALLIES)
def test_a_rule_ends_it_after_an_epoch(tally):
    run, asked = training(tally, [1.0] * 50), []

    def after_epoch(epoch):
        asked.append((epoch, run.parameters))
        return ("enough", "three") if epoch == 3 else None

    assert run_epochs(run, 9, batches(4), after_epoch) == ("enough", "three")
    assert asked == [(1, 4), (2, 8), (3, 12)]
    assert run_epochs(run, 2, batches(4), lambda epoch: None) is None


@pytest.mark.parametrize("tally", TALLIES)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_an_epoch_is_broken_off_soon_after_a_loss_that_is_not_finite(tally, bad):
    run = training(tally, [1.0] * 130 + [bad] + [1.0] * 1000)
    run_epochs(run, 1, batches(1000), lambda epoch: None)
    assert run.parameters == 200
    assert run.tally.is_bad()


def test_ctrl_c_ends_an_epoch_between_two_steps():
    interrupt = Interrupt()
    run = training("steps", [1.0] * 9, interrupt, after=5)
    run_epochs(run, 1, batches(9), lambda epoch: None, interrupt)
    assert run.parameters == 5
    assert run.tally.read() == (5, None)


def test_the_sum_of_the_losses_begins_anew_in_the_same_memory():
    run = training("sum", [1.0, 2.0, 3.0, 4.0])
    taken = []

    def after_epoch(epoch):
        total = run.tally.total
        taken.append(run.tally.take())
        assert run.tally.total is total

    run_epochs(run, 2, batches(2), after_epoch)
    assert taken == [2 * (1.0 + 2.0), 2 * (3.0 + 4.0)]


def test_the_mean_of_an_epoch_is_weighted_by_rows_and_begins_anew():
    tally = SummedTally.new(HOME)
    for loss, rows in ((1.0, 2), (4.0, 1)):
        tally = tally.after(np.asarray(loss), rows)
    assert (tally.take(), tally.read()) == ((2 * 1.0 + 4.0) / 3, (2, None))
    assert tally.after(np.asarray(5.0), 7).take() == 5.0


@pytest.mark.parametrize("kind", ["steps", "both"])
def test_the_tally_names_the_first_step_that_was_bad(kind):
    run = training(kind, [1.0, math.inf, math.nan, 1.0])
    run_epochs(run, 1, batches(4), lambda epoch: None)
    assert run.tally.read() == (2, math.inf)
