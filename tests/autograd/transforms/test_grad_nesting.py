"""Derivatives of derivatives: higher orders, perturbation confusion, closures, nested and late tapes."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture

xp = pb.xp


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_higher_orders(order):
    """d^n/dx^n of exp(2x) is 2^n exp(2x), of sin the next of its cycle."""
    f, g = lambda x: xp.exp(2 * x), xp.sin
    for _ in range(order):
        f, g = pb.grad(f), pb.grad(g)
    assert f(0.3) == pytest.approx(2**order * np.exp(0.6), rel=1e-13)
    assert g(0.3) == pytest.approx(np.sin(0.3 + order * np.pi / 2), rel=1e-12)


def test_third_order_on_arrays():
    """The gradient of sum(x⁴)'s second derivative's sum."""
    x = np.array([1.0, -2.0, 0.5])
    second = pb.grad(lambda x: xp.sum(pb.grad(lambda y: xp.sum(y**4))(x)))
    third = pb.grad(lambda x: xp.sum(second(x)))
    np.testing.assert_allclose(second(x), 12 * x**2, rtol=1e-14)
    np.testing.assert_allclose(third(x), 24 * x, rtol=1e-14)


def test_perturbation_confusion():
    """Siskind, Pearlmutter (2005): the inner derivative of x·(x + y) in y is x, whose derivative is 1."""
    assert pb.grad(lambda x: x * pb.grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert pb.grad(lambda x: x * pb.grad(lambda y: x * y)(2.0))(3.0) == 6.0
    inner = lambda x: pb.grad(lambda y: (x * y) ** 2)(1.0)  # 2 x² y
    assert pb.grad(lambda x: x * inner(x))(2.0) == 24.0  # 6 x²


def test_same_name_at_two_levels():
    """The inner function shadows x by a level of its own."""
    assert pb.grad(lambda x: pb.grad(lambda x: x**3)(x) * x)(2.0) == 36.0  # 9 x²


def test_closure_over_an_outer_traced_value():
    """Through the closure alone, and through both."""

    def outer(x):
        y = x * x
        return pb.grad(lambda z: z * y)(1.0) + pb.grad(lambda z: z * z * x)(x)

    assert pb.grad(outer)(3.0) == pytest.approx(2 * 3 + 4 * 3)  # x² + 2x²


def test_inner_gradient_of_a_function_that_ignores_its_argument():
    g = pb.grad(lambda x: pb.grad(lambda y: x * 2.0)(x) + x)
    assert g(3.0) == 1.0


def test_inner_value_and_gradient_stay_on_the_outer_tape():
    def f(x):
        value, slope = pb.value_and_grad(lambda y: xp.sin(y) * x)(x)
        return value * slope

    x, eps = 0.7, 1e-6
    plain = lambda x: np.sin(x) * x * np.cos(x) * x
    assert pb.grad(f)(x) == pytest.approx((plain(x + eps) - plain(x - eps)) / (2 * eps), rel=1e-8)


def test_aux_of_an_inner_gradient_stays_on_the_outer_tape():
    def f(x):
        slope, aux = pb.grad(lambda y: (y * x, y * x * x), has_aux=True)(2.0)
        return slope * aux  # x · 2x²

    assert pb.grad(f)(3.0) == pytest.approx(6 * 9)


def test_vjp_inside_grad_and_grad_inside_vjp():
    x = np.array([0.3, 0.4])

    def f(x):
        out, pull = pb.vjp(xp.sin, x)
        return xp.sum(out * pull(xp.ones_like(out))[0])

    np.testing.assert_allclose(pb.grad(f)(x), np.cos(2 * x), rtol=1e-13)
    _, pull = pb.vjp(pb.grad(lambda x: xp.sum(xp.sin(x))), x)
    np.testing.assert_allclose(pull(np.ones(2))[0], -np.sin(x), rtol=1e-13)


def test_pull_is_differentiable_in_the_cotangent_and_at_the_point():
    """ct ↦ pull(ct) is linear; the point enters only where the pull was made inside."""
    _, pull = pb.vjp(lambda x: x**3, 2.0)
    assert pb.grad(lambda ct: pull(ct)[0])(1.0) == pytest.approx(12.0)
    assert pb.grad(lambda x: pb.vjp(lambda y: y**3, x)[1](1.0)[0])(2.0) == pytest.approx(12.0)


def test_a_tape_pulled_after_an_outer_tape_began_and_ended():
    """A late pull: what was recorded then is pulled now, whatever has happened in between."""
    out, pull = pb.vjp(lambda x: xp.exp(x) * x, 1.0)
    assert pb.grad(lambda x: pb.grad(lambda y: y**3)(x))(2.0) == 12.0
    assert float(pull(1.0)[0]) == pytest.approx(2 * np.e)
    assert float(out) == pytest.approx(np.e)


def test_two_tapes_side_by_side():
    with pb.Tape() as first:
        x = first.watch(2.0)
        with pb.Tape() as second:
            y = second.watch(3.0)
            z = x * y
        w = z * x
    (by_y,) = second.gradient(z, [y])
    (by_x,) = first.gradient(w, [x])
    assert float(pb.stop_gradient(by_y)) == 2.0
    assert float(by_x) == 2 * 2 * 3.0


def test_inner_tape_s_gradient_is_recorded_on_the_outer_tape():
    with pb.Tape() as outer:
        x = outer.watch(2.0)
        with pb.Tape() as inner:
            y = inner.watch(x)
            z = y**3
        (slope,) = inner.gradient(z, [y])
    assert float(outer.gradient(slope, [x])[0]) == 12.0
