"""Factors of single NumPy matrices by LAPACK: LU, LDLᵀ, Cholesky, triangles.

Whether a matrix is singular to working precision is asked of LAPACK's estimate of the condition number (gecon) only
where the diagonal of the factor spreads over more than half of the dtype's digits: the estimate takes up to a third of
the factorisation's time. Matrices exist whose condition does not show on that diagonal (Kahan's, Wilkinson's);
`Factor.rcond` reports them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..common.errors import not_positive, zero_pivot
from ..common.typing import RawArray
from ..generic import factors as generic
from ..generic import finite
from ..generic.factors import Factor
from . import lapack
from .lapack import HALF, norm_of, raise_if_singular, signs_and_sizes, solve_columns, spread
from .standard import STANDARD

# ── general matrices: LU ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class LU(Factor):
    """P L U = A, or Aᵀ if `flipped`, in the form that LAPACK returns."""

    lu: np.ndarray
    pivots: np.ndarray
    flipped: bool
    mkl: bool

    def solve(self, b: np.ndarray, transposed: bool) -> np.ndarray:
        """The solution v of A v = b, or of Aᵀ v = b."""
        flip = transposed != self.flipped
        run = lambda b: lapack.getrs(self.lu, self.pivots, b, flip, self.mkl)
        return run(b) if b.dtype is self.lu.dtype and b.size else solve_columns(run, b, self.lu.dtype)  # fmt: skip

    def slogdet(self) -> tuple[Any, Any]:
        """The sign, or phase, of det A, and log |det A|."""
        swaps = np.count_nonzero(self.pivots != np.arange(len(self.pivots)) + self.mkl)
        return signs_and_sizes(self.lu.diagonal(), -1 if swaps % 2 else 1)

    def inverse(self) -> np.ndarray:
        """The inverse A⁻¹."""
        n = self.lu.shape[0]
        if n == 0:
            return self.lu.copy()
        if self.mkl:  # whose pivots are counted from 1, and whose solves are fast
            return self.solve(np.eye(n, dtype=self.lu.dtype), False)
        zeros = np.flatnonzero(self.lu.diagonal() == 0)
        if len(zeros):
            raise zero_pivot(int(zeros[0]))
        out, _ = lapack.routine("getri", self.lu.dtype.char)(self.lu, self.pivots, lwork=64 * n)
        return out.T if self.flipped else out

    def rcond(self, A: RawArray) -> float:
        """An estimate of 1 / (‖A‖₁ ‖A⁻¹‖₁)."""
        # of Aᵀ, that is the number in the norm of row sums
        which = "I" if self.flipped else "1"
        return float(
            lapack.routine("gecon", self.lu.dtype.char)(self.lu, norm_of(A), norm=which)[0]
        )


def lu(A: np.ndarray, check: bool | str, index: tuple[int, ...] = ()) -> LU:
    """The LU factor of one matrix; under ``check="exact"`` only a zero pivot is an error."""
    a, flipped = lapack.columns(A)
    if a.size == 0:
        return LU(np.array(a), np.empty(0, np.int32), flipped, False)
    values, pivots, info, by_mkl = lapack.getrf(a)
    out = LU(values, pivots, flipped, by_mkl)
    if check:
        if info > 0 and np.isfinite(A).all():
            raise zero_pivot(info - 1, index)
        if check is True and spread(values.diagonal()) < HALF[a.dtype.char]:
            raise_if_singular(out.rcond(A), A, index)
    return out


# ── symmetric and Hermitian matrices: L D Lᵀ ──────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class LDL(Factor):
    """L D Lᵀ, or L D Lᴴ, of the matrix in column order: A, or Aᵀ (the conjugate, if Hermitian) if `flipped`."""

    ldl: np.ndarray
    pivots: np.ndarray
    flipped: bool
    hermitian: bool

    def solve(self, b: np.ndarray, transposed: bool) -> np.ndarray:
        """The solution v of A v = b, or of Aᵀ v = b."""
        name = "hetrs" if self.hermitian else "sytrs"
        run = lambda b: lapack.routine(name, self.ldl.dtype.char)(
            self.ldl, self.pivots, b, lower=not self.flipped
        )[0]
        if self.hermitian and self.ldl.dtype.kind == "c" and transposed != self.flipped:
            return np.conj(solve_columns(run, np.conj(b), self.ldl.dtype))
        return solve_columns(run, b, self.ldl.dtype)

    def slogdet(self) -> tuple[Any, Any]:
        """The sign, or phase, of det A, and log |det A|."""
        d, pivots = self.ldl.diagonal(), self.pivots
        blocks = d[pivots > 0]
        # 2 × 2 blocks have two negative pivots in a row
        first = np.flatnonzero(pivots < 0)[::2]
        off_diagonal = self.ldl[first, first + 1] if self.flipped else self.ldl[first + 1, first]
        square = np.abs(off_diagonal) ** 2 if self.hermitian else off_diagonal * off_diagonal
        return signs_and_sizes(np.concat([blocks, d[first] * d[first + 1] - square]), 1)

    def inverse(self) -> np.ndarray:
        """The inverse A⁻¹."""
        return self.solve(np.eye(self.ldl.shape[0], dtype=self.ldl.dtype), False)

    def rcond(self, A: RawArray) -> float:
        """An estimate of 1 / (‖A‖₁ ‖A⁻¹‖₁)."""
        return self._estimate(norm_of(generic.from_lower(STANDARD, A, hermitian=self.hermitian)))

    def _estimate(self, norm: float) -> float:
        name = "hecon" if self.hermitian else "sycon"
        return float(
            lapack.routine(name, self.ldl.dtype.char)(
                self.ldl, self.pivots, norm, lower=not self.flipped
            )[0]
        )


def ldl(A: np.ndarray, hermitian: bool, check: bool, index: tuple[int, ...] = ()) -> LDL:
    """The L D Lᵀ factor of one matrix, of which the lower triangle is read."""
    a, flipped = lapack.columns(A)
    name, char, n = "hetrf" if hermitian else "sytrf", a.dtype.char, a.shape[0]
    if n == 0:
        return LDL(np.array(a), np.empty(0, np.int32), flipped, hermitian)
    work = int(lapack.routine(name + "_lwork", char)(n, lower=not flipped)[0].real)
    values, pivots, info = lapack.routine(name, char)(a, lower=not flipped, lwork=work)
    out = LDL(values, pivots, flipped, hermitian)
    if check and np.isfinite(A).all():
        if info > 0:
            raise zero_pivot(info - 1, index)
        raise_if_singular(out.rcond(A), A, index)
    return out


# ── positive definite matrices: Cholesky ──────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class Cholesky(Factor):
    """L Lᴴ of the matrix in column order: A, or its conjugate if `flipped`."""

    c: np.ndarray
    flipped: bool

    def solve(self, b: np.ndarray, transposed: bool) -> np.ndarray:
        """The solution v of A v = b, or of Aᵀ v = b."""
        run = lambda b: lapack.potrs(self.c, b, not self.flipped)
        if self.c.dtype.kind == "c" and transposed != self.flipped:
            return np.conj(solve_columns(run, np.conj(b), self.c.dtype))
        return solve_columns(run, b, self.c.dtype)

    def slogdet(self) -> tuple[Any, Any]:
        """The sign, or phase, of det A, and log |det A|."""
        d = self.c.diagonal()
        return np.ones((), d.dtype), np.asarray(2 * np.log(d.real).sum(), d.real.dtype)

    def inverse(self) -> np.ndarray:
        """The inverse A⁻¹."""
        if self.c.size == 0:
            return self.c.copy()
        half = lapack.potri(self.c, not self.flipped)
        return generic.from_lower(STANDARD, half.T if self.flipped else half, hermitian=True)

    def rcond(self, A: RawArray) -> float:
        """An estimate of 1 / (‖A‖₁ ‖A⁻¹‖₁)."""
        return self._estimate(norm_of(generic.from_lower(STANDARD, A, hermitian=True)))

    def _estimate(self, norm: float) -> float:
        side = "U" if self.flipped else "L"
        return float(lapack.routine("pocon", self.c.dtype.char)(self.c, norm, uplo=side)[0])


def cholesky(A: np.ndarray, check: bool, index: tuple[int, ...] = ()) -> Cholesky:
    """The Cholesky factor of one matrix, of which the lower triangle is read."""
    a, flipped = lapack.columns(A)
    if a.size == 0:
        return Cholesky(np.array(a), flipped)
    values, info = lapack.potrf(a, not flipped)
    if info > 0:
        if check:
            raise not_positive(info, index)
        values = np.full_like(values, np.nan)
    out = Cholesky(values, flipped)
    if check and spread(values.diagonal()) ** 2 < HALF[a.dtype.char]:
        raise_if_singular(out.rcond(A), A, index)
    return out


# ── triangles ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class Triangle(Factor):
    """A triangular matrix, which needs no factor."""

    a: np.ndarray  # in column order
    flipped: bool
    lower: bool  # of `a`
    unit: bool

    def solve(self, b: np.ndarray, transposed: bool) -> np.ndarray:
        """The solution v of A v = b, or of Aᵀ v = b."""
        run = lambda b: lapack.routine("trtrs", self.a.dtype.char)(
            self.a, b, lower=self.lower, trans=transposed != self.flipped, unitdiag=self.unit
        )[0]
        return finite.columns(np, solve_columns(run, b, self.a.dtype), b)

    def slogdet(self) -> tuple[Any, Any]:
        """The sign, or phase, of det A, and log |det A|."""
        d = self.a.diagonal()
        return signs_and_sizes(np.ones_like(d) if self.unit else d, 1)

    def inverse(self) -> np.ndarray:
        """The inverse A⁻¹."""
        return self.solve(np.eye(self.a.shape[0], dtype=self.a.dtype), False)

    def rcond(self, A: RawArray) -> float:
        """An estimate of 1 / (‖A‖₁ ‖A⁻¹‖₁)."""
        settings = {"uplo": "L" if self.lower else "U", "diag": "U" if self.unit else "N"}
        which = "I" if self.flipped else "1"
        routine = lapack.routine("trcon", self.a.dtype.char)
        return float(routine(self.a, norm=which, **settings)[0])


def triangle(A: np.ndarray, structure: str, check: bool, index: tuple[int, ...] = ()) -> Triangle:
    """One triangular matrix; the other triangle is not read."""
    unit, lower = structure.startswith("unit"), structure.endswith("lower")
    if not unit:
        zeros = np.flatnonzero(A.diagonal() == 0)
        if len(zeros):
            if check:
                raise zero_pivot(int(zeros[0]), index)
            A = np.full_like(A, np.nan)  # LAPACK would refuse and leave b as it is
    a, flipped = lapack.columns(A)
    return Triangle(np.asfortranarray(a), flipped, lower != flipped, unit)
