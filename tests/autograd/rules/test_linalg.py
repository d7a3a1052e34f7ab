"""What the rows of `cases/linalg.py` cannot say: kinks, equal values, singular matrices, symmetry."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pytest

import pullback as pb

from ...cases.linalg import adjoint, hermitian, matrix, projector

xp = pb.xp
la = pb.xp.linalg
rng = np.random.default_rng(5)
ORDS = ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)


def real_sum(y: Any) -> Any:
    """A real number that reaches every element: Re Σ w y with weights of both parts."""
    w = np.cos(np.arange(1.0, 1.0 + math.prod(y.shape))).reshape(y.shape)
    if xp.isdtype(y.dtype, "complex floating"):
        return xp.real(xp.sum(y * (w + 1j * w[..., ::-1])))
    return xp.sum(y * w)


# ── norms ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
@pytest.mark.parametrize("ord", [2, 1, 0, 3, 1.5, 0.5, math.inf, -math.inf])
def test_gradient_of_the_norm_of_zero_is_zero(ord, dtype, lib):
    zero = lib.asarray(np.zeros((2, 3)), dtype)
    for axis in (None, 0):
        f = lambda x: xp.sum(la.vector_norm(x, ord=ord, axis=axis))  # noqa: B023 - called at once
        assert np.all(lib.to_numpy(pb.grad(f)(zero)) == 0)
        parts = (xp.real, xp.imag) if dtype == "complex128" else (xp.positive,)
        second = pb.grad(lambda x: sum(xp.sum(part(pb.grad(f)(x))) for part in parts))(zero)  # noqa: B023 - called at once
        second = lib.to_numpy(second)
        assert np.all(second == 0) if ord == 0 else np.all(np.isnan(second))  # which does not exist


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
@pytest.mark.parametrize("ord", ORDS)
def test_gradient_of_the_norm_of_a_zero_matrix_is_zero(ord, dtype, lib):
    zero = lib.asarray(np.zeros((2, 2, 3)), dtype)
    f = lambda x: xp.sum(la.matrix_norm(x, ord=ord))
    g = pb.grad(f)(zero)
    assert lib.is_raw(g)
    assert np.all(lib.to_numpy(g) == 0)


def test_norm_with_negative_exponent_where_an_element_is_zero():
    x = np.array([0.0, 1.0, -2.0])
    with np.errstate(divide="ignore"):
        g = pb.grad(lambda x: la.vector_norm(x, ord=-1))(x)
    np.testing.assert_array_equal(g, 0)


def test_ties_share_the_gradient():
    x = np.array([[1.0, -3.0, 3.0], [3.0, 0.0, -2.0]])
    np.testing.assert_allclose(
        pb.grad(lambda x: la.vector_norm(x, ord=math.inf))(x), [[0, -1 / 3, 1 / 3], [1 / 3, 0, 0]]
    )
    g = pb.grad(lambda x: la.matrix_norm(x, ord=1))(x)  # columns of sums 4, 3 and 5
    np.testing.assert_allclose(g, [[0, 0, 1], [0, 0, -1]])
    g = pb.grad(lambda x: la.matrix_norm(x, ord=math.inf))(np.array([[1.0, 2.0], [-3.0, 0.0]]))
    np.testing.assert_allclose(g, [[0.5, 0.5], [-0.5, 0]])
    np.testing.assert_allclose(
        pb.grad(lambda x: la.matrix_norm(x, ord=2))(np.eye(4)), np.eye(4) / 4
    )


def test_nuclear_norm_has_second_derivatives_where_singular_values_are_equal():
    orthogonal, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    for x in (np.eye(3), orthogonal, 2 * orthogonal[:, :2]):
        pb.check_grads(lambda x: la.matrix_norm(x, ord="nuc"), (x,), order=2)


def test_spectral_norm_has_second_derivatives_where_smaller_singular_values_are_equal():
    U, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    x = U @ np.diag([3.0, 1.0, 1.0, 1.0])
    pb.check_grads(lambda x: la.matrix_norm(x, ord=2), (x,), order=2)


# ── equal eigenvalues and singular values ─────────────────────────────────────────────────────


@pytest.mark.parametrize("complex", [False, True])
def test_forward_mode_of_factors(complex):
    """J v of each, against differences, by the pullback's pullback (cotangents of zero at which it is recorded)."""
    a = np.asarray(matrix(3, 3, complex=complex).values)
    v = rng.normal(size=(3, 3)) + (1j * rng.normal(size=(3, 3)) if complex else 0)
    functions = [
        lambda x: la.eigh(hermitian(xp, x))[0],
        lambda x: projector(xp, la.eigh(hermitian(xp, x))[1][:, :2]),
        lambda x: projector(xp, la.svd(x)[0][:, :2]),
        lambda x: projector(xp, la.eig(x)[1][:, :1]),
        lambda x: la.qr(x)[1],
        lambda x: la.cholesky(hermitian(xp, x) @ hermitian(xp, x)),
        la.det, la.inv, la.pinv, lambda x: la.slogdet(x)[1],
    ]  # fmt: skip
    for f in functions:
        _, moved = pb.jvp(f, (a,), (v,))
        h = 1e-5
        up, down = (pb.to_numpy(f(xp.asarray(a + s * h * v))) for s in (1, -1))
        np.testing.assert_allclose(moved, (up - down) / (2 * h), rtol=1e-7, atol=1e-8)


# ── singular matrices ─────────────────────────────────────────────────────────────────────────


def cofactors(a: np.ndarray) -> np.ndarray:
    """By determinants of minors."""
    n = a.shape[-1]
    out = np.empty_like(a)
    for i in range(n):
        for j in range(n):
            out[i, j] = (-1) ** (i + j) * np.linalg.det(np.delete(np.delete(a, i, 0), j, 1))
    return out


@pytest.mark.parametrize("complex", [False, True])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 6])
def test_gradient_of_det_is_the_cofactors_at_every_rank(n, complex, lib):
    for rank in range(n + 1):
        a = rng.normal(size=(n, rank)) @ rng.normal(size=(rank, n))
        if complex:
            a = a + 1j * rng.normal(size=(n, rank)) @ (a[:rank] if rank else np.zeros((0, n)))
        f = lambda x: xp.real(la.det(x)) + 2 * xp.imag(la.det(x)) if complex else la.det(x)
        g = lib.to_numpy(pb.grad(f)(lib.asarray(a)))
        wanted = np.conj(cofactors(a)) * (1 + 2j if complex else 1)
        np.testing.assert_allclose(g, wanted, atol=1e-14 * (1 + np.linalg.norm(a, 2)) ** n)


def test_second_derivative_of_det_at_exactly_zero_singular_values():
    """∂²det/∂a_ii∂a_jj is the product of the others, whatever their number of zeros."""
    for diagonal in (
        [1.0, 2.0, 0.0, 0.0],
        [1.0, 2.0, 3.0, 0.0],
        [1.0, 0.0, 0.0, 0.0],
        [0.0] * 4,
        [1.0] * 4,
        [0.0] * 3,
    ):
        n = len(diagonal)
        hessian = pb.hessian(la.det)(np.diag(diagonal))
        assert np.isfinite(hessian).all()
        for i in range(n):
            for j in range(n):
                wanted = (
                    math.prod(d for k, d in enumerate(diagonal) if k not in (i, j))
                    if i != j
                    else 0.0
                )
                np.testing.assert_allclose(hessian[i, i, j, j], wanted, atol=1e-12)
                np.testing.assert_allclose(hessian[i, j, j, i], -wanted, atol=1e-12)


@pytest.mark.parametrize(
    "diagonal", [[1.0, 2.0, 3.0, 0.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0], [0.0] * 5, [1.0] * 4]
)
def test_third_derivative_of_det_at_exactly_zero_singular_values(diagonal):
    """∂³det/∂a_ii∂a_jj∂a_kk, along the diagonal."""
    n = len(diagonal)

    def mixed(i, j, k):
        f = lambda d: la.det(d[:, None] * np.eye(n))
        d1 = lambda d: pb.grad(f)(d)[i]
        d2 = lambda d: pb.grad(d1)(d)[j]
        return pb.grad(d2)(np.asarray(diagonal))[k]

    for i, j, k in ((0, 1, 2), (1, 2, 3), (n - 1, n - 2, n - 3), (0, 0, 1)):
        others = math.prod(d for m, d in enumerate(diagonal) if m not in (i, j, k))
        np.testing.assert_allclose(mixed(i, j, k), others if i != j else 0.0, atol=1e-12)


def test_singular_matrices_where_there_is_no_derivative_raise_as_the_function_does():
    for f in (lambda x: la.slogdet(x)[1], lambda x: xp.sum(la.inv(x))):
        with pytest.raises(np.linalg.LinAlgError, match=r"[Ss]ingular"):
            pb.grad(f)(np.ones((2, 2)))


def test_pinv_of_a_lower_rank_along_matrices_of_that_rank():
    for shape in ((4, 2, 3), (3, 1, 4)):
        m, r, n = shape
        B, C = (
            np.asarray(matrix(m, r, complex=True).values),
            np.asarray(matrix(r, n, complex=True, seed=1).values),
        )
        pb.check_grads(lambda B, C: la.pinv(B @ C, rtol=1e-6), (B, C), order=2)


# ── symmetry ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("complex", [False, True])
def test_gradients_of_functions_of_hermitian_matrices_are_hermitian(complex):
    a = np.asarray(matrix(2, 3, 3, complex=complex).values)
    a = 0.5 * (a + np.conj(np.swapaxes(a, -1, -2)))
    functions = [
        la.cholesky,
        functools.partial(la.cholesky, upper=True),
        la.eigvalsh,
        lambda x: projector(xp, la.eigh(x)[1][..., :1]),
    ]
    for f in functions:
        g = pb.grad(lambda x: real_sum(f(x)))(a)  # noqa: B023 - called at once
        np.testing.assert_array_equal(g, np.conj(np.swapaxes(g, -1, -2)))


def test_upper_and_lower_cholesky_have_one_gradient():
    a = np.asarray(matrix(3, 3, complex=True).values)
    a = a @ a.conj().T
    c = rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3))
    lower = pb.grad(lambda x: xp.real(xp.sum(c * la.cholesky(x))))(a)
    upper = pb.grad(lambda x: xp.real(xp.sum(c * adjoint(xp, la.cholesky(x, upper=True)))))(a)
    np.testing.assert_allclose(lower, upper, rtol=1e-13)


def test_cotangents_of_several_outputs_may_be_traced_or_not():
    a = np.diag([1.0, 2.0, 4.0]) + 0.1
    _, pull = pb.vjp(lambda a: tuple(la.eigh(a)), a)
    w_bar, V_bar = rng.normal(size=3), rng.normal(size=(3, 3))
    both = lambda w, V: xp.sum(pull((w, V))[0] ** 2)
    gw, gV = pb.grad(both, argnums=(0, 1))(w_bar, V_bar)
    np.testing.assert_allclose(pb.grad(lambda w: both(w, V_bar))(w_bar), gw, rtol=1e-12)
    np.testing.assert_allclose(pb.grad(lambda V: both(w_bar, V))(V_bar), gV, rtol=1e-12)


# ── shapes, layouts, dtypes ───────────────────────────────────────────────────────────────────

SQUARE = {
    "det": la.det, "inv": la.inv, "slogdet": lambda x: la.slogdet(x)[1], "eigvals": la.eigvals, "svdvals": la.svdvals,
    "qr": lambda x: la.qr(x)[1], "pinv": la.pinv, "power": lambda x: la.matrix_power(x, -3), "trace": la.trace,
    "norm": la.matrix_norm, "eigvalsh": lambda x: la.eigvalsh(hermitian(xp, x)),
}  # fmt: skip


@pytest.mark.parametrize("name", SQUARE)
def test_any_memory_layout(name):
    f = lambda x: real_sum(xp.real(SQUARE[name](x)))
    a = np.asarray(matrix(3, 3).values)
    wide = np.zeros((6, 9))
    wide[::2, ::3] = a
    frozen = a.copy()
    frozen.flags.writeable = False
    wanted = pb.grad(f)(a)
    for x in (np.asfortranarray(a), wide[::2, ::3], a[::-1][::-1], frozen):
        g = pb.grad(f)(x)
        assert g.flags.c_contiguous
        np.testing.assert_allclose(g, wanted, rtol=1e-12)


def test_mixed_dtypes_are_cast_back():
    a, b = np.eye(2, dtype=np.float32) * 2, np.ones((2, 1))
    for f, args in ((la.solve, (a, b)), (xp.vecdot, (a, b[:, 0])), (la.outer, (a[0], b[:, 0] + 1j)),
                    (functools.partial(xp.tensordot, axes=1), (a, b))):  # fmt: skip
        gs = pb.grad(lambda *xs: xp.sum(xp.real(f(*xs))), argnums=(0, 1))(*args)  # noqa: B023 - called at once
        assert [g.dtype for g in gs] == [x.dtype for x in args]
        assert [g.shape for g in gs] == [x.shape for x in args]


def test_an_axis_that_names_two_is_refused():
    a, b = np.ones(3), np.ones((3, 3))
    for f in (xp.vecdot, la.cross):
        with pytest.raises(ValueError, match="from the end"):
            pb.grad(lambda a: xp.sum(f(a, b, axis=0)))(a)  # noqa: B023 - called at once


def test_the_extension_shares_functions_with_the_main_namespace():
    for name in ("matmul", "matrix_transpose", "tensordot", "vecdot"):
        x = np.asarray(matrix(2, 2).values)
        args = (x,) if name == "matrix_transpose" else (x, x)
        here, there = getattr(la, name), getattr(xp, name)
        np.testing.assert_array_equal(pb.grad(lambda x: real_sum(here(x, *args[1:])))(x),  # noqa: B023 - called at once
                                      pb.grad(lambda x: real_sum(there(x, *args[1:])))(x))  # noqa: B023  # fmt: skip


def test_named_tuples_stay_named_while_traced():
    def f(x):
        w, s = la.eigh(x), la.svd(x)
        assert w._fields == ("eigenvalues", "eigenvectors")
        assert s._fields == ("U", "S", "Vh")
        assert la.qr(x)._fields == ("Q", "R")
        assert la.slogdet(x)._fields == ("sign", "logabsdet")
        assert la.eig(x)._fields == ("eigenvalues", "eigenvectors")
        return xp.sum(w.eigenvalues) + xp.sum(s.S)

    np.testing.assert_allclose(pb.grad(f)(np.diag([1.0, 2.0])), 2 * np.eye(2), atol=1e-15)
