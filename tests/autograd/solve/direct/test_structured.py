"""Tests of `autograd/solve/direct/structured.py`."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import scipy.linalg

import pullback as pb
from pullback.autograd.solve.errors import SingularMatrixError

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._solve import _band, draw, host

xp = pb.xp


la = pb.linalg


def test_bandwidths_are_found():
    A = host(_band(xp.asarray(draw((6, 6))), 2, 1))
    b = draw((6,))
    np.testing.assert_allclose(host(la.solve(A, b, assume="banded")), np.linalg.solve(A, b))
    zero = la.solve(np.eye(3) * 2, np.ones(3), assume="banded")
    np.testing.assert_allclose(host(zero), 0.5)


def _diagonals(rows: int, number: str, main: int) -> np.ndarray:
    ab = draw((rows, 5), number)
    ab[main] = 4 + (ab[main].real if rows == 3 else ab[main])
    return ab


@pytest.mark.parametrize("number", ["real", "complex"])
@pytest.mark.parametrize("widths", [(0, 0), (1, 1), (2, 1), (0, 2), (4, 4)])
def test_solve_banded(number, widths, lib):
    ab, b = _diagonals(sum(widths) + 1, number, widths[1]), draw((5, 2), number, 1)
    wanted = scipy.linalg.solve_banded(widths, ab, b)
    f = functools.partial(la.solve_banded, widths)
    np.testing.assert_allclose(host(f(lib.asarray(ab), lib.asarray(b)), lib), wanted, atol=1e-12)
    pb.check_grads(f, (ab, b), order=2)
    pb.check_grads(f, (np.stack([ab, 1.5 * ab]), b[:, 0]), order=1)


@pytest.mark.parametrize("number", ["real", "complex"])
@pytest.mark.parametrize("lower", [False, True])
def test_solveh_banded(number, lower, lib):
    ab, b = _diagonals(3, number, 0 if lower else 2), draw((5, 2), number, 1)
    f = functools.partial(la.solveh_banded, lower=lower)
    wanted = scipy.linalg.solveh_banded(ab, b, lower=lower)
    np.testing.assert_allclose(host(f(lib.asarray(ab), lib.asarray(b)), lib), wanted, atol=1e-12)
    pb.check_grads(f, (ab, b), order=2)


@pytest.mark.parametrize("number", ["real", "complex"])
@pytest.mark.parametrize("n", [1, 4, 5])
def test_solve_circulant(number, n, lib):
    c, b = draw((n,), number), draw((n, 2), number, 1)
    c[0] += 4
    wanted = scipy.linalg.solve_circulant(c, b)
    found = la.solve_circulant(lib.asarray(c), lib.asarray(b))
    np.testing.assert_allclose(host(found, lib), wanted, atol=1e-12)
    pb.check_grads(la.solve_circulant, (c, b), order=3)


def test_structure_of_a_band_that_is_named():
    A = np.eye(3) + np.diag([1.0], 2)
    with pytest.raises(la.StructureError):
        la.solve(A, np.ones(3), assume="banded", bandwidths=(1, 1), check="structure")
    la.solve(A, np.ones(3), assume="banded", check="structure")


@pytest.mark.parametrize(
    ("f", "said"),
    [
        (lambda: la.solveh_banded(np.zeros((0, 3)), np.ones(3)), r"ab has to be .* not \(0, 3\)"),
        (lambda: la.solve_banded((0, -1), np.zeros((0, 3)), np.ones(3)), "u = -1"),
        (lambda: la.solve_banded((-1, 1), np.zeros((1, 3)), np.ones(3)), "l = -1"),
    ],
)
def test_bands_without_the_main_diagonal_are_refused(f, said):
    with pytest.raises(ValueError, match=said):
        f()


def test_a_circulant_of_zeros_is_singular():
    with pytest.raises(SingularMatrixError) as told:
        pb.linalg.solve_circulant(np.zeros(3), np.ones(3))
    assert "nan" not in str(told.value)
