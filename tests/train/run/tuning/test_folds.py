"""One fold of one combination."""

from __future__ import annotations

import math
import pickle

import pytest

from pullback.train import Settings
from pullback.train.run.run import load_source
from pullback.train.run.tuning.folds import Folds
from pullback.train.run.tuning.values import combinations

pytest.importorskip("sklearn", reason="needs scikit-learn")


def test_a_fold_is_its_number_s_and_one_that_diverged_is_infinite():
    base = Settings(data="iris", epochs=2, hidden=(4,))
    source = load_source(base)
    settings = tuple(combinations(base, {"learning_rate": [1e-2, 1e30]}))
    work = Folds(source, tuple(source.folds(2, 0)), settings, "numpy")
    assert work.tasks == [(0, 0), (0, 1), (1, 0), (1, 1)]
    loss, score, epoch = work(0, 1)
    assert 0 < loss < 10
    assert 0 <= score <= 1
    assert epoch in (0, 1, 2)
    assert work(0, 0) != (loss, score, epoch)
    assert pickle.loads(pickle.dumps(work))(0, 1) == (loss, score, epoch)
    loss, score, _ = work(1, 0)
    assert loss == math.inf
    assert math.isnan(score)
