"""Layers: formulas, gradients against central differences, dtypes, libraries, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp
M = pb.models
RNG = np.random.default_rng(8)
X = RNG.standard_normal((6, 4))


def perturbed(model):
    """A model with no parameter at 0 or 1, and running variances above 0."""
    rng = np.random.default_rng(1)
    return pb.tree.map(lambda p: (p + 0.3 * rng.uniform(0.1, 1, p.shape)).astype(p.dtype), model)


def layers(dtype="float64"):
    """Name: (layer, input)."""
    options = {"dtype": dtype}
    x = X.astype(dtype)
    wide = RNG.standard_normal((3, 2, 4)).astype(dtype)
    images = RNG.standard_normal((2, 4, 3, 3)).astype(dtype)
    block = M.Sequential(M.Linear.init(4, 4, **options), "tanh", M.Dropout(0.3))
    found = {
        "linear": (M.Linear.init(4, 3, **options), x),
        "linear without bias": (M.Linear.init(4, 3, bias=False, **options), x),
        "activation": (M.Activation("softplus"), x),
        "dropout": (M.Dropout(0.4), x),
        "batch norm": (M.BatchNorm.init(4, **options), x),
        "batch norm of three axes": (M.BatchNorm.init(4, momentum=0.3, eps=0.1, **options), wide),
        "batch norm, not affine": (M.BatchNorm.init(4, affine=False, **options), x),
        "batch norm of images": (M.BatchNorm2d.init(4, **options), images),
        "group norm": (M.GroupNorm.init(2, 4, **options), images),
        "convolutions": (
            M.Sequential(
                M.Conv2d.init(4, 2, 2, padding="same", **options), "tanh", M.MaxPool2d(2, 1), M.Flatten(),
                M.Linear.init(8, 2, **options),
            ),
            images,
        ),
        "layer norm": (M.LayerNorm.init(4, **options), x),
        "layer norm of two axes": (M.LayerNorm.init((2, 4), bias=False, **options), wide),
        "layer norm, not affine": (M.LayerNorm.init(4, affine=False, **options), x),
        "rms norm": (M.RMSNorm.init(4, **options), x),
        "embedding": (M.Embedding.init(5, 3, **options), np.array([[1, 1], [0, 4]])),
        "residual": (M.Residual(block), x),
        "sequential": (
            M.Sequential(
                M.Linear.init(4, 5, **options), M.BatchNorm.init(5, **options), "tanh",
                M.Dropout(0.5), M.Residual(M.Linear.init(5, 5, **options)), M.LayerNorm.init(5, **options),
            ),
            x,
        ),
    }  # fmt: skip
    return {name: (perturbed(layer), x) for name, (layer, x) in found.items()}


with pb.backend.use("numpy"):
    LAYERS, KEY = layers(), pb.random.key(3)
CLASSES = (
    M.Linear, M.Activation, M.Dropout, M.BatchNorm, M.BatchNorm2d, M.GroupNorm, M.LayerNorm, M.RMSNorm,
    M.Embedding, M.Residual, M.Sequential,
)  # fmt: skip


def modes(layer):
    """Functions (model, x) in inference and in training mode."""
    return {
        "inference": lambda m, x: m(x),
        "training": lambda m, x: m.training(x, key=KEY)[0],
    }


def test_the_table_has_every_layer():
    assert {type(layer) for layer, _ in LAYERS.values()} == set(CLASSES)


@pytest.mark.parametrize("mode", ["inference", "training"])
@pytest.mark.parametrize("name", LAYERS)
def test_gradients_against_central_differences(name, mode):
    """By parameters and inputs, first and second order, under checkpoint too."""
    layer, x = LAYERS[name]
    run = modes(layer)[mode]
    floating = x.dtype.kind == "f"
    weigh = RNG.standard_normal(tuple(run(layer, x).shape))
    # running statistics are constants: parameters alone are moved
    leaves, spec = pb.tree.flatten(layer)
    mask = pb.tree.leaves(M.parameter_mask(layer))
    moved = [p for p, own in zip(leaves, mask, strict=True) if own]

    def loss(parameters, x=x, run=run):
        own = iter(parameters)
        model = pb.tree.unflatten(
            spec, [next(own) if k else p for p, k in zip(leaves, mask, strict=True)]
        )
        return xp.sum(run(model, x) * weigh)

    if moved:
        pb.check_grads(loss, (moved,), order=2)
    if floating:
        pb.check_grads(lambda x: loss(moved, x), (x,), order=2)
        plain = pb.grad(lambda m, x: xp.sum(run(m, x) ** 2), (0, 1))(layer, x)
        again = pb.grad(lambda m, x: xp.sum(pb.checkpoint(run)(m, x) ** 2), (0, 1))(layer, x)
        for a, b in zip(pb.tree.leaves(plain), pb.tree.leaves(again), strict=True):
            np.testing.assert_array_equal(a, b)
        out, pull = pb.vjp(run, layer, x)
        ct = np.ones(tuple(out.shape))
        by_grad = pb.grad(lambda m: xp.sum(run(m, x)))(layer)
        for a, b in zip(pb.tree.leaves(pull(ct)[0]), pb.tree.leaves(by_grad), strict=True):
            np.testing.assert_allclose(pb.to_numpy(xp.asarray(a)), b, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["batch norm", "layer norm", "rms norm", "residual", "sequential"])
def test_forward_mode_and_jacobians(name):
    """The two agree, in training mode."""
    layer, x = LAYERS[name]
    f = lambda x: layer.training(x, key=KEY)[0]
    v = RNG.standard_normal(x.shape)
    _, tangent = pb.jvp(f, (x,), (v,))
    J = pb.jacobian(f)(x)
    np.testing.assert_allclose(
        pb.to_numpy(xp.asarray(tangent)), np.tensordot(J, v, axes=2), rtol=1e-9, atol=1e-11
    )
    moved = [pb.to_numpy(f(x + s * 1e-6 * v)) for s in (1, -1)]
    np.testing.assert_allclose(
        pb.to_numpy(xp.asarray(tangent)), (moved[0] - moved[1]) / 2e-6, rtol=1e-5, atol=1e-7
    )


@pytest.mark.parametrize("name", LAYERS)
def test_float32_stays_float32_and_running_statistics_get_no_gradient(name):
    layer, x = layers("float32")[name]
    for run in modes(layer).values():
        assert run(layer, x).dtype == np.float32
        grads = pb.grad(lambda m, run=run: xp.sum(run(m, x) ** 2))(layer)
        for g, own in zip(
            pb.tree.leaves(grads), pb.tree.leaves(M.parameter_mask(layer)), strict=True
        ):
            assert g.dtype == np.float32
            assert own or not g.any()
    new = layer.training(x, key=KEY)[1]
    assert pb.tree.flatten(new)[1] == pb.tree.flatten(layer)[1]
    assert all(type(p) is np.ndarray and p.dtype == np.float32 for p in pb.tree.leaves(new))


@pytest.mark.parametrize("name", LAYERS)
def test_layers_on_every_library(name, lib, backend):
    """Device in, device out; the numbers are NumPy's."""
    layer, x = LAYERS[name]
    there = pb.tree.map(lib.asarray, layer)
    key = lib.asarray(pb.to_numpy(KEY))
    y, new = there.training(lib.asarray(x), key=key)
    expected, new_expected = layer.training(x, key=KEY)
    assert lib.is_raw(y.value)
    for got, wanted in [
        (y.value, pb.to_numpy(expected)),
        (xp.asarray(there(lib.asarray(x))).value, pb.to_numpy(xp.asarray(layer(x)))),
    ]:
        np.testing.assert_allclose(lib.to_numpy(got), wanted, rtol=1e-12, atol=1e-13)
    for a, b in zip(pb.tree.leaves(new), pb.tree.leaves(new_expected), strict=True):
        assert lib.is_raw(a)
        np.testing.assert_allclose(lib.to_numpy(a), b, rtol=1e-12)
    made = {"batch norm": M.BatchNorm.init(3), "embedding": M.Embedding.init(3, 2)}.get(name)
    assert made is None or all(lib.is_raw(p) for p in pb.tree.leaves(made))
    grads = pb.grad(lambda m: xp.sum(m.training(lib.asarray(x), key=key)[0] ** 2))(there)
    assert all(lib.is_raw(g) for g in pb.tree.leaves(grads))


# ── what each computes ─────────────────────────────────────────────────────────────────────────────


# ── refusals ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: M.Linear.init(0, 3), ValueError, "Linear.init: inputs=0"),
        (lambda: M.Linear.init(3, 2.5), ValueError, "outputs=2.5"),
        (lambda: M.Linear.init(3, True), ValueError, "outputs=True"),
        (lambda: M.Dropout(-0.1), ValueError, "p=-0.1"),
        (lambda: M.Dropout(1.5), ValueError, "p=1.5"),
        (lambda: M.Dropout(float("nan")), ValueError, "p=nan"),
        (lambda: M.Dropout("half"), ValueError, "p='half'"),
        (lambda: M.Dropout(0.5).training(X), TypeError, r"pb.random.key"),
        (lambda: M.Dropout(0.5).training(X, key=7), TypeError, "key"),
        (lambda: M.BatchNorm.init(0), ValueError, "features=0"),
        (lambda: M.BatchNorm.init(3, momentum=1.5), ValueError, "momentum=1.5"),
        (lambda: M.BatchNorm.init(3, eps=-1), ValueError, "eps=-1"),
        (lambda: M.BatchNorm.init(3)(X), ValueError, r"BatchNorm.*\(6, 4\).*\(3,\)"),
        (lambda: M.BatchNorm.init(3).training(X), ValueError, r"BatchNorm.*\(6, 4\).*\(3,\)"),
        (lambda: M.LayerNorm.init(3)(X), ValueError, r"LayerNorm.*\(6, 4\).*\(3,\)"),
        (lambda: M.LayerNorm.init((2, 0)), ValueError, "shape=0"),
        (lambda: M.LayerNorm.init(()), ValueError, "shape=0"),
        (lambda: M.LayerNorm.init(3, eps=float("nan")), ValueError, "eps=nan"),
        (lambda: M.RMSNorm.init(3)(X), ValueError, r"RMSNorm.*\(3,\)"),
        (lambda: M.RMSNorm.init(-3), ValueError, "features=-3"),
        (lambda: M.Embedding.init(3, 0), ValueError, "dim=0"),
        (lambda: M.Embedding.init(3, 2)(np.array([0, 3])), IndexError, "index 3.*0 … 2"),
        (lambda: M.Embedding.init(3, 2)(np.array([-1, 0])), IndexError, "index -1"),
        (lambda: M.Embedding.init(3, 2)(np.array([1.0])), TypeError, "integers, not float64"),
        (lambda: M.Activation("swish"), ValueError, "'swish'.*relu"),
        (lambda: M.Sequential("swish"), ValueError, "'swish'.*relu"),
        (lambda: M.Sequential(np.tanh), TypeError, "neither a Module.*derived from"),
        (
            lambda: M.Residual(M.Linear.init(4, 1, dtype="float64"))(X),
            ValueError,
            r"\(6, 4\).*\(6, 1\)",
        ),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()
