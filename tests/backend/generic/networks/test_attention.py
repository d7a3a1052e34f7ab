"""The tiles of the generic attention: the same numbers whatever their size, for every library."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.backend.generic.networks import attention as generic

RNG = np.random.default_rng(6)


@pytest.mark.parametrize("elements", [1, 100, 1 << 22])
@pytest.mark.parametrize("shape", [((2,), 5, 7), ((2,), 7, 5), ((), 150, 150)], ids=str)
@pytest.mark.parametrize("causal", [False, True])
def test_tiles(shape, causal, elements, monkeypatch):
    """Values and gradients, of the bias too; recorded, so that tiles have derivatives."""
    lead, T, S = shape
    arrays = [RNG.standard_normal(s) for s in ((*lead, T, 3), (*lead, S, 3), (*lead, S, 2), (T, S))]

    def grads():
        def loss(q, k, v, bias):
            out = pb.models.attention(q, k, v, mask=bias, causal=causal)
            return pb.xp.sum(out * out)

        return pb.grad(lambda x: pb.xp.sum(pb.grad(loss, argnums=1)(x, *arrays[1:]) ** 2))(
            arrays[0]
        ), pb.grad(loss, argnums=3)(*arrays)

    expected = grads()
    monkeypatch.setattr(generic, "ELEMENTS", elements)
    for got, wanted in zip(grads(), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-11)


def test_tiles_cover_all_rows():
    for T, S, causal in ((0, 3, True), (1, 1, True), (1000, 300, True), (1000, 4000, False)):
        found = list(generic.tiles((2, 3), T, S, causal))
        rows = [i for start, stop, _ in found for i in range(start, stop)]
        assert rows == list(range(T))
        for _, stop, n in found:
            assert n == (max(1, min(S, stop)) if causal else S)
