"""In which settings runs differ."""

from __future__ import annotations

from pathlib import Path

import pytest

from pullback.train.records.differing import differing, setting_text, shared
from pullback.train.records.record import RunRecord

from ._runs import settings


def records(*more, network=""):
    return [RunRecord(Path("r"), "train", "finished", "", settings(**m), network) for m in more]


@pytest.mark.parametrize(
    ("more", "differ", "equal"),
    [
        (({}, {}), [], {"data": "iris", "network": "mlp 128"}),
        (({"name": "a"}, {"name": "b"}), [], {"data": "iris", "network": "mlp 128"}),
        (({"hidden": (8,)}, {"hidden": ()}), ["network"], {"data": "iris"}),
        (
            ({"learning_rate": 0.5, "dtype": "float64"}, {"l2": 0.5, "dtype": "float64"}),
            ["learning_rate", "l2"],
            {"data": "iris", "network": "mlp 128", "dtype": "float64"},
        ),
        (
            ({}, {"data": "diabetes", "task": "regression", "seed": 3}),
            ["data", "seed", "task"],
            {"network": "mlp 128"},
        ),
    ],
)
def test_what_differs_and_what_is_worth_saying_of_the_rest(more, differ, equal):
    found = records(*more)
    assert differing(found) == differ
    assert dict(shared(found)) == equal


def test_what_follows_from_an_optimiser_is_not_said_beside_it():
    found = records({}, {"optimizer": "sgd"}, {"optimizer": "adam"})
    assert {"l2", "optimizer", "learning_rate"} <= set(differing(found))
    assert differing(found, following=False) == ["learning_rate", "optimizer"]
    found = records({}, {"optimizer": "sgd", "l2": 0.5})
    assert differing(found, following=False) == ["learning_rate", "optimizer", "l2"]


def test_a_damaged_run_differs_in_nothing():
    found = [*records({}, network="mlp 4-8-3"), RunRecord(Path("x"), "train", "damaged")]
    assert differing(found) == []
    assert dict(shared(found)) == {"data": "iris", "network": "mlp 4-8-3"}
    assert shared(found[1:]) == []
    assert setting_text(None, "l2") == "-"


def test_texts():
    s = settings(learning_rate=2e-3, compile=False)
    keys = ("network", "learning_rate", "compile", "length", "epochs", "target")
    assert [setting_text(s, k) for k in keys] == ["mlp 128", "0.002", "no", "-", "3", "-"]
