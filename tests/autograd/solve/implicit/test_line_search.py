"""Backtracking and Armijo's condition."""

from __future__ import annotations

import math

from pullback.autograd.solve.implicit.line_search import backtrack, decreases_enough


def test_backtracking_takes_the_first_step_that_succeeds():
    tried: list[float] = []

    def trial(step):
        tried.append(step)
        return "found" if step <= 0.25 else None

    assert backtrack(trial, 1.0, 0.5, 10) == ("found", 0.25)
    assert tried == [1.0, 0.5, 0.25]
    assert backtrack(trial, 1.0, 0.5, 2) == (None, 0.25)


def test_armijos_condition_refuses_nan():
    assert decreases_enough(0.0, 1.0, -2.0, 0.5, 0.5)
    assert not decreases_enough(0.9, 1.0, -2.0, 0.5, 0.5)
    assert not decreases_enough(math.nan, 1.0, -2.0, 0.5, 0.5)
