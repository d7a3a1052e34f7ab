"""Tests of `backend/generic/networks/pooling.py`; its formulas are tested by rows of `tests/cases/layers/`."""

from __future__ import annotations

import math

import array_api_strict as strict
import numpy as np

from pullback.backend import backend_of
from pullback.backend.generic.networks import pooling

XP = backend_of(strict.asarray(1.0)).xp


def test_numbers_of_elements_are_bytes_where_they_fit():
    assert pooling.offset_dtype((16, 16)) == np.uint8
    assert pooling.offset_dtype((257,)) == np.int32


def test_the_lowest_number():
    assert pooling.lowest(XP, strict.float32) == -math.inf
    assert pooling.lowest(XP, strict.int32) == -(2**31)


def test_counts_of_elements():
    found = pooling.counts((5, 4), (3, 2), (2, 2), ((1, 1), (0, 0)), ((0, 0), (0, 0)))
    assert found == ((2, 3, 2), (2, 2))
    with_padding = pooling.counts((5,), (3,), (2,), ((1, 1),), ((1, 1),))
    assert with_padding == ((3, 3, 3),)
    past_the_padding = pooling.counts((4,), (3,), (3,), ((0, 2),), ((0, 0),))
    assert past_the_padding == ((3, 1),)


def test_sums_are_divided_by_different_numbers():
    total = strict.ones((1, 1, 5))
    out = pooling.divided(XP, total, (6,), (2,), (2,), ((2, 2),), ((0, 0),))
    np.testing.assert_allclose(np.asarray(out)[0, 0], [1, 0.5, 0.5, 0.5, 1])
    assert pooling.divided(XP, total, (6,), (2,), (2,), ((2, 2),), None) is total
