"""Tests of `models/layers/containers.py`."""

from __future__ import annotations

import numpy as np
import scipy.stats as st

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ..test_module_layers import KEY, X

M = pb.models


def test_dropout_layers_of_a_sequence_draw_differently():
    model = M.Sequential(M.Dropout(0.5), M.Dropout(0.5))
    y = pb.to_numpy(model.training(np.ones(4000), key=KEY)[0])
    assert set(np.unique(y)) == {
        0.0,
        4.0,
    }  # with one mask for both, as many would be kept as by one
    assert st.binomtest(np.count_nonzero(y), y.size, 0.25).pvalue > 1e-4


def test_a_sequence_is_its_layers():
    first, last = M.Linear.init(4, 5, dtype="float64"), M.Linear.init(5, 2, dtype="float64", seed=1)
    model = M.Sequential(first, "relu", last)
    assert pb.tree.paths(model) == ["layers.0.W", "layers.0.b", "layers.2.W", "layers.2.b"]
    np.testing.assert_allclose(
        pb.to_numpy(model(X)), pb.to_numpy(last(M.relu(first(X)))), rtol=1e-14
    )
    y, same = model.training(X)  # no key needed
    np.testing.assert_array_equal(pb.to_numpy(y), pb.to_numpy(model(X)))
    assert type(same) is M.Sequential
    assert M.Sequential()(X) is X
