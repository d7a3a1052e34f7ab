"""The standard's `solve` and `slogdet`, whose derivatives use the factor that the value was computed by.

Where no derivative is asked for, the library's own functions run. An exactly singular matrix is an error in `solve`,
as in NumPy, and none in `slogdet`, whose value is then −∞ and whose derivative fails as `inv` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from ...core.array import Array, backend_array, unwrap_closed
from ...core.defvjp import function_of
from ...core.levels.batched import factor_of
from ...core.namespaces import namespace_of
from ...core.registry import find, provides
from ...core.typing import XP, RawArray, Value
from ..runner import operands, run, square
from . import factorize as factors  # noqa: F401 - registers the rules of slogdet_by and inverse_by
from .dense import dense


class SlogdetResult(NamedTuple):
    """The sign, or phase, of a determinant, and the logarithm of its size."""

    sign: Any
    logabsdet: Any


@dataclass(frozen=True)
class Determinant:
    """The determinant by the factor that makes the inverse for its derivative."""

    def factor(self, A: RawArray) -> Any:
        """LU, where the library has one, and A."""
        return namespace_of(A).lu_or_none(A), A

    def slogdet(self, factor: Any) -> Any:
        """Sign and logarithm of the determinant, by LU or by the library."""
        made, A = factor
        return tuple(namespace_of(A).linalg.slogdet(A)) if made is None else made.slogdet()

    def inverse(self, factor: Any) -> Any:
        """A⁻¹; a singular A is an error."""
        made, A = factor
        return namespace_of(A).linalg.inv(A) if made is None else made.inverse()

    def cut(self, X: Value, xp: XP) -> Any:
        """A general matrix has no structure."""
        return X


_DETERMINANT = Determinant()


@provides("linalg.solve")
def solve(x1: Any, x2: Any, /) -> Array:
    """The solution of linear systems, x1 out = x2, by LU.

    Parameters
    ----------
    x1 : array
        Square matrices (…, n, n) of a floating-point dtype, real or complex.
    x2 : array
        One vector (n,), or matrices (…, n, k); batches broadcast.

    Returns
    -------
    Array
        (n,) or (…, n, k), in the dtype that both promote to.

    Raises
    ------
    SingularMatrixError
        If a matrix is exactly singular, on every backend. `pb.linalg.solve` looks closer, and has other factors than
        LU.

    Notes
    -----
    The pullback, with the cotangent ct of the result::

        x2_bar = λ with x1ᵀ λ = ct
        x1_bar = −λ outᵀ

    One factorisation serves value, gradient and all higher derivatives.

    References
    ----------
    Giles and Pierce, An introduction to the adjoint approach to design, 2000.

    Examples
    --------
    >>> import pullback as pb
    >>> A, b = pb.xp.asarray([[2.0, 0.0], [0.0, 4.0]]), pb.xp.asarray([1.0, 2.0])
    >>> pb.xp.linalg.solve(A, b)
    Array([0.5, 0.5], dtype=float64, device='cpu')
    >>> pb.grad(lambda A, b: pb.xp.sum(pb.xp.linalg.solve(A, b)), argnums=(0, 1))(A, b)
    (Array([[-0.25 , -0.25 ],
           [-0.125, -0.125]], dtype=float64, device='cpu'),
     Array([0.5 , 0.25], dtype=float64, device='cpu'))
    """
    if type(unwrap_closed(x1)) is not Array and type(unwrap_closed(x2)) is not Array:
        return function_of(find("linalg.solve"))(x1, x2)
    A, b = operands(x1, x2)
    square(A, "linalg.solve")
    return run(dense("general", "exact"), A, b, name="linalg.solve")


@provides("linalg.slogdet")
def slogdet(x: Any, /) -> tuple[Array, Array]:
    """The sign of the determinant of matrices and the logarithm of its size, which do not overflow.

    Parameters
    ----------
    x : array
        Square matrices (…, n, n) of a floating-point dtype, real or complex.

    Returns
    -------
    SlogdetResult
        The named pair ``sign`` (…), a phase if complex, and ``logabsdet`` (…), real: 0 and −∞ for a singular matrix.

    Raises
    ------
    SingularMatrixError
        Under a derivative, if a matrix is exactly singular: there is none.

    Notes
    -----
    The pullback, with the cotangents sign_bar and logabsdet_bar::

        x_bar = (logabsdet_bar + i Im(sign_bar sign)) x⁻ᵀ

    A real sign has the derivative 0. The factor that the value was computed by makes the inverse.

    References
    ----------
    Giles, Collected matrix derivative results for forward and reverse mode algorithmic differentiation, 2008.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.xp.asarray([[2.0, 1.0], [1.0, 2.0]])
    >>> pb.xp.linalg.slogdet(x).logabsdet
    Array(1.09861229, dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.linalg.slogdet(x).logabsdet)(x)
    Array([[ 0.66666667, -0.33333333],
           [-0.33333333,  0.66666667]], dtype=float64, device='cpu')
    """
    if type(unwrap_closed(x)) is not Array:
        return SlogdetResult(*function_of(find("linalg.slogdet"))(x))
    square(x, "linalg.slogdet")
    factor = factor_of(_DETERMINANT, backend_array(x))
    return SlogdetResult(*function_of(find("slogdet_by"))(x, solver=_DETERMINANT, factor=factor))
