"""Tests of `autograd/solve/sparse/arithmetic.py`: the table of `_assembly.py` against SciPy, and its derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as ss

import pullback as pb

from ._assembly import TABLE, dense, operands, ours

xp = pb.xp

REAL = ["float64", "float32"]
DTYPES = [*REAL, "complex128", "complex64"]


def _on(row, arrays, there):
    return row.call(pb.sparse, *(ours(S, there) for S in arrays))


@pytest.mark.parametrize("row", TABLE, ids=str)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_as_scipy_has_it(row, lib, backend):
    for dtype in REAL if row.real else DTYPES:
        _as_scipy(row, dtype, lib)


def _as_scipy(row, dtype, lib):
    arrays = operands(dtype)
    theirs, mine = row.call(ss, *arrays), _on(row, arrays, lib.asarray)
    narrow = dtype in ("float32", "complex64")
    wanted = np.asarray(dense(theirs))
    got = dense(mine)
    assert tuple(got.shape) == wanted.shape, dtype
    close = {"rtol": 1e-5, "atol": 1e-6} if narrow else {"rtol": 1e-12, "atol": 1e-14}
    np.testing.assert_allclose(lib.to_numpy(got.value), wanted, err_msg=dtype, **close)
    assert pb.sparse.is_sparse(mine) == ss.issparse(theirs)
    if row.differs:
        return
    assert mine.dtype == theirs.dtype
    if ss.issparse(theirs):
        assert mine.format == {"dia": "csr", "bsr": "coo"}.get(theirs.format, theirs.format)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("row", TABLE, ids=str)
def test_derivatives_in_the_elements(row, dtype):
    if row.real and dtype.startswith("c"):
        pytest.skip("of real elements alone")
    with pb.backend.use("numpy"):
        matrices = tuple(ours(S, np.asarray) for S in operands(dtype))
        pb.check_grads(lambda *M: dense(row.call(pb.sparse, *M)), matrices, order=2)


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_compiled_and_with_other_elements(row):
    """The gradient of a compiled function, on other elements at the second call."""
    with pb.backend.use("numpy"):

        def f(*M):
            out = dense(row.call(pb.sparse, *M))
            weights = np.cos(np.arange(float(out.size))).reshape(out.shape)
            return xp.sum(out * weights * out)

        gradient = pb.grad(f, (0, 1, 2, 3))
        compiled = pb.compile(gradient)
        for factor in (1.0, 0.5):
            M = [ours(S, np.asarray) * factor for S in operands()]
            wanted, got = (pb.tree.flatten(g(*M))[0] for g in (gradient, compiled))
            for x, y in zip(got, wanted, strict=True):
                np.testing.assert_allclose(pb.to_numpy(x), pb.to_numpy(y), rtol=1e-10, atol=1e-12)


def laplacian(c, n):
    """−∇·(c ∇u) on n × n points of the unit square, c on the edges of the grid, u = 0 around it, as one writes it."""
    s = pb.sparse
    h = 1 / (n + 1)
    D = s.diags_array([1.0, -1.0], offsets=[0, -1], shape=(n + 1, n)) / h  # points → edges
    one = s.eye_array(n)
    Dx, Dy = s.kron(D, one, format="csr"), s.kron(one, D, format="csr")
    m = n * (n + 1)
    return Dx.T @ s.diags_array(c[:m]) @ Dx + Dy.T @ s.diags_array(c[m:]) @ Dy


def test_a_laplacian_with_coefficients_is_assembled_and_inverted_for():
    """The use that all this is for: the gradient of a solution in conductivities, against SciPy's."""
    with pb.backend.use("numpy"):
        n = 5
        rng = np.random.default_rng(0)
        c, b = rng.uniform(1, 2, 2 * n * (n + 1)), rng.normal(size=n * n)

        def loss(c):
            return xp.sum(pb.linalg.spsolve(laplacian(c, n), b) ** 2)

        A = laplacian(c, n)
        D = ss.diags_array([np.ones(n), -np.ones(n)], offsets=[0, -1], shape=(n + 1, n)) * (n + 1)
        G = ss.vstack([ss.kron(D, ss.eye_array(n)), ss.kron(ss.eye_array(n), D)])
        wanted = (G.T @ ss.diags_array(c) @ G).toarray()
        np.testing.assert_allclose(pb.to_numpy(A.toarray()), wanted, rtol=1e-12, atol=1e-12)
        u = np.linalg.solve(wanted, b)
        lam = np.linalg.solve(wanted, 2 * u)
        # the adjoint: dL/dc_e = −(G λ)_e (G u)_e
        np.testing.assert_allclose(pb.grad(loss)(c), -(G @ lam) * (G @ u), rtol=1e-9, atol=1e-14)
        pb.check_grads(loss, (c,), order=2)
        fast = pb.compile(pb.grad(loss))
        for x in (c, c + 0.5):
            np.testing.assert_allclose(fast(x), pb.grad(loss)(x), rtol=1e-9, atol=1e-14)
        product = pb.hvp(loss, c, np.ones_like(c))
        step = 1e-5
        numeric = (pb.grad(loss)(c + step) - pb.grad(loss)(c - step)) / (2 * step)
        np.testing.assert_allclose(product, numeric, rtol=1e-6, atol=1e-9)


def test_matrices_without_elements(lib, backend):
    """Nothing stored, no rows, no columns: shapes are right, and zeros come out."""
    s = pb.sparse
    for shape, other in (((3, 4), (4, 2)), ((0, 4), (4, 2)), ((3, 0), (0, 2))):
        A, B = s.csr_array(shape), s.csc_array(other)
        for got, wanted in (
            (A @ B, (shape[0], other[1])), (A + A, shape), (A * A, shape), (A.T, shape[::-1]),
            (s.kron(A, B), (shape[0] * other[0], shape[1] * other[1])), (A[:2], (min(2, shape[0]), shape[1])),
            (s.vstack([A, A]), (2 * shape[0], shape[1])), (A.tocsc(), shape), (A.power(2), shape),
            (A * lib.asarray(np.ones(shape)), shape),
        ):  # fmt: skip
            assert got.shape == wanted
            assert got.nnz == 0
            assert not np.any(pb.to_numpy(got.toarray()))
        assert A.sum(axis=0).shape == (shape[1],)
        assert float(A.sum()) == 0
        assert A.diagonal().shape == (min(shape),)
