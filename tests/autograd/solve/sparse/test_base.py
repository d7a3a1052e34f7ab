"""Tests of `autograd/solve/sparse/base.py`."""

from __future__ import annotations

import functools
import pickle

import numpy as np
import scipy.sparse as ss

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._edge_cases import B, S
from ._formats import (
    host,
    kind,  # noqa: F401 - a fixture
    matrix,
    rng,
)

xp = pb.xp


def test_pickles_and_says_what_it_is(kind):  # noqa: F811 - a fixture
    A = kind(matrix())
    B = pickle.loads(pickle.dumps(A))
    np.testing.assert_array_equal(host(A.toarray()), host(B.toarray()))
    assert repr(A) == f"<{kind.__name__} (6, 6), {A.nnz} stored elements, float64>"
    seen = []
    pb.grad(lambda A: (seen.append(repr(A)), xp.sum(A @ np.ones(6)))[1])(A)
    assert seen[0].endswith("traced>")


def test_scipys_own_matrices_are_taken():
    S, b = matrix(), rng().normal(size=6)
    for A in (S, S.tocsc(), S.tocoo(), ss.csr_matrix(S)):
        pb.check_grads(functools.partial(pb.linalg.spsolve, A), (b,))
        np.testing.assert_allclose(
            host(pb.linalg.factorize(A).solve(b)), np.linalg.solve(S.toarray(), b)
        )


sparse = pb.sparse


def test_lists_multiply_from_both_sides():
    A = sparse.csr_array(S)
    np.testing.assert_allclose(pb.to_numpy(A @ B.tolist()), S @ B)
    np.testing.assert_allclose(pb.to_numpy(B.tolist() @ A), B @ S)
