"""The two rules that end a training early: when they do, and what they take for an improvement."""

from __future__ import annotations

import math

import pytest

from pullback.train.stopping import Epoch, Improvement, ValidationPatience


def epoch(number, validation_loss):
    return Epoch(number, number, 0.0, 0.0, validation_loss, 0.0)


@pytest.mark.parametrize(
    ("patience", "losses", "end"),
    [
        (2, [3.0, 2.0, 2.0, 2.0, 1.0], 3),  # an equal loss is no improvement
        (2, [3.0, 2.0, 2.5, 1.0, 1.5, 1.5], 5),
        (1, [3.0, 4.0], 1),
        (0, [3.0, 4.0, 5.0, 6.0], None),
    ],
)
def test_patience_with_the_validation_loss(patience, losses, end):
    rule = ValidationPatience(patience, epoch(0, losses[0]))
    ended = []
    for number, loss in enumerate(losses[1:], 1):
        rule.note(epoch(number, loss))
        ended.append(rule.ended(number))
    assert next((n for n, why in enumerate(ended, 1) if why), None) == end
    assert {why[0] for why in ended if why} <= {"patience"}


def test_without_a_validation_part_the_training_loss_is_watched():
    first, low, high = (
        Epoch(i, i, loss, 0.0, math.nan, 0.0) for i, loss in enumerate((3.0, 1.0, 2.0))
    )
    rule = ValidationPatience(1, first, validated=False)
    assert [rule.note(low), rule.note(high)] == [True, False]
    assert (rule.best, rule.ended(2)) == (low, ("patience", "no better loss for 1 epochs"))


@pytest.mark.parametrize(
    ("patience", "losses", "end"),
    [
        (1, [1.0, 0.5, 0.45, 0.41], 4),  # better than the best by less than tol, twice
        (1, [1.0, 0.5, 0.45, 0.3, 0.29, 0.15], None),  # never twice in a row
        (math.inf, [1.0] * 20, None),
    ],
)
def test_improvement_of_the_loss_by_tol(patience, losses, end):
    rule = Improvement(0.1, patience)
    ended = []
    for number, loss in enumerate(losses, 1):
        rule.note(loss, None)
        ended.append(rule.ended(number))
    assert next((n for n, why in enumerate(ended, 1) if why), None) == end
    assert rule.losses == losses
    assert rule.best_loss == min(losses)


def test_improvement_of_the_score_keeps_the_best():
    rule = Improvement(0.01, 1)
    best = [rule.note(1.0, score) for score in (0.5, 0.505, 0.6, 0.6, 0.59)]
    assert best == [True, True, True, False, False]
    assert (rule.best_score, rule.idle) == (0.6, 2)
    assert rule.ended(5)[0] == "idle"
