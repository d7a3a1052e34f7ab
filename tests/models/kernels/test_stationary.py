"""Tests of `models/kernels/stationary.py`: scikit-learn's values, and derivatives where points coincide."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.models.kernels import stationary

from ..._host import numpy_is_active  # noqa: F401 - a fixture
from ._kernels import ROWS, X, Y, as_arrays

K, xp = pb.models.kernels, pb.xp
IDS = [str(t) for _, t in ROWS]
KINKED = "nu=0.5"


@pytest.mark.parametrize(("mine", "theirs"), ROWS, ids=IDS)
def test_as_scikit_learn_has_them(mine, theirs):
    np.testing.assert_allclose(pb.to_numpy(mine(X)), theirs(X), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(pb.to_numpy(mine(X, Y)), theirs(X, Y), rtol=1e-11, atol=1e-15)
    np.testing.assert_allclose(pb.to_numpy(mine.diag(X)), theirs.diag(X))


@pytest.mark.parametrize(("mine", "theirs"), ROWS, ids=IDS)
def test_derivatives_in_the_parameters(mine, theirs):
    """Both orders, pairs at distance 0 among them; and scikit-learn's own gradients in the logarithms."""
    kernel = as_arrays(mine)
    pb.check_grads(lambda k: k(X), (kernel,), order=2)
    _, gradient = theirs(X, eval_gradient=True)
    ours = []
    for name, _ in mine.bounds():
        value = getattr(kernel, name)
        for i in range(max(value.size, 1)):
            step = np.zeros(value.shape)
            step.reshape(-1)[i] = value.reshape(-1)[i]  # d/d log p = p d/dp
            tangent = pb.tree.map(np.zeros_like, kernel)
            setattr(tangent, name, step)
            ours.append(pb.to_numpy(pb.jvp(lambda k: k(X), (kernel,), (tangent,))[1]))
    np.testing.assert_allclose(np.stack(ours, axis=-1), gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "mine", [m for m, t in ROWS if KINKED not in str(t)], ids=[i for i in IDS if KINKED not in i]
)
def test_derivatives_in_the_points(mine):
    """Y[0] lies at X[2], X[3] at X[1]: numeric differences see the kernel on both sides."""
    pb.check_grads(lambda X, Y: mine(X, Y), (X, Y), order=1)
    apart = Y + np.asarray([[0.3, -0.2]])
    pb.check_grads(lambda X, Y: mine(X, Y), (X, apart), order=2)


@pytest.mark.parametrize(
    ("kernel", "curvature"),
    [
        (K.RBF(0.5), -4), (K.Matern(0.5, nu=1.5), -12), (K.Matern(0.5, nu=2.5), -20 / 3),
        (K.Matern(0.5, nu=np.inf), -4), (K.RationalQuadratic(0.5, 0.7), -4),
        (K.Periodic(1.3, 2.0), -np.pi**2 / 1.3**2),
    ],
    ids=str,
)  # fmt: skip
def test_the_second_derivative_at_distance_zero(kernel, curvature):
    """k(x, y) ≈ 1 + ½ c ‖x − y‖²: Matérn's for ν = 3/2 has one, and a root of the square would lose it."""
    x = np.asarray([[0.3, 0.1]])
    value, slope = pb.value_and_grad(lambda y: xp.sum(kernel(x, y)))(x)
    assert float(value) == 1
    np.testing.assert_array_equal(slope, 0)
    H = pb.hessian(lambda y: xp.sum(kernel(x, y)))(x).reshape(2, 2)
    np.testing.assert_allclose(H, curvature * np.eye(2), rtol=1e-12)
    mixed = pb.jacobian(lambda x: pb.grad(lambda y: xp.sum(kernel(x, y)))(x + 0.0))(x)
    assert np.all(np.isfinite(mixed))


def test_the_kink_has_the_derivative_zero():
    kernel, x = K.Matern(0.5, nu=0.5), np.asarray([[0.3, 0.1]])
    np.testing.assert_array_equal(pb.grad(lambda y: xp.sum(kernel(x, y)))(x), 0)
    curved = pb.hessian(lambda s: xp.sum(K.Matern(s, nu=0.5)(x, np.concatenate([x, x + 1]))))(0.5)
    r = np.sqrt(2) / 0.5
    np.testing.assert_allclose(curved, np.exp(-r) * (r**2 - 2 * r) / 0.25, rtol=1e-10)


@pytest.mark.parametrize("distance", [1e-12, 1e-8, 1e-4, 1e-2, 1.0, 5.0])
@pytest.mark.parametrize(
    ("nu", "curvature"),
    [(1.5, lambda r: (r - 1) * np.exp(-r)), (2.5, lambda r: -(1 + r - r * r) * np.exp(-r) / 3)],
    ids=["3/2", "5/2"],
)
def test_second_derivatives_near_zero_keep_their_digits(nu, curvature, distance):
    """The derivatives of the formulas in the square lose half of their digits at a distance of 1e-4."""
    kernel, x = K.Matern(1.0, nu=nu), np.asarray([[0.0]])
    H = pb.hessian(lambda y: xp.sum(kernel(x, y)))(np.asarray([[distance]]))
    wanted = 2 * nu * curvature(np.sqrt(2 * nu) * distance)
    np.testing.assert_allclose(H.item(), wanted, rtol=1e-12)


@pytest.mark.parametrize("distance", [1e-9, 1e-5, 0.006, 0.0064, 0.3, 2.0])
def test_periodic_second_derivatives_near_zero_keep_their_digits(distance):
    kernel, x, w = K.Periodic(1.3, 2.0), np.asarray([[0.0]]), np.pi / 2
    H = pb.hessian(lambda y: xp.sum(kernel(x, y)))(np.asarray([[distance]]))
    u = w * distance
    first, second = -2 * np.sin(2 * u) * w / 1.69, -4 * np.cos(2 * u) * w**2 / 1.69
    wanted = (second + first**2) * np.exp(-2 * np.sin(u) ** 2 / 1.69)
    np.testing.assert_allclose(H.item(), wanted, rtol=1e-11)


def test_compiled():
    for kernel, _ in ROWS:
        gradient = pb.grad(lambda k, X: xp.sum(k(X, Y) ** 2), (0, 1))
        fast = pb.compile(gradient)
        for factor in (1.0, 1.3):
            k = pb.tree.map(lambda p, factor=factor: factor * np.asarray(p, float), kernel)
            for got, wanted in zip(
                pb.tree.leaves(fast(k, X)), pb.tree.leaves(gradient(k, X)), strict=True
            ):
                np.testing.assert_allclose(
                    pb.to_numpy(got), pb.to_numpy(wanted), rtol=1e-10, atol=1e-12
                )


def test_what_is_refused():
    with pytest.raises(NotImplementedError, match="Bessel"):
        K.Matern(nu=2.0)
    with pytest.raises(ValueError, match="length_scale has shape"):
        K.RBF(np.ones(3))(X)
    with pytest.raises(ValueError, match="2 and with 1 features"):
        stationary.squared_distances(X, Y[:, :1])
