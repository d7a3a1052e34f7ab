"""`pullback.scipy.linalg`: SciPy's linear algebra under SciPy's names and signatures, differentiable.

Mind SciPy's defaults, which are not the array API standard's: `cholesky` gives the upper factor, `qr` the full Q. The
functions that have no derivative (`null_space`, `schur`, `funm`, …) run by SciPy, on constants; traced arrays are
refused.

Examples
--------
>>> import numpy as np, pullback as pb
>>> from pullback.scipy.linalg import cho_factor, cho_solve
>>> A, b = np.asarray([[4.0, 1.0], [1.0, 3.0]]), np.asarray([1.0, 2.0])
>>> pb.grad(lambda b: cho_solve(cho_factor(A), b)[0])(b)
array([ 0.27272727, -0.09090909])
"""

from __future__ import annotations

from typing import Any

from numpy.linalg import LinAlgError

from ...functions.linear_algebra import kron
from ..operands import on_constants
from .basic import (
    det,
    inv,
    lstsq,
    matmul_toeplitz,
    norm,
    pinv,
    pinvh,
    solve,
    solve_banded,
    solve_circulant,
    solve_toeplitz,
    solve_triangular,
    solveh_banded,
)
from .decompositions import (
    cho_factor,
    cho_solve,
    cholesky,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    lu,
    lu_factor,
    lu_solve,
    orthogonal_procrustes,
    polar,
    qr,
    rq,
    svd,
    svdvals,
)
from .matrix_functions import (
    coshm,
    cosm,
    expm,
    expm_frechet,
    fractional_matrix_power,
    logm,
    sinhm,
    sinm,
    solve_continuous_lyapunov,
    solve_discrete_lyapunov,
    solve_lyapunov,
    solve_sylvester,
    sqrtm,
    tanhm,
    tanm,
)
from .special_matrices import (
    block_diag,
    circulant,
    companion,
    convolution_matrix,
    diagsvd,
    hankel,
    khatri_rao,
    toeplitz,
)

__all__ = [
    "LinAlgError", "block_diag", "cho_factor", "cho_solve", "cholesky", "circulant", "companion",
    "convolution_matrix", "coshm", "cosm", "det", "diagsvd", "eig", "eigh", "eigvals", "eigvalsh", "expm",
    "expm_frechet", "fractional_matrix_power", "hankel", "inv", "khatri_rao", "kron", "logm", "lstsq", "lu",
    "lu_factor", "lu_solve", "matmul_toeplitz", "norm", "orthogonal_procrustes", "pinv", "pinvh", "polar", "qr", "rq",
    "sinhm", "sinm", "solve", "solve_banded", "solve_circulant", "solve_continuous_lyapunov",
    "solve_discrete_lyapunov", "solve_lyapunov", "solve_sylvester", "solve_toeplitz", "solve_triangular",
    "solveh_banded", "sqrtm", "svd", "svdvals", "tanhm", "tanm", "toeplitz",
]  # fmt: skip

# What SciPy has beside these, and what does the same under a derivative.
CONSTANT = {
    "bandwidth": "", "cho_solve_banded": "use solveh_banded", "cholesky_banded": "use cholesky, or solveh_banded",
    "clarkson_woodruff_transform": "", "cossin": "", "dft": "", "eig_banded": "use eigh of the matrix laid out",
    "eigh_tridiagonal": "use eigh of the matrix laid out", "eigvals_banded": "use eigvalsh of the matrix laid out",
    "eigvalsh_tridiagonal": "use eigvalsh of the matrix laid out", "expm_cond": "", "fiedler": "",
    "fiedler_companion": "use companion", "funm": "use expm, logm, sqrtm, or eig and a function of the eigenvalues",
    "hadamard": "", "helmert": "", "hessenberg": "use eig, or qr", "hilbert": "", "invhilbert": "", "invpascal": "",
    "ishermitian": "", "issymmetric": "", "ldl": "use solve(assume_a='sym'), or cholesky", "leslie": "",
    "matrix_balance": "", "null_space": "use svd: the columns beyond the rank are no smooth function of the matrix",
    "ordqz": "use eig", "orth": "use svd or qr", "pascal": "", "qr_delete": "use qr", "qr_insert": "use qr",
    "qr_multiply": "use qr", "qr_update": "use qr", "qz": "use eig", "rsf2csf": "use eig", "schur": "use eig",
    "signm": "use A @ inv(sqrtm(A @ A))", "solve_continuous_are": "use pb.implicit.root on the equation",
    "solve_discrete_are": "use pb.implicit.root on the equation", "subspace_angles": "use svdvals of Q1.T @ Q2",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in CONSTANT:
        raise AttributeError(f"pullback.scipy.linalg has no function {name!r}")
    found = globals()[name] = on_constants("scipy.linalg", name, CONSTANT[name])
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, *CONSTANT])
