"""Training with state and randomness: whole loops, compiled too, saved and loaded, and summaries."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp
M = pb.models
RNG = np.random.default_rng(4)
X = RNG.standard_normal((64, 3)).astype("f")
Y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)


def network(dtype="float32"):
    return M.Sequential(
        M.Linear.init(3, 24, bias=False, init="he", dtype=dtype),
        M.BatchNorm.init(24, dtype=dtype),
        "relu",
        M.Dropout(0.1),
        M.Residual(
            M.Sequential(
                M.LayerNorm.init(24, dtype=dtype),
                M.Linear.init(24, 24, seed=1, dtype=dtype),
                "gelu",
            )
        ),
        M.Linear.init(24, 2, seed=2, dtype=dtype),
    )


def step_of(opt):
    def loss(model, x, y, key):
        out, model = model.training(x, key=key)
        return M.cross_entropy(out, y), model

    def step(model, state, x, y, key):
        (value, new), grads = pb.value_and_grad(loss, has_aux=True)(model, x, y, key)
        model, state = opt.step(M.plain(new), grads, state)
        return model, state, value

    return step


def trained(step, opt, model, steps, x=X, y=Y):
    state, keys = opt.init(model), pb.random.stream(7)
    values = []
    for _ in range(steps):
        model, state, value = step(model, state, x, y, keys())
        values.append(float(value))
    return model, values


def test_a_training_loop_with_batch_norm_dropout_and_adam():
    opt = pb.optim.Adam(1e-2)
    model, values = trained(step_of(opt), opt, network(), 60)
    assert values[-1] < 0.4 * values[0]
    assert np.mean(pb.to_numpy(xp.argmax(model(X), axis=1)) == Y) > 0.9
    assert all(type(p) is np.ndarray and p.dtype == np.float32 for p in pb.tree.leaves(model))
    np.testing.assert_array_equal(pb.to_numpy(model(X)), pb.to_numpy(model(X)))  # nothing is drawn
    _, same = trained(step_of(opt), opt, network(), 60)
    assert values == same  # the same seed, the same numbers
    # the running statistics are those of the layer's inputs by now
    before = X @ model.layers[0].W
    np.testing.assert_allclose(model.layers[1].running_mean, before.mean(0), atol=0.1)


def test_the_compiled_step_gives_the_same_numbers():
    opt = pb.optim.SGD(1e-2)
    x = X.astype("d")
    eager, values = trained(step_of(opt), opt, network("float64"), 5, x=x)
    compiled, same = trained(pb.compile(step_of(opt)), opt, network("float64"), 5, x=x)
    np.testing.assert_allclose(values, same, rtol=1e-10)
    assert len(set(values)) == 5
    for a, b in zip(pb.tree.leaves(eager), pb.tree.leaves(compiled), strict=True):
        np.testing.assert_allclose(pb.to_numpy(a), pb.to_numpy(b), rtol=1e-8, atol=1e-12)


def test_the_new_model_may_be_used_as_it_comes():
    """Without `plain` its arrays are `pb.Array`s; everything takes them."""
    opt = pb.optim.Adam(1e-2)
    model, state = network(), None
    state = opt.init(model)
    loss = lambda m, key: (lambda out: (M.cross_entropy(out[0], Y), out[1]))(m.training(X, key=key))
    for i in range(2):
        (_, model), grads = pb.value_and_grad(loss, has_aux=True)(model, pb.random.key(i))
        model, state = opt.step(model, grads, state)
    assert model(X).shape == (64, 2)
    assert all(type(p) is np.ndarray for p in pb.tree.leaves(M.plain(model)))


def test_weight_decay_leaves_running_statistics_alone():
    model = network()
    opt = pb.optim.AdamW(1e-2, weight_decay=0.5, mask=M.parameter_mask(model))
    grads = pb.tree.map(np.zeros_like, model)
    new, _ = opt.step(model, grads, opt.init(model))
    np.testing.assert_array_equal(new.layers[1].running_var, model.layers[1].running_var)
    assert (np.abs(new.layers[1].scale) < np.abs(model.layers[1].scale)).all()


def test_checkpointed_training_step():
    """The same draw in the forward pass and when it runs again."""
    model, key = network("float64"), pb.random.key(5)
    x = X.astype("d")
    run = lambda m, x, key: m.training(x, key=key)
    f = lambda run: lambda m: (lambda out: (M.cross_entropy(out[0], Y), out[1]))(run(m, x, key))
    (a, new), g = pb.value_and_grad(f(run), has_aux=True)(model)
    (b, same), h = pb.value_and_grad(f(pb.checkpoint(run)), has_aux=True)(model)
    assert float(a) == float(b)
    for one, two in [
        *zip(*map(pb.tree.leaves, (g, h)), strict=True),
        *zip(*map(pb.tree.leaves, (new, same)), strict=True),
    ]:
        np.testing.assert_array_equal(pb.to_numpy(one), pb.to_numpy(two))


def test_hessian_vector_product_of_a_training_step():
    """By grad of grad, through batch normalisation and dropout, against central differences of the gradient."""
    model, key = network("float64"), pb.random.key(5)
    x = X[:8].astype("d")
    f = lambda m: M.cross_entropy(m.training(x, key=key)[0], Y[:8])
    mask = M.parameter_mask(model)
    v = pb.tree.map(lambda p, own: own * RNG.standard_normal(p.shape), model, mask)
    got = pb.hvp(f, model, v)
    step = 1e-5
    up, down = (
        pb.grad(f)(pb.tree.map(lambda p, d, s=s: p + s * step * d, model, v)) for s in (1, -1)
    )
    size = max(np.abs(g).max() for g in pb.tree.leaves(got))
    for g, a, b in zip(*map(pb.tree.leaves, (got, up, down)), strict=True):
        np.testing.assert_allclose(g, (a - b) / (2 * step), rtol=1e-5, atol=1e-6 * size)


def test_running_statistics_are_saved_and_loaded(tmp_path):
    pytest.importorskip("safetensors", reason="models are saved by it")
    opt = pb.optim.Adam(1e-2)
    model, _ = trained(step_of(opt), opt, network(), 3)
    assert (model.layers[1].running_mean != 0).all()
    pb.train.save(tmp_path / "m.safetensors", model, {"epoch": 3})
    loaded, metadata = pb.train.load(tmp_path / "m.safetensors", like=network())
    assert metadata == {"epoch": 3}
    np.testing.assert_array_equal(loaded.layers[1].running_var, model.layers[1].running_var)
    np.testing.assert_array_equal(pb.to_numpy(loaded(X)), pb.to_numpy(model(X)))


# ── summaries ──────────────────────────────────────────────────────────────────────────────────────
