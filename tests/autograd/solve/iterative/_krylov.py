"""Systems, operators and preconditioners that the tests of the Krylov solvers share."""

from __future__ import annotations

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

import pullback as pb

xp, linalg = pb.xp, pb.linalg
N = 6
KINDS = {"real": np.float64, "complex": np.complex128, "float32": np.float32}
HERMITIAN = ("cg", "minres")
SOLVERS = ("cg", "minres", "gmres", "bicgstab")
TIGHT = {"rtol": 1e-12}


def random(*shape, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.normal(size=shape)
    return x.astype(dtype)


def matrix(solver, dtype):
    """Positive definite for cg, indefinite for minres, nonsymmetric for the rest."""
    G = random(N, N, dtype=dtype)
    if solver == "cg":
        return G @ G.conj().T / N + 2 * np.eye(N, dtype=dtype)
    if solver == "minres":
        return (G + G.conj().T) / 2 + np.diag([4, -4] * (N // 2)).astype(dtype)
    return G + 4 * np.eye(N, dtype=dtype)


def preconditioner(solver, A):
    """Some matrix near A's inverse; positive definite where the method wants that."""
    if solver in HERMITIAN:
        B = A @ A.conj().T
        return np.linalg.inv(B / np.linalg.norm(B) + 0.5 * np.eye(N)).astype(A.dtype)
    return np.linalg.inv(A + 0.3 * random(N, N, dtype=A.dtype, seed=3)).astype(A.dtype)


def kept(solver, A):
    """The Hermitian part where the solver presumes it, so that differences stay within what it is for."""
    return (A + xp.conj(xp.matrix_transpose(A))) / 2 if solver in HERMITIAN else A


OPERATORS = {
    "array": lambda A: A,
    "sparse": scipy.sparse.csr_array,
    "sparse matrix": scipy.sparse.csc_matrix,
    "scipy's operator": scipy.sparse.linalg.aslinearoperator,
    "callable": lambda A: lambda v: A @ v,
    "with adjoint": lambda A: linalg.LinearOperator(lambda v: A @ v, lambda w: A.conj().T @ w),
}
PRECONDITIONERS = {
    "none": lambda M: None,
    "array": lambda M: M,
    "callable": lambda M: lambda r: M @ r,
    "with adjoint": lambda M: linalg.LinearOperator(lambda r: M @ r, lambda r: M.conj().T @ r),
    "scipy's operator": scipy.sparse.linalg.aslinearoperator,
}
