"""Tests of `autograd/compile/cpu/native/convolution/layout.py`, in Python, where no whole vector is."""

from __future__ import annotations

import numpy as np

from pullback.autograd.compile.cpu.native.convolution import layout

from .._operations import normal


def test_there_and_back():
    x = normal(3, 2, 5)  # channels, rows, columns, with a border of 1 column
    tables = np.array([0, 21], np.int64)
    y, back = np.zeros(42), np.zeros(30)
    layout.channels_last(x.reshape(-1), 0, 3, 10, tables, 0, 2, 5, y, 3, 3)
    inside = y.reshape(2, 7, 3)[:, 1:6]
    np.testing.assert_array_equal(inside, x.transpose(1, 2, 0))
    flat = inside.reshape(-1)
    layout.channels_first(flat, 0, 3, 10, 3, back, 0, 10)
    np.testing.assert_array_equal(back, x.reshape(-1))


def test_one_channel_is_copied():
    x, y = normal(6), np.zeros(8)
    layout.channels_last(x, 0, 1, 6, np.array([1, 5]), 0, 2, 3, y, 0, 1)
    np.testing.assert_array_equal(y, [0, *x[:3], 0, *x[3:]])


def test_panels_of_weights():
    W = normal(5, 2, 3)  # outputs, inputs, taps
    out = np.full(3 * 2 * 6, np.nan)
    taps = np.array([2, 0, 1])
    # two lanes a vector: a panel of four columns and one of two, of which one is 0
    end = layout.packed(W.reshape(-1), 0, 6, 5, 3, 2, taps, 0, 3, 2, out, 0)
    assert end == out.size
    rows = W.transpose(2, 1, 0)[taps].reshape(6, 5)
    np.testing.assert_array_equal(out[:24].reshape(6, 4), rows[:, :4])
    np.testing.assert_array_equal(out[24:].reshape(6, 2), np.stack([rows[:, 4], 0 * rows[:, 4]], 1))


def test_relu_in_place_keeps_nan():
    s = np.array([-1.0, np.nan, 2.0, -3.0])
    layout.rectified(s, 0, 3)
    np.testing.assert_array_equal(s, [0.0, np.nan, 2.0, -3.0])
