"""Sparse matrices at the edges: what a reading against the code, and runs on odd input, brought up."""

import numpy as np
import pytest
import scipy.sparse as ss

import pullback as pb

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file

xp, sparse = pb.xp, pb.sparse
ROWS = np.asarray([0, 0, 1, 2, 2])
S = ss.csr_array(np.asarray([[4.0, 1.0, 0.0], [0.0, 3.0, 0.0], [1.0, 0.0, 5.0]]))
B = np.asarray([1.0, 2.0, 3.0])


def system(data):
    """The solution as a function of the elements."""
    return pb.linalg.spsolve(sparse.csr_array((data, S.indices, S.indptr), shape=S.shape), B)


@pytest.mark.parametrize("dtype", ["uint32", "uint64", "int32", "int64"])
def test_a_falling_indptr_is_refused_whatever_its_integers(dtype):
    """Differences of unsigned numbers are never negative: it was taken, and memory read beyond the end."""
    indices, indptr = np.asarray([0, 1], dtype), np.asarray([0, 3, 2], dtype)
    with pytest.raises(ValueError, match="must not fall"):
        sparse.csr_array((np.ones(2), indices, indptr), shape=(2, 2))
    good = sparse.csr_array((np.ones(2), indices, np.asarray([0, 1, 2], dtype)), shape=(2, 2))
    np.testing.assert_array_equal(pb.to_numpy(good @ np.asarray([1.0, 10.0])), [1, 10])


@pytest.mark.parametrize("shape", [(0, -3), (0, 0, 0), (0,)], ids=str)
@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csc_array], ids=lambda k: k.__name__)
def test_a_shape_is_two_numbers(kind, shape):
    with pytest.raises(ValueError, match="is not two numbers of at least 0"):
        kind((np.ones(0), np.zeros(0, int), np.zeros(1, int)), shape=shape)


def test_lists_multiply_from_both_sides():
    A = sparse.csr_array(S)
    np.testing.assert_allclose(pb.to_numpy(A @ B.tolist()), S @ B)
    np.testing.assert_allclose(pb.to_numpy(B.tolist() @ A), B @ S)


def test_half_precision_stays_in_products():
    A = sparse.csr_array((S.data.astype("float16"), S.indices, S.indptr), shape=S.shape)
    x = B.astype("float16")
    assert (A @ x).dtype == "float16"
    assert pb.grad(lambda x: xp.sum(A @ x))(x).dtype == "float16"


@pytest.mark.parametrize(
    ("matrix", "says"),
    [
        (np.asarray([[1.0, 0, 0], [0, 1.0, 1.0], [0, 1.0, 1.0]]), "a pivot is exactly zero, its"),
        (np.asarray([[1.0, 2.0, 0], [0, 1.0, 1.0], [0, 0, 0]]), r"\(row 2 holds no element"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_an_exactly_singular_matrix_names_no_pivot_that_is_not_zero(matrix, says, check):
    with pytest.raises(pb.linalg.SingularMatrixError, match=says):
        pb.linalg.spsolve(sparse.csr_array(matrix), B, check=check)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_scale_alone_makes_no_matrix_singular(size):
    v = pb.linalg.spsolve(S * size, B * size)
    np.testing.assert_allclose(pb.to_numpy(v), np.linalg.solve(S.toarray(), B))


def test_unequal_scales_beyond_the_range_are_told():
    with pytest.raises(pb.linalg.SingularMatrixError, match="infinite"):
        pb.linalg.spsolve(ss.csr_array(np.diag([1e-200, 1e200])), np.ones(2))


@pytest.mark.parametrize(
    "setting", [{"assume": "positive"}, {"refine": 1}, {"bandwidths": (1, 1)}], ids=str
)
def test_settings_of_dense_factors_are_refused(setting):
    with pytest.raises(ValueError, match="not for sparse matrices"):
        pb.linalg.factorize(sparse.csr_array(S), **setting)


def test_jacobians_and_hessians_in_one_sweep():
    """∂v/∂a_k = −A⁻¹[:, i_k] v[j_k]."""
    inverse = np.linalg.inv(S.toarray())
    wanted = -inverse[:, ROWS] * (inverse @ B)[S.indices]
    np.testing.assert_allclose(pb.jacobian(system)(S.data), wanted, rtol=1e-12)
    tangent = np.arange(1.0, 6.0)
    np.testing.assert_allclose(
        pb.to_numpy(pb.jvp(system, (S.data,), (tangent,))[1]), wanted @ tangent, rtol=1e-12
    )
    gradient = pb.grad(lambda data: xp.sum(system(data) ** 2))
    hessian = pb.hessian(lambda data: xp.sum(system(data) ** 2))(S.data)
    for k, step in enumerate(1e-5 * np.eye(5)):
        numeric = (gradient(S.data + step) - gradient(S.data - step)) / 2e-5
        np.testing.assert_allclose(hessian[k], numeric, rtol=1e-6, atol=1e-8)


def test_compiled_gradients_follow_the_pattern():
    """Two matrices with as many elements in other places are two programs."""
    f = pb.grad(lambda A: xp.sum((A @ B) ** 2))
    g = pb.compile(f)
    for A in (sparse.csr_array(S), 2 * sparse.csr_array(S), sparse.csr_array(S.T.tocsr())):
        for _ in range(2):
            mine, wanted = g(A), f(A)
            np.testing.assert_allclose(mine.data, wanted.data)
            np.testing.assert_array_equal(mine.indices, wanted.indices)


def test_elements_changed_before_the_sweep_change_no_gradient():
    data, x = S.data.copy(), B.copy()
    make = lambda data: sparse.csr_array((data, S.indices, S.indptr), shape=S.shape)
    pull = pb.vjp(lambda data: make(data) @ x, data)[1]
    data[:] = 0
    x[:] = 0
    np.testing.assert_allclose(np.ravel(pull(np.ones(3))), B[S.indices])


@pytest.mark.parametrize("zero_block", [20, 60])
def test_saddle_points_with_zeros_on_the_diagonal_are_solved(zero_block):
    """The default for symmetric patterns prefers diagonal pivots: it has to leave them where they are zero."""
    r = np.random.default_rng(zero_block)
    H = ss.random_array((100, 100), density=0.05, rng=r) + 4 * ss.eye_array(100)
    C = ss.random_array((zero_block, 100), density=0.2, rng=r)
    K = ss.block_array([[H + H.T, C.T], [C, None]]).tocsr()
    b = r.normal(size=100 + zero_block)
    np.testing.assert_allclose(K @ pb.to_numpy(pb.linalg.spsolve(K, b)), b, atol=1e-9)
