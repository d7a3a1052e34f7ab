"""Factors of single banded NumPy matrices by LAPACK, within the band."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..common.errors import not_positive, zero_pivot
from ..generic import factors as generic
from ..generic import finite
from ..generic.factors import Factor
from . import lapack
from .lapack import HALF, raise_if_singular, signs_and_sizes, solve_columns, spread
from .standard import STANDARD


@dataclass(frozen=True, eq=False)
class Banded(Factor):
    """LU with row exchanges of a matrix with l diagonals below the main one and u above."""

    lu: np.ndarray  # (2l + u + 1, n), in column order
    pivots: np.ndarray
    widths: tuple[int, int]

    def solve(self, b: np.ndarray, transposed: bool) -> np.ndarray:
        """The solution v of A v = b, or of Aᵀ v = b."""
        run = lambda b: lapack.routine("gbtrs", self.lu.dtype.char)(
            self.lu, *self.widths, b, self.pivots, trans=transposed
        )[0]
        return finite.columns(np, solve_columns(run, b, self.lu.dtype), b)

    def slogdet(self) -> tuple[Any, Any]:
        """The sign, or phase, of det A, and log |det A|."""
        swaps = np.count_nonzero(self.pivots != np.arange(len(self.pivots)))
        return signs_and_sizes(self.lu[sum(self.widths)], -1 if swaps % 2 else 1)


@dataclass(frozen=True, eq=False)
class Tridiagonal(Factor):
    """LU with row exchanges of a tridiagonal matrix, as LAPACK's gttrf returns it."""

    parts: tuple[np.ndarray, ...]

    def solve(self, b: np.ndarray, transposed: bool) -> np.ndarray:
        """The solution v of A v = b, or of Aᵀ v = b."""
        dtype = self.parts[1].dtype
        run = lambda b: lapack.routine("gttrs", dtype.char)(
            *self.parts, b, trans="T" if transposed else "N"
        )[0]
        return finite.columns(np, solve_columns(run, b, dtype), b)

    def slogdet(self) -> tuple[Any, Any]:
        """The sign, or phase, of det A, and log |det A|."""
        # LAPACK's own pivots, counted from 1
        swaps = np.count_nonzero(self.parts[4] != np.arange(1, len(self.parts[4]) + 1))
        return signs_and_sizes(self.parts[1], -1 if swaps % 2 else 1)


@dataclass(frozen=True, eq=False)
class BandedCholesky(Factor):
    """L Lᴴ of a positive definite banded matrix."""

    c: np.ndarray

    def solve(self, b: np.ndarray, transposed: bool) -> np.ndarray:
        """The solution v of A v = b, or of Aᵀ v = b."""
        run = lambda b: lapack.routine("pbtrs", self.c.dtype.char)(self.c, b, lower=True)[0]
        if self.c.dtype.kind == "c" and transposed:
            return np.conj(finite.columns(np, solve_columns(run, np.conj(b), self.c.dtype), b))
        return finite.columns(np, solve_columns(run, b, self.c.dtype), b)


def banded(
    ab: np.ndarray, widths: tuple[int, int], check: bool, index: tuple[int, ...] = ()
) -> Factor:
    """The factor of one matrix of its diagonals ab (l + u + 1, n)."""
    low, up = widths
    n, char = ab.shape[1], ab.dtype.char
    if widths == (1, 1) and n > 2:  # SciPy's gttrf wants two elements beside the diagonal
        *parts, info = lapack.routine("gttrf", char)(ab[2, :-1], ab[1], ab[0, 1:])
        out: Any = Tridiagonal(tuple(parts))
        diagonal = parts[1]
    else:
        wide = np.zeros((2 * low + up + 1, n), ab.dtype, order="F")
        wide[low:] = ab
        values, pivots, info = lapack.routine("gbtrf", char)(wide, low, up, overwrite_ab=True)
        out, diagonal = Banded(values, pivots, widths), values[low + up]
    if check and n:
        if info > 0:
            raise zero_pivot(info - 1, index)
        if spread(diagonal) < HALF[char]:
            raise_if_singular(_banded_rcond(out, ab, widths), ab, index)
    elif info > 0:
        return generic.Inverse(STANDARD, np.full((n, n), np.nan, ab.dtype))
    return out


def within(ab: np.ndarray, widths: tuple[int, int]) -> np.ndarray:
    """The diagonals, with 0 outside of the matrix, where nothing is read."""
    low, up = widths
    out = ab.copy()
    for row in range(low + up + 1):
        shift = up - row
        out[row, : max(shift, 0)] = 0
        out[row, max(ab.shape[1] + min(shift, 0), 0) :] = 0
    return out


def _banded_rcond(factor: Any, ab: np.ndarray, widths: tuple[int, int]) -> float:
    low, up = widths
    sizes = np.abs(within(ab, widths))
    norm = float(sizes.sum(axis=0).max())
    char = ab.dtype.char
    if type(factor) is Tridiagonal:
        return float(lapack.routine("gtcon", char)(*factor.parts, norm)[0])
    return float(lapack.routine("gbcon", char)(low, up, factor.lu, factor.pivots, norm)[0])


def banded_cholesky(ab: np.ndarray, check: bool, index: tuple[int, ...] = ()) -> BandedCholesky:
    """The factor of one matrix of its lower diagonals ab (l + 1, n)."""
    if ab.size == 0:
        return BandedCholesky(np.array(ab))
    values, info = lapack.routine("pbtrf", ab.dtype.char)(ab, lower=True)
    if info > 0:
        if check:
            raise not_positive(info, index)
        values = np.full_like(values, np.nan)
    return BandedCholesky(values)
