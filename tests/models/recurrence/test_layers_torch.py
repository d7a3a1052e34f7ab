"""Recurrent layers and cells against torch: outputs, last states and all gradients, to 1e-10 in float64."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

torch = pytest.importorskip("torch", reason="the values to compare with are torch's")
xp = pb.xp
M = pb.models
nn = torch.nn
NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
KINDS = {
    "lstm": (nn.LSTM, M.LSTM, {}, {}),
    "gru": (nn.GRU, M.GRU, {}, {}),
    "tanh": (nn.RNN, M.RNN, {"nonlinearity": "tanh"}, {"nonlinearity": "tanh"}),
    "relu": (nn.RNN, M.RNN, {"nonlinearity": "relu"}, {"nonlinearity": "relu"}),
}
# label: layers, bidirectional, bias, initial state, lengths, batch, times
ROWS = {
    "one layer": (1, False, True, False, None, 3, 5),
    "one time": (1, False, True, True, None, 2, 1),
    "one row": (1, True, True, True, None, 1, 4),
    "no rows": (1, False, True, True, None, 0, 4),
    "two layers, both directions": (2, True, True, True, None, 3, 5),
    "no bias": (2, False, False, True, None, 3, 4),
    "lengths": (1, False, True, True, [5, 2, 4, 1], 4, 5),
    "lengths, two layers, both directions": (2, True, True, True, [3, 5, 1], 3, 5),
    "lengths, no state, no bias": (1, True, False, False, [2, 3], 2, 3),
}


def parameters(theirs, values):
    """Ours by theirs: for each layer and direction the parameters in the order of a cell's fields."""
    layers = range(theirs.num_layers)
    suffixes = [f"_l{i}{r}" for i in layers for r in ("", "_reverse")[: 1 + theirs.bidirectional]]
    return [[values.get(name + suffix) for name in NAMES] for suffix in suffixes]


def converted(ours, theirs):
    values = {k: v.detach().numpy().copy() for k, v in theirs.named_parameters()}
    cells = [
        type(cell)(*parts, *([cell.nonlinearity] if isinstance(cell, M.RNNCell) else []))
        for cell, parts in zip(ours.cells, parameters(theirs, values), strict=True)
    ]
    return type(ours)(tuple(cells), ours.bidirectional, ours.dropout)


def close(a, b):
    np.testing.assert_allclose(
        pb.to_numpy(xp.asarray(a)), b.detach().numpy(), rtol=1e-10, atol=1e-11
    )


def states_of(kind, state):
    return list(state) if kind == "lstm" else [state]


@pytest.mark.parametrize("label", ROWS)
@pytest.mark.parametrize("kind", KINDS)
def test_layers(kind, label):
    layers, both, bias, with_state, lengths, rows, times = ROWS[label]
    of_torch, of_ours, their_settings, our_settings = KINDS[kind]
    rng = np.random.default_rng(len(label))
    theirs = of_torch(
        3, 4, num_layers=layers, bidirectional=both, bias=bias, batch_first=True, **their_settings
    ).double()
    ours = of_ours.init(
        3, 4, layers=layers, bidirectional=both, bias=bias, dtype="float64", **our_settings
    )
    ours = converted(ours, theirs)
    x = rng.standard_normal((rows, times, 3))
    shape = (layers * (1 + both), rows, 4)
    first = [rng.standard_normal(shape) for _ in range(2 if kind == "lstm" else 1)]

    leaf = torch.tensor(x, requires_grad=True)
    leaves = [torch.tensor(s, requires_grad=True) for s in first]
    given = (tuple(leaves) if kind == "lstm" else leaves[0]) if with_state else None
    fed = leaf
    if lengths is not None:
        fed = nn.utils.rnn.pack_padded_sequence(leaf, lengths, True, enforce_sorted=False)
    y, last = theirs(fed, given)
    if lengths is not None:
        y, _ = nn.utils.rnn.pad_packed_sequence(y, batch_first=True, total_length=times)
    weights = [rng.standard_normal(tuple(t.shape)) for t in (y, *states_of(kind, last))]
    total = sum(
        (t * torch.tensor(w)).sum()
        for t, w in zip((y, *states_of(kind, last)), weights, strict=True)
    )
    total.backward()

    def loss(model, x, first):
        state = (tuple(first) if kind == "lstm" else first[0]) if with_state else None
        out, behind = model.sequence(x, state, lengths)
        parts = [out, *states_of(kind, behind)]
        return sum(xp.sum(p * w) for p, w in zip(parts, weights, strict=True)), parts

    (_, parts), (of_model, of_x, of_first) = pb.value_and_grad(loss, (0, 1, 2), has_aux=True)(
        ours, x, first
    )
    for a, b in zip(parts, (y, *states_of(kind, last)), strict=True):
        close(a, b)
    close(of_x, leaf.grad)
    if with_state:
        for a, b in zip(of_first, leaves, strict=True):
            close(a, b.grad)
    wanted = parameters(theirs, {k: p.grad for k, p in theirs.named_parameters()})
    for cell, parts in zip(of_model.cells, wanted, strict=True):
        for name, grad in zip(NAMES, parts, strict=True):
            assert (getattr(cell, name) is None) == (grad is None)
            if grad is not None:
                close(getattr(cell, name), grad)


CELLS = {
    "lstm": (nn.LSTMCell, M.LSTMCell, {}),
    "gru": (nn.GRUCell, M.GRUCell, {}),
    "tanh": (nn.RNNCell, M.RNNCell, {"nonlinearity": "tanh"}),
    "relu": (nn.RNNCell, M.RNNCell, {"nonlinearity": "relu"}),
}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", CELLS)
def test_cells(kind, bias):
    """Two steps, the first from no state: outputs and gradients of the parameters."""
    of_torch, of_ours, settings = CELLS[kind]
    theirs = of_torch(3, 4, bias=bias, **settings).double()
    values = {k: v.detach().numpy().copy() for k, v in theirs.named_parameters()}
    ours = of_ours(*(values.get(name) for name in NAMES), **settings)
    x = np.random.default_rng(0).standard_normal((2, 5, 3))
    state = theirs(torch.tensor(x[1]), theirs(torch.tensor(x[0])))
    sum((s**2).sum() for s in states_of(kind, state)).backward()

    def loss(cell):
        out = states_of(kind, cell(x[1], cell(x[0])))
        return sum(xp.sum(s**2) for s in out), out

    (_, out), grads = pb.value_and_grad(loss, has_aux=True)(ours)
    for a, b in zip(out, states_of(kind, state), strict=True):
        close(a, b)
    for name, p in theirs.named_parameters():
        close(getattr(grads, name), p.grad)


def test_initial_parameters_are_drawn_as_theirs():
    """Uniform in ±1/√hidden: the same extremes and variance, of weights and of biases."""
    theirs, ours = nn.LSTM(30, 50), M.LSTM.init(30, 50, seed=3)
    for name in NAMES:
        a, b = getattr(ours.cells[0], name), getattr(theirs, f"{name}_l0").detach().numpy()
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        bound = 1 / np.sqrt(50)
        for x in (a, b):
            assert 0.9 * bound < np.abs(x).max() <= bound * (1 + 1e-6)
            np.testing.assert_allclose(x.var(), bound**2 / 3, rtol=0.25)
