"""Tests of `backend/generic/networks/convolution.py`; its formulas are tested by rows of `tests/cases/layers/`."""

from __future__ import annotations

import array_api_strict as strict
import numpy as np
import pytest

from pullback.backend import backend_of
from pullback.backend.generic.networks import convolution

XP = backend_of(strict.asarray(1.0)).xp


def test_lengths_of_outputs():
    found = convolution.output_lengths((7, 8), (3, 2), (1, 3), ((1, 0), (0, 0)), (2, 1))
    assert found == (4, 3)


@pytest.mark.parametrize("padding", [((1, 2), (0, 1)), ((-1, 0), (0, -2)), ((-1, 2), (3, -1))])
def test_padding_may_take_away(padding):
    x = np.arange(24.0).reshape(2, 3, 4)
    out = np.asarray(XP.padded(strict.asarray(x), padding, 7.0))
    expected = np.pad(
        x, [(0, 0), *((max(a, 0), max(b, 0)) for a, b in padding)], constant_values=7.0
    )
    for axis, (low, high) in enumerate(padding, 1):
        kept = slice(max(-low, 0), expected.shape[axis] - max(-high, 0))
        expected = expected[(slice(None),) * axis + (kept,)]
    np.testing.assert_array_equal(out, expected)


def test_overlap_add_is_the_transpose_of_sliding_windows():
    rng = np.random.default_rng(0)
    steps = {"stride": (2, 1), "dilation": (1, 2)}
    x = rng.standard_normal((2, 1, 6, 7))
    lengths = convolution.output_lengths((6, 7), (3, 2), (2, 1), ((0, 0), (0, 0)), (1, 2))
    seen = XP.sliding_windows(strict.asarray(x), kernel=(3, 2), lengths=lengths, **steps)
    assert seen.shape == (2, 1, 3, 2, *lengths)
    y = rng.standard_normal(seen.shape)
    back = XP.overlap_add(strict.asarray(y), spatial=(6, 7), **steps)
    np.testing.assert_allclose(np.sum(np.asarray(seen) * y), np.sum(np.asarray(back) * x))
    nothing = XP.overlap_add(strict.asarray(y[:0]), spatial=(6, 7), **steps)
    assert nothing.shape == (0, 1, 6, 7)


def test_kernels_are_reversed_and_channels_exchanged():
    W = np.arange(24.0).reshape(4, 2, 3)
    found = np.asarray(convolution.reversed_kernels(XP, strict.asarray(W), 2))
    assert found.shape == (4, 2, 3)
    np.testing.assert_array_equal(found[3, 1], W[3, 1, ::-1])
    np.testing.assert_array_equal(found[1, 0], W[0, 1, ::-1])
