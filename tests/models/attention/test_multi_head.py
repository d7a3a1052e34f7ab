"""`MultiHeadAttention`: shared heads, dropout, steps with a cache, refusals."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
M = pb.models
RNG = np.random.default_rng(9)
X = RNG.standard_normal((2, 5, 8))


def same(got, wanted, rtol=1e-11):
    np.testing.assert_allclose(
        pb.to_numpy(xp.asarray(got)), pb.to_numpy(xp.asarray(wanted)), rtol=rtol, atol=1e-12
    )


def layer(**settings):
    made = M.MultiHeadAttention.init(8, 4, dtype="float64", seed=1, **settings)
    return pb.tree.map(lambda x: x + 0.1 * RNG.standard_normal(x.shape), made)


def test_heads_are_attention_of_their_columns():
    model = layer()
    q, k, v = np.split(X @ model.W + model.b, 3, axis=-1)
    parts = [M.attention(*(x[..., 2 * i : 2 * i + 2] for x in (q, k, v))) for i in range(4)]
    same(model(X), xp.concat(parts, axis=-1) @ model.output.W + model.output.b)


def test_shared_keys():
    model = layer(kv_heads=2)
    assert model.W.shape == (8, 16)
    q, k, v = np.split(X @ model.W + model.b, (8, 12), axis=-1)
    parts = [
        M.attention(q[..., 2 * i : 2 * i + 2], k[..., j : j + 2], v[..., j : j + 2])
        for i, j in enumerate((0, 0, 2, 2))
    ]
    same(model(X), xp.concat(parts, axis=-1) @ model.output.W + model.output.b)
    weights = model.weights(X)
    assert weights.shape == (2, 4, 5, 5)
    same(xp.sum(weights, axis=-1), np.ones((2, 4, 5)))


def test_cross_attention_of_itself_is_self_attention():
    model = layer()
    same(model(X, X), model(X))
    same(model(X, X, X.copy()), model(X))
    same(model(X[0]), model(X)[0])  # without a batch


def test_rotary_sees_distances_alone():
    """Scores stay the same if all positions are moved on, by steps from another start."""
    model = layer(rotary=True, causal=True)
    plain = layer(causal=True)
    assert not np.allclose(pb.to_numpy(model(X)), pb.to_numpy(plain(X)))
    cache = model.cache(9, 2)
    moved = cache._replace(used=cache.used + 4)
    mask = np.arange(9) >= 4
    same(model.step(X, moved, mask=mask)[0], model(X))


@pytest.mark.parametrize("settings", [{}, {"rotary": True}, {"kv_heads": 2}], ids=str)
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1, 1), (3, 2), (5,)], ids=str)
def test_steps_with_a_cache_are_the_whole(settings, sizes):
    model = layer(causal=True, **settings)
    cache, outs, start = model.cache(7, 2), [], 0
    for n in sizes:
        y, cache = model.step(X[:, start : start + n], cache)
        outs.append(y)
        start += n
    same(xp.concat(outs, axis=1), model(X))
    assert int(cache.used) == 5


def test_a_compiled_step_serves_every_position():
    model = layer(causal=True)
    step = pb.compile(lambda x, cache: model.step(x, cache), fast=False)
    cache, outs = model.cache(5, 2), []
    for i in range(5):
        y, cache = step(X[:, i : i + 1], cache)
        outs.append(pb.to_numpy(y).copy())
    same(np.concatenate(outs, axis=1), model(X))


def test_a_full_cache_is_refused():
    model = layer(causal=True)
    _, cache = model.step(X, model.cache(6, 2))
    with pytest.raises(IndexError, match=r"position 6 is not one of 0 … 5"):
        model.step(X[:, :2], cache)


def test_dropout():
    """Weights are left out by one key, their mean stays; inference knows nothing of it."""
    model = layer(dropout=0.5)
    off = pb.tree.map(lambda x: x, layer(dropout=0.0))
    assert off.training(X)[1] is off
    key = pb.random.key(0)
    y, after = model.training(X, key=key)
    assert after is model
    same(y, model.training(X, key=key)[0])
    assert not np.allclose(pb.to_numpy(y), pb.to_numpy(model(X)))
    keys = pb.random.split(key, 400)
    mean = sum(pb.to_numpy(model.training(X, key=each)[0]) for each in keys) / 400
    assert np.abs(mean - pb.to_numpy(model(X))).max() < 0.3 * np.abs(pb.to_numpy(y)).max()
    with pytest.raises(TypeError, match="key"):
        model.training(X)
    grads = pb.grad(lambda m: xp.sum(m.training(X, key=key)[0] ** 2))(model)
    h = 1e-6 * RNG.standard_normal(model.W.shape)
    ends = [
        float(xp.sum(_with(model, model.W + sign * h).training(X, key=key)[0] ** 2))
        for sign in (1, -1)
    ]
    np.testing.assert_allclose(np.sum(grads.W * h), (ends[0] - ends[1]) / 2, rtol=1e-6)


def _with(model, W):
    leaves, spec = pb.tree.flatten(model)
    return pb.tree.unflatten(spec, [W, *leaves[1:]])


def test_weights_of_masked_rows():
    model = layer(causal=True)
    keep = np.array([[False, True, True, True, False], [True] * 5])
    weights = pb.to_numpy(model.weights(X, key_mask=keep))
    assert np.all(weights[0, :, 0] == 0)  # the first row may attend to the first key alone
    assert np.all(weights[0, :, :, 4] == 0)
    assert np.all(weights[:, :, 2, 3:] == 0)
    q = np.moveaxis((X @ model.W + model.b)[..., 16:].reshape(2, 5, 4, 2), 1, 2)
    out = np.moveaxis(weights @ q, 1, 2).reshape(2, 5, 8)
    same(model(X, key_mask=keep), out @ model.output.W + model.output.b)


def test_float32_and_libraries(lib):
    model = M.MultiHeadAttention.init(8, 2, causal=True)
    ours = pb.tree.map(lib.asarray, model)
    x = lib.asarray(X, "float32")
    value, grads = pb.value_and_grad(lambda m: xp.sum(m(x) ** 2))(ours)
    expected = pb.grad(lambda m: xp.sum(m(X.astype("float32")) ** 2))(model)
    assert str(value.dtype).endswith("float32")
    for got, wanted in zip(pb.tree.leaves(grads), pb.tree.leaves(expected), strict=True):
        assert lib.is_raw(got)
        assert str(got.dtype).endswith("float32")
        np.testing.assert_allclose(lib.to_numpy(got), wanted, rtol=2e-4, atol=1e-5)
    cache = ours.cache(6, 2)
    assert lib.is_raw(cache.keys)
    y, cache = ours.step(x, cache)
    np.testing.assert_allclose(
        lib.to_numpy(y.value),
        pb.to_numpy(model(X.astype("float32"))), rtol=1e-4, atol=1e-5,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("match", "args", "settings"),
    [
        ("multiple", (8, 3), {}),
        ("multiple", (8, 4), {"kv_heads": 3}),
        ("heads=0", (8, 0), {}),
        ("pairs", (9, 3), {"rotary": True}),
        ("keys=-1", (8, 2), {"keys": -1}),
        ("p=2", (8, 2), {"dropout": 2}),
    ],
)
def test_refused_settings(match, args, settings):
    with pytest.raises(ValueError, match=match):
        M.MultiHeadAttention.init(*args, **settings)


def test_refused_inputs():
    model = layer()
    with pytest.raises(ValueError, match="x of shape"):
        model(X[..., :4])
    with pytest.raises(ValueError, match="context of shape"):
        model(X, X[..., :4])
    with pytest.raises(TypeError, match="bools"):
        model(X, key_mask=np.ones((2, 5)))
    with pytest.raises(ValueError, match="do not grow"):
        M.MultiHeadAttention.init(8, 2, keys=4).cache(3)


@pytest.mark.parametrize("how", ["call", "training", "weights"])
def test_masks_are_refused_alike_however_the_weights_are_made(how):
    """In memory, as with dropout and in `weights`, or tile by tile; together with a mask of keys, or alone."""
    layer = M.MultiHeadAttention.init(8, 2, dropout=0.5)
    x = np.ones((2, 3, 8), "float32")

    def run(*arguments, **masks):
        if how == "training":
            return layer.training(*arguments, key=pb.random.key(0), **masks)
        return (layer if how == "call" else layer.weights)(*arguments, **masks)

    ones = np.ones((3, 3), int)
    for more in ({}, {"key_mask": np.ones((2, 3), bool)}):
        with pytest.raises(TypeError, match="neither bool"):
            run(x, mask=ones, **more)
        with pytest.raises(ValueError, match="does not broadcast"):
            run(x[:, :1], x, mask=np.ones((5, 3), bool), **more)
