"""custom_vjp and checkpoint."""

import numpy as np
import pytest

import pullback as pb

from ._custom_vjp import X

xp = pb.xp


@pb.custom_vjp
def softplus(x):
    return xp.log(1 + xp.exp(x))


softplus.defvjp(lambda x: (softplus.f(x), x), lambda x, ct: (ct * (1 - 1 / (1 + xp.exp(x))),))


@pb.custom_vjp
def pair(x, y):
    return {"product": x * y, "sum": x + y}


pair.defvjp(
    lambda x, y: (pair.f(x, y), (x, y)),
    lambda r, ct: (ct["product"] * r[1] + ct["sum"], ct["product"] * r[0] + ct["sum"]),
)


def test_custom_vjp_at_three_orders():
    pb.check_grads(softplus, (X,), order=3)


def test_custom_vjp_with_trees():
    pb.check_grads(
        lambda x, y: xp.sum(pair(x, y)["product"] * pair(x, y)["sum"]), (X, X + 1), order=2
    )


def test_custom_vjp_without_a_derivative_is_the_function():
    np.testing.assert_allclose(pb.to_numpy(softplus(X)), np.log1p(np.exp(X)))


def test_custom_vjp_is_used():
    @pb.custom_vjp
    def lie(x):
        return x * 1

    lie.defvjp(lambda x: (x * 1, None), lambda _, ct: (7 * ct,))
    assert pb.grad(lie)(2.0) == 7.0


def test_custom_vjp_complex_is_in_gradient_convention():
    @pb.custom_vjp
    def square(z):
        return z * z

    square.defvjp(lambda z: (z * z, z), lambda z, ct: (2 * xp.conj(z) * ct,))
    z = np.asarray([1 + 2j, 0.5 - 1j])
    plain = pb.grad(lambda z: xp.sum(xp.abs(z * z) ** 2))(z)
    np.testing.assert_allclose(pb.grad(lambda z: xp.sum(xp.abs(square(z)) ** 2))(z), plain)


def test_custom_vjp_errors():
    @pb.custom_vjp
    def f(x):
        return x

    with pytest.raises(TypeError, match="defvjp"):
        pb.grad(f)(1.0)
    f.defvjp(lambda x: (x, None), lambda _, ct: ct)
    with pytest.raises(TypeError, match="tuple of 1 cotangents"):
        pb.grad(f)(1.0)
    f.defvjp(lambda x: x, lambda _, ct: (ct,))
    with pytest.raises(TypeError, match=r"\(out, residuals\)"):
        pb.grad(f)(1.0)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_pullback_that_depends_on_nothing(compiled):
    """Under higher derivatives its share is a constant of the level below, with which the rules of others compute."""
    c = np.asarray([1.0, 2.0, 3.0])

    @pb.custom_vjp
    def tripled(x):
        return 3 * x

    tripled.defvjp(lambda x: (3 * x, None), lambda _, ct: (c,))
    slope = pb.grad(lambda x: xp.sum(tripled(xp.tanh(x))))
    second = pb.grad(lambda x: xp.sum(xp.sin(slope(x))))
    x = np.asarray([0.3, -0.2, 0.7])
    below = c / np.cosh(x) ** 2
    f = pb.compile(second, fast=False) if compiled else second
    for _ in range(2):
        np.testing.assert_allclose(f(x), -2 * np.cos(below) * below * np.tanh(x), rtol=1e-12)
