"""Linear algebra of NumPy's namespace: factors, of batches too, Cholesky's derivative, errors that say more.

Batches of small matrices are inverted by `generic/factors.py`, for which NumPy needs one call of C code; large
matrices of a batch are factored one by one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..common.errors import not_positive, zero_pivot
from ..common.typing import RawArray
from ..generic import factors as generic
from ..generic.factors import Factor
from ..generic.finite import NotFinite
from ..generic.namespace import extend
from . import kept_memory, lapack
from .banded_factors import banded, banded_cholesky, within
from .factors import cholesky, ldl, lu, triangle
from .lapack import EPS
from .standard import STANDARD

# The largest order of matrices of which a batch is inverted at once.
SMALL = 32

# ── batches ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class Stack(Factor):
    """The factors of a batch of matrices, one by one."""

    factors: list[Factor]
    shape: tuple[int, ...]

    def solve(self, b: np.ndarray, transposed: bool) -> np.ndarray:
        """The solution v of A v = b, or of Aᵀ v = b."""
        shape = np.broadcast_shapes(self.shape, b.shape[:-2])
        b = np.broadcast_to(b, (*shape, *b.shape[-2:]))
        which = np.broadcast_to(np.arange(len(self.factors)).reshape(self.shape), shape)
        parts = [self.factors[which[i]].solve(b[i], transposed) for i in np.ndindex(shape)]
        return np.stack(parts).reshape(b.shape) if parts else np.empty(b.shape, b.dtype)

    def slogdet(self) -> tuple[Any, Any]:
        """The sign, or phase, of det A, and log |det A|."""
        signs, sizes = zip(*(f.slogdet() for f in self.factors), strict=True)
        return np.stack(signs).reshape(self.shape), np.stack(sizes).reshape(self.shape)

    def inverse(self) -> np.ndarray:
        """The inverse A⁻¹."""
        out = np.stack([f.inverse() for f in self.factors])
        return out.reshape(*self.shape, *out.shape[-2:])

    def rcond(self, A: RawArray) -> Any:
        """An estimate of 1 / (‖A‖₁ ‖A⁻¹‖₁)."""
        flat = A.reshape(-1, *A.shape[-2:])
        found = [f.rcond(a) for f, a in zip(self.factors, flat, strict=True)]
        return np.asarray(found, A.real.dtype).reshape(self.shape)


def _is_finite(A: np.ndarray) -> bool:
    """Whether all elements are finite.

    They are if the sum of their squares is, which takes half the time that a look at each does; where that overflows,
    each is looked at. Row by row: for the product of long vectors NumPy's BLAS wakes its threads, which then disturb
    those of SciPy's that factorise.
    """
    if A.dtype.char in "fd" and (A.flags.c_contiguous or A.flags.f_contiguous):
        rows = A if A.flags.c_contiguous else A.T
        with np.errstate(over="ignore", invalid="ignore"):
            squares = np.vecdot(rows, rows).sum()
        if math.isfinite(squares):
            return True
    return bool(np.isfinite(A).all())


def _one(A: np.ndarray, structure: str, check: Any, widths: Any, index: tuple[int, ...]) -> Any:
    if not _is_finite(A):
        if structure.endswith("banded"):
            read = within(A, widths if structure == "banded" else (A.shape[0] - 1, 0))
            dense = None
        else:
            read = dense = generic.dense_matrix(_XP, A, structure)
        if not np.isfinite(read).all():
            return NotFinite(dense, A.shape[-1], A.dtype, check == "exact")
    if structure == "general":
        return lu(A, check, index)
    if structure in ("symmetric", "hermitian"):
        return ldl(A, structure == "hermitian", check, index)
    if structure == "positive":
        return cholesky(A, check, index)
    if structure == "banded":
        return banded(A, widths, check, index)
    if structure == "positive banded":
        return banded_cholesky(A, check, index)
    return triangle(A, structure, check, index)


# ── the derivative of Cholesky's factor ───────────────────────────────────────────────────────

_BLOCK = 128


def cholesky_vjp(L: np.ndarray, L_bar: np.ndarray) -> np.ndarray:
    """The Hermitian part of ``L⁻ᵀ Φ(Lᵀ L̄) conj(L)⁻¹``, in blocks: in products, what two factorisations take.

    Each step of the factorisation of blocks is pulled back in turn, from the last to the first (Murray,
    Differentiation of the Cholesky decomposition, 2016, §4.2). Rows of blocks, from the left: R and the diagonal block
    D, B and C below them.
    """
    n = L.shape[-1]
    if L.ndim > 2 or n <= _BLOCK or L.dtype.kind == "c":
        return generic.cholesky_vjp(_XP, L, L_bar)
    bar = np.tril(L_bar)
    solve = lapack.routine("trtrs", L.dtype.char)
    for stop in range(n, 0, -_BLOCK):
        start = max(stop - _BLOCK, 0)
        here, below, before = slice(start, stop), slice(stop, n), slice(0, start)
        D, R = np.ascontiguousarray(L[here, here]), L[here, before]
        D_bar, R_bar, C_bar = bar[here, here], bar[here, before], bar[below, here]
        if stop < n:  # C = (A_C − B Rᵀ) D⁻ᵀ
            C_bar[:] = solve(D.T, C_bar.T, lower=0)[0].T
            bar[below, before] -= C_bar @ R
            D_bar -= np.tril(C_bar.T @ L[below, here])
            R_bar -= C_bar.T @ L[below, before]
        D_bar[:] = generic.cholesky_vjp(_XP, D, np.ascontiguousarray(D_bar))
        R_bar -= 2 * (D_bar @ R)
        C_bar *= 0.5  # the cotangent of one triangle, from now on of both
        bar[here, below] = C_bar.T
    return bar


# ── as functions of the namespace ─────────────────────────────────────────────────────────────


def factor(
    A: np.ndarray,
    *,
    structure: str,
    check: bool | str = True,
    bandwidths: tuple[int, int] | None = None,
) -> Factor:
    """A factor of A, as `generic.factors.factor` describes it."""
    if A.ndim == 2 and structure not in ("diagonal", "circulant"):
        return _one(A, structure, check, bandwidths, ())
    small = structure in generic.DENSE and A.shape[-1] <= SMALL
    batch = A.shape[:-2]
    if structure in ("diagonal", "circulant") or math.prod(batch) == 0 or small:
        return generic.factor(_XP, A, structure=structure, check=check, bandwidths=bandwidths)
    return Stack([_one(A[i], structure, check, bandwidths, i) for i in np.ndindex(batch)], batch)


_XP = extend(STANDARD, factor=factor, cholesky_vjp=cholesky_vjp)


def lu_or_none(A: np.ndarray) -> Any:
    """The LU factor of a matrix, singular ones too; None for a batch, and for dtypes that LAPACK does not know."""
    if A.ndim != 2 or A.shape[0] != A.shape[1] or A.dtype.char not in EPS:
        return None
    return _one(A, "general", False, None, ())


# ── the standard's functions, with errors that say more ───────────────────────────────────────


def solve(x1: RawArray, x2: RawArray) -> Any:
    """NumPy's `solve`; an exactly singular matrix is a `SingularMatrixError`."""
    try:
        return STANDARD.linalg.solve(x1, x2)
    except np.linalg.LinAlgError as error:
        raise _with_pivot_details(error, x1) from None


def inv(x: Any) -> Any:
    """NumPy's `inv`; an exactly singular matrix is a `SingularMatrixError`."""
    try:
        return np.linalg.inv(x)
    except np.linalg.LinAlgError as error:
        raise _with_pivot_details(error, x) from None


def outer(x1: RawArray, x2: RawArray, /) -> Any:
    """The product x1 x2ᵀ, of real vectors by BLAS, in half of the time of NumPy's multiplication with broadcasting.

    Of complex ones BLAS saves little, and turns other infinities to NaN than NumPy does.
    """
    if x1.ndim != 1 or x2.ndim != 1 or x1.dtype is not x2.dtype or x1.dtype.char not in "fd":
        return STANDARD.linalg.outer(x1, x2)
    out = kept_memory.empty((x1.shape[0], x2.shape[0]), x1.dtype.newbyteorder("="))
    return np.dot(x1[:, None], x2[None, :], out=out)


def standard_cholesky(x: Any, /, *, upper: bool = False) -> Any:
    """The Cholesky factor, of the lower triangle of x; LAPACK on `x` itself takes half of NumPy's time."""
    if x.ndim != 2 or x.shape[0] != x.shape[1] or x.dtype.char not in EPS or x.size == 0:
        try:
            return STANDARD.linalg.cholesky(x, upper=upper)
        except np.linalg.LinAlgError as error:
            raise _with_pivot_details(error, x) from None
    a, flipped = lapack.columns(x)
    c, info = lapack.potrf(a, not flipped, clean=True)
    if info > 0:
        raise not_positive(info)
    # an upper factor of the conjugate is this one's transpose
    if flipped != upper:
        return c.T
    return np.conj(c) if upper else c


def _with_pivot_details(error: Exception, x: np.ndarray) -> Exception:
    """The error that names the zero pivot or the leading minor, where one is found; else `error` itself."""
    if "ingular" in str(error):
        for i in np.ndindex(x.shape[:-2]):
            values = lu(x[i].astype(np.result_type(x, np.float32)), False).lu
            zeros = np.flatnonzero(values.diagonal() == 0)
            if len(zeros):
                return zero_pivot(int(zeros[0]), i)
    if "definite" in str(error):
        return not_positive(*generic.failing_minor(_XP, x))
    return error
