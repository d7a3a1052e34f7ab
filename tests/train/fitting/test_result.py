"""What ended a training."""

from __future__ import annotations

import math

import pytest

from pullback.train.fitting.result import diverged
from pullback.train.stopping import Epoch


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_an_ending(bad):
    assert diverged(Epoch(3, 30, 1.0, bad, 1.0, bad)) is None
    assert diverged(Epoch(3, 30, bad, 1.0, 1.0, 1.0)) == (
        "diverged",
        f"the loss became {bad} at step 30 (epoch 3)",
    )
    assert diverged(Epoch(3, 30, 1.0, 1.0, bad, 1.0)) == (
        "diverged",
        f"the validation loss became {bad} at step 30 (epoch 3)",
    )
    # there is no such part
    assert diverged(Epoch(3, 30, 1.0, 1.0, bad, 1.0), validated=False) is None
    assert diverged(Epoch(3, 30, bad, 1.0, bad, 1.0), validated=False)[0] == "diverged"
