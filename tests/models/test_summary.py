"""Tests of `models/summary.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture
from .test_module_training import network

M = pb.models


def test_summary():
    text = network().summary((64, 3))
    rows = [line.split("  ") for line in text.splitlines()]
    rows = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert rows[0] == ["layer", "kind", "output", "parameters"]
    assert ["layers.0", "Linear(3, 24)", "(64, 24)", "72"] in rows
    assert ["layers.1", "BatchNorm(24)", "(64, 24)", "48"] in rows
    assert ["layers.3", "Dropout(0.1)", "(64, 24)", "0"] in rows
    assert ["layers.4.inner.layers.1", "Linear(24, 24)", "(64, 24)", "600"] in rows
    total = sum(
        p.size
        for p, own in zip(
            *(pb.tree.leaves(t) for t in (network(), M.parameter_mask(network()))), strict=True
        )
        if own
    )
    assert text.splitlines()[-1] == f"{total} parameters, and 48 numbers of state"
    assert "output" not in network().summary()
    assert M.MLP([3, 2]).summary(3).splitlines()[2].split("  ")[2:3] == ["(2,)"]


def test_summaries_of_embeddings_of_modules_of_one_s_own_and_of_none():
    text = M.Sequential(M.Embedding.init(7, 3), M.Linear.init(3, 2)).summary((4, 5))
    assert "(4, 5, 2)" in text

    class Scaled(M.Module):
        inner: M.Linear
        factor: object

        def __call__(self, x):
            return self.inner(x) * self.factor

    text = Scaled(M.Linear.init(3, 2), np.ones(2, "f")).summary((4, 3))
    assert "(model)  Scaled(2)     (4, 2)           2" in text
    assert text.splitlines()[-1] == "10 parameters"
    assert M.Sequential().summary((2,)).splitlines()[-1] == "0 parameters"


def test_a_summary_for_the_wrong_shape_says_so():
    with pytest.raises(ValueError, match=r"Sequential takes no inputs of shape \(64, 5\)"):
        network().summary((64, 5))


def test_a_summary_of_inputs_asks_for_their_shape():
    with pytest.raises(TypeError, match=r"the shape of inputs, such as x\.shape"):
        network().summary(np.zeros((64, 3)))


def test_summary_on_every_library(backend):
    assert "(2, 3)" in M.Sequential(M.Linear.init(4, 3), M.BatchNorm.init(3)).summary((2, 4))
