"""Tests of `autograd/solve/direct/standard.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from .._errors import ALMOST, INDEFINITE, ONES
from ._solve import SHAPES, draw, host
from ._solve import host as to_host

xp = pb.xp


@pytest.mark.parametrize("number", ["real", "complex"])
@pytest.mark.parametrize("shapes", SHAPES[:8], ids=str)
def test_the_standard_s_solve(number, shapes):
    A, b = draw(shapes[0], number), draw(shapes[1], number, 1)
    A = A + 4 * np.eye(A.shape[-1])
    pb.check_grads(xp.linalg.solve, (A, b), order=2 if len(shapes[1]) < 3 else 1)
    np.testing.assert_array_equal(host(xp.linalg.solve(A, b)), np.linalg.solve(A, b))


def test_slogdet_of_singular_matrices(lib):
    ones = lib.asarray(np.ones((2, 3, 3)))
    for A in (ones, ones[0, ...]):
        sign, size = pb.vjp(lambda x: tuple(xp.linalg.slogdet(x)), A)[0]
        assert np.all(lib.to_numpy(sign) == 0)
        assert np.all(lib.to_numpy(size) == -np.inf)


la = pb.linalg


SINGULAR = la.SingularMatrixError


NOT_POSITIVE = la.NotPositiveDefiniteError


def test_the_standard_s_functions_raise_as_numpys(lib):
    A, b = lib.asarray(ONES), lib.asarray(np.ones(3))
    if lib.name != "array_api_strict":  # whose errors are NumPy's own
        for call in (lambda A: xp.linalg.solve(A, b), xp.linalg.inv):
            with pytest.raises(SINGULAR):
                call(A)
        with pytest.raises(NOT_POSITIVE):
            xp.linalg.cholesky(lib.asarray(INDEFINITE))
    with pytest.raises(np.linalg.LinAlgError):
        pb.grad(lambda A: xp.sum(xp.linalg.solve(A, b)))(A)
    with pytest.raises(np.linalg.LinAlgError):
        pb.grad(lambda A: xp.linalg.slogdet(A)[1])(A)
    almost = lib.asarray(ALMOST)  # which NumPy solves
    np.testing.assert_allclose(to_host(xp.linalg.solve(almost, b), lib), [1, 1e17, 1])
    pb.grad(lambda A: xp.sum(xp.linalg.solve(A, b)))(almost)


def test_messages_of_the_standard_s_functions():
    with pytest.raises(NOT_POSITIVE, match="order 3"):
        xp.linalg.cholesky(INDEFINITE)
    with pytest.raises(NOT_POSITIVE, match=r"matrix \[1\].*order 3"):
        xp.linalg.cholesky(np.stack([np.eye(4), INDEFINITE]))
    with pytest.raises(SINGULAR, match=r"matrix \[1\].*pivot 1"):
        xp.linalg.inv(np.stack([np.eye(3), ONES]))
