"""Tests of `autograd/transforms/batching/recurrence.py`: one longer batch, or the formulas on batched weights."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.generated import xp as hidden
from pullback.autograd.transforms.batching import recurrence
from pullback.backend.numpy.backend import XP

K, T, B, N = 3, 4, 2, 3
RNG = np.random.default_rng(0)


def drawn(*shape):
    return RNG.standard_normal((K, *shape))


ARGUMENTS = {
    "lstm_sequence": [drawn(T, B, 4 * N), drawn(4 * N, N), drawn(B, N), drawn(B, N)],
    "gru_sequence": [drawn(T, B, 3 * N), drawn(3 * N, N), drawn(N), drawn(B, N)],
    "rnn_sequence": [drawn(T, B, N), drawn(N, N), drawn(B, N)],
}
MASK = np.stack(
    [(np.arange(T)[:, None] < np.asarray(n))[..., None] for n in ([4, 1], [2, 3], [0, 4])]
)
# which are mapped: inputs alone, states alone, all but the weights, weights alone, all
PATTERNS = ["1000", "0001", "1001", "0100", "1111"]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("masked", ["no", "one", "each"])
@pytest.mark.parametrize("name", ARGUMENTS)
def test_rows_are_those_of_a_loop(name, masked, pattern):
    """Values and gradients, with a mask that is the same for all and with one for each."""
    arrays = ARGUMENTS[name]
    axes = [0 if mapped == "1" else None for mapped in (*pattern[: len(arrays) - 1], pattern[-1])]
    given = [a if axis == 0 else a[0] for a, axis in zip(arrays, axes, strict=True)]
    mask = {"no": None, "one": MASK[0], "each": MASK}[masked]
    mask_axis = 0 if masked == "each" else None

    def loss(mask, *xs):
        out = getattr(hidden, name)(*xs, mask)
        parts = out if isinstance(out, tuple | list) else [out]
        return sum(pb.xp.sum(pb.xp.sin(p)) for p in parts)

    places = tuple(range(1, 1 + len(given)))
    run = pb.value_and_grad(loss, places)
    values, grads = pb.vmap(run, in_axes=(mask_axis, *axes))(mask, *given)
    for i in range(K):
        rows = [a[i] if axis == 0 else a for a, axis in zip(given, axes, strict=True)]
        value, wanted = run(mask[i] if masked == "each" else mask, *rows)
        np.testing.assert_allclose(values[i], value, rtol=1e-12)
        for a, b in zip(grads, wanted, strict=True):
            np.testing.assert_allclose(a[i], b, rtol=1e-10, atol=1e-12)


def test_inputs_of_one_model_are_one_longer_batch(monkeypatch):
    """The library's own function is called once."""
    calls = []
    function = XP.lstm_sequence
    monkeypatch.setitem(
        XP.__dict__, "lstm_sequence", lambda *a, **k: calls.append(a[0].shape) or function(*a, **k)
    )
    x, W, h, c = ARGUMENTS["lstm_sequence"]
    call = recurrence.SEQUENCES["lstm_sequence"]
    from pullback.autograd.core.levels.batched import Batched

    (ys, last), *_ = call(Batched(x), W[0], h[0], Batched(c))
    assert calls == [(T, K * B, 4 * N)]
    (wanted, _), *_ = function(x[1], W[0], h[0], c[1])
    np.testing.assert_allclose(ys.value[1], wanted, rtol=1e-13)
    assert last.shape == (B, N)


@pytest.mark.parametrize("pattern", ["0010", "1010", "0011"])
@pytest.mark.parametrize("masked", [False, True])
def test_biases_that_differ_from_row_to_row(lib, pattern, masked):
    """A library's array refuses them as the second operand of an operator."""
    axes = [0 if mapped == "1" else None for mapped in pattern]
    arrays = zip(ARGUMENTS["gru_sequence"], axes, strict=True)
    given = [lib.asarray(a if axis == 0 else a[0]) for a, axis in arrays]
    mask = lib.asarray(MASK[0]) if masked else None

    def loss(*xs):
        return pb.xp.sum(pb.xp.sin(hidden.gru_sequence(*xs, mask)))

    run = pb.value_and_grad(loss, (0, 2, 3))
    values, grads = pb.vmap(run, in_axes=tuple(axes))(*given)
    for i in range(K):
        value, wanted = run(
            *(a[i, ...] if axis == 0 else a for a, axis in zip(given, axes, strict=True))
        )
        for ours, theirs in zip((values, *grads), (value, *wanted), strict=True):
            np.testing.assert_allclose(
                pb.to_numpy(ours)[i], pb.to_numpy(theirs), rtol=1e-9, atol=1e-12
            )
