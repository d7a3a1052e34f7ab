"""Tests of `backend/numpy/networks/recurrence.py`: against the generic formulas on the same arrays."""

from __future__ import annotations

import array_api_compat.numpy
import numpy as np
import pytest

import pullback as pb
from pullback.backend.generic import namespace
from pullback.backend.generic.networks import recurrence as formulas
from pullback.backend.numpy.networks import recurrence

PLAIN = namespace.extend(array_api_compat.numpy)
GATES = {"lstm": 4, "gru": 3, "rnn": 1}


def arguments(kind, dtypes):
    """Of a sequence, and its mask."""
    rng = np.random.default_rng(3)
    n, width = 3, 3 * GATES[kind]
    shapes = [(4, 5, width), (width, n)]
    shapes += {"lstm": [(5, n)] * 2, "gru": [(n,), (5, n)], "rnn": [(5, n)]}[kind]
    arrays = [rng.standard_normal(s).astype(d) for s, d in zip(shapes, dtypes, strict=False)]
    return arrays, (np.arange(4)[:, None] < np.asarray([4, 0, 1, 3, 2]))[..., None]


def both(name, *args, **settings):
    ours = getattr(recurrence, name)(*args, **settings)
    wanted = getattr(formulas, name)(PLAIN, *args, **settings)
    for a, b in zip(pb.tree.leaves(ours), pb.tree.leaves(wanted), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        tight = a.dtype == np.float64
        np.testing.assert_allclose(
            a, b, rtol=1e-12 if tight else 1e-4, atol=1e-14 if tight else 1e-5
        )
    return wanted


@pytest.mark.parametrize("dtypes", ["dddd", "ffff", "fdfd", "eeee"])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kind", GATES)
def test_as_the_formulas(kind, reverse, padded, dtypes):
    """Of one dtype by buffers, of several by the formulas themselves, and the arguments are left alone."""
    arrays, mask = arguments(kind, dtypes)
    mask = mask if padded else None
    for a in arrays:
        a.flags.writeable = False
    outs = pb.tree.leaves(both(f"{kind}_sequence", *arrays, mask, reverse=reverse))
    rng = np.random.default_rng(4)
    ct = rng.standard_normal(outs[0].shape).astype(outs[0].dtype)
    ct.flags.writeable = False
    W, h = arrays[1], arrays[-1]
    for given in {
        "lstm": lambda: [
            (a, b, *outs[2:], W, h) for a, b in ((ct, None), (None, ct[0]), (ct, ct[0]))
        ],
        "gru": lambda: [(ct, *outs, W, h)],
        "rnn": lambda: [(ct, *outs, W)],
    }[kind]():
        both(f"{kind}_sequence_vjp", *given, mask, reverse=reverse)


def test_results_share_no_memory():
    arrays, _ = arguments("lstm", "dddd")
    (ys, last), gates, cells = recurrence.lstm_sequence(*arrays)
    every = [ys, last, gates, cells, *arrays]
    for i, a in enumerate(every):
        assert not any(np.shares_memory(a, b) for b in every[:i])


def test_large_inputs_do_not_overflow():
    """Gates far in their tails, without a warning."""
    x = np.full((2, 1, 4), 1e4) * np.asarray([1, -1, 1, 1])
    zeros = np.zeros((1, 1))
    (ys, last), gates, _ = recurrence.lstm_sequence(x, np.zeros((4, 1)), zeros, zeros)
    np.testing.assert_allclose(ys[:, 0, 0], np.tanh(1.0))
    np.testing.assert_allclose(gates[0, 0], [1, 0, 1, 1], atol=1e-16)
    np.testing.assert_allclose(last, 1.0)
