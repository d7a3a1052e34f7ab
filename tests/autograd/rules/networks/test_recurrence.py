"""Tests of `autograd/rules/networks/recurrence.py`; its rows are in `tests/cases/layers/recurrence.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.generated import xp as hidden
from pullback.autograd.core.tape import TapeData

xp = pb.xp
T, B, N = 6, 3, 2


def drawn(gates, extra=()):
    rng = np.random.default_rng(0)
    shapes = [(T, B, gates * N), (gates * N, N), *extra]
    return [rng.standard_normal(shape) for shape in shapes]


CASES = {
    "lstm": (lambda *a: hidden.lstm_sequence(*a), drawn(4, [(B, N), (B, N)])),
    "gru": (lambda *a: hidden.gru_sequence(*a), drawn(3, [(N,), (B, N)])),
    "rnn": (lambda *a: hidden.rnn_sequence(*a), drawn(1, [(B, N)])),
}


@pytest.mark.parametrize("kind", CASES)
def test_one_entry_and_what_it_keeps(kind):
    """However long the sequence: the gates, c or the inner product, states and arguments, and not the inputs."""
    f, arrays = CASES[kind]
    tape = TapeData()
    watched = [tape.watch(a) for a in arrays]
    f(*watched)
    entries = [entry for entry in tape.entries if entry is not None]
    assert sum(type(entry) is tuple and callable(entry[0]) for entry in entries) == 1
    kept = sorted(
        part.shape for part in entries[-1] if isinstance(part, np.ndarray) and part.ndim == 3
    )
    wanted = {
        "lstm": [(T, B, N), (T, B, N), (T, B, 4 * N)],  # h, c and the gates
        "gru": [(T, B, N), (T, B, N), (T, B, 3 * N)],  # h, h W_nᵀ + b and the gates
        "rnn": [(T, B, N)],
    }[kind]
    assert kept == wanted
    tape.close()


def test_the_last_cell_alone_has_a_gradient():
    """One output of the two may have no cotangent."""
    f, arrays = CASES["lstm"]
    for k in range(2):
        pb.check_grads(lambda *a, k=k: f(*a)[k], tuple(arrays), order=2)


@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_frozen_step_passes_an_infinite_cotangent_by():
    """Where a step is padding, its cotangent goes to the step before and touches nothing else."""
    _, arrays = CASES["rnn"]
    mask = np.ones((T, B, 1), bool)
    mask[-1] = False

    def loss(x, W, h):
        ys = hidden.rnn_sequence(x, W, h, mask)
        return xp.sum(ys[-1, 0, :] * np.inf)

    x_bar, _, _ = pb.grad(loss, (0, 1, 2))(*arrays)
    assert not np.isnan(x_bar[-1]).any()
    assert (x_bar[-1] == 0).all()
    assert np.isinf(x_bar[-2, 0]).all()


@pytest.mark.parametrize("kind", CASES)
def test_third_derivatives(kind):
    """Higher orders are those of the formulas, recorded line by line."""
    f, arrays = CASES[kind]
    small = [a[:2] if a.ndim == 3 else a for a in arrays]

    def loss(x):
        return xp.sum(xp.sin(pb.tree.leaves(f(x, *small[1:]))[0]))

    pb.check_grads(pb.grad(loss), (small[0],), order=2)
