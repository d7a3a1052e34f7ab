"""Tests of `autograd/rules/linalg_spectral.py`."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.core.defvjp import function_of
from pullback.autograd.core.registry import find

from ...cases.linalg import hermitian, projector
from .test_linalg import rng

xp = pb.xp


la = pb.xp.linalg


EQUAL = {
    "identity": np.eye(3),
    "zero": np.zeros((3, 3)),
    "pair": np.diag([2.0, 1.0, 1.0]),
    "complex": np.diag([1.0, 1.0, 3.0]) + 0j,
}


@pytest.mark.parametrize("name", EQUAL)
def test_values_alone_have_derivatives_where_they_are_equal(name, lib):
    x = lib.asarray(EQUAL[name])
    for f in (
        la.eigvalsh,
        lambda x: la.eigh(x)[0],
        la.eigvals,
        lambda x: la.eig(x)[0],
        la.svdvals,
        lambda x: la.svd(x)[1],
    ):
        g = lib.to_numpy(pb.grad(lambda x: xp.sum(xp.real(f(x) ** 3 + f(x))))(x))  # noqa: B023 - called at once
        wanted = 3 * EQUAL[name] ** 2 + np.eye(3)  # symmetric functions, of diagonal matrices
        if name == "zero" and f in (la.svdvals,):
            wanted = g  # the sum of singular values has a kink there
        np.testing.assert_allclose(g, wanted, atol=1e-12)


def test_a_vector_cotangent_of_zeros_counts_as_none():
    for x in (np.eye(3), np.zeros((3, 3))):
        g = pb.grad(
            lambda x: xp.sum(la.eigh(x).eigenvalues ** 2) + xp.sum(0 * la.eigh(x).eigenvectors)
        )(x)
        np.testing.assert_allclose(g, 2 * x, atol=1e-14)

        def f(x):
            U, S, Vh = la.svd(x)
            return xp.sum(S**2) + xp.sum(0 * U) + xp.sum(0 * Vh)

        np.testing.assert_allclose(pb.grad(f)(x), 2 * x, atol=1e-14)


def test_the_vector_of_a_simple_eigenvalue_has_derivatives_where_others_are_equal():
    U, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    c = rng.normal(size=(4, 4))
    x = U @ np.diag([1.0, 2.0, 2.0, 2.0]) @ U.T

    def exact(values):  # equal to the last bit: on the diagonal
        return pb.grad(lambda x: xp.sum(c * projector(xp, la.eigh(hermitian(xp, x))[1][:, :1])))(
            np.diag(values)
        )

    apart = exact([1.0, 2.0, 2.0 + 1e-9, 2.0 + 2e-9])
    np.testing.assert_allclose(exact([1.0, 2.0, 2.0, 2.0]), apart, atol=1e-8)
    pb.check_grads(lambda x: projector(xp, la.eigh(hermitian(xp, x))[1][:, :1]), (x,))

    def first_left(values):
        return pb.grad(lambda x: xp.sum(c * projector(xp, la.svd(x)[0][:, :1])))(np.diag(values))

    apart = first_left([3.0, 1.0 + 1e-9, 1.0, 1.0 - 1e-9])
    np.testing.assert_allclose(first_left([3.0, 1.0, 1.0, 1.0]), apart, atol=1e-8)


def test_vectors_of_equal_eigenvalues_have_a_nan_for_a_gradient():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for f in (
            lambda x: la.eigh(x)[1][0, 0],
            lambda x: xp.real(la.eig(x)[1][0, 0]),
            lambda x: la.svd(x)[0][0, 0],
        ):
            assert np.isnan(pb.grad(f)(np.eye(2))).any()
        assert np.isnan(
            pb.grad(lambda x: la.svd(x, full_matrices=False)[0][0, 1])(
                np.diag([1.0, 0.0, 0.0])[:, :2]
            )
        ).any()
        # forward mode, and the Hessian of Σ w², which needs (c_i − c_j)/(w_i − w_j)
        _, moved = pb.jvp(lambda x: la.eigh(x)[1], (np.eye(2),), (np.ones((2, 2)),))
        assert np.isnan(moved).any()
        hessian = pb.hvp(lambda x: xp.sum(la.eigvalsh(x) ** 2), np.eye(2), np.ones((2, 2)))
        assert np.isnan(hessian).any()


def test_gap_divide():
    """x1 / x2, with 0 / 0 = 0 unless a condition says that it matters; linear in x1, forwards and backwards."""
    divide = function_of(find("divide_where_separated"))
    x1, x2 = np.array([1.0, 0.0, 3.0]), np.array([2.0, 0.0, 0.0])
    used = np.array([True, False, True])
    np.testing.assert_array_equal(pb.to_numpy(divide(x1, x2, used)), [0.5, 0.0, np.nan])
    np.testing.assert_array_equal(pb.grad(lambda x: divide(x, x2, used)[0])(x1), [0.5, 0, 0])
    np.testing.assert_array_equal(
        pb.grad(lambda x: xp.sum(divide(x, x2, used)))(x1), [0.5, np.nan, np.nan]
    )
    unused = np.array([True, False, False])
    np.testing.assert_array_equal(
        pb.grad(lambda x: xp.sum(divide(x1, x, unused)))(x2), [-0.25, 0, 0]
    )
