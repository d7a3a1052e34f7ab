"""`TransformerLM`: what it sees, steps with a cache, training."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
M = pb.models
RNG = np.random.default_rng(13)
TOKENS = RNG.integers(0, 7, (2, 6))
SETTINGS = [
    {},
    {"positions": "sinusoidal", "norm_first": False},
    {"positions": "rotary", "tied": True, "kv_heads": 1},
    {"positions": "none", "activation": "relu"},
]


def made(**settings):
    settings = {"length": 8, "dtype": "float64", **settings}
    return M.TransformerLM.init(7, 4, 2, 2, hidden=8, **settings)


def same(got, wanted):
    np.testing.assert_allclose(
        pb.to_numpy(xp.asarray(got)), pb.to_numpy(xp.asarray(wanted)), rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_logits_see_no_later_token(settings):
    model = made(**settings)
    logits = pb.to_numpy(model(TOKENS))
    assert logits.shape == (2, 6, 7)
    other = TOKENS.copy()
    other[:, 4] = (other[:, 4] + 1) % 7
    changed = np.abs(pb.to_numpy(model(other)) - logits).max(axis=(0, 2))
    assert np.all(changed[:4] == 0)
    assert np.all(changed[4:] > 1e-6)
    same(model(TOKENS[0]), logits[0])


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_generation_with_the_cache_is_the_full_forward(settings):
    """The most probable tokens, one after the other, and their logits."""
    model = made(**settings)
    cache = model.cache(2, length=8)
    logits, cache = model.step(TOKENS[:, :3], cache)
    same(logits, model(TOKENS[:, :3]))
    tokens = TOKENS[:, :3]
    for _ in range(5):
        new = pb.to_numpy(xp.argmax(logits[:, -1], axis=-1))[:, None]
        tokens = np.concatenate([tokens, new], axis=1)
        logits, cache = model.step(new, cache)
        same(logits[:, 0], model(tokens)[:, -1])
    with pytest.raises(IndexError, match="position 8"):
        model.step(new, cache)


def test_a_compiled_step_serves_every_position():
    model = made(positions="learned")
    step = pb.compile(lambda tokens, cache: model.step(tokens, cache), fast=False)
    cache, outs = model.cache(2), []
    for i in range(6):
        logits, cache = step(TOKENS[:, i : i + 1], cache)
        outs.append(pb.to_numpy(logits).copy())
    same(np.concatenate(outs, axis=1), model(TOKENS))


def test_a_tied_head_gets_both_gradients():
    model = made(tied=True)
    assert model.head is None

    def loss(model):
        return M.cross_entropy(model(TOKENS[:, :-1]), TOKENS[:, 1:])

    g = pb.grad(loss)(model).embedding.W
    i, j, h = 3, 1, 1e-6
    ends = []
    for sign in (1, -1):
        leaves, spec = pb.tree.flatten(model)
        W = leaves[0].copy()
        assert W.shape == (7, 4)
        W[i, j] += sign * h
        ends.append(float(loss(pb.tree.unflatten(spec, [W, *leaves[1:]]))))
    np.testing.assert_allclose(g[i, j], (ends[0] - ends[1]) / (2 * h), rtol=1e-6)


def test_it_learns_to_count():
    """By a compiled step, with dropout, in float32."""
    model = M.TransformerLM.init(5, 16, 2, 1, length=10, dropout=0.1, seed=3)
    opt = pb.optim.Adam(lr=0.01)
    tokens = (np.arange(10) + np.arange(5)[:, None]) % 5

    def loss(model, key):
        logits, _ = model.training(tokens[:, :-1], key=key)
        return M.cross_entropy(logits, tokens[:, 1:])

    step = pb.compile(lambda m, s, key: _step(opt, loss, m, s, key), fast=False)
    state, key = opt.init(model), pb.random.key(0)
    for i in range(60):
        value, model, state = step(model, state, pb.random.fold_in(key, i))
    assert float(value) < 0.3
    right = pb.to_numpy(xp.argmax(model(tokens[:, :-1]), axis=-1)) == tokens[:, 1:]
    assert right.mean() > 0.95


def _step(opt, loss, model, state, key):
    value, grads = pb.value_and_grad(lambda m: loss(m, key))(model)
    return value, *opt.step(model, grads, state)


def test_training_without_dropout_is_inference():
    model = made()
    y, after = model.training(TOKENS)
    assert after is model
    same(y, model(TOKENS))
    with pytest.raises(TypeError, match="key"):
        made(dropout=0.1).training(TOKENS)


def test_summary_takes_integers():
    assert "(2, 5, 7)" in made().summary((2, 5))


def test_refusals():
    with pytest.raises(ValueError, match="positions='learnt'"):
        made(positions="learnt")
    with pytest.raises(ValueError, match="T ≤ 8"):
        made()(np.zeros((1, 9), int))
    with pytest.raises(ValueError, match="layers=0"):
        M.TransformerLM.init(5, 4, 2, 0, length=8)
    with pytest.raises(TypeError, match="integers"):
        made()(np.zeros((1, 3)))
