"""Random numbers, layers, losses and networks under `vmap`, against loops."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
X = np.arange(12.0).reshape(3, 4)
Y = np.asarray([1.0, 10.0, 100.0])

DRAWS = {
    "bits": lambda key: pb.random.bits(key, (3,)),
    "uniform": lambda key: pb.random.uniform(key, (2, 3)),
    "normal": lambda key: pb.random.normal(key, (5,)),
    "normal, float32": lambda key: pb.random.normal(key, (5,), dtype=xp.float32),
    "randint": lambda key: pb.random.randint(key, 0, 10, (4,)),
    "bernoulli": lambda key: pb.random.bernoulli(key, 0.3, (6,)),
    "categorical": lambda key: pb.random.categorical(key, pb.asarray([0.1, 0.2, 0.3])),
    "permutation": lambda key: pb.random.permutation(key, 6),
    "split": lambda key: pb.random.uniform(pb.random.split(key, 3)[1], (2,)),
    "fold_in": lambda key: pb.random.uniform(pb.random.fold_in(key, 5), (2,)),
}


@pytest.mark.parametrize("name", DRAWS)
def test_each_row_draws_as_if_alone(name):
    keys = xp.stack(pb.random.split(pb.random.key(3), 4))
    got = pb.vmap(DRAWS[name])(keys)
    for i in range(4):
        np.testing.assert_array_equal(pb.to_numpy(got[i]), pb.to_numpy(DRAWS[name](keys[i, :])))
    same = pb.vmap(lambda x, key: x * 0 + DRAWS[name](key), in_axes=(0, None))(Y, keys[0, :])
    one = pb.to_numpy(DRAWS[name](keys[0, :]))
    np.testing.assert_array_equal(same, np.stack([one] * 3))


def per_example(loss, model, *rows):
    got = pb.vmap(pb.grad(loss), in_axes=(None, *(0 for _ in rows)))(model, *rows)
    for i in range(len(rows[0])):
        wanted = pb.grad(loss)(model, *(r[i] for r in rows))
        for g, w in zip(pb.tree.leaves(got), pb.tree.leaves(wanted), strict=True):
            assert g.dtype == w.dtype
            np.testing.assert_allclose(pb.to_numpy(g)[i], pb.to_numpy(w), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(
    "activation", ["relu", "tanh", "sigmoid", "gelu", "silu", "elu", "softplus"]
)
def test_per_example_gradients_of_a_network(activation):
    model = pb.models.MLP([4, 5, 3], activation=activation, seed=0)
    labels = np.asarray([0, 2, 1])
    x = X.astype(np.float32) / 10
    per_example(lambda m, x, y: pb.models.cross_entropy(m(x), y), model, x, labels)
    per_example(
        lambda m, x, y: pb.models.squared_error(m(x)[0], y), model, x, Y.astype(np.float32) / 100
    )


@pytest.mark.parametrize("size", [1, 2])
def test_a_network_of_small_batches_in_each_row(size):
    model = pb.models.MLP([4, 5, 3], activation="relu", seed=0)
    x = np.random.default_rng(0).standard_normal((3, size, 4)).astype(np.float32)
    labels = np.random.default_rng(0).integers(0, 3, (3, size))
    per_example(lambda m, x, y: pb.models.cross_entropy(m(x), y), model, x, labels)


V = np.random.default_rng(0).standard_normal((3, 4))
S = np.random.default_rng(1).uniform(0.1, 0.9, (3, 4))
OF_MODELS = {
    "LayerNorm": (lambda x: pb.models.LayerNorm.init(4)(x), [V]),
    "RMSNorm": (lambda x: pb.models.RMSNorm.init(4)(x), [V]),
    "absolute_error": (pb.models.absolute_error, [V, S]),
    "squared_error": (pb.models.squared_error, [V, S]),
    "binary_cross_entropy": (pb.models.binary_cross_entropy, [V, S]),
    "hinge": (lambda x, s: pb.models.hinge(x, pb.stop_gradient(xp.round(s))), [V, S]),
    "huber": (pb.models.huber, [V, S]),
    "kl_divergence": (pb.models.kl_divergence, [V, S]),
    "poisson": (pb.models.poisson, [V, S]),
    "smoothed cross_entropy": (
        lambda x, s: pb.models.cross_entropy(x, xp.argmax(pb.stop_gradient(s)), label_smoothing=0.1), [V, S]
    ),
    "implicit.argmin": (
        lambda s: pb.implicit.argmin(lambda x: xp.sum((x - s) ** 2 + x**4), xp.zeros(4)), [S]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_MODELS)
def test_layers_and_losses(name):
    f, args = OF_MODELS[name]
    number = lambda *xs: xp.sum(f(*xs) ** 2)
    gradient = pb.grad(number, argnums=tuple(range(len(args))))
    value = pb.vmap(f)(*args)
    inside = pb.vmap(gradient)(*args)
    outside = pb.grad(lambda *xs: xp.sum(pb.vmap(number)(*xs)), argnums=tuple(range(len(args))))(
        *args
    )
    for i in range(3):
        row = [a[i] for a in args]
        np.testing.assert_allclose(value[i], pb.to_numpy(f(*map(xp.asarray, row))), rtol=1e-10)
        for a, b, w in zip(inside, outside, gradient(*row), strict=True):
            np.testing.assert_allclose(a[i], w, rtol=1e-7, atol=1e-9)
            np.testing.assert_allclose(b[i], w, rtol=1e-7, atol=1e-9)


def test_dropout_of_each_row():
    keys = xp.stack(pb.random.split(pb.random.key(1), 3))
    f = lambda x, key: pb.models.Dropout(0.5).training(x, key=key)[0]
    got = pb.vmap(f)(V, pb.to_numpy(keys))
    wanted = [pb.to_numpy(f(xp.asarray(V[i]), keys[i, :])) for i in range(3)]
    np.testing.assert_array_equal(got, np.stack(wanted))


def test_a_minimisation_for_each_row():
    def f(s):
        return pb.optim.minimize(lambda x: xp.sum((x - s) ** 2), xp.zeros(4), method="l-bfgs").x

    np.testing.assert_allclose(pb.vmap(f)(V), V, atol=1e-6)


def test_debug_nans_looks_at_all_rows():
    with pb.debug_nans():
        pb.vmap(pb.grad(lambda x: xp.sum(xp.sin(x))))(V)
        with pytest.raises(FloatingPointError, match=r"log of arrays of shape \(4,\) made"):
            pb.vmap(xp.log)(V)


def test_models_that_differ_from_row_to_row():
    """An ensemble: the parameters are mapped, the input is the same for all."""
    models = [pb.models.MLP([4, 5, 3], activation="relu", seed=i) for i in range(3)]
    stacked = pb.tree.map(lambda *p: np.stack([pb.to_numpy(a) for a in p]), *models)
    x = X.astype(np.float32)
    got = pb.vmap(lambda m, x: m(x), in_axes=(0, None))(stacked, x)
    np.testing.assert_allclose(got, np.stack([pb.to_numpy(m(x)) for m in models]), rtol=1e-5)
    loss = lambda m: xp.mean(m(x) ** 2)
    grads = pb.vmap(pb.grad(loss))(stacked)
    for i, m in enumerate(models):
        for g, w in zip(pb.tree.leaves(grads), pb.tree.leaves(pb.grad(loss)(m)), strict=True):
            np.testing.assert_allclose(g[i], pb.to_numpy(w), rtol=1e-4, atol=1e-6)


def test_an_ensemble_trains_in_one_compiled_step():
    opt = pb.optim.Adam(1e-2)
    x, y = X.astype(np.float32), np.asarray([0, 2, 1])

    def step(model, state):
        value, grads = pb.value_and_grad(lambda m: pb.models.cross_entropy(m(x), y))(model)
        model, state = opt.step(model, grads, state)
        return model, state, value

    models = [pb.models.MLP([4, 5, 3], activation="relu", seed=i) for i in range(2)]
    stacked = pb.tree.map(lambda *p: np.stack([pb.to_numpy(a) for a in p]), *models)
    states = pb.vmap(opt.init)(stacked)
    compiled = pb.compile(pb.vmap(step), fast=False)
    for _ in range(3):
        stacked, states, values = compiled(stacked, states)
    for i, model in enumerate(models):
        state = opt.init(model)
        for _ in range(3):
            model, state, value = step(model, state)
        np.testing.assert_allclose(values[i], float(value), rtol=1e-5)
