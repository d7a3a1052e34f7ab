"""Tests of `autograd/solve/sparse/construct.py`: what its rows in `_assembly.py` leave out."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as ss

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

sparse, xp = pb.sparse, pb.xp


@pytest.mark.parametrize("shape", [(3,), (3, 4), (4, 2), (0,), (0, 3)])
@pytest.mark.parametrize("k", [0, 1, -2])
@pytest.mark.parametrize("format", [None, "csr", "csc", "coo"])
def test_eye(shape, k, format):
    try:
        wanted = ss.eye_array(*shape, k=k)
    except ValueError:
        with pytest.raises(ValueError, match="outside"):
            sparse.eye_array(*shape, k=k)
        return
    got = sparse.eye_array(*shape, k=k, dtype="float32", format=format)
    assert got.dtype == "float32"
    assert got.format == (format or "csr")
    np.testing.assert_array_equal(pb.to_numpy(got.toarray()), wanted.toarray())


@pytest.mark.parametrize(
    "arguments",
    [
        ([[1.0, 2.0, 3.0, 4.0], [3.0, 4.0]], {"offsets": [0, 1], "shape": (3, 3)}),  # one is longer
        ([[1.0, 2.0, 3.0], [3.0, 4.0, 6.0]], {"offsets": [0, 1], "shape": (5, 3)}),
        ([1.0, -2.0, 1.0], {"offsets": [-1, 0, 1], "shape": (4, 5)}),
        ([1.0, -2.0, 1.0], {"offsets": [-1, 0, 1]}),
        ([1.0, 2.0, 3.0], {}),
        ([1.0, 2.0], {"offsets": 2}),
        ([1.0, 2.0], {"offsets": -1}),
        ([[1.0, 2.0, 1.0]], {"offsets": [0]}),
        (np.ones(3), {"offsets": 1}),
        (np.ones((2, 3)), {"offsets": [0, 1], "shape": (3, 3)}),
        ([np.ones(2), 3.0], {"offsets": [1, 0], "shape": (3, 3)}),
        ([[1.0]], {"offsets": [3], "shape": (3, 3)}),
        ([1, 2], {"dtype": "complex64"}),
    ],
    ids=str,
)
def test_diagonals_as_scipy_reads_them(arguments):
    diagonals, settings = arguments
    wanted = ss.diags_array(diagonals, **settings)
    got = sparse.diags_array(diagonals, **settings)
    np.testing.assert_array_equal(pb.to_numpy(got.toarray()), wanted.toarray())
    assert got.nnz == wanted.nnz


def test_numbers_among_diagonals_do_not_widen_them():
    d = np.ones(3, "float32")
    assert sparse.diags_array([d, 2.0, [1.0, 1.0]], offsets=[0, 1, -1]).dtype == "float32"
    assert sparse.diags_array([d, 2j], offsets=[0, 1]).dtype == "complex64"
    assert sparse.diags_array([d, np.ones(2)], offsets=[0, 1]).dtype == "float64"
    assert sparse.diags_array([1, 2, 3]).dtype == "float64"


def test_numbers_may_be_traced():
    """A stencil with parameters: each is repeated along its diagonal."""

    def f(a, b):
        A = sparse.diags_array([a, b, a], offsets=[-1, 0, 1], shape=(4, 4))
        B = sparse.diags_array([a, b, a * b, b])
        return pb.linalg.spsolve(A, np.arange(1.0, 5.0)) + B @ np.ones(4)

    pb.check_grads(f, (np.asarray(-1.0), np.asarray(2.5)), order=2)


def test_dense_blocks_may_be_traced():
    M = np.asarray([[1.0, 0.0], [2.0, 3.0]])
    g = lambda M, v: sparse.block_array([[M, None], [v, M]]).toarray()
    out = pb.to_numpy(g(M, M + 1))
    np.testing.assert_array_equal(out, np.block([[M, np.zeros((2, 2))], [M + 1, M]]))
    pb.check_grads(g, (M, M + 1), order=2)
    pb.check_grads(lambda M, v: sparse.kron(M, v).toarray(), (M, np.asarray([1.0, 0.0])), order=2)
    pb.check_grads(lambda M, v: sparse.block_diag([M, v, v[0]]).toarray(), (M, M[1]), order=2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sparse.diags_array([[1.0, 2.0], [3.0]], offsets=[0]), "2 diagonals and 1 offsets"),
        (lambda: sparse.diags_array([[1.0, 2.0], [3.0]]), "2 diagonals and one offset"),
        (lambda: sparse.diags_array([[1.0], [3.0]], offsets=[0, 0]), "twice"),
        (lambda: sparse.diags_array(np.ones(3), offsets=5, shape=(3, 3)), "outside"),
        (lambda: sparse.diags_array([np.ones(2)], offsets=[0], shape=(3, 3)), "3 elements are needed"),
        (lambda: sparse.eye_array(3, k=5), "outside"),
        (lambda: sparse.eye_array(-1), "at least 0"),
        (lambda: sparse.eye_array(3, format="dia"), "the formats here"),
        (lambda: sparse.kron(np.eye(2), np.eye(2), format="bsr"), "the formats here"),
        (lambda: sparse.kronsum(np.ones((2, 3)), np.eye(2)), "square"),
        (lambda: sparse.block_array([[np.eye(3), np.eye(2)]]), "row 0 have"),
        (lambda: sparse.block_array([[np.eye(3)], [np.eye(2)]]), "column 0 have"),
        (lambda: sparse.block_array([[None]]), "every block is None"),
        (lambda: sparse.block_array([[np.eye(2)], [np.eye(2), None]]), "as many blocks"),
        (lambda: sparse.block_array([]), "as many blocks"),
    ],
)  # fmt: skip
def test_what_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_integers_are_refused_where_they_are_asked_for():
    for make in (
        lambda: sparse.eye_array(3, dtype=int),
        lambda: sparse.diags_array([1, 2], dtype="int32"),
        lambda: sparse.random_array((3, 3), dtype=int),
        lambda: sparse.csr_array(np.eye(2), dtype=int),
    ):
        with pytest.raises(TypeError, match="floating-point"):
            make()


def test_a_grid_keeps_the_format_of_its_blocks():
    R, C = sparse.eye_array(2), sparse.eye_array(2, format="csc")
    assert sparse.vstack([R, R]).format == "csr"
    assert sparse.hstack([C, C]).format == "csc"
    assert sparse.hstack([R, R]).format == ss.hstack([ss.eye_array(2).tocsr()] * 2).format
    assert sparse.vstack([R, C]).format == "coo"
    assert sparse.block_array([[R]], dtype="complex64").dtype == "complex64"
    assert sparse.block_array([[None, None], [None, R]]).shape == (2, 2)


def test_random_matrices_are_scipys():
    got = sparse.random_array((7, 5), density=0.3, rng=3, format="csr")
    wanted = ss.random_array((7, 5), density=0.3, rng=3)
    np.testing.assert_array_equal(pb.to_numpy(got.toarray()), wanted.toarray())


def test_what_is_made_lies_on_the_active_backend(lib, backend):
    for A in (
        sparse.eye_array(3),
        sparse.diags_array([1.0, 2.0], offsets=[0, 1], shape=(3, 3)),
        sparse.kron([[1.0, 2.0]], sparse.eye_array(2)),
        sparse.block_diag([[[1.0]], 2.0]),
        sparse.random_array((3, 3), density=0.5),
        sparse.csr_array((2, 3)),
    ):
        data = A.data.value if isinstance(A.data, pb.Array) else A.data
        assert lib.is_raw(data), A
        assert lib.is_raw(A.tocsr().indices)
