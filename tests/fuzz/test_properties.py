"""What holds for all shapes, keys, trees and programs: hypothesis looks for the exception."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import pullback as pb

from .._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
FEW = settings(max_examples=60)


def drawn(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).uniform(0.5, 2.0, shape))


def summed(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The adjoint of broadcasting, element by element."""
    out = np.zeros(shape)
    places = np.broadcast_to(np.arange(out.size).reshape(shape), x.shape)
    np.add.at(out.reshape(-1), places.reshape(-1), x.reshape(-1))
    return out


@FEW
@given(
    hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0, max_side=3),
    st.booleans(),
)
def test_broadcasting(shapes, same_tape_as_constant):
    """d Σ w x y / dx = Σ w y over what x was stretched along; the other factor traced or constant."""
    (a, b), shape = shapes.input_shapes, shapes.result_shape
    x, y, w = drawn(a, 1), drawn(b, 2), drawn(shape, 3)
    if same_tape_as_constant:
        (g,) = pb.grad(lambda x: xp.sum(x * y * w), argnums=(0,))(x)
    else:
        g, h = pb.grad(lambda x, y: xp.sum(x * y * w), argnums=(0, 1))(x, y)
        np.testing.assert_allclose(h, summed(w * x, b), rtol=1e-12, atol=1e-14)
    assert g.shape == a
    np.testing.assert_allclose(g, summed(w * y, a), rtol=1e-12, atol=1e-14)


@FEW
@given(st.data())
def test_basic_keys(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    key = data.draw(hnp.basic_indices(shape, allow_newaxis=True))
    _check_key(shape, key)


@FEW
@given(st.data())
def test_array_keys(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    _check_key(shape, data.draw(hnp.integer_array_indices(shape)))
    mask = data.draw(hnp.arrays(bool, shape[:1]))
    _check_key(shape, mask)


def _check_key(shape, key):
    """Reading scatters back; a write stops x's cotangent and passes the value's."""
    x = drawn(shape, 1)
    part = x[key]
    w, expected = drawn(np.shape(part), 2), np.zeros(shape)
    np.add.at(expected, key, w)
    np.testing.assert_allclose(pb.grad(lambda x: xp.sum(x[key] * w))(x), expected, rtol=1e-13)
    after = drawn(shape, 3)

    def write(x, v):
        x[key] = v
        return xp.sum(x * after)

    g, h = pb.grad(write, argnums=(0, 1))(x, np.asarray(part) + 1.0)
    kept = after.copy()
    kept[key] = 0.0
    np.testing.assert_array_equal(g, kept)
    owner = np.full(shape, -1)
    turn = np.arange(h.size).reshape(h.shape)
    owner[key] = turn  # NumPy keeps the last write
    np.testing.assert_array_equal(h, np.where(owner[key] == turn, after[key], 0.0))


@FEW
@given(st.data(), st.sampled_from(["sum", "mean", "max", "min"]), st.booleans())
def test_reductions_over_any_axes(data, name, keepdims):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    axis = data.draw(
        st.none() | hnp.valid_tuple_axes(len(shape)) | st.integers(-len(shape), len(shape) - 1)
    )
    x = np.random.default_rng(0).permutation(np.prod(shape)).reshape(shape) * 1.0  # no ties
    function = getattr(np, name)
    out = np.asarray(function(x, axis=axis, keepdims=keepdims))
    w = drawn(out.shape, 2)
    g = pb.grad(lambda x: xp.sum(getattr(xp, name)(x, axis=axis, keepdims=keepdims) * w))(x)
    full = np.asarray(function(x, axis=axis, keepdims=True))
    spread = np.broadcast_to(w.reshape(full.shape), shape)
    count = x.size // max(full.size, 1)
    expected = {"sum": spread, "mean": spread / count}.get(name, spread * (x == full))
    np.testing.assert_allclose(g, expected, rtol=1e-12)


@FEW
@given(SHAPES, st.data())
def test_rearrangements_are_undone(shape, data):
    """The cotangent of a permutation of the elements is the inverse permutation."""
    x = np.arange(float(np.prod(shape))).reshape(shape)
    axes = tuple(data.draw(st.permutations(range(len(shape)))))
    shift = data.draw(st.integers(-5, 5))

    def f(x):
        x = xp.permute_dims(x, axes)
        x = xp.flip(xp.roll(x, shift)) if x.size else x
        return xp.reshape(x, (-1,)) if x.size else xp.reshape(x, (0,))

    w = np.arange(x.size) + 1.0
    order = pb.to_numpy(f(xp.asarray(x))).astype(int)
    expected = np.zeros(x.size)
    expected[order] = w
    np.testing.assert_array_equal(pb.grad(lambda x: xp.sum(f(x) * w))(x), expected.reshape(shape))


# ── programs ──────────────────────────────────────────────────────────────────────────────────

UNARY = ["sin", "tanh", "sigmoid", "softplus", "square"]
STEP = st.tuples(
    st.sampled_from(["unary", "add", "multiply", "put", "part", "inner"]),
    st.integers(0, 99),
    st.integers(0, 99),
)


def run(program, x):
    """Smooth operations on values that are all of shape (3,), any of which any step may use again."""
    values = [x, x * 0.5]
    for kind, i, j in program:
        a, b = values[i % len(values)], values[j % len(values)]
        if kind == "unary":
            values.append(getattr(xp, UNARY[j % len(UNARY)])(a))
        elif kind == "add":
            values.append(a + 0.3 * b)
        elif kind == "multiply":
            values.append(xp.tanh(a * b))
        elif kind == "put":
            c = a * 1.0
            c[i % 3] = b[j % 3]
            c *= 0.7
            values.append(c)
        elif kind == "part":
            values.append(a + a[i % 3] * b[j % 3])
        else:  # a derivative inside, of a closure over outer values
            values.append(xp.tanh(pb.grad(lambda y, b=b: xp.sum(xp.sin(y) * b))(a)))
    return sum(xp.sum(v * (k + 1)) for k, v in enumerate(values[-3:]))


@settings(max_examples=40)
@given(st.lists(STEP, min_size=1, max_size=8))
def test_programs(program):
    """The gradient and the Hessian-vector product of any program, against central differences."""
    x = np.array([0.3, -0.7, 1.1])
    pb.check_grads(lambda x: run(program, x), (x,), order=2, rtol=1e-5, atol=1e-5)


@settings(max_examples=20)
@given(st.lists(STEP, min_size=1, max_size=8))
def test_a_tape_and_grad_agree(program):
    x = np.array([0.3, -0.7, 1.1])
    with pb.Tape() as tape:
        y = tape.watch(x)
        z = run(program, y)
    np.testing.assert_allclose(
        pb.to_numpy(tape.gradient(z, [y])[0]), pb.grad(lambda x: run(program, x))(x), rtol=1e-13
    )


# ── trees ─────────────────────────────────────────────────────────────────────────────────────

LEAVES = st.floats(-3, 3) | hnp.arrays(
    np.float64, hnp.array_shapes(min_dims=0, max_dims=2, max_side=2), elements=st.floats(-3, 3)
)
TREES = st.recursive(
    LEAVES | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=6,
)


@FEW
@given(TREES)
def test_trees(tree):
    g = pb.grad(lambda t: sum((xp.sum(x * x) for x in pb.tree.leaves(t)), start=0.0))(tree)
    assert pb.tree.flatten(g)[1] == pb.tree.flatten(tree)[1]
    assert len(pb.tree.paths(tree)) == len(pb.tree.leaves(tree))
    for x, slope in zip(pb.tree.leaves(tree), pb.tree.leaves(g), strict=True):
        assert np.shape(slope) == np.shape(x)
        assert slope == pytest.approx(2 * np.asarray(x), abs=1e-12)
