"""Approximate inverses for Krylov methods.

They change how fast a solution is found and not the solution, so they get no gradient: where A is traced, its values
are taken.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...core.array import backend_array
from ...core.dtypes import is_complex
from ...core.namespaces import namespace_of
from ...core.tracer_like import host_step
from ...core.typing import DType
from .linear_operator import LinearOperator, on_host


def jacobi(A: Any) -> LinearOperator:
    """The inverse of the diagonal of A, as a preconditioner.

    Parameters
    ----------
    A : array (n, n) or sparse matrix
        Its diagonal has no zeros; what is zero there is taken as 1.

    Returns
    -------
    LinearOperator
        r ↦ r / diag(A).

    Notes
    -----
    A preconditioner changes how fast a solution is found, not the solution: it gets no gradient.

    References
    ----------
    Saad, Iterative methods for sparse linear systems, 2003, chapter 10.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> A = np.asarray([[4.0, 1.0], [1.0, 100.0]])
    >>> x, info = pb.linalg.cg(A, np.asarray([1.0, 2.0]), M=pb.linalg.jacobi(A))
    >>> info.converged
    True
    """
    A = backend_array(A)
    d = (
        backend_array(A.diagonal())
        if hasattr(A, "diagonal")
        else namespace_of(A).linalg.diagonal(A)
    )
    xp = namespace_of(d)
    d = xp.where(d == 0, xp.ones_like(d), d)

    def divide(r: Any, by: Any) -> Any:
        return r / xp.reshape(by, (-1, *(1,) * (len(r.shape) - 1)))

    conjugate = xp.conj(d) if is_complex(d.dtype) else d
    return LinearOperator(lambda r: divide(r, d), lambda r: divide(r, conjugate), (d.shape[0],) * 2)


def ilu(A: Any, *, drop_tol: float = 1e-4, fill_factor: float = 10.0) -> LinearOperator:
    """An incomplete LU factorisation of A, as a preconditioner.

    Parameters
    ----------
    A : sparse matrix or array (n, n)
        Of SciPy, cupyx, `pb.sparse`, NumPy or CuPy. CuPy factors on the host and solves on the device.
    drop_tol : float
        What is smaller than this, relative to its column, is dropped from the factors.
    fill_factor : float
        How many times as many elements as A the factors may have.

    Returns
    -------
    LinearOperator
        r ↦ (L U)⁻¹ r, with its adjoint.

    Raises
    ------
    TypeError
        For arrays of other libraries.

    Notes
    -----
    By SuperLU, as `scipy.sparse.linalg.spilu`; Li and Shao, A supernodal approach to incomplete LU factorization, 2011.

    A preconditioner changes how fast a solution is found, not the solution: it gets no gradient.

    References
    ----------
    Li and Shao, A supernodal approach to incomplete LU factorization with partial pivoting, 2011.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> A = np.asarray([[4.0, 1.0], [2.0, 3.0]])
    >>> x, info = pb.linalg.gmres(A, np.asarray([1.0, 2.0]), M=pb.linalg.ilu(A))
    >>> info.steps
    1
    """
    A = backend_array(A)
    shape = tuple(getattr(A, "shape", ()))  # what has none is refused below
    transposed, arrays = False, A
    if hasattr(A, "_product_form"):  # of this library: its elements may be recorded
        data, pattern, transposed = A._product_form()
        arrays = (
            backend_array(data),
            backend_array(pattern.indices),
            backend_array(pattern.indptr),
        )
    factors = host_step(
        "ilu", functools.partial(_factored, shape, transposed, drop_tol, fill_factor), (), arrays
    )
    return on_host(_solved, _solved_adjoint, shape, factors)


def _solved(r: Any, factors: Any) -> Any:
    return factors.solve(r, "N")


def _solved_adjoint(r: Any, factors: Any) -> Any:
    return factors.solve(r, "H")


@dataclass(frozen=True, eq=False)
class Incomplete:
    """Incomplete factors, with the dtype that SuperLU takes for right-hand sides."""

    by: Callable[..., Any]
    dtype: DType

    def solve(self, r: Any, trans: str) -> Any:
        """The solution for r, or of the adjoint system."""
        return _by_factors(self.by, is_complex(self.dtype), self.dtype, r, trans)


def _factored(
    shape: tuple[int, ...], transposed: bool, drop_tol: float, fill_factor: float, _: Any, A: Any
) -> Incomplete:
    """The incomplete factors of a matrix, or of the elements, columns and row ends of one."""
    given = A
    if isinstance(A, tuple):
        given = A[0]
        by_rows = _library(given, "sparse").csr_matrix
        A = by_rows(A, shape=shape[::-1]).T if transposed else by_rows(A, shape=shape)
    sparse = _library(given, "sparse").csc_matrix(A)
    factors = _library(given, "sparse.linalg").spilu(
        sparse, drop_tol=drop_tol, fill_factor=fill_factor
    )
    return Incomplete(factors.solve, sparse.dtype)


def _library(A: Any, part: str) -> Any:
    """SciPy's module for what lies on the host, cupyx's for what lies on the device.

    Raises
    ------
    TypeError
        For anything else.
    """
    name = type(A).__module__.partition(".")[0]
    home = {"numpy": "scipy", "scipy": "scipy", "cupy": "cupyx.scipy", "cupyx": "cupyx.scipy"}
    if name not in home:
        raise TypeError(
            f"ilu: A is a {type(A).__module__}.{type(A).__name__}; incomplete factors are for NumPy, SciPy and CuPy"
        )
    return importlib.import_module(f"{home[name]}.{part}")


def _by_factors(
    solve: Callable[..., Any], complex_factors: bool, dtype: DType, r: Any, trans: str
) -> Any:
    """Solve by SuperLU, which takes no complex right-hand side for real factors, nor another precision."""
    r = backend_array(r)
    xp = namespace_of(r)
    if is_complex(r.dtype) and not complex_factors:
        return xp.astype(
            solve(xp.astype(xp.real(r), dtype), trans)
            + 1j * solve(xp.astype(xp.imag(r), dtype), trans),
            r.dtype,
        )
    return xp.astype(solve(xp.astype(r, dtype), trans), r.dtype)
