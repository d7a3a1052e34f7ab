"""Factors of matrices for any array library, by the functions of the standard.

A factor is what is computed once from a matrix A and then solves A v = b and Aᵀ v = b (plain transposes) for any b.
The standard knows no LU, so that the factor here is an inverse, A⁻¹ or that of A's Cholesky factor: of A's own forward
error (Higham, Accuracy and stability of numerical algorithms, 2002, §14.1), though not of its backward error, and for
many small matrices the fastest on any library. `numpy/linalg.py` and `cuda/factors.py` have faster ones for large
matrices.

All take matrices (…, n, n), or the stored elements of structured ones, and right-hand sides (…, n, k).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..common.errors import not_positive, singular, zero_pivot
from ..common.typing import XP, RawArray
from . import finite

DENSE = ("general", "symmetric", "hermitian", "positive", "lower", "upper", "unit lower", "unit upper")  # fmt: skip


def conj(xp: XP, x: Any) -> Any:
    """The complex conjugate; real arrays as they are."""
    return xp.conj(x) if xp.isdtype(x.dtype, "complex floating") else x


def identity(xp: XP, n: int, x: Any) -> Any:
    """The n × n unit matrix in the dtype and on the device of `x`."""
    i = xp.arange_like(n, x)
    return xp.astype(i[:, None] == i[None, :], x.dtype)


def from_lower(xp: XP, A: RawArray, *, hermitian: bool) -> Any:
    """The full symmetric or Hermitian matrix, of which the lower triangle is read."""
    below = xp.tril(A, k=-1)
    above = xp.matrix_transpose(below)
    if not hermitian or not xp.isdtype(A.dtype, "complex floating"):
        return xp.tril(A) + above
    diagonal = xp.tril(A) - below
    # the diagonal of a Hermitian matrix is real
    return below + xp.conj(above) + 0.5 * (diagonal + xp.conj(diagonal))


def triangle(xp: XP, A: RawArray, structure: str) -> Any:
    """The triangle of A that `structure` names, with ones on the diagonal for a unit one."""
    cut = xp.tril if structure.endswith("lower") else xp.triu
    if not structure.startswith("unit"):
        return cut(A)
    return cut(A, k=-1 if structure.endswith("lower") else 1) + identity(xp, A.shape[-1], A)


def dense_matrix(xp: XP, A: RawArray, structure: str) -> Any:
    """The matrix that a solve of this structure reads from A."""
    if structure == "general":
        return A
    if structure in ("symmetric", "hermitian", "positive"):
        return from_lower(xp, A, hermitian=structure != "symmetric")
    return triangle(xp, A, structure)


def dense_from_bands(xp: XP, ab: RawArray, bandwidths: tuple[int, int]) -> Any:
    """A (…, n, n) of its diagonals ab (…, l + u + 1, n), A[i, j] = ab[u + i − j, j]."""
    n, (_, up) = ab.shape[-1], bandwidths
    i, j = xp.arange_like(n, ab)[:, None], xp.arange_like(n, ab)[None, :]
    row = up + i - j
    inside = (row >= 0) & (row < ab.shape[-2])
    index = xp.reshape(xp.where(inside, row * n + j, xp.zeros_like(row)), (-1,))
    flat = xp.reshape(ab, (*ab.shape[:-2], ab.shape[-2] * n))
    out = xp.reshape(xp.take(flat, index, axis=-1), (*ab.shape[:-2], n, n))
    return xp.where(inside, out, xp.zeros_like(out))


def dense_from_lower_bands(xp: XP, ab: RawArray) -> Any:
    """A Hermitian A (…, n, n) of its lower diagonals ab (…, l + 1, n), A[j + k, j] = ab[k, j]."""
    return from_lower(xp, dense_from_bands(xp, ab, (ab.shape[-2] - 1, 0)), hermitian=True)


# ── the factors ───────────────────────────────────────────────────────────────────────────────


class Factor:
    """The base class of all factors. `xp` is the namespace of the arrays within."""

    xp: Any

    def solve(self, b: RawArray, transposed: bool) -> Any:
        """The solution v of A v = b, or of Aᵀ v = b."""
        raise self._lacks("solve")

    def slogdet(self) -> tuple[Any, Any]:
        """The sign, or phase, of det A, and log |det A|."""
        raise self._lacks("a determinant")

    def inverse(self) -> Any:
        """The inverse A⁻¹."""
        raise self._lacks("an inverse")

    def _lacks(self, what: str) -> NotImplementedError:
        return NotImplementedError(
            f"{type(self).__name__} factor: {what} was asked for, which it does not have; factorize the matrix with "
            'assume="general"'
        )

    def rcond(self, A: RawArray) -> Any:
        """An estimate of 1 / (‖A‖₁ ‖A⁻¹‖₁) from the dense values of A."""
        inverse = self.inverse()
        return 1 / (_norm(self.xp, A) * _norm(self.xp, inverse))


@dataclass(frozen=True, eq=False)
class Inverse(Factor):
    """The inverse A⁻¹ itself."""

    xp: Any
    values: Any

    def solve(self, b: RawArray, transposed: bool) -> Any:
        """The solution v of A v = b, or of Aᵀ v = b."""
        return (self.xp.matrix_transpose(self.values) if transposed else self.values) @ b

    def slogdet(self) -> tuple[Any, Any]:
        """The sign, or phase, of det A, and log |det A|."""
        sign, size = self.xp.linalg.slogdet(self.values)
        return conj(self.xp, sign), -size

    def inverse(self) -> Any:
        """The inverse A⁻¹."""
        return self.values


@dataclass(frozen=True, eq=False)
class CholeskyInverse(Factor):
    """L and L⁻¹ of A = L Lᴴ."""

    xp: Any
    L: Any
    inverse_L: Any

    def solve(self, b: RawArray, transposed: bool) -> Any:
        """The solution v of A v = b, or of Aᵀ v = b."""
        xp, J = self.xp, self.inverse_L
        # Aᵀ = conj(A)
        if transposed:
            return xp.matrix_transpose(J) @ (conj(xp, J) @ b)
        return conj(xp, xp.matrix_transpose(J)) @ (J @ b)

    def slogdet(self) -> tuple[Any, Any]:
        """The sign, or phase, of det A, and log |det A|."""
        xp = self.xp
        diagonal = xp.linalg.diagonal(self.L)
        size = xp.real(diagonal) if xp.isdtype(diagonal.dtype, "complex floating") else diagonal
        total = 2 * xp.sum(xp.log(size), axis=-1, dtype=size.dtype)
        return xp.ones_like(xp.sum(diagonal, axis=-1)), total

    def inverse(self) -> Any:
        """The inverse A⁻¹."""
        return conj(self.xp, self.xp.matrix_transpose(self.inverse_L)) @ self.inverse_L


@dataclass(frozen=True, eq=False)
class Diagonal(Factor):
    """The elements d (…, n) of a diagonal matrix."""

    xp: Any
    d: Any

    def solve(self, b: RawArray, transposed: bool) -> Any:
        """The solution v of A v = b, or of Aᵀ v = b."""
        return finite.columns(self.xp, b / self.d[..., None], b)


@dataclass(frozen=True, eq=False)
class Circulant(Factor):
    """The eigenvalues of a circulant matrix: the Fourier transform of its first column c (…, n)."""

    xp: Any
    eigenvalues: Any
    real: bool

    def solve(self, b: RawArray, transposed: bool) -> Any:
        """The solution v of A v = b, or of Aᵀ v = b."""
        xp = self.xp
        values = self.eigenvalues
        # there is no transform of an empty array
        if values.shape[-1] == 0:
            return b
        # the eigenvalues of Aᵀ are those of the first row, whose transform runs backwards
        if transposed:
            values = xp.roll(xp.flip(values, axis=-1), 1, axis=-1)
        dtype = xp.result_type(values, b)
        complex_b = b if b.dtype == dtype else xp.astype(b, dtype)
        out = xp.fft.ifft(xp.fft.fft(complex_b, axis=-2) / values[..., None], axis=-2)
        out = xp.real(out) if self.real and not xp.isdtype(b.dtype, "complex floating") else out
        return finite.columns(xp, out, b)


# ── making factors ───────────────────────────────────────────────────────────────────────────────


def _norm(xp: XP, A: RawArray) -> Any:
    return xp.max(xp.sum(xp.abs(A), axis=-2), axis=-1)


def _first(xp: XP, wrong: Any) -> tuple[int, ...]:
    """The index of the first matrix of a batch for which `wrong` holds."""
    if wrong.ndim == 0:
        return ()
    return tuple(int(i[0]) for i in xp.nonzero(wrong))


def _checked_inverse(xp: XP, A: RawArray, check: bool | str) -> Any:
    """A⁻¹; with `check`, an error where A is singular to working precision."""
    A, bad = finite.matrices(xp, A)
    try:
        out = xp.linalg.inv(A)
    except Exception as error:
        # NumPy raises LinAlgError, and each other library a class of its own
        if "ingular" not in str(error):
            raise
        if not check:
            return xp.full_like(A, float("nan"))
        raise singular(0.0, _host_dtype(A)) from None
    if check == "exact" and math.prod(A.shape):
        _raise_if_nan(xp, out, A)
    if check is True and math.prod(A.shape):
        raise_if_singular(xp, 1 / (_norm(xp, A) * _norm(xp, out)), A)
    return finite.spoilt(xp, out, bad)


def _raise_if_nan(xp: XP, out: Any, A: RawArray) -> None:
    """An error where a library returns NaN, or 1/0, for the inverse of a singular matrix, instead of raising."""
    wrong = xp.any(xp.any(out != out, axis=-1), axis=-1)
    if A.shape[-1] == 1:
        wrong = wrong | (A[..., 0, 0] == 0)
    wrong = wrong & xp.all(xp.all(xp.isfinite(A), axis=-1), axis=-1)
    if bool(xp.any(wrong)):
        raise singular(0.0, _host_dtype(A), _first(xp, wrong))


def _looks_singular(xp: XP, L: RawArray) -> bool:
    """Whether the diagonal of a Cholesky factor spreads over more than a quarter of the digits."""
    sizes = xp.abs(xp.linalg.diagonal(L))
    spread = xp.min(sizes, axis=-1) / xp.max(sizes, axis=-1)
    return bool(xp.any(spread < xp.finfo(L.dtype).eps ** 0.25))


def raise_if_singular(xp: XP, rcond: Any, A: RawArray) -> None:
    """An error if a matrix of a batch has a reciprocal condition number below the precision of its dtype."""
    # NaN, too, where a library returns that for singular matrices
    wrong = ~(rcond >= xp.finfo(A.dtype).eps)
    if not bool(xp.any(wrong)):
        return
    axes = (-1,) if len(A.shape) == len(wrong.shape) + 1 else (-2, -1)
    wrong = wrong & xp.all(xp.isfinite(A), axis=axes)
    if not bool(xp.any(wrong)):
        return
    index = _first(xp, wrong)
    raise singular(float(rcond[index] if index else rcond), _host_dtype(A), index)


def _host_dtype(A: RawArray) -> str:
    return str(A.dtype).rpartition(".")[2]


def no_zeros(xp: XP, d: Any) -> None:
    """An error if a diagonal (…, n) has a zero."""
    wrong = d == 0
    if bool(xp.any(wrong)):
        *batch, index = _first(xp, wrong)
        raise zero_pivot(index, tuple(batch))


def cholesky(xp: XP, A: RawArray, check: bool | str) -> Any:
    """L of A = L Lᴴ; with `check`, an error that names the leading minor that is not positive."""
    try:
        L = xp.linalg.cholesky(A)
        failed = False
    except Exception as error:
        if "definite" not in str(error).lower():
            raise
        failed = True
    # a library may return NaN instead of raising
    if not failed and check and math.prod(A.shape):
        diagonal = xp.linalg.diagonal(L)
        failed = not bool(xp.all(diagonal == diagonal)) and bool(xp.all(A == A))
    if not failed:
        return L
    if not check:
        return xp.full_like(A, float("nan"))
    raise not_positive(*failing_minor(xp, A))


def failing_minor(xp: XP, A: RawArray) -> tuple[int, tuple[int, ...]]:
    """The order of the first leading minor that is not positive, and which matrix it is in."""
    for index in _indices(A.shape[:-2]):
        matrix = A[(*index, slice(None), slice(None))] if index else A
        for order in range(1, A.shape[-1] + 1):
            try:
                L = xp.linalg.cholesky(matrix[:order, :order])
            # each library has a class of its own; that it is not definite is known
            except Exception:
                return order, index
            if not bool(xp.all(L == L)):
                return order, index
    return A.shape[-1], ()


def _indices(shape: tuple[int, ...]) -> Any:
    import itertools

    return itertools.product(*(range(n) for n in shape))


def factor(
    xp: XP,
    A: RawArray,
    *,
    structure: str,
    check: bool | str = True,
    bandwidths: tuple[int, int] | None = None,
) -> Factor:
    """A factor of A.

    Parameters
    ----------
    A
        Matrices (…, n, n) for the structures of `DENSE`; d (…, n) of "diagonal"; the first column c (…, n) of
        "circulant"; ab (…, l + u + 1, n) of "banded", ab (…, l + 1, n), lower form, of "positive banded".
    structure : str
        The name of what A is, which says what is read of it and which factor is made.
    check : bool or "exact"
        Raise where A is singular or not positive definite (which reads a flag from the device), instead of NaN;
        "exact": of general matrices only where a pivot is zero.
    bandwidths : (int, int), optional
        l and u of "banded".

    Raises
    ------
    SingularMatrixError, NotPositiveDefiniteError
        With `check`.
    """
    if structure == "diagonal":
        A = finite.rows(xp, A)
        if check:
            no_zeros(xp, A)
        return Diagonal(xp, A)
    if structure == "circulant":
        return _circulant(xp, A, check)
    if structure == "banded":
        return xp.factor(
            dense_from_bands(xp, A, bandwidths or (0, 0)), structure="general", check=check
        )
    if structure == "positive banded":
        return xp.factor(dense_from_lower_bands(xp, A), structure="positive", check=check)
    if structure == "positive":
        A, bad = finite.matrices(xp, dense_matrix(xp, A, structure))
        L = cholesky(xp, A, check)
        made = CholeskyInverse(xp, L, xp.linalg.inv(L))
        if check and math.prod(A.shape) and _looks_singular(xp, L):
            raise_if_singular(xp, made.rcond(A), A)
        if bad is None:
            return made
        return CholeskyInverse(
            xp, finite.spoilt(xp, L, bad), finite.spoilt(xp, made.inverse_L, bad)
        )
    A = dense_matrix(xp, A, structure)
    if structure.endswith(("lower", "upper")):
        if check and not structure.startswith("unit"):
            no_zeros(xp, xp.linalg.diagonal(A))
        return Inverse(xp, _checked_inverse(xp, A, False))
    return Inverse(xp, _checked_inverse(xp, A, check))


def _circulant(xp: XP, c: Any, check: bool | str) -> Circulant:
    real = not xp.isdtype(c.dtype, "complex floating")
    c = finite.rows(xp, c)
    if c.shape[-1] == 0:
        return Circulant(xp, c, real)
    values = xp.fft.fft(xp.astype(c, xp.result_type(c.dtype, xp.complex64)) if real else c, axis=-1)
    if check and math.prod(c.shape):
        sizes = xp.abs(values)
        largest = xp.max(sizes, axis=-1)
        # c = 0 gives 0 / 1, not 0 / 0
        largest = xp.where(largest == 0, xp.ones_like(largest), largest)
        raise_if_singular(xp, xp.min(sizes, axis=-1) / largest, sizes)
    return Circulant(xp, values, real)


def lu_or_none(xp: XP, A: RawArray) -> Any:
    """An LU factor, of singular matrices too, where the library has one."""
    return None


def cholesky_vjp(xp: XP, L: RawArray, L_bar: RawArray) -> Any:
    """The Hermitian part of ``L⁻ᵀ Φ(Lᵀ L̄) conj(L)⁻¹``, Φ the lower triangle with half of the diagonal."""
    by_L = xp.factor(L, structure="lower", check=False)
    M = xp.matrix_transpose(L) @ L_bar
    phi = 0.5 * (xp.tril(M) + xp.tril(M, k=-1))
    left = by_L.solve(phi, True)
    right = conj(xp, by_L.solve(conj(xp, xp.matrix_transpose(left)), True))
    out = xp.matrix_transpose(right)
    return 0.5 * (out + conj(xp, xp.matrix_transpose(out)))
