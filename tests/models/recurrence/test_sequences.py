"""Tests of `models/recurrence/sequences.py`; the layers' tests run it in all settings."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.models.recurrence import sequences

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
M = pb.models


def test_input_products_have_all_biases_that_can_be_added():
    """A GRU's last bias of the state stays behind its reset gate."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 3, 2))
    for cell in (M.LSTMCell, M.GRUCell, M.RNNCell):
        made = cell.init(2, 5, dtype="float64")
        b = made.bias_ih + made.bias_hh
        if cell is M.GRUCell:
            b[10:] = made.bias_ih[10:]
        found = pb.to_numpy(sequences.input_products(made, xp.asarray(x)))
        np.testing.assert_allclose(found, x @ made.weight_ih.T + b, rtol=1e-12)
        without = cell.init(2, 5, bias=False, dtype="float64")
        found = pb.to_numpy(sequences.input_products(without, xp.asarray(x)))
        np.testing.assert_allclose(found, x @ without.weight_ih.T, rtol=1e-12)


def test_pieces_have_the_sequence_in_order():
    """Of 5 steps, truncation every 2 makes three pieces, from the end if time is reversed, of the same states."""
    cell = M.LSTMCell.init(2, 3, dtype="float64")
    x = xp.asarray(np.random.default_rng(0).standard_normal((5, 4, 2)))
    for reverse in (False, True):
        whole, last = sequences.run(cell, x, None, None, reverse, None)
        pieces, end = sequences.run(cell, x, None, None, reverse, 2)
        for a, b in zip((whole, *last), (pieces, *end), strict=True):
            np.testing.assert_array_equal(pb.to_numpy(a), pb.to_numpy(b))


@pytest.mark.parametrize("lengths", [[3, 0], (3, 0), np.asarray([3, 0], np.int32)])
def test_masks(lengths, lib):
    """True within each row's length, on the device of the inputs."""
    x = xp.asarray(lib.asarray(np.zeros((4, 2, 1))))
    mask = sequences.mask_of("LSTM", lengths, x)
    assert mask.device == x.device
    np.testing.assert_array_equal(
        pb.to_numpy(mask)[..., 0], np.arange(4)[:, None] < np.asarray(lengths)
    )
    on_device = sequences.mask_of("LSTM", lib.asarray(np.asarray(lengths)), x)
    np.testing.assert_array_equal(pb.to_numpy(on_device), pb.to_numpy(mask))
