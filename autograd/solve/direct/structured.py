"""Systems whose matrix is stored by fewer elements than n × n: diagonals, bands, circulants.

The cotangent has the form of what is stored: −λ vᵀ summed over all positions of each stored element.

Sources: Golub and Van Loan, Matrix computations, 4th edition, 2013, §4.3 (bands) and §4.8 (circulants); Davis,
Circulant matrices, 1979.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...core.dtypes import is_complex
from ...core.namespaces import namespace_of
from ...core.typing import XP, RawArray, Value


@dataclass(frozen=True)
class Diagonal:
    """d (…, n): v = b / d."""

    check: bool = True
    core = 1
    vectors = False

    def factor(self, d: RawArray) -> Any:
        """Nothing to do but to look for zeros."""
        return namespace_of(d).factor(d, structure="diagonal", check=self.check)

    def solve(self, factor: Any, b: RawArray, transposed: bool) -> Any:
        """b / d."""
        return factor.solve(b, transposed)

    def matrix_bar(self, row: Value, column: Value, xp: XP) -> Any:
        """−Σₖ λᵢₖ vᵢₖ."""
        return -xp.sum(row * column, axis=-1)


@dataclass(frozen=True)
class Circulant:
    """The first column c (…, n): A[i, j] = c[(i − j) mod n], which Fourier's transform makes diagonal."""

    check: bool = True
    core = 1
    vectors = False

    def factor(self, c: RawArray) -> Any:
        """The eigenvalues: the transform of c."""
        return namespace_of(c).factor(c, structure="circulant", check=self.check)

    def solve(self, factor: Any, b: RawArray, transposed: bool) -> Any:
        """The solution by Fourier transforms, in n log n operations."""
        return factor.solve(b, transposed)

    def matrix_bar(self, row: Value, column: Value, xp: XP) -> Any:
        """−Σⱼ λ_(m+j) v_j, a correlation, by its own transform: fft(row) · n ifft(column)."""
        n = row.shape[-2]
        if n == 0:  # of which there is no transform
            return xp.sum(row * column, axis=-1)
        real = not (is_complex(row.dtype) or is_complex(column.dtype))
        if real:
            row, column = row + 0j, column + 0j
        product = xp.sum(xp.fft.fft(row, axis=-2) * xp.fft.ifft(column, axis=-2), axis=-1)
        out = -n * xp.fft.ifft(product, axis=-1)
        return xp.real(out) if real else out


@dataclass(frozen=True)
class Banded:
    """The diagonals ab (…, l + u + 1, n) as in `scipy.linalg.solve_banded`: A[i, j] = ab[u + i − j, j]."""

    widths: tuple[int, int]
    check: bool = True
    core = 2
    vectors = False
    stored = True  # elements, not a matrix: slogdet's derivative goes by solves

    def factor(self, ab: RawArray) -> Any:
        """LU within the band (and u more diagonals, for row exchanges)."""
        return namespace_of(ab).factor(
            ab, structure="banded", bandwidths=self.widths, check=self.check
        )

    def solve(self, factor: Any, b: RawArray, transposed: bool) -> Any:
        """The solution by the factor."""
        return factor.solve(b, transposed)

    def slogdet(self, factor: Any) -> Any:
        """Sign and logarithm of the determinant."""
        return factor.slogdet()

    def order(self, A: RawArray) -> int:
        """The number of unknowns."""
        return A.shape[-1]

    def matrix_bar(self, row: Value, column: Value, xp: XP) -> Any:
        """−Σₖ λᵢₖ vⱼₖ along each diagonal, zeros where `ab` stands outside of the matrix."""
        low, up = self.widths
        return xp.stack([_along(row, column, k, xp) for k in range(-up, low + 1)], axis=-2)


@dataclass(frozen=True)
class PositiveBanded:
    """The diagonals ab (…, l + 1, n) of a positive definite matrix, A[j + k, j] = ab[k, j] = conj(A[j, j + k])."""

    low: int
    check: bool = True
    core = 2
    vectors = False

    def factor(self, ab: RawArray) -> Any:
        """Cholesky's factor, within the band."""
        return namespace_of(ab).factor(ab, structure="positive banded", check=self.check)

    def solve(self, factor: Any, b: RawArray, transposed: bool) -> Any:
        """The solution by the factor."""
        return factor.solve(b, transposed)

    def matrix_bar(self, row: Value, column: Value, xp: XP) -> Any:
        """−row columnᵀ within the bands; an element off the main diagonal stands at two positions."""
        lines = []
        for k in range(self.low + 1):
            line = _along(row, column, k, xp)
            other = _along(column, row, k, xp)
            line = line + (xp.conj(other) if is_complex(line.dtype) else other)
            lines.append(0.5 * line if k == 0 else line)
        return xp.stack(lines, axis=-2)


def _along(row: Value, column: Value, k: int, xp: XP) -> Any:
    """−Σ row[j + k] column[j] for all j, along the k-th diagonal below the main one; (…, n)."""
    n = row.shape[-2]
    if abs(k) >= n:
        return xp.zeros_like(xp.sum(row * column, axis=-1))
    i, j = slice(max(k, 0), n + min(k, 0)), slice(max(-k, 0), n - max(k, 0))
    line = -xp.sum(row[..., i, :] * column[..., j, :], axis=-1)
    if k == 0:
        return line
    empty = xp.zeros_on_device_of((*line.shape[:-1], abs(k)), line)
    return xp.concat([line, empty] if k > 0 else [empty, line], axis=-1)
