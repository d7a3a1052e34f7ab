"""Tests of `compat/autograd/scipy/linalg.py`."""

import numpy as np
import pytest
import scipy.linalg

from pullback.compat.autograd.scipy import linalg
from pullback.compat.autograd.test_util import check_grads

A = np.asarray([[2.0, 0.3, -0.5], [0.1, 1.5, 0.7], [0.4, -0.2, 3.0]])
B = np.asarray([1.0, -2.0, 0.5])


@pytest.mark.parametrize(
    ("f", "arguments"),
    [
        (lambda a, b: linalg.solve_triangular(a, b, lower=True, trans="T"), (A, B)),
        (lambda a, b: linalg.solve_triangular(a, b), (A, A)),
        (linalg.solve_sylvester, (A, A.T, A @ A)),
        (lambda a, b: linalg.solve_banded((1, 1), a, b), (A, B)),
        (lambda a, b: linalg.expm(a * b[0]), (A, B)),
        (lambda a, b: linalg.sqrtm(a @ a.T + b[0] ** 2 * np.eye(3)), (A, B)),
        (lambda a, b: linalg.block_diag(a, b), (A, B)),
    ],
)
def test_they_are_differentiable(f, arguments):
    check_grads(f, tuple(range(len(arguments))), modes=["rev"])(*arguments)


def test_what_is_not_traced_is_scipys():
    assert np.array_equal(linalg.expm(A), scipy.linalg.expm(A))
    assert type(linalg.sqrtm(A)) is np.ndarray
    factor = linalg.lu_factor(A)
    assert np.allclose(linalg.lu_solve(factor, B), np.linalg.solve(A, B))
