"""Elementwise functions where the table's random arguments do not come: zeros, ties, bounds, tails, cuts."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb

xp = pb.xp
inf, nan = math.inf, math.nan


def slopes(f, *args):
    """The pullback of ones through an elementwise f: its derivative by each argument."""
    out, pull = pb.vjp(f, *(np.asarray(a) for a in args))
    return pull(np.ones_like(out))


def second_slopes(f, *args):
    """The gradient of the sum of all first slopes."""

    def total(*xs):
        gs = pb.grad(lambda *ys: xp.sum(f(*ys)), argnums=tuple(range(len(xs))))(*xs)
        return sum(xp.sum(g) for g in gs)

    return pb.grad(total, argnums=tuple(range(len(args))))(*(np.asarray(a) for a in args))


# ── zeros and ties ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_abs_and_sign_at_zero(dtype):
    x = np.zeros(2, dtype)
    for f in (xp.abs, lambda x: xp.real(xp.sign(x))):
        (g,) = slopes(f, x)
        np.testing.assert_array_equal(g, 0)
        assert g.dtype == dtype
    assert np.all(np.isfinite(second_slopes(lambda x: xp.abs(x) ** 2, np.zeros(2))[0]))


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_ties_split(name):
    f = getattr(xp, name)
    np.testing.assert_array_equal(slopes(lambda x: f(x, x), [1.0, -1.0])[0], 1.0)
    np.testing.assert_array_equal(
        slopes(f, [1.0, 2.0], [1.0, 3.0])[0], [0.5, float(name == "minimum")]
    )
    np.testing.assert_array_equal(slopes(lambda x: f(x, 0.0), [0.0])[0], 0.5)


def test_clip_at_a_bound_belongs_to_x():
    x = [-2.0, -1.0, 0.0, 1.0, 2.0]
    by_x, by_min, by_max = slopes(xp.clip, x, -1.0, 1.0)
    np.testing.assert_array_equal(by_x, [0, 1, 1, 1, 0])
    assert (by_min, by_max) == (1.0, 1.0)
    np.testing.assert_array_equal(slopes(lambda x: xp.clip(x, -1, 1), x)[0], [0, 1, 1, 1, 0])


@pytest.mark.parametrize("name", ["hypot", "atan2"])
def test_the_origin_is_finite(name):
    f = getattr(xp, name)
    for g in slopes(f, [0.0, 3.0], [0.0, 4.0]):
        assert np.all(np.isfinite(g))
    for g in second_slopes(f, [0.0, 3.0], [0.0, 4.0]):
        np.testing.assert_array_equal(np.isnan(g), [True, False])  # the second does not exist
    for g in slopes(f, [0.0], [0.0]):
        np.testing.assert_array_equal(g, 0)


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e200, 1e300])
def test_two_sides_neither_overflow_nor_underflow(size):
    a, b = np.asarray([3 * size]), np.asarray([4 * size])
    np.testing.assert_allclose(slopes(xp.hypot, a, b), [[0.6], [0.8]], rtol=1e-15)
    by_y, by_x = slopes(xp.atan2, a, b)
    np.testing.assert_allclose(by_y * size, 0.16, rtol=1e-14)
    np.testing.assert_allclose(by_x * size, -0.12, rtol=1e-14)


def test_atan2_of_infinities_is_flat():
    for g in slopes(xp.atan2, [inf, 1.0, inf], [1.0, -inf, inf]):
        np.testing.assert_array_equal(g, 0)


def test_copysign_at_zero():
    by_x, by_sign = slopes(xp.copysign, [0.0, -0.0, 2.0, -2.0], [-1.0, 1.0, -1.0, -1.0])
    np.testing.assert_array_equal(by_x, [0, 0, -1, 1])
    np.testing.assert_array_equal(by_sign, 0)


def test_functions_that_are_constant_between_jumps():
    x = [-1.5, 0.0, 2.0]
    for name in ("ceil", "floor", "round", "trunc", "sign"):
        np.testing.assert_array_equal(slopes(getattr(xp, name), x)[0], 0)
    for g in slopes(xp.floor_divide, x, [2.0, 2.0, 2.0]):
        np.testing.assert_array_equal(g, 0)
    by_x, by_next = slopes(xp.nextafter, x, [9.0, 9.0, 9.0])
    np.testing.assert_array_equal(by_x, 1)
    np.testing.assert_array_equal(by_next, 0)
    by_x, by_divisor = slopes(xp.remainder, [5.0, -5.0, 6.0], [3.0, 3.0, 3.0])
    np.testing.assert_array_equal(by_x, 1)
    np.testing.assert_array_equal(by_divisor, [-1, 2, -2])


# ── powers ────────────────────────────────────────────────────────────────────────────────────


def test_powers_of_zero():
    by_base, by_exponent = slopes(xp.pow, [0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 2.0, 3.0])
    np.testing.assert_array_equal(by_base, [0, 1, 0, 0])
    np.testing.assert_array_equal(by_exponent, 0)
    np.testing.assert_array_equal(slopes(lambda y: 0.0**y, [0.0, 2.0])[0], 0)
    for p in (0, 1, 2, 3, 0.0, 2.0):
        for order in (slopes, second_slopes):
            wanted = {slopes: p == 1, second_slopes: 2 * (p == 2)}[order]
            np.testing.assert_array_equal(order(lambda x, p=p: x**p, [0.0])[0], wanted)


def test_complex_powers_of_zero():
    (g,) = slopes(lambda z: xp.real(z**2 + z), [0j])
    np.testing.assert_array_equal(g, 1)


def test_a_negative_base_with_a_whole_exponent():
    np.testing.assert_allclose(slopes(lambda x: x**3.0, [-2.0])[0], 12)
    np.testing.assert_allclose(slopes(lambda x: x**-2, [-2.0])[0], 0.25)
    np.testing.assert_allclose(
        slopes(lambda x: x ** np.asarray([3.0, 2.0]), [-2.0, -3.0])[0], [12, -6]
    )
    with np.errstate(invalid="ignore"):
        assert math.isnan(
            slopes(lambda y: (-2.0) ** y, [3.0])[0][0]
        )  # real powers of −2 between are none


def test_the_mixed_derivative_of_a_power_at_exponent_zero():
    """∂²/∂x∂y x^y = x^(y−1) (1 + y log x), which is 1/x at y = 0."""
    by_x = pb.grad(lambda x, y: x**y)
    assert pb.grad(by_x, argnums=1)(2.0, 0.0) == 0.5
    assert pb.grad(pb.grad(lambda x, y: x**y, argnums=1))(2.0, 0.0) == 0.5


# ── tails ─────────────────────────────────────────────────────────────────────────────────────


def test_tanh_sigmoid_and_softplus_keep_their_digits():
    x = np.asarray([-400.0, -20.0, 20.0, 400.0])
    np.testing.assert_allclose(slopes(xp.tanh, x)[0], 4 * np.exp(-2 * np.abs(x)), rtol=1e-13)
    np.testing.assert_allclose(slopes(xp.sigmoid, x)[0], np.exp(-np.abs(x)), rtol=1e-8)
    np.testing.assert_allclose(
        slopes(xp.softplus, x)[0], [np.exp(-400), np.exp(-20), 1, 1], rtol=1e-8
    )
    with np.errstate(under="ignore"):
        np.testing.assert_array_equal(slopes(xp.tanh, [-1e4, 1e4])[0], 0)


def test_tanh_of_complex_numbers_keeps_its_digits():
    z = np.asarray([20 + 1j, -20 + 1j, 300 - 2j])
    got = slopes(lambda z: xp.real(xp.tanh(z)), z)[0]
    sign = np.sign(z.real)
    np.testing.assert_allclose(got, np.conj(4 * np.exp(-2 * sign * z)), rtol=1e-13)


def test_tan_far_from_the_real_axis_keeps_its_digits():
    z = np.asarray([1 + 20j, 1 - 20j])
    got = slopes(lambda z: xp.real(xp.tan(z)), z)[0]
    np.testing.assert_allclose(got, np.conj(4 * np.exp(2j * np.sign(z.imag) * z)), rtol=1e-13)


def test_even_functions_have_their_even_derivatives_at_zero():
    """sech² is written with |x|, whose derivative at 0 is 0: it has a rule of its own."""
    for f, wanted in ((xp.tanh, -2.0), (xp.sigmoid, -1 / 8)):
        assert pb.grad(pb.grad(pb.grad(f)))(0.0) == wanted
    assert pb.grad(pb.grad(pb.grad(pb.grad(xp.softplus))))(0.0) == -1 / 8


def test_logaddexp_of_infinities():
    with np.errstate(invalid="raise"):
        one, other = slopes(
            xp.logaddexp, [-inf, -inf, inf, 800.0, 1e6], [-inf, 0.0, 1.0, -800.0, 1e6]
        )
    np.testing.assert_array_equal(one, [0, 0, 1, 1, 0.5])
    np.testing.assert_array_equal(other, [0, 1, 0, 0, 0.5])


def test_small_arguments_keep_their_digits():
    x = np.asarray([1e-18, -1e-18])
    np.testing.assert_array_equal(slopes(xp.log1p, x)[0], 1)
    np.testing.assert_array_equal(slopes(xp.expm1, x)[0], 1)
    np.testing.assert_allclose(slopes(xp.expm1, [-50.0])[0], np.exp(-50), rtol=1e-15)


# ── inverse functions at their branch points and on their cuts ────────────────────────────────


def test_inverse_functions_near_their_branch_points():
    gap = np.asarray([2.0**-52, 2.0**-40])
    root = np.sqrt(gap * (2 - gap))
    np.testing.assert_allclose(slopes(xp.asin, 1 - gap)[0], 1 / root, rtol=1e-14)
    np.testing.assert_allclose(slopes(xp.acos, gap - 1)[0], -1 / root, rtol=1e-14)
    np.testing.assert_allclose(
        slopes(xp.acosh, 1 + gap)[0], 1 / np.sqrt(gap * (2 + gap)), rtol=1e-14
    )
    np.testing.assert_allclose(slopes(xp.atanh, 1 - gap)[0], 1 / (gap * (2 - gap)), rtol=1e-14)
    np.testing.assert_allclose(
        slopes(lambda z: xp.real(xp.atan(z)), 1j * (1 - gap))[0], 1 / (gap * (2 - gap)), rtol=1e-14
    )


def test_inverse_functions_of_large_arguments():
    x = np.asarray([1e30], np.float32)
    for f in (xp.asinh, xp.acosh):
        np.testing.assert_allclose(slopes(f, x)[0], 1e-30, rtol=5e-6)


@pytest.mark.parametrize("name", ["asin", "acos", "acosh", "asinh", "atan", "atanh", "sqrt", "log"])
def test_on_the_cuts_the_sign_of_zero_says_which_side(name):
    """The derivative on a cut is the limit from the side of the function's value there, at order 1 and 2."""
    on = np.asarray([complex(s * 1.5, z) for s in (1, -1) for z in (0.0, -0.0)])
    if name in ("asinh", "atan"):
        on = np.asarray([complex(z, s * 1.5) for s in (1, -1) for z in (0.0, -0.0)])
        beside = on + 1e-13 * np.copysign(1, on.real)
    else:
        beside = on + 1e-13j * np.copysign(1, on.imag)

    def part(z):
        y = getattr(xp, name)(z)
        return xp.real(y) + 2 * xp.imag(y)

    np.testing.assert_allclose(slopes(part, on)[0], slopes(part, beside)[0], rtol=1e-11)

    def size(z):
        g = pb.grad(lambda z: xp.sum(part(z)))(z)
        return xp.real(g) + 2 * xp.imag(g)

    np.testing.assert_allclose(slopes(size, on)[0], slopes(size, beside)[0], rtol=1e-10)


# ── dtypes ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: 2.0**x, lambda x: x**2, lambda x: x**0.5, lambda x: 1 / x, lambda x: 1 - x, lambda x: 3 * x - 1.5,
        lambda x: x**np.pi, lambda x: (1 + x) / 7, lambda x: -x * 1e-3, xp.log2, xp.log10, xp.tan, xp.asin, xp.acos,
        xp.atan, xp.asinh, xp.acosh, xp.atanh, xp.tanh, xp.sign, xp.abs, xp.reciprocal, xp.square,
    ],
)  # fmt: skip
def test_single_precision_stays_single(f, dtype):
    x = np.asarray([1.25, 1.5], dtype)
    if f in (xp.asin, xp.acos, xp.atanh):
        x = x - dtype(1)

    def size(x):
        return xp.sum(xp.abs(f(x)))

    assert pb.grad(size)(x).dtype == dtype
    assert pb.grad(lambda x: xp.sum(xp.abs(pb.grad(size)(x)) ** 2))(x).dtype == dtype


def test_mixed_precision_casts_the_cotangent_back():
    low, high = np.asarray([1.5], np.float32), np.asarray([2.5])
    for name in (
        "add",
        "multiply",
        "divide",
        "pow",
        "maximum",
        "atan2",
        "hypot",
        "logaddexp",
        "copysign",
    ):
        a, b = slopes(getattr(xp, name), low, high)
        assert (a.dtype, b.dtype) == (np.float32, np.float64)
    a, b = slopes(lambda x, z: xp.abs(x * z), low, np.asarray([1 + 2j]))
    assert (a.dtype, b.dtype) == (np.float32, np.complex128)


def test_numbers_on_either_side():
    """As `floor_divide`, `atan2` and the like take them in the standard of 2024."""
    x = [1.5]
    for name, left, right in (
        ("atan2", 1 / (1 + 1.5**2), 1 / (1 + 1.5**2)), ("hypot", 1.5 / math.hypot(1.5, 1), 1.5 / math.hypot(1.5, 1)),
        ("remainder", 1.0, 0.0), ("floor_divide", 0.0, 0.0), ("copysign", 1.0, 0.0),
        ("logaddexp", 1 / (1 + math.exp(-0.5)), 1 / (1 + math.exp(-0.5))),
    ):  # fmt: skip
        f = getattr(xp, name)
        np.testing.assert_allclose(slopes(lambda x, f=f: f(x, 1.0), x)[0], left, rtol=1e-14)
        sign = -1 if name == "atan2" else 1
        np.testing.assert_allclose(slopes(lambda x, f=f: f(1.0, x), x)[0], sign * right, rtol=1e-14)


def test_integer_constants_do_not_wrap_around():
    legs = np.asarray([2**40, 3])
    (g,) = slopes(lambda x: xp.atan2(xp.asarray(legs), x), [1.0, 4.0])
    np.testing.assert_allclose(g, [-1 / 2.0**40, -3 / 25], rtol=1e-15)
