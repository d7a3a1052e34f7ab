"""What holds for every layer of `pb.models`, whatever it computes: one body for each property."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.dtypes import as_numpy

from .._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._layers import NO_LAYERS, ROWS, classes, randomised

xp = pb.xp
M = pb.models
FLOATING = {name: row for name, row in ROWS.items() if not row.integers}


def each(rows):
    return pytest.mark.parametrize("name", rows)


def layer(name, dtype="float64"):
    return randomised(ROWS[name].make(dtype))


def weighted(name):
    """A function of the layer and its inputs with values in the real numbers, that no symmetry makes 0."""
    row = ROWS[name]

    def f(model, x):
        y = row.call(model, x)
        n = math.prod(y.shape)
        weights = np.cos(np.arange(n, dtype="float64") ** 2 + 1).reshape(y.shape)
        w = pb.asarray(weights, dtype=as_numpy(y.dtype))
        weighed = xp.multiply(y, w)
        return xp.sum(weighed) + 0.5 * xp.sum(weighed * y)

    return f


def gradient(name):
    """The gradient by the layer's arrays, and by its inputs where they are not integers."""
    if ROWS[name].integers:
        return lambda model, x: (pb.grad(weighted(name))(model, x),)
    return pb.grad(weighted(name), argnums=(0, 1))


def directions(tree, seed):
    rng = np.random.default_rng(seed)

    def draw(x):
        return rng.standard_normal(np.shape(x)) if np.asarray(x).dtype.kind == "f" else x

    return pb.tree.map(draw, tree)


def moved(tree, direction, step):
    return pb.tree.map(
        lambda x, d: x + step * d if np.asarray(x).dtype.kind == "f" else x, tree, direction
    )


def product(a, b):
    """The sum of the products of two trees of arrays."""
    pairs = zip(pb.tree.leaves(a), pb.tree.leaves(b), strict=True)
    return sum((xp.sum(x * y) for x, y in pairs), xp.asarray(0.0))


def same(a, b, rtol=1e-10, atol=1e-11):
    mine, spec = pb.tree.flatten(a)
    theirs, other = pb.tree.flatten(b)
    assert spec == other
    for x, y in zip(mine, theirs, strict=True):
        x, y = pb.to_numpy(x), pb.to_numpy(y)
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        np.testing.assert_allclose(x, y, rtol=rtol, atol=atol)


def test_every_layer_has_a_row():
    """A new layer is refused until it is asked all this."""
    have = {name.partition(",")[0].partition(" ")[0] for name in ROWS}
    assert classes() == have | set(NO_LAYERS)
    assert not have & set(NO_LAYERS)


@each(ROWS)
def test_it_is_a_tree_whose_state_is_explicit(name):
    """Arrays are leaves with names; training changes no array of the layer that it is called on."""
    row, model = ROWS[name], layer(name)
    leaves, spec = pb.tree.flatten(model)
    assert all(type(x) is np.ndarray and x.dtype == np.float64 for x in leaves)
    assert len(set(pb.tree.paths(model))) == len(leaves)
    x = row.inputs()
    before, given = [a.copy() for a in leaves], x.copy()
    wanted = pb.to_numpy(row.call(model, x))
    if row.training:
        y, new = model.training(x, key=pb.random.key(0))
        assert pb.tree.flatten(M.plain(new))[1] == spec
        assert all(part.dtype == np.float64 for part in pb.tree.leaves(y))
    for a, b in zip((*leaves, x), (*before, given), strict=True):
        np.testing.assert_array_equal(a, b)
    rebuilt = pb.tree.unflatten(spec, leaves)
    np.testing.assert_array_equal(pb.to_numpy(row.call(rebuilt, x)), wanted)


@each(ROWS)
def test_summary(name):
    """All parameters are counted, with and without a shape of inputs."""
    row, model = ROWS[name], layer(name)
    mask = pb.tree.leaves(M.parameter_mask(model))
    count = sum(x.size for x, own in zip(pb.tree.leaves(model), mask, strict=True) if own)
    lines = model.summary().split("\n")
    assert lines[-1].startswith(f"{count} parameter")
    if row.batch and row.call is ROWS["Linear"].call:
        assert str(pb.to_numpy(model(row.inputs())).shape) in model.summary(row.shape)


@each(ROWS)
def test_checkpoint_files(name, tmp_path):
    """Saved by train's files, and loaded into another layer of the same making."""
    pytest.importorskip("safetensors", reason="the files are its own")
    from pullback.train import load, save

    model = layer(name)
    save(tmp_path / "model.safetensors", model, {"step": 3})
    other, metadata = load(tmp_path / "model.safetensors", ROWS[name].make("float64"))
    assert metadata == {"step": 3}
    same(other, model, rtol=0, atol=0)


@each(ROWS)
def test_state_dicts_of_torch(name):
    """Written and read again, in whatever layout torch has."""
    model = layer(name)
    state = M.to_torch_state(model)
    assert len(state) == len(pb.tree.leaves(model))
    same(M.from_torch_state(ROWS[name].make("float64"), state), model, rtol=0, atol=0)


@each(ROWS)
def test_gradients_of_both_orders(name):
    """In a direction, by the layer's arrays and its inputs at once, against differences of values and of gradients."""
    f, g = weighted(name), gradient(name)
    model, x = layer(name), ROWS[name].inputs()
    point = (model, x)
    v, u = directions(point, 2), directions(point, 3)
    # no gradient passes through state
    own = M.parameter_mask(model)
    v, u = ((pb.tree.map(lambda d, own: d * own, t[0], own), t[1]) for t in (v, u))
    h = 1e-5
    ahead, behind = moved(point, v, h), moved(point, v, -h)
    got = g(*point)
    v, u = v[: len(got)], u[: len(got)]
    slope = (float(f(*ahead)) - float(f(*behind))) / (2 * h)
    np.testing.assert_allclose(float(product(got, v)), slope, rtol=1e-6, atol=1e-7)

    def along_u(*point):
        return product(g(*point), u)

    second = pb.grad(along_u, argnums=tuple(range(len(got))))(*point)
    curve = (float(along_u(*ahead)) - float(along_u(*behind))) / (2 * h)
    np.testing.assert_allclose(float(product(second, v)), curve, rtol=1e-5, atol=1e-6)


@each(FLOATING)
def test_jvp(name):
    """Against differences of the outputs."""
    row, model = ROWS[name], layer(name)
    x = row.inputs()
    v = directions(x, 4)
    h = 1e-5
    y, tangent = pb.jvp(lambda x: row.call(model, x), (x,), (v,))
    same(y, row.call(model, x))
    ahead, behind = (pb.to_numpy(row.call(model, x + s * h * v)) for s in (1, -1))
    slope = (ahead - behind) / (2 * h)
    np.testing.assert_allclose(pb.to_numpy(tangent), slope, rtol=1e-6, atol=1e-7)


@each(ROWS)
def test_vmap(name, lib):
    """Of values over inputs, and of gradients over both, as a loop gives them on the host."""
    row = ROWS[name]
    many = np.stack([row.inputs(seed=i) for i in range(2)])
    models = [randomised(row.make("float64"), seed=i) for i in range(2)]
    together = pb.tree.map(lambda *a: np.stack(a), *models)
    g = gradient(name)
    loop = [g(model, x) for model, x in zip(models, many, strict=True)]
    wanted = xp.stack([xp.asarray(row.call(models[0], x)) for x in many])
    first, together, there = pb.tree.map(lib.asarray, (models[0], together, many))
    with pb.backend.use(pb.backend.backend_of(there)):
        same(pb.vmap(lambda x: row.call(first, x))(there), wanted)
        got = pb.vmap(g)(together, there)
        same(got, pb.tree.map(lambda *a: np.stack(a), *loop), atol=1e-10)


@each(ROWS)
def test_checkpoint(name):
    """What is computed again gives the same gradient."""
    row, model = ROWS[name], layer(name)
    x, f = row.inputs(), weighted(name)
    got = pb.grad(pb.checkpoint(f))(model, x)
    same(got, pb.grad(f)(model, x), rtol=1e-13, atol=1e-13)


@each(ROWS)
def test_compiled_equals_eager(name, lib):
    """Values and gradients, of other numbers than those that were recorded too, in one program."""
    row, f = ROWS[name], weighted(name)
    argnums = 0 if row.integers else (0, 1)
    eager = pb.value_and_grad(f, argnums)
    compiled = pb.compile(eager, fast=False)
    for seed in range(3):
        model = pb.tree.map(lib.asarray, randomised(row.make("float64"), seed=seed))
        x = lib.asarray(row.inputs(seed=seed))
        with pb.backend.use(pb.backend.backend_of(x)):
            same(compiled(model, x), eager(model, x))
    assert len(compiled._executables) == 1


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@each(ROWS)
def test_rounded_products(name, precision):
    """`precision=` runs, keeps float32, and is near what float32 gives."""
    row, f = ROWS[name], weighted(name)
    model, x = layer(name, "float32"), row.inputs(dtype="float32")
    argnums = 0 if row.integers else (0, 1)
    compiled = pb.compile(pb.value_and_grad(f, argnums), precision=precision, fast=False)
    value, gradients = compiled(model, x)
    wanted, exact = pb.value_and_grad(f, argnums)(model, x)
    assert all(g.dtype == np.float32 for g in pb.tree.leaves((value, gradients)))
    scale = max([1.0, *(float(np.abs(g).max()) for g in pb.tree.leaves(exact) if g.size)])
    close = 0.1 if precision == "bfloat16" else 0.02
    near = close * max(scale, abs(float(wanted)))
    np.testing.assert_allclose(float(value), float(wanted), rtol=close, atol=near)
    for a, b in zip(pb.tree.leaves(gradients), pb.tree.leaves(exact), strict=True):
        np.testing.assert_allclose(a, b, rtol=close, atol=close * scale)


@each(ROWS)
def test_float32_stays_float32(name):
    """Outputs, in training too, new state, gradients and second derivatives; values are those of float64."""
    row = ROWS[name]
    model, x = layer(name, "float32"), row.inputs(dtype="float32")
    y = row.call(model, x)
    assert y.dtype == np.float32
    exact = row.call(layer(name), row.inputs())
    np.testing.assert_allclose(pb.to_numpy(y), pb.to_numpy(exact), rtol=1e-3, atol=1e-3)
    if row.training:
        y, new = model.training(x, key=pb.random.key(0))
        assert all(a.dtype == np.float32 for a in pb.tree.leaves((y, new)))
    g = gradient(name)
    first = g(model, x)
    argnums = tuple(range(len(first)))
    second = pb.grad(lambda *point: product(g(*point), first), argnums=argnums)(model, x)
    assert all(a.dtype == np.float32 for a in pb.tree.leaves((first, second)))


@each(ROWS)
def test_on_every_library(name, lib):
    """Values and gradients are NumPy's, and stay in the library, on its device."""
    row, model, g = ROWS[name], layer(name), gradient(name)
    x = row.inputs()
    value, gradients = pb.to_numpy(row.call(model, x)), pb.tree.leaves(g(model, x))
    there, given = pb.tree.map(lib.asarray, model), lib.asarray(x)
    with pb.backend.use(pb.backend.backend_of(given)):
        y = row.call(there, given)
        assert raw(y, lib)
        np.testing.assert_allclose(pb.to_numpy(y), value, rtol=1e-9, atol=1e-11)
        for a, b in zip(pb.tree.leaves(g(there, given)), gradients, strict=True):
            assert lib.is_raw(a)
            np.testing.assert_allclose(lib.to_numpy(a), b, rtol=1e-8, atol=1e-10)
        if row.training:
            trained = there.training(given, key=pb.random.key(0))
            assert all(raw(a, lib) for a in pb.tree.leaves(trained))


def raw(x, lib):
    return lib.is_raw(getattr(x, "value", x))
