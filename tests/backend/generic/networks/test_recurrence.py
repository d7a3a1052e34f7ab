"""Tests of `backend/generic/networks/recurrence.py`: edges.

Its rows in `tests/cases/layers/` run on every library.
"""

from __future__ import annotations

import array_api_strict
import numpy as np
import pytest

from pullback.backend.generic import namespace
from pullback.backend.generic.networks import recurrence

XP = namespace.extend(array_api_strict)


def of(*shape, seed=0):
    return array_api_strict.asarray(np.random.default_rng(seed).standard_normal(shape))


def test_times():
    assert recurrence.times(3, reverse=False) == [0, 1, 2]
    assert recurrence.times(3, reverse=True) == [2, 1, 0]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("count", [1, 4])
def test_the_weights_cotangent_is_one_product_over_all_times(count, reverse):
    """A sum over times, in which each meets the state before it."""
    ct, ys, h = of(count, 3, 8), of(count, 3, 2, seed=1), of(3, 2, seed=2)
    found = recurrence.recurrent_vjp_W(XP, ct, ys, h, reverse=reverse)
    order = recurrence.times(count, reverse)
    before = dict(zip(order, [None, *order[:-1]], strict=True))
    wanted = sum(
        np.asarray(ct)[t].T @ (np.asarray(h) if before[t] is None else np.asarray(ys)[before[t]])
        for t in order
    )
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-12, atol=1e-14)


def test_a_gru_keeps_its_state_where_the_gate_is_closed():
    """With z = 1 the state goes on and with z = 0 it is new: (1 − z) n + z h."""
    x = np.zeros((1, 1, 3))
    h = array_api_strict.asarray([[0.25]])
    zeros = array_api_strict.zeros((3, 1), dtype=array_api_strict.float64)
    b = array_api_strict.zeros((1,), dtype=array_api_strict.float64)
    for a, wanted in ((40.0, 0.25), (-40.0, np.tanh(0.5))):
        x[0, 0, 1:] = a, 0.5
        ys, _, _ = recurrence.gru_sequence(XP, array_api_strict.asarray(x), zeros, b, h)
        np.testing.assert_allclose(np.asarray(ys)[0, 0, 0], wanted, rtol=1e-14)
