"""Attention by itself: what masks mean, rows without a key, refusals, every transformation, three libraries."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb

xp = pb.xp
attention = pb.models.attention
RNG = np.random.default_rng(4)


def normal(*shape):
    return RNG.standard_normal(shape)


def materialised(q, k, v, mask=None, scale=None, causal=False):
    """By functions of arrays that have derivatives of their own."""
    s = xp.matmul(q, xp.matrix_transpose(k)) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if mask is not None:
        s = xp.where(mask, s, -math.inf) if mask.dtype == bool else s + mask
    if causal:
        s = xp.where(np.tri(*s.shape[-2:], dtype=bool), s, -math.inf)
    return xp.matmul(xp.softmax(s, axis=-1), v)


Q, K, V = normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 6)
MASK = RNG.random((3, 5)) > 0.5
MASK[:, 0] = True
SETTINGS = {
    "plain": {},
    "mask": {"mask": MASK},
    "bias": {"mask": normal(2, 3, 5)},
    "bias of keys": {"mask": normal(5)},
    "causal": {"causal": True},
    "scale": {"scale": 0.3},
}


def same(got, expected, tolerance=1e-12):
    np.testing.assert_allclose(
        pb.to_numpy(xp.asarray(got)), expected, rtol=tolerance, atol=tolerance
    )


def on(lib, settings):
    return {key: lib.asarray(x) if isinstance(x, np.ndarray) else x for key, x in settings.items()}


@pytest.mark.parametrize("name", SETTINGS)
def test_every_library(lib, name):
    """Values, gradients and directions on NumPy, the strict device and the stand-in for CuPy."""
    settings = SETTINGS[name]

    def loss(q, k, v):
        return xp.sum(attention(q, k, v, **on(lib, settings)) ** 2)

    arrays = [lib.asarray(x) for x in (Q, K, V)]
    expected = pb.value_and_grad(
        lambda q, k, v: xp.sum(materialised(q, k, v, **settings) ** 2), argnums=(0, 1, 2)
    )(Q, K, V)
    value, grads = pb.value_and_grad(loss, argnums=(0, 1, 2))(*arrays)
    same(float(value), float(expected[0]))
    for got, wanted in zip(grads, expected[1], strict=True):
        assert lib.is_raw(got)
        np.testing.assert_allclose(lib.to_numpy(got), wanted, rtol=1e-11, atol=1e-12)
    _, along = pb.jvp(loss, tuple(arrays), tuple(arrays))
    same(
        float(along), sum(float(np.sum(g * x)) for g, x in zip(expected[1], (Q, K, V), strict=True))
    )


@pytest.mark.parametrize("name", SETTINGS)
def test_both_orders(name):
    pb.check_grads(lambda q, k, v: attention(q, k, v, **SETTINGS[name]), (Q, K, V))


@pytest.mark.parametrize("name", SETTINGS)
def test_compiled(name):
    """A compiled program gives the eager numbers; its derivatives too."""
    settings = SETTINGS[name]

    def step(q, k, v):
        return pb.value_and_grad(
            lambda *xs: xp.sum(attention(*xs, **settings) ** 3), argnums=(0, 1, 2)
        )(q, k, v)

    value, grads = pb.compile(step, fast=False)(Q, K, V)
    expected = step(Q, K, V)
    same(value, expected[0])
    for got, wanted in zip(grads, expected[1], strict=True):
        same(got, wanted)


def test_compiled_in_lower_precision():
    """`precision` rounds the operands of the products of attention as of all others."""
    q, k, v = (normal(4, 3).astype("float32") for _ in range(3))

    def grads(function, precision):
        step = pb.grad(lambda *xs: xp.sum(function(*xs) ** 2), argnums=(0, 1, 2))
        return pb.compile(step, precision=precision, fast=False)(q, k, v)

    exact, rounded, expected = (
        grads(attention, "float32"), grads(attention, "bfloat16"), grads(materialised, "bfloat16")
    )  # fmt: skip
    for a, b, c in zip(exact, rounded, expected, strict=True):
        assert np.abs(a - b).max() > 1e-4
        np.testing.assert_allclose(b, c, rtol=0.02, atol=0.02)


def test_vmap_and_checkpoint():
    f = pb.vmap(lambda q, k, v: attention(q, k, v, causal=True), in_axes=(0, 0, 0))
    same(f(Q, K, V), pb.to_numpy(attention(Q, K, V, causal=True)))
    f = pb.vmap(lambda q, mask: attention(q, K[0], V[0], mask=mask), in_axes=(0, None))
    same(f(Q, MASK), pb.to_numpy(attention(Q, K[0], V[0], mask=MASK)))
    rows = pb.vmap(pb.grad(lambda q, k: xp.sum(attention(q, k, V[0]) ** 2)))(Q, K)
    for i in range(2):
        same(rows[i], pb.grad(lambda q, k: xp.sum(attention(q, k, V[0]) ** 2))(Q[i], K[i]))
    plain = pb.grad(lambda q: xp.sum(attention(q, K, V) ** 2))
    again = pb.grad(lambda q: xp.sum(pb.checkpoint(lambda q: attention(q, K, V))(q) ** 2))
    same(again(Q), plain(Q))


def test_grouped_heads():
    q, k, v = normal(2, 6, 3, 4), normal(2, 2, 5, 4), normal(2, 2, 5, 3)
    mask = RNG.random((6, 3, 5)) > 0.3
    mask[..., 0] = True
    repeated = [np.repeat(x, 3, axis=1) for x in (k, v)]
    same(attention(q, k, v, mask=mask), pb.to_numpy(attention(q, *repeated, mask=mask)))
    with pytest.raises(ValueError, match="multiple"):
        attention(q, normal(2, 4, 5, 4), normal(2, 4, 5, 3))


def test_rows_without_a_key_are_0():
    mask = np.ones((3, 5), bool)
    mask[1] = False

    def loss(q, k, v, m):
        return xp.sum(attention(q, k, v, mask=m) ** 2)

    for m in (mask, np.where(mask, 0.0, -np.inf)):
        out = attention(Q, K, V, mask=m)
        assert np.all(out[:, 1] == 0)
        assert np.all(pb.to_numpy(out)[:, [0, 2]] != 0)
        grads = pb.grad(loss, argnums=(0, 1, 2))(Q, K, V, m)
        assert all(np.isfinite(g).all() for g in grads)
        assert np.all(grads[0][:, 1] == 0)
    assert np.all(attention(Q, K[:, :0], V[:, :0]) == 0)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_not_finite_scores_spread_in_their_row_alone():
    q = Q.copy()
    q[0, 1] = np.nan
    out = pb.to_numpy(attention(q, K, V))
    assert np.isnan(out[0, 1]).all()
    assert np.isfinite(out[0, [0, 2]]).all()
    bias = np.zeros((3, 5))
    bias[2, 3] = np.inf
    assert np.isnan(attention(Q, K, V, mask=bias)[:, 2]).all()


def test_large_scores_keep_their_digits():
    """exp(score − log-sum) would have the rounding of the scores; top and sum, kept apart, do not."""
    q = np.full((1, 2), 3e3, np.float32)
    k = np.array([[1.0, 1.0], [1.0, 1.0], [0.5, 0.5]], np.float32)
    v = np.array([[1.0], [2.0], [5.0]], np.float32)
    g = pb.grad(lambda v: xp.sum(attention(q, k, v, scale=1.0)))(v)
    np.testing.assert_allclose(g[:, 0], [0.5, 0.5, 0.0], rtol=1e-7)


def test_dtypes():
    q, k, v = (x.astype("float32") for x in (Q, K, V))
    out = attention(q, k, v, mask=normal(3, 5))
    assert out.dtype == np.float32
    grads = pb.grad(lambda *xs: xp.sum(attention(*xs, causal=True)), argnums=(0, 1, 2))(q, k, v)
    assert [g.dtype for g in grads] == [np.float32] * 3
    assert attention(q, K, V).dtype == np.float64
    g = pb.grad(lambda q: xp.sum(attention(q, K, V) ** 2))(q)
    assert g.dtype == np.float32


def test_traced_scale_and_lists():
    g = pb.grad(lambda s: xp.sum(attention(Q, K, V, scale=s) ** 2))(np.asarray(0.5))
    h = 1e-6
    ends = [float(xp.sum(attention(Q, K, V, scale=0.5 + d) ** 2)) for d in (h, -h)]
    np.testing.assert_allclose(g, (ends[0] - ends[1]) / (2 * h), rtol=1e-6)
    same(attention([[1.0]], [[1.0]], [[3.0]]), [[3.0]])


@pytest.mark.parametrize(
    ("error", "match", "args", "settings"),
    [
        (TypeError, "int64", (np.ones((2, 2), int), np.ones((2, 2)), np.ones((2, 2))), {}),
        (TypeError, "complex", (np.ones((2, 2)), np.ones((2, 2)), np.ones((2, 2), complex)), {}),
        (ValueError, "not of shape", (np.ones(2), np.ones((2, 2)), np.ones((2, 2))), {}),
        (ValueError, "features", (np.ones((2, 2)), np.ones((2, 3)), np.ones((2, 2))), {}),
        (ValueError, "values", (np.ones((2, 2)), np.ones((3, 2)), np.ones((2, 2))), {}),
        (ValueError, "broadcast", (Q, K, V), {"mask": np.ones((2, 5), bool)}),
        (TypeError, "mask of dtype int", (Q, K, V), {"mask": np.ones((3, 5), int)}),
        (ValueError, "broadcast", (np.ones((2, 1, 2, 2)), np.ones((3, 1, 2, 2)), np.ones((3, 1, 2, 2))), {}),
    ],
)  # fmt: skip
def test_refusals(error, match, args, settings):
    with pytest.raises(error, match=match):
        attention(*args, **settings)
