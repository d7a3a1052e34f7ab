"""Constant matrices that the caller changes between `vjp` and the pull: gradients are those of the old ones."""

import numpy as np
import pytest
import scipy.sparse

import pullback as pb

from ..._host import numpy_is_active  # noqa: F401 - a fixture for the whole file
from ._mutation import GENERAL, KINDS, TIGHT, B, _agree
from .sparse._edge_cases import B as SPARSE_B
from .sparse._edge_cases import S

SPARSE = {
    "spsolve": pb.linalg.spsolve,
    "factorize": lambda A, b: pb.linalg.factorize(A).solve(b),
    "product": lambda A, b: pb.sparse.csr_array(A) @ b,
    **{
        name: lambda A, b, name=name: getattr(pb.linalg, name)(A, b, **TIGHT)[0]
        for name in ("cg", "minres", "gmres", "bicgstab")
    },
}


@pytest.mark.parametrize("name", SPARSE)
@pytest.mark.parametrize("make", [scipy.sparse.csr_array, scipy.sparse.csc_array, scipy.sparse.coo_array,
                                  lambda A: pb.sparse.csr_array(scipy.sparse.csr_array(A)),
                                  lambda A: pb.sparse.csc_array(scipy.sparse.csc_array(A))])  # fmt: skip
def test_a_sparse_matrix_changed_before_the_pull(name, make):
    solve = SPARSE[name]
    want = pb.grad(lambda b: pb.xp.sum(solve(make(GENERAL), b) ** 2))(B)
    A = make(GENERAL)
    _, pull = pb.vjp(lambda b: pb.xp.sum(solve(A, b) ** 2), B)
    A.data *= 3.0
    _agree(pull(np.asarray(1.0))[0], want)


@pytest.mark.parametrize("assume", KINDS)
def test_a_factor_outlives_its_matrix(assume):
    A = GENERAL.copy()
    want = pb.to_numpy(pb.linalg.solve(A, B, assume=assume))
    F = pb.linalg.factorize(A, assume=assume)
    A *= 3.0
    _agree(F.solve(B), want)


def test_the_pattern_is_the_matrix_s_own():
    A = scipy.sparse.csr_array((np.asarray([1.0, 4.0, 3.0]), [1, 0, 1], [0, 2, 3]), shape=(2, 2))
    ours = pb.sparse.csr_array(A)
    before = pb.to_numpy(ours.indices).copy()
    A.sort_indices()
    np.testing.assert_array_equal(pb.to_numpy(ours.indices), before)


@pytest.mark.parametrize("name", ["cg", "minres", "gmres", "bicgstab"])
def test_a_constant_matrix_changed_after_vjp_changes_no_gradient(name):
    A, b = np.asarray([[4.0, 1.0], [1.0, 3.0]]), np.asarray([1.0, 2.0])
    want = np.linalg.solve(A, np.ones(2))
    _, pull = pb.vjp(lambda b: getattr(pb.linalg, name)(A, b, rtol=1e-12)[0], b)
    A *= 2
    np.testing.assert_allclose(pb.to_numpy(pull(np.ones(2))[0]), want, rtol=1e-10)


sparse = pb.sparse


def test_elements_changed_before_the_sweep_change_no_gradient():
    data, x = S.data.copy(), SPARSE_B.copy()
    make = lambda data: sparse.csr_array((data, S.indices, S.indptr), shape=S.shape)
    pull = pb.vjp(lambda data: make(data) @ x, data)[1]
    data[:] = 0
    x[:] = 0
    np.testing.assert_allclose(np.ravel(pull(np.ones(3))), SPARSE_B[S.indices])
