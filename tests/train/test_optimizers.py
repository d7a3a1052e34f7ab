"""The factory of optimisers: the method that a name stands for, and which arrays decay."""

from __future__ import annotations

import pytest

import pullback as pb
from pullback.train.optimizers import make_optimizer

DECAY = {"weight_decay": 0.5, "mask": "matrices"}
MADE = {
    "adamw": pb.optim.AdamW(0.1, b1=0.5, b2=0.6, eps=1e-3, **DECAY),
    "adam": pb.optim.Adam(0.1, b1=0.5, b2=0.6, eps=1e-3, **DECAY),
    "sgd": pb.optim.SGD(0.1, **DECAY),
    "momentum": pb.optim.SGD(0.1, momentum=0.7, **DECAY),
    "nesterov": pb.optim.SGD(0.1, momentum=0.7, nesterov=True, **DECAY),
}


@pytest.mark.parametrize("method", MADE)
def test_a_name_stands_for_its_method(method):
    made = make_optimizer(method, 0.1, 0.5, momentum=0.7, b1=0.5, b2=0.6, eps=1e-3)
    assert made == MADE[method]


def test_every_optimizer_of_the_settings_is_made():
    assert set(MADE) == set(pb.train.run.config.OPTIMIZERS)


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="optimizer 'lion' is unknown; choose one of adamw"):
        make_optimizer("lion", 0.1, 0.0)
