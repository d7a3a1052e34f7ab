"""Successive halving: what runs, in which rung, with how much, and that scikit-learn chooses."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.train import InputError, Settings, Split, load_dataset
from pullback.train.data.split import folds
from pullback.train.run.tuning.halving import halve, schedule
from pullback.train.run.tuning.values import combinations

pytest.importorskip("sklearn", reason="needs scikit-learn")

# so many combinations, each with the loss of its number
BASE = Settings(data="iris", epochs=300)
DATA = load_dataset("iris")
PARTS = folds(DATA, k=5)


def candidates(count):
    return combinations(BASE, {"learning_rate": [1e-3 * (i + 1) for i in range(count)]})


def searched(count, loss=lambda number, rung: float(number), **settings):
    rungs = []

    def run(rung):
        rungs.append(rung)
        return [
            ((loss(number, rung.number),) * 5, (0.5,) * 5, (1,) * 5) for number in rung.candidates
        ]

    return halve(candidates(count), PARTS, run, **settings), rungs


def test_a_third_goes_on_with_three_times_as_many_epochs():
    found, rungs = searched(9)
    assert [rung.candidates for rung in rungs] == [tuple(range(9)), (2, 1, 0), (0,)]
    assert [rung.amount for rung in rungs] == [33, 99, 297]
    assert [{s.epochs for s in rung.settings} for rung in rungs] == [{33}, {99}, {297}]
    assert all(rung.parts == tuple(PARTS) for rung in rungs)
    assert [len(trial.rungs) for trial in found.trials] == [3, 2, 2, 1, 1, 1, 1, 1, 1]
    assert found.best == 0
    # the settings are those that the next run has, not those of a rung
    assert {trial.settings.epochs for trial in found.trials} == {300}
    assert [rung.share for rung in rungs] == [(0, 1 / 3), (1 / 3, 2 / 3), (2 / 3, 1)]


def test_the_last_rung_decides_and_runs_that_diverged_are_last():
    def loss(number, rung):
        if number in (0, 4):
            return np.inf
        return float(number if rung == 1 else -number)

    found, rungs = searched(9, loss)
    assert rungs[1].candidates == (3, 2, 1)
    assert found.best == 3
    assert found.trials[0].loss == np.inf
    everywhere, _ = searched(3, lambda number, rung: np.inf)
    assert not np.isfinite(everywhere.trials[everywhere.best].loss)


def test_rows_are_drawn_from_each_part_of_each_fold():
    found, rungs = searched(9, resource="rows", labels=DATA.y)
    # iris has 3 classes: at least 2 × 5 folds × 3 rows
    assert [sum(map(len, (r.parts[0].train, r.parts[0].validation))) for r in rungs] == [30, 90]
    assert [rung.amount for rung in rungs] == [24, 72]
    assert {s.epochs for rung in rungs for s in rung.settings} == {300}
    for rung in rungs:
        for part, whole in zip(rung.parts, PARTS, strict=True):
            assert isinstance(part, Split)
            assert set(part.train) < set(whole.train)
            assert set(part.validation) < set(whole.validation)
            assert np.all(np.diff(part.train) > 0)
    assert found.best == 0
    again = searched(9, resource="rows", labels=DATA.y)[1]
    assert np.array_equal(again[0].parts[3].train, rungs[0].parts[3].train)
    other = searched(9, resource="rows", labels=DATA.y, seed=2**40 + 1)[1]
    assert not np.array_equal(other[0].parts[3].train, rungs[0].parts[3].train)


@pytest.mark.parametrize("count", [1, 2, 3, 10, 27, 243])
@pytest.mark.parametrize("resource", ["epochs", "rows"])
def test_the_plan_is_scikit_learn_s(count, resource):
    """How many rungs there are is told before the search ends: `schedule` says so, and the search does it."""
    _, rungs = searched(count, resource=resource)
    assert [rung.of for rung in rungs] == [len(rungs)] * len(rungs)
    least, most = (rungs[0].amount, 300) if resource == "epochs" else (0, 0)
    if resource == "epochs":
        plan = [(len(rung.candidates), rung.amount) for rung in rungs]
        assert schedule(count, least, most) == plan


def test_too_few_rows_and_unknown_resources_are_refused():
    few = [Split(p.train[:6], p.validation[:2], p.test) for p in PARTS]
    few[0] = Split(few[0].train, few[0].validation[:1], few[0].test)
    with pytest.raises(InputError, match="too few"):
        halve(candidates(3), few, lambda rung: [], resource="rows", labels=DATA.y)
    with pytest.raises(InputError, match="resource: 'time'; choose one of epochs, rows"):
        searched(3, resource="time")
