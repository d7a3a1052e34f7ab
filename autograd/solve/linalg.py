"""`pb.linalg`: differentiable solutions of linear systems, one adjoint solve for each gradient.

The derivation is in `adjoint.py`; the functions are in the files named below. What the array API standard has
(`solve`, `inv`, `det`, `cholesky`, …) is in `pb.xp.linalg`.
"""

from .errors import (
    ConvergenceError,
    NotPositiveDefiniteError,
    SingularMatrixError,
    StructureError,
)
from .factors import Factorization, factorize
from .krylov import bicgstab, cg, gmres, minres
from .krylov_lsmr import lsmr
from .krylov_run import Info
from .least_squares import lstsq, ridge
from .operators import LinearOperator
from .preconditioners import ilu, jacobi
from .sparse_solve import SparseFactorization, spsolve
from .systems import solve, solve_banded, solve_circulant, solve_triangular, solveh_banded

__all__ = [
    "ConvergenceError",
    "Factorization",
    "Info",
    "LinearOperator",
    "NotPositiveDefiniteError",
    "SingularMatrixError",
    "SparseFactorization",
    "StructureError",
    "bicgstab",
    "cg",
    "factorize",
    "gmres",
    "ilu",
    "jacobi",
    "lsmr",
    "lstsq",
    "minres",
    "ridge",
    "solve",
    "solve_banded",
    "solve_circulant",
    "solve_triangular",
    "solveh_banded",
    "spsolve",
]
