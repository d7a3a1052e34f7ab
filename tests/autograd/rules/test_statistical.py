"""Reductions where the table's random arguments do not come: zeros, ties, constants, overflow, what is refused."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import pullback as pb

xp = pb.xp


def gradient(f, x):
    return pb.grad(lambda x: xp.sum(f(x)))(np.asarray(x))


# ── products ──────────────────────────────────────────────────────────────────────────────────


def others(x, *left_out):
    return math.prod(v for i, v in enumerate(x) if i not in left_out)


@pytest.mark.parametrize("x", list(itertools.product([0.0, 2.0, -3.0], repeat=3)), ids=str)
def test_prod_at_zeros_to_any_order(x):
    """∂ Π x / ∂x_i is the product of the others, and so on."""
    at = np.asarray(x)
    np.testing.assert_array_equal(gradient(xp.prod, at), [others(x, i) for i in range(3)])
    for i, j in itertools.permutations(range(3), 2):
        k = 3 - i - j
        by_i = lambda x, i=i: pb.grad(xp.prod)(x)[i]
        by_ij = lambda x, by_i=by_i, j=j: pb.grad(by_i)(x)[j]
        assert by_ij(at) == others(x, i, j)
        assert pb.grad(by_ij)(at)[k] == 1


@pytest.mark.parametrize(
    "x", [[0.0, 2.0, 0.0, 3.0], [2.0, 0.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0]], ids=str
)
@pytest.mark.parametrize("initial", [False, True])
def test_cumulative_prod_at_zeros(x, initial):
    weights = np.asarray([1.0, 10.0, 100.0, 1000.0])

    def f(x):
        out = xp.cumulative_prod(x, include_initial=initial)
        return out[1:] if initial else out

    wanted = [sum(weights[i] * others(x[: i + 1], k) for i in range(k, 4)) for k in range(4)]
    np.testing.assert_array_equal(gradient(lambda x: weights * f(x), x), wanted)
    pb.check_grads(f, (np.asarray(x),), order=3)


def test_products_that_underflow():
    """out/x would be 0 or NaN."""
    x = np.asarray([1e-200, 1e-200, 2.0])
    for f in (xp.prod, lambda x: xp.cumulative_prod(x)[2]):
        np.testing.assert_allclose(gradient(f, x), [2e-200, 2e-200, 0], rtol=1e-15)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 8, 9, 31, 33, 100])
def test_cumulative_prod_of_every_length(n):
    rng = np.random.default_rng(n)
    x, weights = rng.uniform(0.5, 1.5, n), rng.standard_normal(n)
    out = np.cumprod(x)
    wanted = np.cumsum((weights * out)[::-1])[::-1] / x
    np.testing.assert_allclose(
        gradient(lambda x: weights * xp.cumulative_prod(x), x), wanted, rtol=1e-12, atol=1e-12
    )


# ── extremes ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["max", "min"])
def test_ties_share_equally(name):
    f = getattr(xp, name)
    x = np.asarray([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]) * (1 if name == "max" else -1)
    np.testing.assert_allclose(gradient(lambda x: f(x, axis=1), x), [[0, 0.5, 0.5], [1 / 3] * 3])
    np.testing.assert_allclose(gradient(lambda x: f(x, axis=(0, 1)), x), [[0, 0.5, 0.5], [0, 0, 0]])
    np.testing.assert_array_equal(
        gradient(lambda x: f(x, axis=0, keepdims=True), x), [[0, 1, 1], [1, 0, 0]]
    )


def test_ties_are_counted_without_overflow_in_half_precision():
    x = np.ones(70_000, np.float16)  # more than float16 can say
    g = gradient(xp.max, x)
    assert g.dtype == np.float16
    np.testing.assert_allclose(g[:3].astype(float), 1 / 70_000, rtol=5e-3)
    g = gradient(xp.mean, x)
    assert g.dtype == np.float16
    np.testing.assert_allclose(g[:3].astype(float), 1 / 70_000, rtol=5e-3)


def test_ties_of_infinities():
    np.testing.assert_array_equal(gradient(xp.max, [math.inf, 1.0, math.inf]), [0.5, 0, 0.5])
    np.testing.assert_array_equal(gradient(xp.max, [-math.inf, -math.inf]), 0.5)


def test_nan_is_attained_by_nobody():
    np.testing.assert_array_equal(
        gradient(lambda x: xp.max(x, axis=0), [[math.nan, 1.0], [0.0, 2.0]]), [[0, 0], [0, 1]]
    )


@pytest.mark.parametrize("name", ["max", "min"])
def test_complex_numbers_have_no_order(name):
    with pytest.raises(TypeError, match="no order"):
        gradient(lambda z: xp.real(getattr(xp, name)(z)), [1 + 1j, 2])


# ── variance ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, -1e9 / 3, 1e-30])
@pytest.mark.parametrize("n", [1, 2, 3, 7, 10])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_std_of_a_constant_has_gradient_zero(value, n, dtype):
    """Rounding of the mean may make neither x − μ nor the deviation exactly 0."""
    x = np.full(n, value, dtype)
    g = gradient(xp.std, x)
    assert g.dtype == dtype
    np.testing.assert_allclose(g, 0, atol=1e-6 if dtype == np.float32 else 1e-15)
    np.testing.assert_allclose(gradient(xp.var, x), 0, atol=np.finfo(dtype).eps * abs(value))


def test_std_of_rows_of_which_one_is_constant():
    x = np.asarray([[1.0, 1.0, 1.0], [1.0, 2.0, 6.0]])
    g = gradient(lambda x: xp.std(x, axis=1, correction=1), x)
    np.testing.assert_array_equal(g[0], 0)
    np.testing.assert_allclose(g[1], (x[1] - 3) / (2 * np.std(x[1], ddof=1)))


@pytest.mark.parametrize("name", ["var", "std"])
def test_more_correction_than_degrees_of_freedom(name):
    """NaN, as the value is."""
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="Degrees of freedom"):
        g = gradient(lambda x: getattr(xp, name)(x, correction=2), [1.0, 3.0])
    assert np.all(np.isnan(g))


def test_variance_far_from_zero_keeps_its_digits():
    x = 1e9 + np.asarray([1.0, 2.0, 6.0])
    np.testing.assert_allclose(
        gradient(xp.var, x), 2 / 3 * np.asarray([-2.0, -1.0, 3.0]), rtol=1e-12
    )


# ── settings are honoured or refused ──────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["sum", "prod", "cumulative_sum", "cumulative_prod"])
def test_dtype_is_honoured(name):
    f = getattr(xp, name)
    x = np.asarray([1.5, -2.5, 3.0], np.float32)
    for dtype in (xp.float64, xp.complex128):
        out, pull = pb.vjp(lambda x, dtype=dtype: f(x, dtype=dtype), x)
        assert out.dtype == dtype
        (g,) = pull(np.ones_like(out))
        assert g.dtype == np.float32
        (wanted,) = pb.vjp(f, x)[1](np.ones_like(out, dtype=np.float32))
        np.testing.assert_allclose(g, wanted, rtol=1e-6)
    out, pull = pb.vjp(lambda x: f(x, dtype=xp.int64), x)
    np.testing.assert_array_equal(
        pull(np.ones_like(out, dtype=float))[0], 0
    )  # whole numbers are constant between jumps


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "var", "std", "max", "min"])
def test_reductions_of_every_set_of_axes(name):
    """Against the same reduction of the axes moved to the front and flattened."""
    f = getattr(xp, name)
    x = np.random.default_rng(0).uniform(0.5, 1.5, (2, 3, 1, 4))
    for k in range(5):
        for axes in itertools.combinations(range(4), k):
            signed = tuple(a - 4 if a % 2 else a for a in axes)
            kept = [i for i in range(4) if i not in axes]
            order = (*axes, *kept)

            def flat(x, axes=axes, kept=kept, order=order):
                rows = math.prod(x.shape[i] for i in axes)
                return f(
                    xp.reshape(xp.permute_dims(x, order), (rows, *(x.shape[i] for i in kept))),
                    axis=0,
                )

            weights = np.random.default_rng(1).standard_normal([x.shape[i] for i in kept])
            wanted = gradient(lambda x, w=weights, flat=flat: w * flat(x), x)
            got = gradient(lambda x, w=weights, axes=signed: w * f(x, axis=axes), x)
            np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-14)


def test_empty_reductions():
    x = np.zeros((0, 3))
    for name in ("sum", "prod"):
        out, pull = pb.vjp(lambda x, name=name: getattr(xp, name)(x, axis=0), x)
        assert out.shape == (3,)
        assert pull(np.ones(3))[0].shape == (0, 3)
    for name in ("max", "min"):
        with pytest.raises(ValueError, match="zero-size"):
            gradient(getattr(xp, name), x)
