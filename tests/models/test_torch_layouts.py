"""Tests of `models/torch_layouts.py`; `test_torch_state.py` reads the table."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.models import torch_layouts

M = pb.models


@pytest.mark.parametrize("name", ["SAME", "TRANSPOSED", "ONE_ROW"])
def test_layouts_are_inverses(name):
    layout = getattr(torch_layouts, name)
    x = np.arange(6.0).reshape(2, 3)
    theirs = layout.to_torch(x)
    assert theirs.shape == layout.shape(x.shape)
    np.testing.assert_array_equal(layout.from_torch(theirs), x)


@pytest.mark.parametrize("cls", torch_layouts.PLACES, ids=lambda cls: cls.__name__)
def test_the_table_names_fields_that_there_are(cls):
    fields = set(torch_layouts.PLACES[cls])
    assert fields <= {name for base in cls.__mro__ for name in getattr(base, "__annotations__", ())}


def test_names_of_cells_and_layers():
    two = M.RNN.init(1, 1, layers=2, bidirectional=True)
    places = torch_layouts.PLACES[M.RNN]["cells"]
    assert [places.index(two, i)[1] for i in range(4)] == [
        "_l0",
        "_l0_reverse",
        "_l1",
        "_l1_reverse",
    ]
    assert torch_layouts.PLACES[M.MLP]["layers"].index(None, 2) == ("4", "")
