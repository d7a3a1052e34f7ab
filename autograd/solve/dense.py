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

from ..array import Array, raw
from ..backward import SPACES
from ..creation import asarray
from ..dtypes import as_numpy, is_complex
from ..functions import xp as fun
from ..primitive import find, front_of
from . import adjoint  # noqa: F401 - registers the rule of solve_by
from .errors import StructureError

_TRANSPOSED = {0: False, "N": False, 1: True, "T": True, 2: True, "C": True}

# SciPy's names for the same structures.
ALIASES = {
    "gen": "general", "sym": "symmetric", "her": "hermitian", "pos": "positive", "positive definite": "positive",
    "lower triangular": "lower", "upper triangular": "upper",
}  # fmt: skip

KINDS = ("general", "symmetric", "hermitian", "positive", "lower", "upper", "unit lower", "unit upper")  # fmt: skip


@dataclass(frozen=True)
class Dense:
    """Systems with a matrix (…, n, n) of one of `KINDS`.

    Attributes
    ----------
    kind : str
        Which factor is made. Of symmetric matrices the lower triangle is read.
    check : bool or "exact"
        Whether a singular matrix, or one that is not positive definite, is an error; "exact": only a zero pivot.
    refine : int
        How many steps of iterative refinement follow each solve, with residuals in double precision.
    """

    kind: str = "general"
    check: bool | str = True
    refine: int = 0
    core = 2  # axes of A that are not of the batch

    @property
    def vectors(self) -> bool:
        """Whether a vector beside one matrix needs no column axis."""
        return self.kind == "general" and not self.refine

    def factor(self, A: Any) -> Any:
        """LU, L D Lᵀ, Cholesky's factor, or the triangle itself."""
        xp = SPACES.of(A)
        made = xp.factor(A, kind=self.kind, check=self.check)
        return (made, _wide(whole(A, self.kind, xp), xp)) if self.refine else made

    def solve(self, factor: Any, b: Any, transposed: bool) -> Any:
        """By the factor, and refined where asked for."""
        xp = SPACES.of(b)
        if not self.refine:
            out = xp.factor_solve(factor, b, transposed=transposed)
            # the standard's function: LAPACK's columns, as the library's own solve has them
            return out if transposed or self.check != "exact" else xp.in_rows(out)
        factor, A = factor
        A = xp.matrix_transpose(A) if transposed else A
        out = xp.factor_solve(factor, b, transposed=transposed)
        wide_b, v = _wide(b, xp), _wide(out, xp)
        for _ in range(self.refine):
            r = xp.astype(wide_b - A @ v, out.dtype)
            v = v + _wide(xp.factor_solve(factor, r, transposed=transposed), xp)
        return xp.astype(v, out.dtype)

    def slogdet(self, factor: Any) -> Any:
        """Sign and logarithm of the determinant."""
        return (factor[0] if self.refine else factor).slogdet()

    def inverse(self, factor: Any) -> Any:
        """A⁻¹."""
        return (factor[0] if self.refine else factor).inverse()

    def rcond(self, factor: Any, A: Any) -> Any:
        """The reciprocal condition number."""
        A = whole(A, self.kind, SPACES.of(A))
        return (factor[0] if self.refine else factor).rcond(A)

    def cut(self, X: Any, xp: Any) -> Any:
        """The part of X that lies in the structure."""
        return _CUTS[self.kind](X, xp)

    def matrix_bar(self, row: Any, column: Any, xp: Any) -> Any:
        """−row columnᵀ, in the structure."""
        if len(row.shape) == 1:
            return xp.linalg.outer(-row, column)
        column = xp.matrix_transpose(column)
        out = -row * column if row.shape[-1] == 1 else -row @ column
        return out if self.kind == "general" else self.cut(out, xp)


def _hermitian(X: Any, xp: Any) -> Any:
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


def whole(A: Any, kind: str, xp: Any) -> Any:
    """The matrix that is read from A, of raw values."""
    if kind in ("symmetric", "hermitian", "positive"):
        below = xp.tril(A, k=-1)
        above = xp.matrix_transpose(below)
        if kind == "symmetric" or not is_complex(A.dtype):
            return xp.tril(A) + above
        diagonal = xp.tril(A) - below
        return below + xp.conj(above) + 0.5 * (diagonal + xp.conj(diagonal))  # which is real
    if kind == "general":
        return A
    out = _CUTS[kind](A, xp)
    if not kind.startswith("unit"):
        return out
    i = xp.arange_like(A.shape[-1], A)
    return xp.where(i[:, None] == i[None, :], xp.ones_like(A), out)


def _wide(x: Any, xp: Any) -> Any:
    """In double precision."""
    return xp.astype(x, np.dtype("complex128" if is_complex(x.dtype) else "float64"), copy=False)


@functools.cache
def dense(kind: str, check: bool | str = True, refine: int = 0) -> Dense:
    """The record, made once for each kind."""
    return Dense(kind, check, refine)


def triangular(A: Any, b: Any, kind: str, xp: Any, *, transposed: bool = False) -> Any:
    """A⁻¹ b or A⁻ᵀ b for a triangle A, in rules: differentiable where `xp` is the namespace of traced arrays."""
    solver = dense(kind)
    return xp.solve_by(A, b, solver=solver, factor=solver.factor(raw(A)), transposed=transposed)


# ── arguments ─────────────────────────────────────────────────────────────────────────────────


def inexact(x: Any) -> Any:
    """`x` as a floating-point array, traced if it is.

    Raises
    ------
    TypeError
        For a precision that LAPACK does not have.
    """
    if not hasattr(x, "shape") or isinstance(x, np.generic):
        x = asarray(x)
    dtype = as_numpy(x.dtype)
    if dtype in _EXACT:
        return x
    if dtype.kind in "biu":
        return fun.astype(asarray(x), np.dtype("float64"))
    raise TypeError(
        f"pb.linalg: an array of {x.dtype}; linear systems are solved in float32, float64, complex64 and complex128. "
        f'Convert it: x.astype("{_nearest_precision(dtype)}")'
    )


def _nearest_precision(dtype: np.dtype) -> str:
    wide = dtype.itemsize > (16 if dtype.kind == "c" else 8)
    if dtype.kind == "c":
        return "complex128" if wide else "complex64"
    return "float64" if wide else "float32"


def operands(A: Any, b: Any) -> tuple[Any, Any]:
    """A matrix and a right-hand side as floating-point arrays, traced if they are, of one precision."""
    dtype = getattr(A, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype is getattr(b, "dtype", None) and dtype in _EXACT:
        return A, b  # as nearly always
    return promoted(inexact(A), inexact(b))


_EXACT = frozenset(np.dtype(name) for name in ("float32", "float64", "complex64", "complex128"))


def promoted(A: Any, b: Any) -> tuple[Any, Any]:
    """Both in the wider of their precisions, each real or complex as it was."""
    A_type, b_type = as_numpy(A.dtype), as_numpy(b.dtype)
    if A_type == b_type:
        return A, b
    both = np.result_type(A_type, b_type)
    return _in_precision(A, A_type, both), _in_precision(b, b_type, both)


def _in_precision(x: Any, dtype: np.dtype, other: np.dtype) -> Any:
    single = other in (np.dtype("float32"), np.dtype("complex64"))
    names = ("complex64", "complex128") if dtype.kind == "c" else ("float32", "float64")
    name = names[0 if single else 1]
    return x if dtype == name else fun.astype(x, np.dtype(name))


def square(A: Any, function: str) -> None:
    """An error if A is not made of square matrices."""
    if len(A.shape) < 2 or A.shape[-1] != A.shape[-2]:
        raise ValueError(
            f"{function}: square matrices (…, n, n) are needed, not an array of shape {tuple(A.shape)}; for others "
            "use lstsq"
        )


def run(
    solver: Any,
    A: Any,
    b: Any,
    *,
    factor: Any = None,
    transposed: bool = False,
    order: int | None = None,
    name: str = "solve",
) -> Any:
    """Solve A v = b for vectors, matrices and batches by one differentiable `solve_by`.

    `order` is how many rows b has, the last axis of A by default.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    n = A.shape[-1] if order is None else order
    vector = len(b.shape) == 1
    if len(b.shape) < 1 or b.shape[0 if vector else -2] != n:
        raise ValueError(
            f"{name}: a right-hand side of shape {tuple(b.shape)} does not fit a matrix of order {n}: it has to be "
            f"({n},), or (…, {n}, k) with one column per system"
        )
    if factor is None:
        A = unchanging(A, b)
        factor = solver.factor(raw(A))
    if vector and solver.vectors and len(A.shape) == 2:
        return _solve_by(A, b, solver=solver, factor=factor, transposed=transposed)
    if vector:
        v = _solve_by(A, fun.expand_dims(b, axis=-1), solver=solver, factor=factor, transposed=transposed)  # fmt: skip
        return fun.squeeze(v, axis=-1)
    if len(A.shape) > solver.core or len(b.shape) == 2:
        return _solve_by(A, b, solver=solver, factor=factor, transposed=transposed)
    # one matrix and a batch of right-hand sides: the columns of all of them side by side
    columns = fun.moveaxis(b, -2, 0)
    shape = columns.shape
    v = _solve_by(
        A, fun.reshape(columns, (n, -1 if b.size else 0)), solver=solver, factor=factor, transposed=transposed
    )  # fmt: skip
    return fun.moveaxis(fun.reshape(v, shape), 0, -2)


_solve_by = front_of(find("solve_by"))


def pulled_later(x: Any) -> bool:
    """Whether a tape that records x lets its pull come later (`vjp`, `Tape`): arrays may be changed by then."""
    while type(x) is Array:
        if x.tape.open and x.tape.copies:
            return True
        x = x.value
    return False


def unchanging(A: Any, b: Any) -> Any:
    """A, or a copy of a constant A where the pull comes later: factors of triangles and diagonals are A itself."""
    if pulled_later(b) and not (type(A) is Array and A.traced):
        return own(A)
    return A


def own(A: Any) -> Any:
    """A copy of a constant, as an untraced array."""
    value = raw(A)
    return Array(SPACES.of(value).copy(value))


def run_adjoint(
    solver: Any,
    A: Any,
    b: Any,
    *,
    factor: Any = None,
    transposed: bool,
    conjugate: bool,
    order: int | None = None,
    name: str,
) -> Any:
    """`run`, with conj(A) in the place of A where `conjugate` says so."""
    if not conjugate or not is_complex(A.dtype):
        return run(solver, A, b, factor=factor, transposed=transposed, order=order, name=name)
    b = fun.conj(asarray(b))
    return fun.conj(run(solver, A, b, factor=factor, transposed=transposed, order=order, name=name))


def transposition(trans: int | str) -> tuple[bool, bool]:
    """Whether SciPy's `trans` asks for a transposed system, and for the conjugate of it.

    Raises
    ------
    ValueError
        If it is none of 0, 1, 2, "N", "T" and "C".
    """
    if trans not in _TRANSPOSED:
        raise ValueError(f'trans={trans!r}: choose 0 or "N", 1 or "T" (Aᵀ), 2 or "C" (Aᴴ)')
    return _TRANSPOSED[trans], trans in (2, "C")


# ── structure that is checked ─────────────────────────────────────────────────────────────────


def check_structure(A: Any, assume: str, widths: tuple[int, int] | None = None) -> None:
    """An error if the values of A do not have a structure; reads all of A, and a flag from the device.

    Raises
    ------
    StructureError
        With the largest element that is out of place, as far as rounding does not explain it.
    """
    A = raw(A)
    xp = SPACES.of(A)
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


def _nearest(A: Any, assume: str, widths: tuple[int, int], xp: Any) -> Any:
    """A with what lies outside of the structure replaced."""
    n = A.shape[-1]
    i = xp.arange_like(n, A)
    if assume in KINDS:
        return whole(A, assume, xp)
    if assume == "circulant":
        place = xp.reshape((i[:, None] - i[None, :]) % n, (-1,))
        return xp.reshape(xp.take(A[..., 0], place, axis=-1), A.shape)
    low, up = (0, 0) if assume == "diagonal" else widths
    below = i[:, None] - i[None, :]
    return xp.where((below <= low) & (-below <= up), A, xp.zeros_like(A))
