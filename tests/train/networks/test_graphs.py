"""The network of a graph's nodes."""

from __future__ import annotations

import numpy as np

import pullback as pb
from pullback.train.networks.graphs import build_gcn, count_gcn


def test_it_is_the_gcn_of_these_widths():
    model = build_gcn(5, (8, 4), 3, activation="tanh", dropout=0.25, seed=2, dtype="float64")
    same = pb.models.GCN((5, 8, 4, 3), activation="tanh", dropout=0.25, seed=2, dtype="float64")
    assert (model.sizes, model.activation, model.dropout) == ((5, 8, 4, 3), "tanh", 0.25)
    for one, other in zip(pb.tree.leaves(model), pb.tree.leaves(same), strict=True):
        np.testing.assert_array_equal(pb.to_numpy(one), pb.to_numpy(other))
    assert count_gcn(5, (8, 4), 3, dropout=0.25) == 48 + 36 + 15
