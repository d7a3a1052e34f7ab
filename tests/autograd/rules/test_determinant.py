"""The derivative of the determinant by the inverse and by singular values: the choice, and its accuracy."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import pullback as pb
from pullback.autograd.rules import linalg as rules

xp = pb.xp
RNG = np.random.default_rng(0)


def exact_cofactors(A):
    """Of rational numbers, without rounding: the determinants of all minors, by expansion."""
    A = [[Fraction(float(v)) for v in line] for line in A]

    def det(M):
        if not M:
            return Fraction(1)
        minors = ([row[:j] + row[j + 1 :] for row in M[1:]] for j in range(len(M)))
        return sum((-1) ** j * M[0][j] * det(minor) for j, minor in enumerate(minors))

    n = len(A)
    return np.array(
        [
            [
                float(
                    (-1) ** (i + j) * det([r[:j] + r[j + 1 :] for k, r in enumerate(A) if k != i])
                )
                for j in range(n)
            ]
            for i in range(n)
        ]
    )


def with_singular_values(*s):
    n = len(s)
    U, V = (np.linalg.qr(RNG.standard_normal((n, n)))[0] for _ in range(2))
    return (U * np.asarray(s)) @ V


MATRICES = {
    "far from singular": with_singular_values(3.0, 2.0, 1.0, 1.5, 0.7),
    "condition 1e6": with_singular_values(3.0, 2.0, 1.0, 1.5, 3e-6),
    "condition 1e14": with_singular_values(3.0, 2.0, 1.0, 1.5, 3e-14),
    "two small": with_singular_values(3.0, 2.0, 1.0, 1e-6, 1e-6),
    "of integers, singular": np.array([[1.0, 2, 3, 4], [2, 1, 1, 0], [3, 3, 4, 4], [0, 5, 1, 2]]),
    "rank 2": np.array([[1.0, 2, 3, 4], [2, 4, 6, 8], [1, 1, 1, 1], [2, 3, 4, 5]]),
    "a row of zeros": np.diag([1.0, 2.0, 3.0, 0.0]),
    "zeros": np.zeros((4, 4)),
    "determinant underflows": 1e-70 * with_singular_values(3.0, 2.0, 1.0, 1.5, 0.7),
    "determinant loses digits": 1e-64 * with_singular_values(1.0, 1.0, 1.0, 1.0, 1.0),
    "determinant overflows": 1e65 * with_singular_values(3.0, 2.0, 1.0, 1.5, 0.7),
}


@pytest.mark.parametrize("name", MATRICES)
@np.errstate(over="ignore")
def test_cofactors_against_exact_arithmetic(name):
    """Within what rounding the matrix makes of them: its size times the largest minors of two lines less."""
    A = MATRICES[name]
    s = np.linalg.svd(A, compute_uv=False)
    np.testing.assert_allclose(
        pb.grad(xp.linalg.det)(A),
        exact_cofactors(A),
        rtol=0,
        atol=1e-14 * s[0] * np.prod(s[:-2]),
    )


def test_batches_take_for_each_matrix_what_it_allows(monkeypatch):
    by_singular_values = []
    original = rules._cofactors

    def counted(x, xp):
        if x.shape[-1] > 3:
            by_singular_values.append(x.shape)
        return original(x, xp)

    monkeypatch.setattr(rules, "_cofactors", counted)
    regular = np.stack([A for A in MATRICES.values() if A.shape == (5, 5)][:2])
    pb.grad(lambda x: xp.sum(xp.linalg.det(x)))(regular)
    assert by_singular_values == []
    singular = np.stack([np.diag([1.0, 2.0, 3.0, d]) for d in (0.0, 1.0, 0.0, 2.0, 5.0, 1.0)])
    weights = np.arange(1.0, 7.0).reshape(2, 3)
    got = pb.grad(lambda x: xp.sum(weights * xp.linalg.det(x)))(singular.reshape(2, 3, 4, 4))
    assert by_singular_values == [(2, 4, 4)]
    expected = [w * exact_cofactors(A) for w, A in zip(weights.ravel(), singular, strict=True)]
    np.testing.assert_allclose(got.reshape(6, 4, 4), expected, rtol=1e-13)


def test_second_derivatives_on_both_sides_of_the_limit():
    """det is linear in each element, so that central differences of its gradient are exact but for rounding."""
    for smallest in (1.0, 1e-4, 1e-6, 1e-10, 0.0):
        A = with_singular_values(3.0, 2.0, 1.5, smallest)
        V = RNG.standard_normal((4, 4))
        numeric = (exact_cofactors(A + 1e-3 * V) - exact_cofactors(A - 1e-3 * V)) / 2e-3
        np.testing.assert_allclose(pb.hvp(xp.linalg.det, A, V), numeric, atol=2e-5)


def test_no_value_is_looked_at_on_a_device(lib):
    """Elsewhere than on NumPy, the singular values serve all matrices, with the same result."""
    A = np.stack([A for A in MATRICES.values() if A.shape == (4, 4)])
    regular = RNG.standard_normal((2, 4, 4)) + 3 * np.eye(4)
    x = lib.asarray(np.concatenate([A, regular]))
    assert (rules._by_inverse(x, x[:, 0, 0]) is None) == (lib.name != "numpy")
    got = pb.grad(lambda x: xp.sum(xp.linalg.det(x)))(x)
    expected = [exact_cofactors(a) for a in lib.to_numpy(x)]
    np.testing.assert_allclose(lib.to_numpy(got), expected, rtol=1e-11, atol=1e-11)
