"""Tests of `autograd/solve/sparse/rules.py`."""

from __future__ import annotations

import gc
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as ss

import pullback as pb
from pullback.backend.numpy import sparse as _sparse_numpy

from ...._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._edge_cases import B, S
from ._formats import (
    host,
    kind,  # noqa: F401 - a fixture
    matrix,
    rng,
)

xp = pb.xp


sparse = pb.sparse


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("shape", [(5, 5), (3, 6)])
def test_products_are_differentiable(kind, dtype, shape):  # noqa: F811 - a fixture
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


def test_a_gradient_is_a_matrix_of_the_same_pattern_in_the_users_own_arrays(kind):  # noqa: F811 - a fixture
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


@pytest.mark.usefixtures("only_new_objects")
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


ROWS = np.asarray([0, 0, 1, 2, 2])


def system(data):
    """The solution as a function of the elements."""
    return pb.linalg.spsolve(sparse.csr_array((data, S.indices, S.indptr), shape=S.shape), B)


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
