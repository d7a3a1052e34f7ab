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
    """The array API standard's `linalg.solve`, differentiable: x2_bar = λ with x1ᵀ λ = ct, x1_bar = −λ outᵀ.

    Parameters
    ----------
    x1
        Matrices (…, n, n).
    x2
        One vector (n,), or matrices (…, n, k); batches broadcast.

    Returns
    -------
    Array

    Raises
    ------
    SingularMatrixError
        If x1 is exactly singular. `pb.linalg.solve` looks closer, and has other factors than LU.
    """
    if type(unwrap_closed(x1)) is not Array and type(unwrap_closed(x2)) is not Array:
        return function_of(find("linalg.solve"))(x1, x2)
    A, b = operands(x1, x2)
    square(A, "linalg.solve")
    return run(dense("general", "exact"), A, b, name="linalg.solve")


@provides("linalg.slogdet")
def slogdet(x: Any, /) -> tuple[Array, Array]:
    """The array API standard's `linalg.slogdet`, differentiable: x_bar = (ct + i Im(sign_bar sign)) x⁻ᵀ.

    Parameters
    ----------
    x
        Matrices (…, n, n).

    Returns
    -------
    sign, logabsdet : Array
        The sign (a phase, if complex) and the logarithm of the size of the determinant: 0 and −∞ for a singular
        matrix, where there is no derivative.
    """
    if type(unwrap_closed(x)) is not Array:
        return SlogdetResult(*function_of(find("linalg.slogdet"))(x))
    square(x, "linalg.slogdet")
    factor = factor_of(_DETERMINANT, backend_array(x))
    return SlogdetResult(*function_of(find("slogdet_by"))(x, solver=_DETERMINANT, factor=factor))
