"""Norms, hypot, std and complex abs: at 0, where the second derivative does not exist, and at the ends of the range."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pullback as pb

xp, la = pb.xp, pb.xp.linalg
pytestmark = pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")

ORDERS = (2, 1, 3, 4, 1.5, 0.5, math.inf, -math.inf, -1)
MATRIX_ORDERS = ("fro", "nuc", 2, -2, 1, -1, math.inf, -math.inf)


def as_complex(p):
    return p[0] + 1j * p[1]


# A length, and a point where it is 0. Each is a function of one real array.
LENGTHS = {
    **{f"vector_norm {o}": (lambda x, o=o: la.vector_norm(x, ord=o), np.zeros(3)) for o in ORDERS},
    "vector_norm of batches": (lambda x: xp.sum(la.vector_norm(x, axis=1)), np.zeros((2, 3))),
    "vector_norm kept": (lambda x: xp.sum(la.vector_norm(x, axis=0, keepdims=True)), np.zeros((2, 3))),
    "vector_norm of complex": (lambda p: la.vector_norm(as_complex(p)), np.zeros((2, 3))),
    **{f"matrix_norm {o}": (lambda x, o=o: la.matrix_norm(x, ord=o), np.zeros((2, 3))) for o in MATRIX_ORDERS},
    "hypot": (lambda p: xp.hypot(p[0], p[1]), np.zeros(2)),
    "hypot of one": (lambda x: xp.hypot(x, 0.0), np.zeros(())),
    "abs of complex": (lambda p: xp.abs(as_complex(p)), np.zeros(2)),
    "std": (xp.std, np.full(3, 0.1)),
    "std of many": (xp.std, np.full(1000, 0.1)),
    "std of rows": (lambda x: xp.sum(xp.std(x, axis=1, correction=1)), np.full((2, 3), 0.7)),
    "std of complex": (lambda p: xp.std(as_complex(p)), np.full((2, 3), 0.1)),
}  # fmt: skip
lengths = pytest.mark.parametrize("name", LENGTHS)
# Smooth functions of a length that are not smooth functions of the array, or whose derivatives the length alone cannot
# know: 2 for the square, −1 for the Gaussian.
OUTER = {
    "itself": lambda r: r,
    "square": lambda r: r**2,
    "product": lambda r: r * r,
    "Gaussian": lambda r: xp.exp(-(r**2) / 2),
    "cosine": xp.cos,
}


@lengths
@pytest.mark.parametrize("outer", OUTER)
def test_the_second_derivative_at_zero_is_nan(name, outer):
    f, x = LENGTHS[name]
    of = lambda x: OUTER[outer](f(x))
    assert np.all(pb.grad(of)(x) == 0)
    assert np.all(np.isnan(pb.hessian(of)(x)))
    assert np.all(np.isnan(pb.hvp(of, x, np.ones_like(x))))
    assert np.all(np.isnan(pb.jacobian(pb.grad(of))(x)))


@lengths
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_first_derivative_at_zero_is_zero(name, dtype, lib):
    f, x = LENGTHS[name]
    if "complex" in name and lib.name != "numpy":
        pytest.skip("array_api_strict does not mix real and complex")
    y = lib.asarray(x, dtype)
    g = lib.to_numpy(pb.grad(f)(y))
    assert g.dtype == dtype
    if "std" in name:
        np.testing.assert_allclose(g, 0, atol=1e-6)
    else:
        assert np.all(g == 0)
    _, moved = pb.jvp(f, (x,), (np.ones_like(x),))
    assert np.all(np.isfinite(pb.to_numpy(xp.asarray(moved))))


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(
    "name", ["vector_norm 2", "vector_norm 3", "matrix_norm 1", "hypot", "std"]
)
def test_compiled(name, fast):
    f, x = LENGTHS[name]
    of = lambda x: f(x) ** 2
    compiled = pb.compile(pb.hessian(of), fast=fast)
    other = x + np.arange(x.size).reshape(x.shape) ** 1.5 + 0.5
    assert np.all(np.isnan(compiled(x)))
    np.testing.assert_allclose(compiled(other), pb.hessian(of)(other), rtol=1e-9, atol=1e-12)
    assert np.all(np.isnan(compiled(x)))
    assert np.all(pb.compile(pb.grad(of), fast=fast)(x) == 0)


def test_other_rows_keep_their_second_derivatives():
    x = np.asarray([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0], [-1.0, 2.0]])
    f = lambda x: xp.sum(la.vector_norm(x, axis=1))
    got = pb.hvp(f, x, np.ones_like(x))
    np.testing.assert_array_equal(np.isnan(got), [[True] * 2, [False] * 2] * 2)
    for i in (1, 3):
        alone = pb.hessian(la.vector_norm)(x[i])
        np.testing.assert_allclose(got[i], alone @ np.ones(2), rtol=1e-14)
        np.testing.assert_allclose(pb.hessian(f)(x)[i, :, i], alone, rtol=1e-14)
    p = np.asarray([[0.0, 1.0, 0.0], [0.0, 1.0, 2.0]])
    for g in (lambda p: xp.sum(xp.hypot(p[0], p[1])), lambda p: xp.sum(xp.abs(as_complex(p)))):
        got = pb.hvp(g, p, np.ones_like(p))
        np.testing.assert_array_equal(np.isnan(got), [[True, False, False]] * 2)
    rows = np.asarray([[0.1] * 3, [1.0, 2.0, 4.0]])
    got = pb.hvp(lambda x: xp.sum(xp.std(x, axis=1)), rows, rows)
    np.testing.assert_array_equal(np.isnan(got), [[True] * 3, [False] * 3])


def test_squares_that_are_written_as_squares():
    """What the formulas of a user, and of the library itself, should be."""
    zero = np.zeros(3)
    np.testing.assert_array_equal(pb.hessian(lambda x: xp.sum(x * x))(zero), 2 * np.eye(3))
    np.testing.assert_array_equal(
        pb.hessian(lambda x: xp.exp(-xp.vecdot(x, x) / 2))(zero), -np.eye(3)
    )
    np.testing.assert_allclose(pb.hessian(xp.var)(zero), 2 / 3 * (np.eye(3) - 1 / 3), rtol=1e-15)
    squared = lambda p: xp.sum(xp.real(xp.conj(as_complex(p)) * as_complex(p)))
    np.testing.assert_array_equal(pb.hessian(squared)(np.zeros(2)), 2 * np.eye(2))
    penalty = lambda x: pb.models.l2_penalty({"W": x})
    flat = pb.hessian(penalty)(np.zeros((2, 2))).reshape(4, 4)
    assert np.all(np.diag(flat) > 0)
    loss = lambda x: pb.models.squared_error(x, np.zeros(3))
    assert np.all(np.diag(pb.hessian(loss)(zero)) > 0)


def test_real_kinks_stay_zero_at_every_order():
    for f in (xp.abs, xp.relu, lambda x: xp.maximum(x, 0.0), lambda x: xp.minimum(x, 0.0)):
        g = lambda x, f=f: xp.sum(f(x))
        np.testing.assert_array_equal(pb.hessian(g)(np.zeros(2)), 0)
    assert pb.grad(xp.abs)(0.0) == 0
    # one element that is 0 is no kink of a norm whose other elements are not
    x = np.asarray([0.0, 1.0, 2.0])
    np.testing.assert_array_equal(pb.hessian(lambda x: la.vector_norm(x, ord=1))(x), 0)
    h = pb.hessian(la.vector_norm)(x)
    np.testing.assert_allclose(h, (np.eye(3) - np.outer(x, x) / 5) / math.sqrt(5), atol=1e-15)


def test_even_powers_are_polynomials():
    """‖x‖₄ at a zero element: derivatives of order 4 by it, which |x| would hide."""
    f = lambda t: la.vector_norm(xp.stack([t, xp.ones_like(t)]), ord=4)
    for _ in range(4):
        f = pb.grad(f)
    assert f(0.0) == pytest.approx(6.0)  # (1 + t⁴)^(1/4) = 1 + t⁴/4 + …


# ── atan2, sign, singular values ──────────────────────────────────────────────────────────────


def test_the_angle_at_the_origin():
    f = lambda p: xp.atan2(p[0], p[1])
    np.testing.assert_array_equal(pb.grad(f)(np.zeros(2)), 0)
    assert np.all(np.isnan(pb.hessian(f)(np.zeros(2))))
    got = pb.grad(lambda p: f(p) ** 2)(np.zeros(2))
    np.testing.assert_array_equal(got, 0)


def test_the_phase_at_zero():
    f = lambda p: xp.real(xp.sign(as_complex(p)))
    np.testing.assert_array_equal(pb.grad(f)(np.zeros(2)), 0)
    assert np.all(np.isnan(pb.hessian(f)(np.zeros(2))))


VALUES = {
    "svdvals": (la.svdvals, 0.0), "eigvalsh": (la.eigvalsh, 0.0), "svdvals at 1": (la.svdvals, 1.0),
    "eigvalsh at 1": (la.eigvalsh, 1.0), "norm 2 at 1": (lambda x: la.matrix_norm(x, ord=2), 1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_equal_values_have_no_second_derivative_even_without_a_first(name):
    """Σ (w − c)² at c I has the Hessian 2 I, of which the values alone give a part."""
    f, at = VALUES[name]
    of = lambda x: xp.sum((f(x) - at) ** 2)
    x = at * np.eye(2)
    np.testing.assert_allclose(pb.grad(of)(x), 0, atol=1e-15)
    assert np.all(np.isnan(pb.hessian(of)(x)))


def test_the_nuclear_norm_of_a_matrix_that_lacks_rank():
    f = lambda x: la.matrix_norm(x, ord="nuc")
    x = np.diag([2.0, 0.0])
    np.testing.assert_allclose(pb.grad(f)(x), [[1, 0], [0, 0]], atol=1e-15)
    assert np.all(np.isnan(pb.hessian(f)(x)))


# ── logarithms at 0, which are taken as 0 ─────────────────────────────────────────────────────

CORNERS = {
    "xlogy": (0.0, 0.0), "xlog1py": (0.0, -1.0), "rel_entr": (0.0, 0.0), "kl_div": (0.0, 0.0),
}  # fmt: skip


@pytest.mark.parametrize("name", CORNERS)
def test_a_slope_that_is_taken_as_zero_has_no_derivative(name):
    """∂²(x log y)/∂x∂y is 1/y: NaN at x = y = 0, where the first derivatives are finite by convention."""
    f = getattr(pb.special, name)
    v = np.asarray(CORNERS[name])
    of = lambda v: f(v[0], v[1])
    assert np.all(np.isfinite(pb.grad(of)(v)))
    mixed = pb.hessian(of)(v)
    assert np.isnan(mixed[0, 1])
    assert np.isnan(mixed[1, 0])
    # x log y with x = 0 held fast is 0 for all y
    assert pb.grad(pb.grad(lambda y: f(0.0, y)))(v[1]) == 0


# ── the ends of the range ─────────────────────────────────────────────────────────────────────
