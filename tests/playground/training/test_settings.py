"""Tests of `playground/training/settings.py`: what may be chosen, and what a choice brings with it."""

from __future__ import annotations

from dataclasses import fields

import pytest

from pullback.playground.training.data import KINDS, REGRESSION, read_table
from pullback.playground.training.settings import FIRST_ORDER, FULL_BATCH, Settings
from pullback.train import InputError

CHANGES = {
    "problem": REGRESSION, "dataset": "spiral", "noise": 0.2, "share": 0.8, "batch": 30, "seed": 7,
    "features": ("x1", "sin(x2)"), "hidden": (8, 8), "activation": "relu", "optimiser": "Adam",
    "search": "wolfe", "rate": 0.1, "regularisation": "l2", "strength": 0.01,
}  # fmt: skip


def test_every_setting_is_changed_here():
    assert set(CHANGES) == {field.name for field in fields(Settings)}


@pytest.mark.parametrize(("name", "value"), CHANGES.items())
def test_a_setting_changes(name, value):
    sent = list(value) if isinstance(value, tuple) else value  # as JSON has it
    assert getattr(Settings().changed(name, sent), name) == value


BAD = [
    ("problem", "poetry"), ("dataset", "cats"), ("noise", 0.6), ("noise", "much"), ("share", 0), ("share", 1),
    ("batch", 0), ("batch", 51), ("seed", -1), ("features", []), ("features", ["x3"]), ("features", 3),
    ("hidden", [9]), ("hidden", [0]), ("hidden", [1] * 7), ("hidden", None), ("activation", "threshold"),
    ("optimiser", "magic"), ("search", "none"), ("rate", 0), ("rate", float("nan")), ("rate", None),
    ("regularisation", "l3"), ("strength", 2), ("own", 1), ("__class__", 1),
    ("batch", float("inf")), ("hidden", [float("inf")]), ("hidden", [10**9] * 6), ("hidden", 10**9),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), BAD)
def test_what_cannot_be_chosen_is_told(name, value):
    with pytest.raises(InputError):
        Settings().changed(name, value)


@pytest.mark.parametrize("name", KINDS)
def test_a_data_set_brings_its_problem(name):
    assert Settings().changed("dataset", name).problem == KINDS[name].problem


def test_a_problem_brings_a_data_set():
    regression = Settings().changed("problem", REGRESSION)
    assert KINDS[regression.dataset].problem == REGRESSION
    assert regression.changed("problem", REGRESSION) == regression


def test_own_data_need_a_file():
    with pytest.raises(InputError, match="choose a file"):
        Settings().changed("dataset", "own")
    own = read_table("0,0,1\n1,1,2\n2,2,4\n")
    assert Settings().changed("dataset", "own", own).problem == REGRESSION


def test_features_are_in_the_order_of_the_page():
    chosen = Settings().changed("features", ["sin(x1)", "x1"])
    assert chosen.features == ("x1", "sin(x1)")
    assert chosen.widths == (2, 4, 2, 1)


def test_optimisers_are_those_of_the_library():
    for name, make in FIRST_ORDER.items():
        assert type(make(0.1)).__name__.lower() in (name.lower().split()[0], "adam"), name
    assert Settings(optimiser="newton").full_batch
    assert not Settings().full_batch
    assert not set(FIRST_ORDER) & set(FULL_BATCH)
