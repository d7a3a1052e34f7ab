"""Tests of `train/estimators/arrays.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bad_data_is_refused(bad):
    for model in (pb.train.MLPClassifier(), pb.train.MLPRegressor()):
        with pytest.raises(ValueError, match="contains"):
            model.fit([[0.0], [bad]], [0, 1])
        with pytest.raises(ValueError, match=r"sample_weight|[Nn]egative"):
            model.fit([[0.0], [1.0]], [0, 1], sample_weight=[1, -1])
