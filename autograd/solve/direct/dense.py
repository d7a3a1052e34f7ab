"""`solve`: linear systems with dense matrices, by the factor that suits their structure.

What the derivative needs is in `adjoint.py`: λ by the same factor, and Ā = −λ vᵀ cut to the structure of A. For a
matrix that is a symmetric, Hermitian or positive definite one, Ā is the part of −λ vᵀ that is symmetric, or Hermitian,
since only such directions dA make sense; for a triangular one it is that triangle.

Sources: Golub and Van Loan, Matrix computations, 4th edition, 2013, chapters 3 and 4; Anderson et al., LAPACK users'
guide, 1999.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.array import backend_array
from ...core.dtypes import is_complex
from ...core.levels.batched import all_rows
from ...core.namespaces import namespace_of
from ...core.registry import provides
from ...core.typing import XP, RawArray, Value
from ..errors import StructureError

# SciPy's names for the same structures.
ALIASES = {
    "gen": "general", "sym": "symmetric", "her": "hermitian", "pos": "positive", "positive definite": "positive",
    "lower triangular": "lower", "upper triangular": "upper",
}  # fmt: skip

STRUCTURES = (
    "general", "symmetric", "hermitian", "positive", "lower", "upper", "unit lower", "unit upper",
)  # fmt: skip


@dataclass(frozen=True)
class Dense:
    """Systems with a matrix (…, n, n) that has one of `STRUCTURES`.

    Attributes
    ----------
    structure : str
        Which factor is made. Of symmetric matrices the lower triangle is read.
    check : bool or "exact"
        Whether a singular matrix, or one that is not positive definite, is an error; "exact": only a zero pivot.
    refine : int
        How many steps of iterative refinement follow each solve, with residuals in double precision.
    """

    structure: str = "general"
    check: bool | str = True
    refine: int = 0
    core = 2  # axes of A that are not of the batch

    @property
    def vectors(self) -> bool:
        """Whether a single right-hand vector needs no column axis."""
        return self.structure == "general" and not self.refine

    def factor(self, A: RawArray) -> Any:
        """LU, L D Lᵀ, Cholesky's factor, or the triangle itself."""
        xp = namespace_of(A)
        made = xp.factor(A, structure=self.structure, check=self.check)
        return (made, _wide(full_matrix(A, self.structure, xp), xp)) if self.refine else made

    def solve(self, factor: Any, b: RawArray, transposed: bool) -> Any:
        """The solution by the factor, refined if `refine` says so."""
        if not self.refine:
            out = factor.solve(b, transposed)
            # the standard's function: LAPACK's columns, as the library's own solve has them
            return out if transposed or self.check != "exact" else namespace_of(b).in_rows(out)
        xp = namespace_of(b)
        factor, A = factor
        A = xp.matrix_transpose(A) if transposed else A
        out = factor.solve(b, transposed)
        wide_b, v = _wide(b, xp), _wide(out, xp)
        for _ in range(self.refine):
            r = xp.astype(wide_b - A @ v, out.dtype)
            v = v + _wide(factor.solve(r, transposed), xp)
        return xp.astype(v, out.dtype)

    def slogdet(self, factor: Any) -> Any:
        """Sign and logarithm of the determinant."""
        return (factor[0] if self.refine else factor).slogdet()

    def inverse(self, factor: Any) -> Any:
        """A⁻¹."""
        return (factor[0] if self.refine else factor).inverse()

    def rcond(self, factor: Any, A: RawArray) -> Any:
        """The reciprocal condition number."""
        A = full_matrix(A, self.structure, namespace_of(A))
        return (factor[0] if self.refine else factor).rcond(A)

    def cut(self, X: Value, xp: XP) -> Any:
        """The part of X that lies in the structure."""
        return _CUTS[self.structure](X, xp)

    def matrix_bar(self, row: Value, column: Value, xp: XP) -> Any:
        """−row columnᵀ, in the structure."""
        if len(row.shape) == 1:
            return xp.linalg.outer(-row, column)
        column = xp.matrix_transpose(column)
        out = -row * column if row.shape[-1] == 1 else -row @ column
        return out if self.structure == "general" else self.cut(out, xp)


def _hermitian(X: Value, xp: XP) -> Any:
    other = xp.matrix_transpose(X)
    return 0.5 * (X + (xp.conj(other) if is_complex(X.dtype) else other))


_CUTS: dict[str, Any] = {
    "general": lambda X, xp: X,
    "symmetric": lambda X, xp: 0.5 * (X + xp.matrix_transpose(X)),
    "hermitian": _hermitian,
    "positive": _hermitian,
    "lower": lambda X, xp: xp.tril(X),
    "upper": lambda X, xp: xp.triu(X),
    "unit lower": lambda X, xp: xp.tril(X, k=-1),
    "unit upper": lambda X, xp: xp.triu(X, k=1),
}


def full_matrix(A: Value, structure: str, xp: XP) -> Any:
    """The matrix that is read from A, of raw values."""
    if structure in ("symmetric", "hermitian", "positive"):
        below = xp.tril(A, k=-1)
        above = xp.matrix_transpose(below)
        if structure == "symmetric" or not is_complex(A.dtype):
            return xp.tril(A) + above
        diagonal = xp.tril(A) - below
        return below + xp.conj(above) + 0.5 * (diagonal + xp.conj(diagonal))  # which is real
    if structure == "general":
        return A
    out = _CUTS[structure](A, xp)
    if not structure.startswith("unit"):
        return out
    i = xp.arange_like(A.shape[-1], A)
    return xp.where(i[:, None] == i[None, :], xp.ones_like(A), out)


def _wide(x: Value, xp: XP) -> Any:
    """The array in double precision."""
    return xp.astype(x, np.dtype("complex128" if is_complex(x.dtype) else "float64"), copy=False)


@provides("dense_solver")
@functools.cache
def dense(structure: str, check: bool | str = True, refine: int = 0) -> Dense:
    """The record, made once for each choice of settings."""
    return Dense(structure, check, refine)


# ── structure that is checked ─────────────────────────────────────────────────────────────────


def check_structure(A: Any, assume: str, widths: tuple[int, int] | None = None) -> None:
    """An error if the values of A do not have a structure; reads all of A, and a flag from the device.

    Raises
    ------
    StructureError
        With the largest element outside of the structure, as far as rounding does not explain it.
    """
    A = all_rows(backend_array(A))
    xp = namespace_of(A)
    if A.size == 0 or assume == "general" or (assume == "banded" and widths is None):
        return
    off = xp.abs(A - _nearest(A, assume, widths or (1, 1), xp))
    allowed = A.shape[-1] * float(xp.finfo(A.dtype).eps) * float(xp.max(xp.abs(A)))
    worst = float(xp.max(off))
    if worst > (allowed if assume in ("symmetric", "hermitian", "positive", "circulant") else 0):
        raise StructureError(
            f'solve: assume="{assume}", but A differs from such a matrix by up to {worst:.3g}; correct A, or leave out '
            "assume"
        )


def _nearest(A: Value, assume: str, widths: tuple[int, int], xp: XP) -> Any:
    """A with what lies outside of the structure replaced."""
    n = A.shape[-1]
    i = xp.arange_like(n, A)
    if assume in STRUCTURES:
        return full_matrix(A, assume, xp)
    if assume == "circulant":
        index = xp.reshape((i[:, None] - i[None, :]) % n, (-1,))
        return xp.reshape(xp.take(A[..., 0], index, axis=-1), A.shape)
    low, up = (0, 0) if assume == "diagonal" else widths
    below = i[:, None] - i[None, :]
    return xp.where((below <= low) & (-below <= up), A, xp.zeros_like(A))
