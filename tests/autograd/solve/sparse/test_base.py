"""Tests of `autograd/solve/sparse/base.py`."""

from __future__ import annotations

import functools
import pickle

import numpy as np
import pytest
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


def test_conversions_by_name(kind):  # noqa: F811 - a fixture
    A = kind(S)
    assert A.asformat(None) is A
    for format in ("csr", "csc", "coo"):
        B = A.asformat(format)
        assert B.format == format
        assert (B is A) == (format == A.format)
        assert A.asformat(format, copy=True) is not A
    with pytest.raises(ValueError, match="the formats here"):
        A.asformat("dia")
    assert A.astype("float32").dtype == "float32"
    assert A.astype("complex128").T.dtype == "complex128"
    for dtype, casting in ((int, "unsafe"), ("float32", "safe")):
        with pytest.raises(TypeError):
            A.astype(dtype, casting)
    assert A.transpose(axes=(0, 1)) is A
    assert A.mT.shape == A.transpose((1, 0)).shape == (3, 3)


def test_scipys_matrices_stand_on_both_sides(kind):  # noqa: F811 - a fixture
    A, D = kind(S), S.toarray()
    for theirs in (S, S.tocsc(), S.tocoo()):
        for got, wanted in (
            (A + theirs, 2 * D), (theirs + A, 2 * D), (theirs - A, 0 * D), (A - theirs, 0 * D),
            (A @ theirs, D @ D), (theirs @ A, D @ D), (A * theirs, D * D), (theirs * A, D * D),
        ):  # fmt: skip
            assert sparse.is_sparse(got)
            np.testing.assert_allclose(host(got.toarray()), wanted)


def test_traced_dense_arrays_on_both_sides(kind):  # noqa: F811 - a fixture
    A = kind(S)
    x = np.arange(1.0, 10.0).reshape(3, 3)
    np.testing.assert_allclose(host(x - A), x - S.toarray())
    np.testing.assert_allclose(host((x * A).toarray()), x * S.toarray())
    for f in (
        lambda A, x: (A * x).toarray() + (x * A).toarray(),
        lambda A, x: A + x,
        lambda A, x: x + A,
        lambda A, x: (x - A) * (A - x),
        lambda A, x: (A / x).toarray(),
        lambda A, x: (A * x[0, 0] + A * 2.0 * A[0, 0]).toarray(),
    ):
        pb.check_grads(f, (A, x), order=2)


def test_sums_that_leave_no_zero_are_refused():
    A = sparse.csr_array(S)
    assert A + 0 is A
    for make in (
        lambda: A + 1.0,
        lambda: 1.0 - A,
        lambda: pb.grad(lambda x: xp.sum((A + x).data))(0.0),
    ):
        with pytest.raises(NotImplementedError, match="no zero would stay"):
            make()
    with pytest.raises(TypeError, match="0 / 0"):
        A / A
    with pytest.raises(TypeError):
        2.0 / A
    with pytest.raises(ValueError, match="do not fit"):
        A @ sparse.csr_array((2, 3))
    with pytest.raises(TypeError, match="nnz"):
        len(A)


def test_copies_are_of_their_own(kind):  # noqa: F811 - a fixture
    A = kind(S)
    B = A.copy()
    pb.to_numpy(B.data)[...] = 0
    np.testing.assert_array_equal(host(A.toarray()), S.toarray())
