"""Networks as data: what JSON brings back, what it refuses, and numbers counted without building."""

from __future__ import annotations

import json

import numpy as np
import pytest

import pullback as pb
from pullback.train.networks.architecture import Architecture, known

CNN = {"image": (1, 8, 8), "hidden": (5,), "outputs": 3, "activation": "relu", "dropout": 0.1}
LSTM = {"vocabulary": 7, "hidden": (8, 8), "dropout": 0.1}
MLP = {
    "features": 6,
    "hidden": (8, 4),
    "outputs": 3,
    "activation": "relu",
    "dropout": 0.5,
    "batch_norm": True,
}
GCN = {"features": 6, "hidden": (8, 4), "outputs": 3, "activation": "relu", "dropout": 0.5}
NETS = [
    Architecture("cnn", CNN, "float32"),
    Architecture("cnn", {**CNN, "image": (3, 2, 9), "hidden": ()}, "float64"),
    Architecture("cnn", {**CNN, "image": (2, 40, 36), "hidden": (7, 8), "activation": "tanh"}, "float32"),
    Architecture("mlp", MLP, "float32"),
    Architecture("mlp", {**MLP, "hidden": (), "dropout": 0.1, "batch_norm": False}, "float64"),
    Architecture("lstm", LSTM, "float32"),
    Architecture("lstm", {**LSTM, "hidden": (4,), "dropout": 0.0}, "float64"),
    Architecture("transformer", {**LSTM, "hidden": (32, 32), "length": 9}, "float32"),
    Architecture("gcn", GCN, "float32"),
    Architecture("gcn", {**GCN, "hidden": (), "activation": "tanh", "dropout": 0.0}, "float64"),
]  # fmt: skip


@pytest.mark.parametrize("net", NETS, ids=lambda net: net.kind)
def test_a_network_has_as_many_numbers_as_are_counted(net):
    leaves = pb.tree.leaves(net.build())
    assert net.parameters == sum(leaf.size for leaf in leaves)
    assert {str(pb.to_numpy(leaf).dtype) for leaf in leaves} == {net.dtype}


@pytest.mark.parametrize("net", NETS, ids=lambda net: net.kind)
def test_a_network_comes_back_from_json(net):
    back = Architecture.of_json(json.loads(json.dumps(net.as_json())))
    assert back == net
    for one, same, other in zip(
        *map(pb.tree.leaves, (net.build(1), back.build(1), net.build(2))), strict=True
    ):
        np.testing.assert_array_equal(pb.to_numpy(one), pb.to_numpy(same))
        assert one.ndim < 2 or not np.array_equal(pb.to_numpy(one), pb.to_numpy(other))


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("cnn", {"image": [8, 8]}),
        ("cnn", {"image": [1, 8, 0]}),
        ("cnn", {"outputs": True}),
        ("cnn", {"hidden": 5}),
        ("cnn", {"activation": 1}),
        ("cnn", {"dropout": 1.0}),
        ("cnn", {"more": 1}),
        ("mlp", {"batch_norm": 1}),
        ("mlp", {"features": 0}),
        ("lstm", {"hidden": [1] * 1001}),
        ("lstm", {"vocabulary": 2.0}),
        ("lstm", {"vocabulary": 1 << 40}),
    ],
)
def test_settings_of_another_kind_are_refused(kind, changes):
    good = next(net for net in NETS if net.kind == kind).as_json()
    with pytest.raises((ValueError, TypeError)):
        Architecture.of_json({**good, "settings": {**good["settings"], **changes}})


def test_unknown_networks_and_dtypes_are_refused():
    good = NETS[0].as_json()
    assert not known("MLP")
    assert not known(["cnn"])
    with pytest.raises(KeyError):
        Architecture.of_json({**good, "kind": "rnn"})
    with pytest.raises(ValueError, match="settings"):
        Architecture.of_json({**good, "dtype": "float16"})
