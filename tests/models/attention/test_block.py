"""`TransformerBlock`: training, steps, every order of derivatives, compilation, refusals."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
M = pb.models
RNG = np.random.default_rng(11)
X, CONTEXT = RNG.standard_normal((2, 5, 6)), RNG.standard_normal((2, 3, 6))


def made(**settings):
    block = M.TransformerBlock.init(6, 2, hidden=8, dtype="float64", seed=1, **settings)
    return pb.tree.map(lambda x: x + 0.1 * RNG.standard_normal(x.shape), block)


def same(got, wanted, rtol=1e-11):
    np.testing.assert_allclose(
        pb.to_numpy(xp.asarray(got)), pb.to_numpy(xp.asarray(wanted)), rtol=rtol, atol=1e-12
    )


@pytest.mark.parametrize("norm_first", [False, True])
def test_without_dropout_training_is_inference(norm_first):
    block = made(norm_first=norm_first, causal=True)
    y, after = block.training(X)
    assert after is block
    same(y, block(X))


@pytest.mark.parametrize("cross", [False, True])
def test_dropout(cross):
    block = made(dropout=0.3, cross=cross, causal=True)
    args = (X, CONTEXT) if cross else (X,)
    key = pb.random.key(1)
    y, after = block.training(*args, key=key)
    assert after is block
    same(y, block.training(*args, key=key)[0])
    others = [block(*args), block.training(*args, key=pb.random.key(2))[0]]
    assert all(not np.allclose(pb.to_numpy(y), pb.to_numpy(z)) for z in others)
    with pytest.raises(TypeError, match="key"):
        block.training(*args)


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("cross", [False, True])
def test_steps_are_the_whole(norm_first, cross):
    block = made(norm_first=norm_first, cross=cross, causal=True)
    args = (CONTEXT,) if cross else ()
    first, cache = block.step(X[:, :2], block.attention.cache(5, 2), *args)
    rest, cache = block.step(X[:, 2:], cache, *args)
    same(xp.concat([first, rest], axis=1), block(X, *args))


def test_both_orders():
    block = made(causal=True, activation="gelu_tanh")
    leaves, spec = pb.tree.flatten(block)

    def f(x, *leaves):
        return block_of(spec, leaves)(x)

    pb.check_grads(f, (X[:1, :3], *leaves), rtol=1e-5)


def block_of(spec, leaves):
    return pb.tree.unflatten(spec, list(leaves))


@pytest.mark.parametrize("fast", [False, True])
def test_compiled(fast):
    block = made(causal=True)
    step = pb.value_and_grad(lambda b, x: xp.mean(b(x) ** 2))
    value, grads = pb.compile(step, fast=fast)(block, X)
    expected, wanted = step(block, X)
    same(value, expected)
    for a, b in zip(pb.tree.leaves(grads), pb.tree.leaves(wanted), strict=True):
        same(a, b, 1e-9)


def test_vmap_over_blocks_and_checkpoint():
    blocks = [made(causal=True) for _ in range(2)]
    stacked = pb.tree.map(lambda *xs: np.stack(xs), *blocks)
    out = pb.vmap(lambda b, x: b(x))(stacked, X)
    for i in range(2):
        same(out[i], blocks[i](X[i]))
    loss = pb.grad(lambda b: xp.sum(b(X) ** 2))
    again = pb.grad(lambda b: xp.sum(pb.checkpoint(lambda b: b(X))(b) ** 2))
    for a, b in zip(pb.tree.leaves(again(blocks[0])), pb.tree.leaves(loss(blocks[0])), strict=True):
        same(a, b)


def test_in_a_sequential():
    model = M.Sequential(
        M.Linear.init(6, 6, dtype="float64"), made(dropout=0.2), M.LearnedEncoding.init(5, 6)
    )
    y, _ = model.training(X, key=pb.random.key(0))
    assert y.shape == X.shape
    text = model.summary((2, 5, 6))
    assert "layers.1.attention.output" in text
    assert "(2, 5, 6)" in text


def test_one_token_and_no_batch():
    block = made(causal=True)
    same(block(X[:, :1]), block(X)[:, :1])
    assert block(X[:0]).shape == (0, 5, 6)
    grads = pb.grad(lambda b: xp.sum(b(X[:0]) ** 2))(block)
    assert all(np.all(g == 0) for g in pb.tree.leaves(grads))


def test_refusals():
    with pytest.raises(TypeError, match="attends to a context"):
        made(cross=True)(X)
    with pytest.raises(TypeError, match="no use"):
        made()(X, CONTEXT)
    with pytest.raises(ValueError, match="hidden=0"):
        M.TransformerBlock.init(6, 2, hidden=0)
    with pytest.raises(ValueError, match="activation"):
        M.TransformerBlock.init(6, 2, activation="gelo")
