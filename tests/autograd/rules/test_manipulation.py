"""Order, indexing and choice where the table's rows do not come: repeated places, kinds of keys, what is refused."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp = pb.xp
RNG = np.random.default_rng(3)


def pulled(f, x, weights):
    """The gradient of Σ weights · f(x)."""
    return pb.grad(lambda x: xp.sum(xp.asarray(weights) * f(x)))(np.asarray(x, np.float64))


# ── sorting and sets: gradients follow the elements ───────────────────────────────────────────


def test_sort_sends_cotangents_back_by_the_permutation_it_used():
    x = [2.0, 1.0, 2.0, 1.0, 2.0]
    weights = [1.0, 10.0, 100.0, 1000.0, 10000.0]
    np.testing.assert_array_equal(pulled(xp.sort, x, weights), [100, 1, 1000, 10, 10000])
    np.testing.assert_array_equal(
        pulled(lambda x: xp.sort(x, descending=True), x, weights), [1, 1000, 10, 10000, 100]
    )
    shuffled = pulled(lambda x: xp.sort(x, stable=False), x, weights)
    assert sorted(shuffled) == weights  # each weight once
    assert set(shuffled[[1, 3]]) == {1, 10}


def test_sort_of_columns():
    x = RNG.permutation(12).reshape(4, 3).astype(float)
    weights = RNG.standard_normal((4, 3))
    wanted = np.zeros((4, 3))
    np.put_along_axis(wanted, np.argsort(x, axis=0), weights, axis=0)
    np.testing.assert_array_equal(pulled(lambda x: xp.sort(x, axis=0), x, weights), wanted)


def test_sort_with_nan_keeps_the_other_gradients():
    got = pulled(lambda x: xp.sort(x)[:2], [math.nan, 3.0, 1.0], [1.0, 10.0])
    np.testing.assert_array_equal(got, [0, 10, 1])


@pytest.mark.parametrize("name", ["unique_values", "unique_all", "unique_counts", "unique_inverse"])
def test_unique_values_belong_to_their_first_occurrences(name):
    def values(x):
        out = getattr(xp, name)(x)
        return getattr(out, "values", out)

    got = pulled(values, [[3.0, 1.0, 3.0], [2.0, 1.0, 3.0]], [1.0, 10.0, 100.0])
    np.testing.assert_array_equal(got, [[100, 1, 0], [10, 0, 0]])
    second = pb.grad(lambda x: xp.sum(pb.grad(lambda y: xp.sum(values(y) ** 3))(x)))
    np.testing.assert_array_equal(second(np.asarray([2.0, 1.0, 2.0])), [12, 6, 0])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: xp.argsort(x), lambda x: xp.argmax(x), lambda x: xp.argmin(x), lambda x: xp.nonzero(x)[0],
        lambda x: xp.searchsorted(xp.sort(x), x), lambda x: xp.isin(x, x), lambda x: xp.count_nonzero(x),
        lambda x: xp.unique_all(x).counts, lambda x: xp.unique_inverse(x).inverse_indices, lambda x: xp.all(x > 0),
        lambda x: xp.any(x > 0), lambda x: x == x, lambda x: xp.isfinite(x), lambda x: xp.signbit(x),
        lambda x: xp.astype(x, xp.int64), lambda x: xp.logical_not(x > 1),
    ],
)  # fmt: skip
def test_indices_and_booleans_carry_no_derivative(f):
    """They are constants, which may be used with what is traced."""
    x = np.asarray([1.5, -2.0, 0.5])

    def loss(x):
        found = f(x)
        assert not found.traced
        return xp.sum(x) * xp.sum(xp.astype(found, xp.float64))

    counts = float(np.sum(np.asarray(pb.to_numpy(f(x)), float)))
    np.testing.assert_array_equal(pb.grad(loss)(x), counts)


# ── getitem and setitem ───────────────────────────────────────────────────────────────────────

X = RNG.standard_normal((3, 4, 2))
MASK = np.asarray(
    [[True, False, True, True], [False, False, True, False], [True, True, False, False]]
)
KEYS = {
    "integer": 1,
    "NumPy integer": np.int64(-1),
    "0-d array": np.asarray(2),
    "slice": slice(2, None, -1),
    "list": [2, 0, 2],
    "array": np.asarray([2, 0, 2]),
    "small integers": np.asarray([2, 0, 2], np.int8),
    "matrix of indices": np.asarray([[0, 1], [1, 2]]),
    "negative": np.asarray([-1, -3]),
    "slices on all axes": (slice(None, None, 2), slice(3, 0, -2), slice(1)),
    "array and slice": (np.asarray([2, 0, 2]), slice(1, 3)),
    "slice and array": (slice(None), np.asarray([3, 3, 0])),
    "arrays apart": (np.asarray([2, 0, 2]), slice(None), np.asarray([1, 1, 1])),
    "arrays side by side": (slice(None), np.asarray([2, 0, 2]), np.asarray([1, 1, 1])),
    "array and integer": (np.asarray([2, 0, 2]), 1),
    "broadcast arrays": (np.asarray([[2], [0]]), np.asarray([1, 3, 1])),
    "newaxis": (None, 1, ..., None),
    "newaxis and array": (None, np.asarray([1, 1]), ..., None),
    "ellipsis": (..., 1),
    "ellipsis alone": ...,
    "ellipsis and array": (..., np.asarray([1, 1, 0])),
    "nothing": (),
    "mask": X > 0,
    "mask of two axes": MASK,
    "mask of one axis": np.asarray([True, False, True]),
    "slice and mask": (slice(None), np.asarray([True, False, True, True])),
    "mask and integer": (MASK, 1),
    "mask and array": (np.asarray([True, False, True]), np.asarray([3, 3])),
    "mask of nothing": np.zeros(3, bool),
    "True": True,
    "False": False,
    "empty array": np.asarray([], np.int64),
    "empty slice": slice(2, 2),
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_every_kind_of_key(key):
    """Values and gradients as NumPy's own indexing of an array of places says; linear, so second order is exact."""
    part = X[key]
    weights = RNG.standard_normal(part.shape)
    wanted = np.zeros(X.shape)
    np.add.at(wanted, key, weights)
    with_array = (
        tuple(xp.asarray(k) if isinstance(k, np.ndarray) else k for k in key)
        if type(key) is tuple
        else key
    )
    for k in (key, with_array):
        np.testing.assert_array_equal(pb.to_numpy(xp.asarray(X)[k]), part)
        np.testing.assert_allclose(pulled(lambda x, k=k: x[k], X, weights), wanted, rtol=1e-15)
    pb.check_grads(lambda x: xp.asarray(x)[key] ** 2, (X,), order=2)

    def put(x, value):
        x = copy.copy(xp.asarray(x))
        x[key] = value
        return x

    written = X.copy()
    written[key] = weights
    value, (by_x, by_value) = pb.value_and_grad(lambda x, v: xp.sum(put(x, v) * X), argnums=(0, 1))(
        X, weights
    )
    np.testing.assert_allclose(value, np.sum(written * X))
    places = np.arange(X.size).reshape(X.shape)
    last = np.full(X.size, -1)  # which element of `value` is the last written at each place
    last[places[key].reshape(-1)] = np.arange(part.size)
    kept = (last < 0).reshape(X.shape)
    np.testing.assert_array_equal(by_x, X * kept)
    wanted_value = np.zeros(part.size)
    wanted_value[last[last >= 0]] = X.reshape(-1)[last >= 0]
    np.testing.assert_array_equal(by_value, wanted_value.reshape(part.shape))
    pb.check_grads(lambda x, v: put(x, v) ** 2, (X, weights), order=2)


def test_many_rows_taken_by_indices():
    x, weights = RNG.standard_normal((50, 3, 2)), RNG.standard_normal((8, 10, 3, 2))
    for dtype in (np.int64, np.uint8, np.int8):
        key = RNG.integers(0 if dtype == np.uint8 else -50, 50, (8, 10)).astype(dtype)
        wanted = np.zeros(x.shape)
        np.add.at(wanted, key, weights)
        np.testing.assert_allclose(
            pulled(lambda x, k=key: x[k], x, weights), wanted, rtol=1e-12, atol=1e-13
        )


def test_keys_out_of_range_are_refused():
    for key in (3, np.asarray([3]), (0, 4), np.asarray([0.5]), "a"):
        with pytest.raises((IndexError, TypeError)):
            pb.grad(lambda x, key=key: xp.sum(x[key]))(X)


def test_a_key_may_be_changed_afterwards():
    key = np.asarray([0, 2])
    _, pull = pb.vjp(lambda x: x[key], np.asarray([1.0, 2.0, 3.0]))
    key[:] = 1
    np.testing.assert_array_equal(pull(np.asarray([5.0, 7.0]))[0], [5, 0, 7])


def test_writes_into_a_loop_over_rows():
    def f(x):
        out = xp.zeros_like(x)
        for i in range(3):
            out[i] = x[i] * x[2 - i]
        out[1] += x[0]
        out[..., 0] *= 2.0
        return out

    pb.check_grads(f, (RNG.standard_normal((3, 2)),), order=2)


def test_a_value_that_does_not_fit_is_refused():
    x = xp.asarray(np.zeros(3))
    with pytest.raises(ValueError, match="broadcast"):
        x[:2] = xp.asarray([1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="complex"):
        x[0] = xp.asarray(1j)


# ── taking ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_take_on_every_axis(axis):
    indices = np.asarray([1, -1, 1, 0])
    weights = RNG.standard_normal(np.take(X, indices, axis).shape)
    wanted = np.zeros(X.shape)
    np.add.at(wanted, (slice(None),) * (axis % 3) + (indices,), weights)
    got = pulled(lambda x: xp.take(x, xp.asarray(indices), axis=axis), X, weights)
    np.testing.assert_allclose(got, wanted, rtol=1e-15)


def test_take_with_a_matrix_of_indices_as_numpy_has_it():
    pb.check_grads(lambda x: xp.take(x, np.asarray([[0, 2], [2, 2]]), axis=1) ** 2, (X,), order=2)


@pytest.mark.parametrize("shape", [(3, 1, 2), (1, 4, 1), (1, 4, 2)])
def test_take_along_axis_of_stretched_arrays(shape):
    indices = np.asarray([[[1, 0, 0], [-1, 2, 0]]]).transpose(0, 2, 1)[:, : shape[1] or None]
    indices = np.zeros((3, 3, 2), np.int64) + (indices % shape[1])[:, :1]
    x = RNG.standard_normal(shape)
    pb.check_grads(lambda x: xp.take_along_axis(x, xp.asarray(indices), axis=1) ** 2, (x,), order=2)


def test_small_index_dtypes_do_not_overflow():
    x = np.zeros((200, 300))
    for dtype in (np.int8, np.uint8, np.uint64):
        indices = np.asarray([100, 7, 100], dtype)
        g = pulled(lambda x, i=indices: xp.take(x, i, axis=1), x, np.ones((200, 3)))
        np.testing.assert_array_equal(g.sum(0)[[7, 100]], [200, 400])
        assert g.sum() == 600


# ── choosing ──────────────────────────────────────────────────────────────────────────────────


def test_where_of_an_infinite_slope_and_what_to_do_about_it():
    """Trap 3: composing gives NaN in every library; apply_where and the double where do not."""
    x = np.asarray([-1.0, 0.0, 2.0])
    with np.errstate(all="ignore"):
        composed = pb.grad(lambda x: xp.sum(xp.where(x > 0, xp.log(x) * x, 0.0)))(x)
    assert np.isnan(composed[1])
    wanted = [0, 0, 1 + math.log(2)]
    safe = xp.apply_where(x > 0, x, lambda x: xp.log(x) * x, fill_value=0.0)
    np.testing.assert_allclose(pb.to_numpy(safe), [0, 0, 2 * math.log(2)])

    def twice(x):
        positive = xp.where(x > 0, x, 1.0)
        return xp.sum(xp.where(x > 0, xp.log(positive) * x, 0.0))

    def applied(x):
        return xp.sum(xp.apply_where(x > 0, x, lambda x: xp.log(x) * x, fill_value=0.0))

    for f in (twice, applied):
        np.testing.assert_allclose(pb.grad(f)(x), wanted)
        np.testing.assert_allclose(pb.grad(lambda x, f=f: xp.sum(pb.grad(f)(x)))(x), [0, 0, 0.5])


def test_apply_where_passes_arguments_on():
    def f(x, y, *, power):
        return x**power + y

    out = xp.apply_where(xp.asarray([True, False]), (xp.asarray([2.0, 3.0]), 1.0 * xp.ones(1)), f, fill_value=0.0,
                         kwargs={"power": 3})  # fmt: skip
    np.testing.assert_array_equal(pb.to_numpy(out), [9, 0])
    with pytest.raises(TypeError, match="fill_value"):
        xp.apply_where(xp.asarray([True]), xp.ones(1), abs)
    with pytest.raises(TypeError, match="fill_value"):
        xp.apply_where(xp.asarray([True]), xp.ones(1), abs, abs, fill_value=0.0)


def test_apply_where_keeps_single_precision():
    x = np.asarray([1.0, -1.0], np.float32)
    f = lambda x: xp.apply_where(x > 0, x, xp.sqrt, fill_value=0.0)
    assert f(xp.asarray(x)).dtype == np.float32
    assert pb.grad(lambda x: xp.sum(f(x)))(x).dtype == np.float32


# ── made from traced arrays ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "f",
    [
        lambda a, b: xp.full((2, 3), a) * b,
        lambda a, b: xp.full_like(xp.ones((2, 3)), a) * b,
        lambda a, b: xp.linspace(a, b, 5) ** 2,
        lambda a, b: xp.linspace(a, 3.0, 5, endpoint=False) * b,
        lambda a, b: xp.linspace(1.0, b, 1) * a,
        lambda a, b: xp.asarray([a, [b][0], a * b]),
        lambda a, b: xp.stack([a, b]) * a,
        lambda a, b: xp.concat([xp.full(2, a), xp.full(3, b)]) * a,
        lambda a, b: xp.meshgrid(xp.stack([a, b]), xp.stack([b, b, a]))[0] * a,
        lambda a, b: xp.broadcast_arrays(a, xp.stack([a, b]))[0] * b,
        lambda a, b: xp.unstack(xp.stack([a, b]))[1] * a,
    ],
)  # fmt: skip
def test_creation_from_traced_numbers(f):
    pb.check_grads(f, (np.asarray(1.5), np.asarray(-0.7)), order=2)
    low = [np.asarray(v, np.float32) for v in (1.5, -0.7)]
    assert [g.dtype for g in pb.grad(lambda a, b: xp.sum(f(a, b)), argnums=(0, 1))(*low)] == [
        np.float32
    ] * 2


def test_casting_to_another_device_and_back():
    strict = pytest.importorskip("array_api_strict")
    there, here = strict.Device("device1"), strict.Device("CPU_DEVICE")
    x = strict.asarray([1.0, 2.0], device=there)

    def f(x):
        moved = xp.astype(x, xp.float64, device=here)
        assert moved.device == here
        return xp.sum(moved.to_device(there) * x) + xp.sum((moved * moved).to_device(there))

    g = pb.grad(f)(x)
    assert g.device == there
    np.testing.assert_array_equal(np.asarray(g.to_device(here)), [4, 8])


def test_what_has_no_meaning_is_refused():
    x = np.ones((2, 2))
    with pytest.raises(ValueError, match="indexing"):
        xp.meshgrid(xp.ones(2), indexing="ji")
    with pytest.raises(ValueError, match="axis=2"):
        xp.unstack(x, axis=2)
    with pytest.raises(ValueError, match="n=-1"):
        xp.diff(x, n=-1)
    with pytest.raises(ValueError, match="axis"):
        xp.diff(xp.asarray(1.0))
    with pytest.raises(ValueError, match="axis"):
        pb.grad(lambda x: xp.sum(xp.cumulative_sum(x)))(x)  # of a matrix: along which axis?


@pytest.mark.parametrize("condition", [True, False, np.asarray([0, 2]), np.asarray([0.0, -1.0])])
def test_where_with_the_conditions_that_numpy_takes(condition):
    holds = np.broadcast_to(condition, (2,)).astype(bool)
    x, y = np.asarray([1.0, 2.0]), np.asarray([3.0, 4.0])
    got = pb.grad(lambda x, y: xp.sum(xp.where(condition, x, y) ** 2), argnums=(0, 1))(x, y)
    np.testing.assert_array_equal(got[0], np.where(holds, 2 * x, 0))
    np.testing.assert_array_equal(got[1], np.where(holds, 0, 2 * y))
    pb.check_grads(lambda x, y: xp.where(condition, x, y) ** 2, (x, y), order=2)


def test_where_and_clip_stop_infinite_cotangents():
    """0 · ∞ would be NaN: what is not chosen gets 0, whatever its slope would be."""
    x = np.asarray([-1.0, 4.0])
    with np.errstate(divide="ignore"):
        for f in (
            lambda x: xp.sqrt(xp.where(x > 0, x, 0.0)),
            lambda x: xp.sqrt(xp.clip(x, 0.0, None)),
            lambda x: xp.sqrt(xp.maximum(x, 0.0)),
            lambda x: xp.sqrt(xp.max(xp.stack([x, xp.zeros_like(x)]), axis=0)),
        ):
            np.testing.assert_array_equal(pb.grad(lambda x, f=f: xp.sum(f(x)))(x), [0, 0.25])
