"""Sparse matrices: SciPy's answers, gradients on the pattern, systems by one factor, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as ss

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._formats import (
    host,
    kind,  # noqa: F401 - a fixture
    matrix,
    rng,
)

xp, sparse = pb.xp, pb.sparse


# ── forms and products ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("shape", [(6, 6), (4, 7), (7, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_as_scipy_has_it(kind, shape, dtype):  # noqa: F811 - a fixture
    S = matrix(shape[1], shape[0], dtype)
    A, D = kind(S), S.toarray()
    assert A.shape == shape
    assert A.ndim == 2
    assert A.dtype == dtype
    assert A.nnz == S.nnz
    for B in (A, A.tocsr(), A.tocsc(), A.tocoo(), A.T.T, kind(A)):
        np.testing.assert_array_equal(host(B.toarray()), D)
    np.testing.assert_array_equal(host(A.T.toarray()), D.T)
    np.testing.assert_array_equal(host(A.conj().toarray()), D.conj())
    np.testing.assert_array_equal(host(A.diagonal()), D.diagonal())
    rtol = 1e-5 if dtype in ("float32", "complex64") else 1e-12
    close = lambda mine, theirs: np.testing.assert_allclose(
        host(mine), theirs, rtol=rtol, atol=rtol
    )
    for axis in (None, 0, 1):
        close(A.sum(axis=axis), D.sum(axis=axis))
    close((2 * A - A / 4).toarray(), 1.75 * D)
    close((A + kind(S)).toarray(), 2 * D)
    close((A + A.tocsr() + A.tocsc()).toarray(), 3 * D)
    for x in (rng().normal(size=shape[1]), rng().normal(size=(shape[1], 3))):
        x = x.astype(dtype)
        close(A @ x, D @ x)
        close(A.dot(xp.asarray(x)), D @ x)
        assert (A @ x).dtype == dtype
    for y in (rng().normal(size=shape[0]), rng().normal(size=(2, shape[0]))):
        y = y.astype(dtype)
        close(y @ A, y @ D)
        close(xp.asarray(y) @ A, y @ D)


def test_a_dense_matrix_keeps_what_is_not_zero(kind):  # noqa: F811 - a fixture
    D = np.asarray([[0.0, 2.0], [3.0, 0.0]])
    for given in (D, D.tolist(), xp.asarray(D)):
        A = kind(given)
        assert A.nnz == 2
        np.testing.assert_array_equal(host(A.toarray()), D)


# ── gradients ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_single_precision_stays(kind, dtype):  # noqa: F811 - a fixture
    A = kind(matrix(dtype=dtype))
    b = np.ones(6, "float32")
    assert pb.linalg.spsolve(A, b).dtype == dtype
    g = pb.grad(lambda A: xp.real(xp.sum(pb.linalg.spsolve(A, b))))(A)
    assert g.data.dtype == dtype
    assert pb.grad(lambda A: xp.real(xp.sum(A @ b)))(A).data.dtype == dtype


def test_elements_may_be_functions_of_parameters():
    S = matrix()

    def f(p):
        A = sparse.csr_array((xp.exp(p) * S.data, S.indices, S.indptr), shape=S.shape)
        return pb.linalg.spsolve(A, np.ones(6))

    pb.check_grads(f, (np.asarray(0.3),), order=3)


def test_krylov_solvers_take_ours(kind):  # noqa: F811 - a fixture
    S = matrix()
    S = (S @ S.T + ss.eye_array(6)).tocsr()
    A, b = kind(S), rng().normal(size=6)
    for solver in (pb.linalg.cg, pb.linalg.gmres, pb.linalg.bicgstab, pb.linalg.minres):

        def f(A, b, solver=solver):
            return solver(A, b, rtol=1e-13)[0]

        np.testing.assert_allclose(host(f(A, b)), np.linalg.solve(S.toarray(), b), rtol=1e-8)
        if solver is pb.linalg.gmres:
            pb.check_grads(f, (A, b), order=2)


def test_the_second_device_of_a_strict_library():
    strict = pytest.importorskip("array_api_strict", reason="there is no second library")
    device = strict.Device("device1")
    S = matrix()
    there = lambda x: strict.asarray(np.asarray(x), device=device)
    A = sparse.csr_array((there(S.data), there(S.indices), there(S.indptr)), shape=S.shape)
    b = there(rng().normal(size=6))
    v = pb.linalg.spsolve(A, b)
    assert v.device == device
    np.testing.assert_allclose(host(A @ v), host(b), atol=1e-12)
    g = pb.grad(lambda A: xp.sum(pb.linalg.spsolve(A, b) ** 2))(A)
    assert g.data.device == device
    wanted = pb.grad(lambda A: xp.sum(pb.linalg.spsolve(A, host(b)) ** 2))(sparse.csr_array(S))
    np.testing.assert_allclose(host(g.data), wanted.data, rtol=1e-9)
    np.testing.assert_allclose(host(A.tocsc().toarray()), S.toarray())


@pytest.mark.parametrize("made", [sparse.csr_array, sparse.csc_array, sparse.coo_array])
def test_elements_that_were_moved_as_leaves_take_their_pattern_along(lib, made):
    """As training moves the matrix of a graph with its other data."""
    A, b = made(matrix()), rng().normal(size=6)
    there, c = pb.tree.map(lib.asarray, A), lib.asarray(b)
    for f in (lambda A, b: A @ b, lambda A, b: A.T @ b, pb.linalg.spsolve):
        got = f(there, c)
        assert lib.is_raw(got.value)
        np.testing.assert_allclose(host(got), host(f(A, b)), rtol=1e-9)
        loss = lambda A, b, f=f: xp.sum(f(A, b) ** 2)
        for x, wanted in zip(
            pb.tree.leaves(pb.grad(loss, (0, 1))(there, c)),
            pb.tree.leaves(pb.grad(loss, (0, 1))(A, b)),
            strict=True,
        ):
            assert lib.is_raw(x)
            np.testing.assert_allclose(lib.to_numpy(x), wanted, rtol=1e-8)
        compiled = pb.compile(loss, fast=False)
        np.testing.assert_allclose([float(compiled(there, c)) for _ in range(2)], float(loss(A, b)))


@pytest.mark.parametrize("made", [sparse.csr_array, sparse.csc_array, sparse.coo_array])
def test_lazy_elements_on_a_pattern_of_the_host(made):
    """Dask does not know how often a lazy array of counts repeats: it takes indices from the host."""
    from_array = pytest.importorskip("dask.array", reason="Dask is not installed").from_array
    S, b = matrix(), rng().normal(size=6)
    A, B = made(S), S.tocoo()
    moved = pb.tree.map(from_array, A)
    lazy = made(sparse.coo_array((from_array(B.data), (B.row.tolist(), B.col)), shape=S.shape))
    loss = lambda A, b: xp.sum((A @ b) ** 2)
    for D in (moved, moved.tocsc(), lazy):
        c = from_array(b)
        np.testing.assert_allclose(host(D @ c), S @ b)
        np.testing.assert_allclose(host(D.T @ c), S.T @ b)
        np.testing.assert_allclose(S @ host(pb.linalg.spsolve(D, c)), b, atol=1e-9)
    for got, wanted in zip(
        pb.tree.leaves(pb.grad(loss, (0, 1))(moved, from_array(b))),
        pb.tree.leaves(pb.grad(loss, (0, 1))(A, b)),
        strict=True,
    ):
        np.testing.assert_allclose(host(got), wanted)


# ── what is refused ───────────────────────────────────────────────────────────────────────────


# ── how SciPy's constructors are called ───────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["csr_array", "csc_array", "coo_array"])
def test_constructors_are_called_as_scipys(name):
    mine, theirs = getattr(sparse, name), getattr(ss, name)
    data, row, col = [1.0, 2.0, 4.0], [0, 0, 1], [1, 1, 0]
    for arguments, settings in (
        (((3, 4),), {}),
        (((data, (row, col)),), {}),
        (((data, (row, col)), (3, 3)), {}),
        (((data, (row, col)),), {"shape": (2, 5), "dtype": "float32", "copy": True}),
        ((np.eye(2), None, "complex64"), {}),
    ):
        got, wanted = mine(*arguments, **settings), theirs(*arguments, **settings)
        assert (got.shape, got.nnz, got.dtype) == (wanted.shape, wanted.nnz, wanted.dtype)
        np.testing.assert_array_equal(host(got.toarray()), wanted.toarray())


def test_compressed_matrices_of_coordinates_have_scipys_arrays():
    """Elements at one position are added up when coordinates are compressed, and their gradient reaches each."""
    data, row, col = np.asarray([1.0, 2.0, 4.0, 8.0]), [1, 0, 1, 0], [1, 1, 1, 0]
    for name in ("tocsr", "tocsc"):
        mine = getattr(sparse.coo_array((data, (row, col))), name)()
        theirs = getattr(ss.coo_array((data, (row, col))), name)()
        for part in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(getattr(mine, part), getattr(theirs, part))
        f = lambda data, name=name: getattr(sparse.coo_array((data, (row, col))), name)().data ** 2
        pb.check_grads(f, (data,), order=2)
    A = sparse.csr_array((data, [1, 1, 0, 0], [0, 2, 4]))
    assert A.nnz == 4
    A.sum_duplicates()
    assert A.nnz == 2
    np.testing.assert_array_equal(A.data, [3, 12])


def test_vectors():
    v = sparse.coo_array(([1.0, 2.0, 4.0], ([3, 0, 3],)), shape=(5,))
    assert (v.shape, v.ndim, v.nnz) == ((5,), 1, 3)
    (index,) = v.coords
    np.testing.assert_array_equal(index, [3, 0, 3])
    np.testing.assert_array_equal(host(v.toarray()), [2, 0, 0, 5, 0])
    assert v.T is v
    w = sparse.coo_array(ss.coo_array(np.asarray([0.0, 3.0, 0.0, 1.0, 0.0])))
    assert float(v @ w) == 5.0
    np.testing.assert_array_equal(
        host(sparse.coo_array(v.reshape(1, -1)).toarray())[0], [2, 0, 0, 5, 0]
    )
    g = pb.grad(lambda v: (v @ v) ** 2)(v)
    assert g.shape == (5,)
    np.testing.assert_allclose(g.data, 4 * 29 * np.asarray([5.0, 2.0, 5.0]))
    for make in (v.tocsr, v.tocsc):
        with pytest.raises(ValueError, match="reshape"):
            make()
    with pytest.raises(ValueError, match="diagonal of a vector"):
        v.diagonal()
    with pytest.raises(ValueError, match="one number"):
        sparse.coo_array(([1.0], ([0],)), shape=(5, 5))
