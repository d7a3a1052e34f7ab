"""Sparse matrices: SciPy's answers, gradients on the pattern, systems by one factor, what is refused."""

from __future__ import annotations

import functools
import gc
import pickle
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as ss
import scipy.sparse.linalg

import pullback as pb
from pullback.backend.numpy import sparse as _sparse_numpy

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp, sparse = pb.xp, pb.sparse
FORMATS = [sparse.csr_array, sparse.csc_array, sparse.coo_array]


def rng(seed=0):
    return np.random.default_rng(seed)


def matrix(n=6, m=6, dtype="float64", seed=0, shift=3.0):
    """A SciPy matrix by rows with an empty row where it is not square."""
    r = rng(seed)
    A = ss.random_array((m, n), density=0.4, rng=r, format="lil")
    if m == n:
        A = A + shift * ss.eye_array(n)
    else:
        A[m // 2] = 0
    A = A.tocsr()
    if np.dtype(dtype).kind == "c":
        A = (A + 1j * ss.random_array((m, n), density=0.3, rng=r)).tocsr()
    A.sum_duplicates()
    return A.astype(dtype)


def host(x):
    return pb.to_numpy(x)


@pytest.fixture(params=FORMATS, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


# ── forms and products ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("shape", [(6, 6), (4, 7), (7, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_as_scipy_has_it(kind, shape, dtype):
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


def test_duplicates_add_up_and_empty_matrices_work(kind):
    A = kind(sparse.coo_array(([1.0, 2.0, 4.0], ([0, 0, 1], [1, 1, 0])), shape=(2, 2)))
    np.testing.assert_array_equal(host(A.toarray()), [[0, 3], [4, 0]])
    np.testing.assert_array_equal(host(A @ np.asarray([1.0, 10.0])), [30, 4])
    np.testing.assert_array_equal(host(pb.linalg.spsolve(A, np.asarray([30.0, 4.0]))), [1, 10])
    empty = kind(ss.csr_array((3, 2)))
    np.testing.assert_array_equal(host(empty @ np.ones(2)), np.zeros(3))
    none = kind(ss.csr_array((0, 0)))
    assert pb.linalg.spsolve(none, np.ones(0)).shape == (0,)


def test_a_dense_matrix_keeps_what_is_not_zero(kind):
    D = np.asarray([[0.0, 2.0], [3.0, 0.0]])
    for given in (D, D.tolist(), xp.asarray(D)):
        A = kind(given)
        assert A.nnz == 2
        np.testing.assert_array_equal(host(A.toarray()), D)


def test_pickles_and_says_what_it_is(kind):
    A = kind(matrix())
    B = pickle.loads(pickle.dumps(A))
    np.testing.assert_array_equal(host(A.toarray()), host(B.toarray()))
    assert repr(A) == f"<{kind.__name__} (6, 6), {A.nnz} stored elements, float64>"
    seen = []
    pb.grad(lambda A: (seen.append(repr(A)), xp.sum(A @ np.ones(6)))[1])(A)
    assert seen[0].endswith("traced>")


# ── gradients ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("shape", [(5, 5), (3, 6)])
def test_products_are_differentiable(kind, dtype, shape):
    A = kind(matrix(shape[1], shape[0], dtype))
    for x in (
        rng().normal(size=shape[1]),
        rng().normal(size=(shape[1], 2)),
        rng().normal(size=shape[1]) + 1j,
    ):
        pb.check_grads(lambda A, x: A @ x, (A, x), order=2)
        pb.check_grads(lambda A, y: (y @ A) * 2, (A.T, x.T), order=2)
    pb.check_grads(lambda A: (A + 2 * A.T).toarray() if shape[0] == shape[1] else A.toarray(), (A,))
    pb.check_grads(lambda A: A.diagonal() if A.shape[0] < 6 else A.sum(), (A,))
    pb.check_grads(lambda A: A.sum(axis=0)[:3] * A.sum(axis=1)[:3], (A,), order=2)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("columns", [None, 1, 3])
def test_systems_are_differentiable(kind, dtype, columns):
    A = kind(matrix(5, 5, dtype))
    b = rng(1).normal(size=5 if columns is None else (5, columns))
    for rhs in (b, b + 0.5j):
        want = np.linalg.solve(host(A.toarray()), rhs)
        np.testing.assert_allclose(host(pb.linalg.spsolve(A, rhs)), want, rtol=1e-10)
        pb.check_grads(pb.linalg.spsolve, (A, rhs), order=2)


@pytest.mark.parametrize("how", [{}, {"transposed": True}, {"adjoint": True}], ids=str)
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_a_factor_serves_many_right_hand_sides(kind, how, dtype):
    A = kind(matrix(5, 5, dtype))
    D, b = host(A.toarray()), rng(1).normal(size=5)
    D = {"": D, "transposed": D.T, "adjoint": D.conj().T}["".join(how)]
    np.testing.assert_allclose(
        host(pb.linalg.factorize(A).solve(b, **how)), np.linalg.solve(D, b), rtol=1e-10
    )

    def f(A, b):
        factor = pb.linalg.factorize(A)
        return factor.solve(factor.solve(b, **how)) + factor.solve(2 * b)

    pb.check_grads(f, (A, b), order=2)


def test_one_factorisation_for_value_and_all_derivatives(monkeypatch):
    made = []
    original = scipy.sparse.linalg.splu
    monkeypatch.setattr(
        scipy.sparse.linalg, "splu", lambda *a, **k: made.append(1) or original(*a, **k)
    )
    A, b = sparse.csr_array(matrix()), np.ones(6)
    f = lambda A: xp.sum(pb.linalg.spsolve(A, b) ** 2)
    pb.value_and_grad(f)(A)
    assert len(made) == 1
    made.clear()
    pb.grad(lambda A: xp.sum(pb.grad(f)(A).data ** 2))(A)
    assert len(made) == 1


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_single_precision_stays(kind, dtype):
    A = kind(matrix(dtype=dtype))
    b = np.ones(6, "float32")
    assert pb.linalg.spsolve(A, b).dtype == dtype
    g = pb.grad(lambda A: xp.real(xp.sum(pb.linalg.spsolve(A, b))))(A)
    assert g.data.dtype == dtype
    assert pb.grad(lambda A: xp.real(xp.sum(A @ b)))(A).data.dtype == dtype


def test_a_gradient_is_a_matrix_of_the_same_pattern_in_the_users_own_arrays(kind):
    A = kind(matrix())
    g = pb.grad(lambda A: xp.sum((A @ np.ones(6)) ** 2))(A)
    assert type(g) is kind
    assert isinstance(g.data, np.ndarray)
    for name in ("indices", "indptr", "row", "col"):
        np.testing.assert_array_equal(getattr(g, name, None), getattr(A, name, None))
    step = pb.tree.map(lambda a, b: a - 0.1 * b, A, g)
    np.testing.assert_allclose(host(step.toarray()), host(A.toarray()) - 0.1 * host(g.toarray()))
    product = pb.hvp(lambda A: xp.sum((A @ np.ones(6)) ** 3), A, g)
    assert type(product) is kind


def test_elements_may_be_functions_of_parameters():
    S = matrix()

    def f(p):
        A = sparse.csr_array((xp.exp(p) * S.data, S.indices, S.indptr), shape=S.shape)
        return pb.linalg.spsolve(A, np.ones(6))

    pb.check_grads(f, (np.asarray(0.3),), order=3)


def test_scipys_own_matrices_are_taken():
    S, b = matrix(), rng().normal(size=6)
    for A in (S, S.tocsc(), S.tocoo(), ss.csr_matrix(S)):
        pb.check_grads(functools.partial(pb.linalg.spsolve, A), (b,))
        np.testing.assert_allclose(
            host(pb.linalg.factorize(A).solve(b)), np.linalg.solve(S.toarray(), b)
        )


def test_krylov_solvers_take_ours(kind):
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
    strict = pytest.importorskip("array_api_strict")
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


def test_no_dense_matrix_arises():
    n = 3000
    A = sparse.csr_array(
        ss.diags_array([-np.ones(n - 1), 4 * np.ones(n), -np.ones(n - 1)], offsets=[-1, 0, 1])
    )
    b = np.ones(n)
    f = lambda A, b: xp.sum(pb.linalg.spsolve(A, b) ** 2) + xp.sum((A @ b) ** 2)
    pb.grad(f, (0, 1))(A, b)
    gc.collect()
    tracemalloc.start()
    pb.grad(lambda A: xp.sum(pb.grad(f)(A, b).data ** 2))(A)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < n * n * 8 / 20


def test_many_columns_are_sampled_some_at_a_time(monkeypatch):
    A, B = sparse.csr_array(matrix()), rng().normal(size=(6, 5))
    whole = pb.grad(lambda A: xp.sum((A @ B) ** 2))(A).data
    monkeypatch.setattr(_sparse_numpy, "_CHUNK", 7)
    np.testing.assert_allclose(pb.grad(lambda A: xp.sum((A @ B) ** 2))(A).data, whole)


# ── what is refused ───────────────────────────────────────────────────────────────────────────


def test_singular_matrices_are_told():
    b = np.ones(3)
    exactly = sparse.csr_array(np.asarray([[1.0, 2.0, 0], [2.0, 4.0, 0], [0, 0, 1.0]]))
    empty_row = sparse.csr_array(np.asarray([[1.0, 2.0, 0], [0, 0, 0], [0, 1.0, 1.0]]))
    for A in (exactly, empty_row):
        with pytest.raises(pb.linalg.SingularMatrixError, match="singular"):
            pb.linalg.spsolve(A, b)
    D = np.diag([1.0, 1.0, 1e-17])
    D[0, 1] = 1.0
    nearly = sparse.csr_array(D)
    with pytest.raises(pb.linalg.SingularMatrixError, match=r"condition number is about 2.0e\+17"):
        pb.linalg.spsolve(nearly, b)
    np.testing.assert_allclose(host(pb.linalg.spsolve(nearly, b, check=False)), [0, 1, 1e17])
    badly = np.diag([1.0, 1e-13, 1.0])
    np.testing.assert_allclose(host(pb.linalg.spsolve(sparse.csr_array(badly), b)), [1, 1e13, 1])


DATA, INDICES, INDPTR = [1.0, 2.0], [0, 1], [0, 1, 2]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: sparse.csr_array((DATA, [0, 2], INDPTR), shape=(2, 2)),
            ValueError,
            "index 2 lies outside",
        ),
        (
            lambda: sparse.csr_array((DATA, [0, -1], INDPTR), shape=(2, 2)),
            ValueError,
            "index -1 lies outside",
        ),
        (
            lambda: sparse.csr_array((DATA, INDICES, [0, 2, 1]), shape=(2, 2)),
            ValueError,
            "must not fall",
        ),
        (
            lambda: sparse.csr_array((DATA, INDICES, [1, 2, 2]), shape=(2, 2)),
            ValueError,
            "begin with 0",
        ),
        (lambda: sparse.csr_array((DATA, [0], INDPTR), shape=(2, 2)), ValueError, "have to agree"),
        (
            lambda: sparse.csr_array((DATA, INDICES, INDPTR), shape=(3, 2)),
            ValueError,
            "2 rows, the shape",
        ),
        (
            lambda: sparse.csc_array((DATA, INDICES, INDPTR), shape=(2, 3)),
            ValueError,
            "2 columns, the shape",
        ),
        (lambda: sparse.csr_array(([DATA], INDICES, INDPTR)), ValueError, "one axis"),
        (lambda: sparse.csr_array((DATA, [0.0, 1.0], INDPTR)), ValueError, "indices are integers"),
        (lambda: sparse.coo_array((DATA, ([0], [0, 1]))), ValueError, "as many"),
        (
            lambda: sparse.coo_array((DATA, ([0, 2], [0, 1])), shape=(2, 2)),
            ValueError,
            "row index 2 lies outside",
        ),
        (lambda: sparse.coo_array((DATA, ([0, -1], [0, 1]))), ValueError, "negative"),
        (lambda: sparse.csr_array(np.ones(3)), TypeError, "two are needed"),
        (
            lambda: sparse.csr_array(np.eye(2)) @ np.ones(3),
            ValueError,
            r"takes x \(2,\) or \(2, k\)",
        ),
        (
            lambda: sparse.csr_array(np.eye(2)) @ sparse.csr_array(np.eye(2)),
            TypeError,
            "two sparse matrices",
        ),
        (lambda: sparse.csr_array(np.eye(2)) + sparse.csr_array(np.eye(3)), ValueError, "differ"),
        (lambda: sparse.csr_array(np.eye(2)).sum(axis=2), ValueError, "axis=2"),
        (lambda: pb.linalg.spsolve(np.eye(2), np.ones(2)), TypeError, "no sparse matrix"),
        (
            lambda: pb.linalg.spsolve(sparse.csr_array(np.ones((2, 3))), np.ones(2)),
            ValueError,
            "square",
        ),
        (
            lambda: pb.linalg.spsolve(sparse.csr_array(np.eye(2)), np.ones(3)),
            ValueError,
            "does not fit",
        ),
        (
            lambda: pb.linalg.spsolve(sparse.csr_array(np.diag([1, np.nan])), np.ones(2)),
            ValueError,
            "NaN",
        ),
        (
            lambda: pb.linalg.factorize(sparse.csr_array(np.eye(2))).solve(
                np.ones(2), transposed=True, adjoint=True
            ),
            ValueError,
            "choose one",
        ),
        (
            lambda: pb.linalg.factorize(sparse.csr_array(np.eye(2, dtype="float32"))).solve(
                np.ones(2)
            ),
            TypeError,
            "precision",
        ),
        (
            lambda: pb.grad(lambda D: xp.sum(sparse.csr_array(D).data))(np.eye(2)),
            TypeError,
            "a traced dense array as a sparse matrix",
        ),
    ],
)
def test_bad_input_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
