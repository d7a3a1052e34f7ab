"""A trial: its mean and its error."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pullback.train import Settings, Trial


def test_mean_and_standard_error_are_over_the_folds():
    trial = Trial(Settings(), (1.0, 2.0, 6.0), (0.5, 0.5, 0.8), (3, 4, 5))
    assert trial.loss == 3.0
    assert trial.score == pytest.approx(0.6)
    assert trial.error == pytest.approx(np.std([1, 2, 6], ddof=1) / math.sqrt(3))
    diverged = Trial(Settings(), (1.0, math.inf), (0.5, math.nan), (3, 0))
    assert diverged.loss == math.inf
    assert math.isnan(diverged.error)
