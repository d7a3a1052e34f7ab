"""Tests of `autograd/rules/products.py`."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ..functions.test_einsum import RNG, A, B, C

xp = pb.xp


def test_third_derivatives_of_einsum():
    pb.check_grads(lambda a: xp.einsum("ij,jk,ki->", a, B, C), (A,), order=1)
    pb.check_grads(lambda a: xp.einsum("i,i,i->", a, a, a), (A[0],), order=3)
    pb.check_grads(
        lambda a: xp.einsum("ii,i->", a, xp.einsum("ii->i", a) ** 2), (A[:, :3],), order=3
    )


def test_expm_under_its_two_names():
    assert xp.expm is xp.linalg.expm


@pytest.mark.parametrize("order", [3])
def test_expm_has_every_derivative(order):
    x = 0.5 * RNG.standard_normal((2, 2))
    pb.check_grads(xp.expm, (x,), order=order, rtol=1e-5)


def test_expm_and_the_frechet_derivative():
    x, e = RNG.standard_normal((3, 3)), RNG.standard_normal((3, 3))
    wanted = scipy.linalg.expm_frechet(x, e, compute_expm=False)
    _, moved = pb.jvp(xp.expm, (x,), (e,))
    np.testing.assert_allclose(moved, wanted, rtol=1e-12)
    _, pull = pb.vjp(xp.expm, x)
    for size in (1.0, 1e200, 1e-200, 0.0):
        (g,) = pull(size * e)
        np.testing.assert_allclose(
            g, size * scipy.linalg.expm_frechet(x.T, e, compute_expm=False), rtol=1e-11
        )


def test_expm_of_empty_matrices():
    assert pb.grad(lambda x: xp.sum(xp.expm(x)))(np.zeros((0, 2, 2))).shape == (0, 2, 2)


def test_expm_is_jax_s():
    jax = pytest.importorskip("jax", reason="JAX is a peer, not a dependency")
    x, weights = RNG.standard_normal((3, 3)), RNG.standard_normal((3, 3))
    with jax.enable_x64(True):
        wanted = jax.grad(lambda x: (weights * jax.scipy.linalg.expm(x)).sum())(x)
    np.testing.assert_allclose(
        pb.grad(lambda x: xp.sum(weights * xp.expm(x)))(x), wanted, rtol=1e-10
    )
