"""Tests of `models/recurrence/cells.py`; values and gradients against torch in `test_layers_torch.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp
M = pb.models
CELLS = {"lstm": (M.LSTMCell, 4), "gru": (M.GRUCell, 3), "rnn": (M.RNNCell, 1)}
every_cell = pytest.mark.parametrize("kind", CELLS)


def h_of(state):
    return state[0] if isinstance(state, tuple) else state


@every_cell
@pytest.mark.parametrize("bias", [True, False])
def test_parameters(kind, bias):
    """Shapes are torch's, a seed gives the same ones, and all of them are drawn."""
    cell, gates = CELLS[kind]
    made = cell.init(3, 5, bias=bias, seed=1, dtype="float64")
    shapes = [(5 * gates, 3), (5 * gates, 5), *([(5 * gates,)] * 2 if bias else [])]
    leaves = pb.tree.leaves(made)
    assert [p.shape for p in leaves] == shapes
    assert all(p.dtype == np.float64 and (p != 0).all() for p in leaves)
    for a, b in zip(
        leaves, pb.tree.leaves(cell.init(3, 5, bias=bias, seed=1, dtype="float64")), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    assert made.hidden == 5


@every_cell
def test_leading_axes_and_no_state(kind):
    """Any number of leading axes, and zeros where no state is given."""
    cell, _ = CELLS[kind]
    made = cell.init(3, 5, dtype="float64")
    x = np.random.default_rng(0).standard_normal((2, 4, 3))
    whole = pb.to_numpy(h_of(made(x)))
    zeros = np.zeros((2, 4, 5))
    given = (zeros, zeros) if kind == "lstm" else zeros
    np.testing.assert_array_equal(whole, pb.to_numpy(h_of(made(x, given))))
    np.testing.assert_allclose(whole[1, 2], pb.to_numpy(h_of(made(x[1, 2]))), rtol=1e-13)


@every_cell
def test_gradients_of_both_orders(kind):
    cell, _ = CELLS[kind]
    made = cell.init(2, 2, dtype="float64")
    x = np.random.default_rng(0).standard_normal((2, 3, 2))
    pb.check_grads(lambda m, x: h_of(m(x[1], m(x[0]))), (made, x), order=2)


@every_cell
def test_a_loop_by_scan_is_the_layer(kind):
    """How a cell of one's own runs: values and gradients of the layer that is one primitive."""
    cell, _ = CELLS[kind]
    layer = {"lstm": M.LSTM, "gru": M.GRU, "rnn": M.RNN}[kind]
    made = cell.init(2, 3, dtype="float64")
    x = np.random.default_rng(0).standard_normal((4, 5, 2))

    def by_scan(made, x):
        zeros = xp.zeros((x.shape[0], 3))

        def step(state, row):
            state = made(row, state)
            return state, h_of(state)

        first = (zeros, zeros) if kind == "lstm" else zeros
        return pb.scan(step, first, xp.permute_dims(x, (1, 0, 2)))[1]

    def by_layer(made, x):
        return xp.permute_dims(layer((made,))(x), (1, 0, 2))

    for run in (by_scan, pb.compile(by_scan, fast=False)):
        np.testing.assert_allclose(
            pb.to_numpy(run(made, x)), pb.to_numpy(by_layer(made, x)), rtol=1e-12
        )
    grads = [
        pb.grad(lambda m, x, f=f: xp.sum(f(m, x) ** 2), (0, 1))(made, x)
        for f in (by_scan, by_layer)
    ]
    for a, b in zip(*map(pb.tree.leaves, grads), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


def test_refusals():
    with pytest.raises(ValueError, match="last axis has to be 3"):
        M.GRUCell.init(3, 5)(np.ones((2, 4)))
    with pytest.raises(ValueError, match="hidden"):
        M.LSTMCell.init(3, 0)
    with pytest.raises(ValueError, match="'tanh' or 'relu'"):
        M.RNNCell.init(3, 5, nonlinearity="sigmoid")
    # two rows of an array are no pair (h, c)
    with pytest.raises(ValueError, match=r"a pair \(h, c\), not ndarray"):
        M.LSTMCell.init(3, 5)(np.ones((2, 3)), np.zeros((2, 5)))
    with pytest.raises(ValueError, match=r"GRUCell: a state of shape \(2, 4\); its last axis .* 5"):
        M.GRUCell.init(3, 5)(np.ones((2, 3)), np.zeros((2, 4)))
