"""`spsolve` and the factor of a sparse matrix: SuperLU, and one adjoint solve with the same factor."""

from __future__ import annotations

from typing import Any

from ...core.array import backend_array
from ...core.defvjp import function_of
from ...core.levels.batched import factor_of
from ...core.registry import find
from ..runner import inexact as for_lapack
from ..runner import promoted, run, run_adjoint
from .base import is_sparse
from .formats import as_sparse, coo_array
from .rules import SparseLU


def inexact(x: Any) -> Any:
    """Elements of a floating-point dtype, as of a dense matrix; SciPy widens float16 by itself."""
    return x if str(getattr(x, "dtype", "")) == "float16" else for_lapack(x)


def _system(A: Any, check: bool, permc_spec: str | None, name: str) -> tuple[SparseLU, Any, bool]:
    """The solver, the elements, and whether they are those of the transpose.

    Raises
    ------
    TypeError
        If A is dense.
    ValueError
        If it is not square.
    """
    if not is_sparse(A):
        raise TypeError(
            f"{name}: A is {type(A).__name__}, no sparse matrix; use pb.linalg.solve, or make it one by "
            "pb.sparse.csr_array(A)"
        )
    A = as_sparse(A)
    if A.shape[0] != A.shape[1]:
        raise ValueError(f"{name}: a square matrix is needed, not one of shape {A.shape}")
    if isinstance(A, coo_array):
        A = A.tocsr()
    data, pattern, transposed = A._product_form()
    return SparseLU(pattern, check, permc_spec), inexact(data), transposed


def spsolve(A: Any, b: Any, *, permc_spec: str | None = None, check: bool = True) -> Any:
    """v with A v = b for a sparse matrix A, by LU.

    Parameters
    ----------
    A : sparse matrix (n, n)
        Of `pb.sparse`, of SciPy or of cupyx; its ``data`` may be traced.
    b : array (n,) or (n, k)
    permc_spec : str, optional
        How columns are ordered, as in `scipy.sparse.linalg.splu`; chosen by the pattern where it is not given.
    check : bool
        Raise for a matrix that is singular to working precision; it costs one solve more. Of a matrix with a pivot
        that is exactly zero there is no factor: it raises without the check too.

    Returns
    -------
    Array, of the shape of b

    Raises
    ------
    SingularMatrixError
        With an estimate of the condition number.
    TypeError
        If A is dense.
    ValueError
        If A is not square, holds NaN or infinity, or b does not fit.

    Notes
    -----
    SuperLU (Li, An overview of SuperLU, 2005) on the host for NumPy's arrays. For CuPy's, cuDSS where nvmath-python and
    cuDSS are installed (extra `nvmath`): analysis, factor and solves on the device, the analysis of a pattern kept for
    other values of its elements; else CuPy's own `splu`, which factorises on the host and solves on the device. The
    gradient with respect to A's elements is −λ vᵀ at their positions, with Aᵀ λ = c by the same factor (cuDSS's of Aᵀ):
    memory and time of one more solve.

    References
    ----------
    Li, An overview of SuperLU: algorithms, implementation, and user interface, 2005.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> A = pb.sparse.csr_array((np.asarray([2.0, 1.0, 4.0]), [0, 0, 1], [0, 1, 3]), shape=(2, 2))
    >>> b = np.asarray([2.0, 5.0])
    >>> pb.linalg.spsolve(A, b)
    Array([1., 1.], dtype=float64, device='cpu')
    >>> pb.grad(lambda A: pb.xp.sum(pb.linalg.spsolve(A, b)))(A).data
    array([-0.375, -0.25 , -0.25 ])
    """
    solver, data, transposed = _system(A, check, permc_spec, "spsolve")
    data, b = promoted(data, inexact(b))
    n = solver.pattern.shape[0]
    return run(solver, data, b, transposed=transposed, order=n, name="spsolve")


class SparseFactorization:
    """A sparse matrix with its factor, made by `factorize`.

    Attributes
    ----------
    shape : tuple of int
        Of the matrix.
    dtype : dtype
        Of the matrix.

    Examples
    --------
    >>> import pullback as pb
    >>> A = pb.sparse.csr_array(pb.asarray([[2.0, 0.0], [1.0, 4.0]]))
    >>> factor = pb.linalg.factorize(A)
    >>> factor.solve(pb.asarray([2.0, 5.0]))
    Array([1., 1.], dtype=float64, device='cpu')
    """

    __slots__ = ("_data", "_factor", "_solver", "_transposed")

    def __init__(self, A: Any, *, check: bool = True, permc_spec: str | None = None) -> None:
        self._solver, self._data, self._transposed = _system(A, check, permc_spec, "factorize")
        self._factor = factor_of(self._solver, backend_array(self._data))

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the matrix."""
        return self._solver.pattern.shape

    @property
    def dtype(self) -> Any:
        """The dtype of the matrix."""
        return self._data.dtype

    def __repr__(self) -> str:
        return f"<SparseFactorization of a matrix {self.shape}, {self.dtype}>"

    def solve(self, b: Any, *, transposed: bool = False, adjoint: bool = False) -> Any:
        """v with A v = b; with `transposed` Aᵀ v = b, with `adjoint` Aᴴ v = b.

        Parameters
        ----------
        b : array (n,) or (n, k)
        transposed, adjoint : bool
            Which system.

        Returns
        -------
        Array, of the shape of b

        Raises
        ------
        ValueError
            If b does not fit, or both `transposed` and `adjoint` are set.
        TypeError
            If b has a higher precision than the factor.
        """
        if transposed and adjoint:
            raise ValueError(
                "SparseFactorization.solve: choose one of transposed=True and adjoint=True"
            )
        data, b = promoted(self._data, inexact(b))
        if data is not self._data:
            raise TypeError(
                f"SparseFactorization.solve: b is {b.dtype}, the factor of {self.dtype}; convert b, or factorize a "
                "matrix of b's precision"
            )
        return run_adjoint(
            self._solver, data, b, factor=self._factor, transposed=self._transposed != (transposed or adjoint),
            conjugate=adjoint, order=self.shape[0], name="SparseFactorization.solve",
        )  # fmt: skip

    def slogdet(self) -> tuple[Any, Any]:
        """The sign of det A (a phase, if complex) and log |det A|.

        Returns
        -------
        sign, logabsdet : Array

        Raises
        ------
        NotImplementedError
            If the library's sparse factor has no determinant (CuPy's).

        Notes
        -----
        The gradient is A⁻ᵀ at the stored positions, by a solve for each column of the identity: n solves by the same
        factor, and memory for n × n numbers.
        """
        return function_of(find("slogdet_by"))(self._data, solver=self._solver, factor=self._factor)

    def logdet(self) -> Any:
        """log |det A|; its gradient as `slogdet`'s."""
        return self.slogdet()[1]
