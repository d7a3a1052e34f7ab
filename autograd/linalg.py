"""`pb.linalg`: differentiable solutions of linear systems, one adjoint solve for each gradient.

The derivation is in `adjoint.py`; the functions are in the files named below. What the array API
standard has (`solve`, `inv`, `det`, `cholesky`, …) is in `pb.xp.linalg`.
"""

from .solve.direct.factorize import Factorization, factorize
from .solve.direct.least_squares import lstsq, ridge
from .solve.direct.solve import (
    solve,
    solve_banded,
    solve_circulant,
    solve_triangular,
    solveh_banded,
)
from .solve.errors import (
    ConvergenceError,
    NotPositiveDefiniteError,
    SingularMatrixError,
    StructureError,
)
from .solve.iterative.iteration import Info
from .solve.iterative.linear_operator import LinearOperator
from .solve.iterative.lsmr import lsmr
from .solve.iterative.preconditioners import ilu, jacobi
from .solve.iterative.solvers import bicgstab, cg, gmres, minres
from .solve.sparse.solve import SparseFactorization, spsolve

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


def __dir__() -> list[str]:
    return sorted(__all__)
