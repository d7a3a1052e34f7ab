"""Layers and networks: formulas, structure, and gradients of four layers against central differences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.special as sps

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp
M = pb.models
ACTIVATIONS = {
    "identity": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": sps.expit,
    "silu": lambda x: x * sps.expit(x),
    "gelu": lambda x: x * sps.ndtr(x),
    "gelu_tanh": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "softplus": lambda x: np.logaddexp(0, x),
}


# ── models ─────────────────────────────────────────────────────────────────────────────────────────


def by_hand(model, x):
    h = ACTIVATIONS[model.activation]
    for layer in model.layers[:-1]:
        x = h(x @ layer.W + layer.b)
    return x @ model.layers[-1].W + model.layers[-1].b


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("shape", [(7, 4), (4,), (2, 3, 4), (0, 4), (1, 4)])
def test_an_mlp_is_its_formula(name, shape):
    model = M.MLP([4, 6, 5, 3], activation=name, dtype="float64", seed=2)
    x = np.random.default_rng(0).standard_normal(shape)
    out = model(x)
    assert out.shape == (*shape[:-1], 3)
    np.testing.assert_allclose(pb.to_numpy(out), by_hand(model, x), rtol=1e-13, atol=1e-15)


def test_an_mlp_is_a_pytree_of_raw_arrays(backend, lib):
    model = M.MLP([4, 6, 3])
    assert pb.tree.paths(model) == ["layers.0.W", "layers.0.b", "layers.1.W", "layers.1.b"]
    assert [x.shape for x in pb.tree.leaves(model)] == [(4, 6), (6,), (6, 3), (3,)]
    assert model.sizes == (4, 6, 3)
    x, labels = lib.asarray(np.ones((5, 4), "f")), lib.asarray([0, 1, 2, 0, 1])
    value, g = pb.value_and_grad(lambda m: M.cross_entropy(m(x), labels))(model)
    assert type(g) is M.MLP
    assert (g.sizes, g.activation) == (model.sizes, model.activation)
    for p, s in zip(pb.tree.leaves(model), pb.tree.leaves(g), strict=True):
        assert lib.is_raw(p)
        assert lib.is_raw(s)
        assert (p.shape, p.dtype) == (s.shape, s.dtype)
    assert lib.to_numpy(value).dtype == np.float32


@pytest.mark.parametrize("sizes", [[3], [], [3, 0], [3, -1, 2]])
def test_bad_sizes(sizes):
    with pytest.raises(ValueError, match="sizes"):
        M.MLP(sizes)


def test_a_wrong_input_width_says_so():
    with pytest.raises(ValueError, match=r"4|3"):
        M.MLP([4, 3])(np.ones((2, 5), "f"))
    said = r"Linear: inputs of shape \(2, 5\); their last axis has to be 4"
    for layer in (M.Linear.init(4, 3), M.Linear.init(4, 3, bias=False)):
        with pytest.raises(ValueError, match=said):
            layer(np.ones((2, 5), "f"))
        with pytest.raises(ValueError, match=said):
            pb.grad(lambda m: pb.xp.sum(m(np.ones((2, 5), "f"))))(layer)


# ── gradients of a four-layer network ──────────────────────────────────────────────────────────────


RNG = np.random.default_rng(5)
BATCH, TARGETS, LABELS = (
    RNG.standard_normal((8, 5)),
    RNG.standard_normal((8, 3)),
    RNG.integers(0, 3, 8),
)
LOSSES = {
    "cross_entropy": lambda out: M.cross_entropy(out, LABELS),
    "squared_error": lambda out: M.squared_error(out, TARGETS),
    "binary_cross_entropy": lambda out: M.binary_cross_entropy(out, (TARGETS > 0) * 1),
}


def four_layers(name: str):
    return M.MLP([5, 7, 6, 4, 3], activation=name, seed=11, dtype="float64")


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        *itertools.product(["tanh", "gelu"], LOSSES),
        ("relu", "cross_entropy"),
        ("softplus", "cross_entropy"),
    ],
)
def test_gradient_of_a_four_layer_mlp_against_central_differences(name, loss):
    """Every component, relative to the largest: ≤ 1e-7."""
    model = four_layers(name)
    leaves, spec = pb.tree.flatten(model)
    f = lambda m: LOSSES[loss](m(BATCH))
    gradient = pb.tree.leaves(pb.grad(f)(model))
    worst, size = 0.0, max(float(np.abs(g).max()) for g in gradient)
    step = 1e-5
    for k, (x, g) in enumerate(zip(leaves, gradient, strict=True)):
        for index in np.ndindex(x.shape):

            def at(d, x=x, k=k, index=index):
                moved = x.copy()
                moved[index] += d
                return float(f(pb.tree.unflatten(spec, [*leaves[:k], moved, *leaves[k + 1 :]])))

            worst = max(worst, abs((at(step) - at(-step)) / (2 * step) - g[index]))
    assert worst / size <= 1e-7


@pytest.mark.parametrize("name", ["tanh", "softplus", "relu"])
def test_hessian_vector_product_by_grad_of_grad(name):
    """Against central differences of the gradient: ≤ 1e-6."""
    model = four_layers(name)
    v = pb.tree.map(lambda p: RNG.standard_normal(p.shape), model)
    f = lambda m: LOSSES["cross_entropy"](m(BATCH))

    def directional(m):
        return sum(
            xp.sum(a * b)
            for a, b in zip(pb.tree.leaves(pb.grad(f)(m)), pb.tree.leaves(v), strict=True)
        )

    got = pb.tree.leaves(pb.grad(directional)(model))
    step = 1e-5
    shifted = [
        pb.tree.leaves(pb.grad(f)(pb.tree.map(lambda p, d, s=s: p + s * step * d, model, v)))
        for s in (1, -1)
    ]
    size = max(float(np.abs(g).max()) for g in got)
    for g, up, down in zip(got, *shifted, strict=True):
        assert np.abs((up - down) / (2 * step) - g).max() / size <= 1e-6
