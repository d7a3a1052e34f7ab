"""Tests of `models/layers/dropout.py`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats as st

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ..test_module_layers import KEY

xp = pb.xp


M = pb.models


def test_dropout_keeps_the_expectation_and_is_off_at_inference():
    drop = M.Dropout(0.3)
    x = np.full((400, 500), 2.0, np.float32)
    y = pb.to_numpy(drop.training(x, key=KEY)[0])
    n, kept = y.size, np.count_nonzero(y)
    assert st.binomtest(kept, n, 0.7).pvalue > 1e-4
    assert set(np.unique(y)) == {np.float32(0), np.float32(np.float32(1 / 0.7) * 2)}
    assert y.mean() == pytest.approx(2, abs=5 * 2 * np.sqrt(0.3 / 0.7 / n))
    assert drop(x) is x
    # no pattern along rows or columns
    assert np.abs((y > 0).mean(0) - 0.7).max() < 6 * np.sqrt(0.21 / 400)


def test_dropout_is_reproducible_and_differs_by_key():
    drop = M.Dropout(0.5)
    a, b, c = (
        pb.to_numpy(drop.training(np.ones(64), key=k)[0]) for k in (KEY, KEY, pb.random.key(4))
    )
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()
    g = pb.grad(lambda x: xp.sum(drop.training(x, key=KEY)[0]))(np.ones(64))
    np.testing.assert_array_equal(g, a)  # the same elements, forward and backward


@pytest.mark.parametrize(("p", "expected"), [(0, 1.0), (0.0, 1.0), (1, 0.0), (1.0, 0.0)])
def test_dropout_of_nothing_and_of_everything(p, expected):
    y, _ = M.Dropout(p).training(np.ones(8), key=KEY)
    np.testing.assert_array_equal(pb.to_numpy(xp.asarray(y)), expected)
