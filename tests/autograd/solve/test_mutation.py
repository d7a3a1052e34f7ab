"""Constant matrices that the caller changes between `vjp` and the pull: gradients are those of the old ones."""

import numpy as np
import pytest
import scipy.sparse

import pullback as pb

GENERAL = np.asarray([[4.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 5.0]])
BANDS = np.asarray([[0.0, 1.0, 0.5], [4.0, 3.0, 5.0], [1.0, 0.5, 0.0]])
B = np.asarray([1.0, 2.0, 3.0])
TIGHT = {"rtol": 1e-13}


def _solve(assume):
    return lambda A, b: pb.linalg.solve(A, b, assume=assume)


def _factorized(assume):
    return lambda A, b: pb.linalg.factorize(A, assume=assume).solve(b)


KINDS = ("general", "symmetric", "hermitian", "positive", "lower", "upper", "unit lower", "unit upper", "diagonal",
         "tridiagonal", "banded", "circulant")  # fmt: skip

SOLVERS = {
    **{f"solve {kind}": (_solve(kind), GENERAL) for kind in KINDS},
    **{f"factorize {kind}": (_factorized(kind), GENERAL) for kind in KINDS},
    "solve refined": (lambda A, b: pb.linalg.solve(A, b, refine=1), GENERAL),
    "solve_triangular": (lambda A, b: pb.linalg.solve_triangular(A, b, lower=True), GENERAL),
    "solve_triangular T": (lambda A, b: pb.linalg.solve_triangular(A, b, trans="T"), GENERAL),
    "solve_banded": (lambda ab, b: pb.linalg.solve_banded((1, 1), ab, b), BANDS),
    "solveh_banded": (lambda ab, b: pb.linalg.solveh_banded(ab, b, lower=True), BANDS[1:]),
    "solve_circulant": (pb.linalg.solve_circulant, GENERAL[0]),
    "lstsq": (pb.linalg.lstsq, GENERAL),
    "ridge": (lambda A, b: pb.linalg.ridge(A, b, 0.1), GENERAL),
    "xp.linalg.solve": (lambda A, b: pb.xp.linalg.solve(A, b), GENERAL),
    **{
        name: (lambda A, b, name=name: getattr(pb.linalg, name)(A, b, **TIGHT)[0], GENERAL)
        for name in ("cg", "minres", "gmres", "bicgstab")
    },
    "cg with M": (lambda A, b: pb.linalg.cg(GENERAL.copy(), b, M=A, **TIGHT)[0], GENERAL),
}

SPARSE = {
    "spsolve": pb.linalg.spsolve,
    "factorize": lambda A, b: pb.linalg.factorize(A).solve(b),
    "product": lambda A, b: pb.sparse.csr_array(A) @ b,
    **{
        name: lambda A, b, name=name: getattr(pb.linalg, name)(A, b, **TIGHT)[0]
        for name in ("cg", "minres", "gmres", "bicgstab")
    },
}


def _agree(got, want):
    np.testing.assert_allclose(pb.to_numpy(got), want, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", SOLVERS)
def test_a_matrix_changed_before_the_pull(name):
    solve, A = SOLVERS[name]
    want = pb.grad(lambda b: pb.xp.sum(solve(A.copy(), b) ** 2))(B)
    changed = A.copy()
    _, pull = pb.vjp(lambda b: pb.xp.sum(solve(changed, b) ** 2), B)
    changed *= 3.0
    _agree(pull(np.asarray(1.0))[0], want)


@pytest.mark.parametrize("name", SOLVERS)
def test_a_matrix_changed_within_a_tape(name):
    solve, A = SOLVERS[name]
    want = pb.grad(lambda b: pb.xp.sum(solve(A.copy(), b) ** 2))(B)
    changed = A.copy()
    with pb.Tape() as tape:
        b = tape.watch(B)
        loss = pb.xp.sum(solve(changed, b) ** 2)
        changed *= 3.0
        _agree(tape.gradient(loss, [b])[0], want)


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
