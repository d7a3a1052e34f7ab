"""What the tape keeps of attention, and its cotangents by hand."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

RNG = np.random.default_rng(14)


@pytest.mark.usefixtures("on_numpy")
def test_the_tape_keeps_no_weights():
    """Beside inputs and output, two numbers for each row."""
    q, k, v = (pb.asarray(RNG.standard_normal((3, 50, 2))) for _ in range(3))
    with pb.Tape() as tape:
        q, k, v = (tape.watch(x) for x in (q, k, v))
        out = pb.models.attention(q, k, v)
        entries = [entry for entry in out.tape.entries if entry is not None]
        kept = {id(x): x.size for entry in entries for x in entry if isinstance(x, np.ndarray)}
    assert sum(kept.values()) == 4 * q.size + 2 * 3 * 50


def test_cotangents_are_their_formulas():
    """With the weights and all cotangents written out."""
    q, k, v, ct = (RNG.standard_normal((4, 3)) for _ in range(4))
    bias = RNG.standard_normal((4, 4))
    scores = 0.5 * q @ k.T + bias
    P = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    slope = P * (ct @ v.T - (ct * (P @ v)).sum(1, keepdims=True))
    _, pull = pb.vjp(lambda *xs: pb.models.attention(*xs[:3], mask=xs[3], scale=0.5), q, k, v, bias)
    expected = (0.5 * slope @ k, 0.5 * slope.T @ q, P.T @ ct, slope)
    for got, wanted in zip(pull(ct), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-14)
