"""Characters drawn one by one: as from the whole text, with the state or the cache that is carried on."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import pullback as pb
from pullback.train.networks import characters
from pullback.train.networks.characters import build_lstm, build_transformer, draw, next_logits

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

TOKENS = np.random.default_rng(0).integers(0, 7, 12)


def model(kind, length=12):
    if kind == "lstm":
        return build_lstm(7, (8, 8), dropout=0.1, seed=3, dtype="float64")
    return build_transformer(7, (16, 16), length, seed=3, dtype="float64")


@pytest.mark.parametrize("kind", ["lstm", "transformer"])
@pytest.mark.parametrize("pieces", [[12], [1] * 12, [5, 1, 6]])
def test_what_is_carried_on_is_as_the_whole(kind, pieces):
    net = model(kind)
    step, found, start = next_logits(net, 12), [], 0
    for n in pieces:
        found.append(step(TOKENS[start : start + n]))
        start += n
    whole = pb.to_numpy(pb.backend.current().asarray(net(TOKENS[None, :]).value))[0]
    ends = np.cumsum(pieces) - 1
    np.testing.assert_allclose(np.stack(found), whole[ends], rtol=1e-9, atol=1e-12)


def test_a_full_cache_begins_again_with_its_last_half():
    net = model("transformer", length=8)
    step = next_logits(net, 8)
    found = [step(token[None]) for token in TOKENS]
    # the ninth token finds the cache full: the last four are read again
    expected = pb.to_numpy(net(TOKENS[None, 5:9]).value)[0, -1]
    np.testing.assert_allclose(found[8], expected, rtol=1e-9)
    long = next_logits(net, 8)(TOKENS)
    np.testing.assert_allclose(long, pb.to_numpy(net(TOKENS[None, -4:]).value)[0, -1], rtol=1e-9)


@pytest.mark.parametrize("kind", ["lstm", "transformer"])
def test_draws_are_repeatable_and_go_beyond_the_length(kind):
    def drawn(seed, temperature=1.0):
        tokens = draw(model(kind, 8), TOKENS[:2], length=8, temperature=temperature, seed=seed)
        return list(itertools.islice(tokens, 20))

    assert drawn(0) == drawn(0) != drawn(1)
    assert drawn(0, 0.0) == drawn(1, 0.0)
    assert all(0 <= token < 7 for token in drawn(0))


def test_draws_have_the_models_probabilities(monkeypatch):
    p = np.asarray([0.5, 0.3, 0.2])
    monkeypatch.setattr(characters, "next_logits", lambda model, length: lambda tokens: np.log(p))
    tokens = draw(None, TOKENS[:1], length=1, temperature=1.0, seed=0)
    counts = np.bincount(list(itertools.islice(tokens, 4000)), minlength=3) / 4000
    np.testing.assert_allclose(counts, p, atol=0.03)
    cold = draw(None, TOKENS[:1], length=1, temperature=0.5, seed=0)
    counts = np.bincount(list(itertools.islice(cold, 4000)), minlength=3) / 4000
    np.testing.assert_allclose(counts, p**2 / (p**2).sum(), atol=0.03)
