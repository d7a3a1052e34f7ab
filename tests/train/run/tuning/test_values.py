"""Combinations of settings: grids, ranges, draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pullback.train import InputError, Settings
from pullback.train.run.tuning.values import (
    LogUniform,
    Uniform,
    combinations,
    drawn,
    value_text,
    values_of,
    varied,
    with_rates,
)

pytest.importorskip("sklearn", reason="needs scikit-learn")

RATES = LogUniform(1e-4, 1e-1)


def test_every_combination_once_and_another_optimiser_with_its_own_defaults():
    found = combinations(Settings(), {"optimizer": ["adamw", "sgd"], "batch_size": [16, 32]})
    assert [(s.optimizer, s.learning_rate, s.batch_size) for s in found] == [
        ("adamw", 2e-3, 16),
        ("adamw", 2e-3, 32),
        ("sgd", 1e-1, 16),
        ("sgd", 1e-1, 32),
    ]
    assert len(combinations(Settings(), {"l2": [0.0, 0.0, 0.1]})) == 2


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"epochs": [1]}, "no setting to tune"),
        ({"l2": []}, "no values for l2"),
        ({"learning_rate": [-1.0]}, "learning_rate"),
        ({"l2": LogUniform(1e-4, 1.0)}, "l2: 0.0001:1 is a range.*--random 20"),
    ],
)
def test_a_bad_grid_is_refused(grid, message):
    with pytest.raises(InputError, match=message):
        combinations(Settings(), grid)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("learning_rate", "1e-3,fast"),
        ("batch_size", "16,1.5"),
        ("hidden", "64;x"),
        ("batch_size", "16:64"),
        ("l2", "1e-4:many"),
        ("l2", "1:2:3"),
        ("warmup", "soon"),
        ("warmup", "0:1"),
        ("batch_norm", "maybe"),
        ("dropout", "0:3"),
    ],
)
def test_bad_values_are_refused(key, text):
    with pytest.raises(InputError, match=key):
        values_of(key, text)


@pytest.mark.parametrize("text", ["0:1", "1e-1:1e-4", "1e-3:1e-3", "nan:1", "1e-3:inf"])
def test_a_range_that_is_none_is_refused(text):
    with pytest.raises(InputError, match="above 0 to a larger one"):
        values_of("learning_rate", text)


@pytest.mark.parametrize("number", [0, -3, 2.0, True])
def test_a_number_of_draws_that_is_none_is_refused(number):
    with pytest.raises(InputError, match="random"):
        drawn(Settings(), {"learning_rate": RATES}, number)


def test_draws_are_as_many_as_asked_different_and_by_the_seed():
    grid = {"learning_rate": RATES, "batch_size": [16, 32], "l2": stats.loguniform(1e-5, 1.0)}
    found = drawn(Settings(seed=3), grid, 40)
    assert len(found) == len(set(found)) == 40
    assert found == drawn(Settings(seed=3), grid, 40)
    assert found != drawn(Settings(seed=4), grid, 40)
    # a seed that scikit-learn's own generators would not take
    assert len(drawn(Settings(seed=2**40), grid, 2)) == 2
    rates = np.asarray([s.learning_rate for s in found])
    assert rates.min() >= 1e-4
    assert rates.max() <= 1e-1
    # their logarithm is even: a third of them in each decade
    assert all(6 < np.sum((low < rates) & (rates <= 10 * low)) < 21 for low in (1e-4, 1e-3, 1e-2))
    assert {s.batch_size for s in found} == {16, 32}


def test_of_lists_there_are_no_more_draws_than_combinations():
    grid = {"batch_size": [16, 32, 32], "activation": ["relu", "tanh"]}
    found = drawn(Settings(), grid, 100)
    assert set(found) == set(combinations(Settings(), grid))
    assert len(found) == 4
    # a range so narrow that its three digits are always the same
    assert len(drawn(Settings(), {"l2": LogUniform(0.1, 0.1 + 1e-9)}, 5)) == 1


def test_values_of_every_kind():
    assert values_of("batch_norm", "no, yes") == (False, True)
    assert values_of("warmup", "0,100,0.1") == (0, 100, 0.1)
    assert values_of("dropout", "0:0.5") == Uniform(0.0, 0.5)
    found = drawn(Settings(), {"dropout": Uniform(0.1, 0.4)}, 20)
    assert all(0.1 <= s.dropout <= 0.4 for s in found)


def test_each_of_several_optimisers_takes_what_it_has():
    grid = {"optimizer": ["adamw", "sgd", "rmsprop"], "momentum": [0.5, 0.9], "l2": [0.1]}
    found = combinations(Settings(), grid)
    assert [(s.optimizer, s.momentum, s.l2) for s in found] == [
        ("adamw", None, 0.1), ("sgd", 0.5, 0.1), ("sgd", 0.9, 0.1), ("rmsprop", None, 0.1)
    ]  # fmt: skip
    with pytest.raises(InputError, match="momentum"):
        combinations(Settings(), {"momentum": [0.5, 0.9]})


def test_without_rates_there_are_five_or_their_range():
    assert len(with_rates(Settings(), {})["learning_rate"]) == 5
    assert with_rates(Settings(), {"l2": [1.0]}, draw=True)["learning_rate"] == LogUniform(
        2e-4, 2e-2
    )
    assert "learning_rate" not in with_rates(Settings(), {"optimizer": ["sgd", "adam"]})


def test_what_varies_and_how_it_is_written():
    grid = {"hidden": [(8,), ()], "l2": [0.5]}
    found = combinations(Settings(), grid)
    assert varied(found) == ["hidden"]
    assert varied(found[:1]) == ["learning_rate"]
    assert [value_text(s.hidden) for s in found] == ["8", "none"]
