"""LAPACK's routines on NumPy arrays: SciPy's, and MKL's where it is installed.

Matrices are in column order. A C-ordered A is, without a copy, its transpose in column order, so that the factor is of
Aᵀ and solves with A are transposed ones. SciPy's linear algebra is loaded when it is first used: it takes a third of
the time that `import pullback` does.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..common.errors import singular
from ..common.typing import DType
from . import mkl

EPS = {char: float(np.finfo(char).eps) for char in "fdFD"}
HALF = {char: eps**0.5 for char, eps in EPS.items()}  # of the digits
MKL_FROM = 160  # below this order a call through ctypes costs more than MKL gains


@functools.cache
def routine(name: str, char: str) -> Any:
    """``dgetrf`` for ("getrf", "d"), from SciPy."""
    from scipy.linalg import lapack

    prefix = {"f": "s", "d": "d", "F": "c", "D": "z"}[char]
    if char in "fd" and name.startswith("he"):
        name = "sy" + name[2:]
    return getattr(lapack, prefix + name)


def columns(A: np.ndarray) -> tuple[np.ndarray, bool]:
    """A in column order without a copy where that can be, and whether it is Aᵀ that came out."""
    flags = A.flags
    if flags.f_contiguous and not flags.c_contiguous:
        return A, False
    return A.T, True


def _mkl_for(n: int) -> Any:
    return mkl.load() if n >= MKL_FROM else None


def getrf(a: np.ndarray) -> tuple[np.ndarray, np.ndarray, int, bool]:
    """P L U = a, of a fresh copy: factors, pivots, the first zero pivot (from 1) or 0, whether by MKL."""
    routines = _mkl_for(a.shape[0])
    if routines is None:
        lu, pivots, info = routine("getrf", a.dtype.char)(a)
        return lu, pivots, info, False
    lu = np.array(a, order="F")
    pivots, info = routines.getrf(lu)
    return lu, pivots, info, True


def getrs(lu: np.ndarray, pivots: np.ndarray, b: np.ndarray, transposed: bool, mkl: bool) -> Any:
    """The solution x (n, k) of a x = b or aᵀ x = b."""
    if not mkl:
        return routine("getrs", lu.dtype.char)(lu, pivots, b, trans=transposed)[0]
    x = np.array(b, order="F")
    _mkl_for(lu.shape[0]).getrs(lu, pivots, x if x.ndim == 2 else x[:, None], transposed)
    return x


def potrf(a: np.ndarray, lower: bool, clean: bool = False) -> tuple[np.ndarray, int]:
    """The factorisation a = L Lᴴ = Uᴴ U in one triangle of a fresh copy, the other as it was, or zero if `clean`."""
    routines = _mkl_for(a.shape[0])
    if routines is None:
        return routine("potrf", a.dtype.char)(a, lower=lower, clean=clean)
    c = np.array(np.tril(a) if clean and lower else np.triu(a) if clean else a, order="F")
    return c, routines.potrf(c, lower)


def potrs(c: np.ndarray, b: np.ndarray, lower: bool) -> np.ndarray:
    """The solution x (n, k) of a x = b, by a's Cholesky factor."""
    routines = _mkl_for(c.shape[0])
    if routines is None:
        return routine("potrs", c.dtype.char)(c, b, lower=lower)[0]
    x = np.array(b, order="F")
    routines.potrs(c, x, lower)
    return x


def potri(c: np.ndarray, lower: bool) -> np.ndarray:
    """One triangle of a⁻¹, by a's Cholesky factor."""
    routines = _mkl_for(c.shape[0])
    if routines is None:
        return routine("potri", c.dtype.char)(c, lower=lower)[0]
    out = np.array(c, order="F")
    routines.potri(out, lower)
    return out


# ── tools for the factors ─────────────────────────────────────────────────────────────────────


def solve_columns(run: Callable[[Any], Any], b: np.ndarray, dtype: DType) -> np.ndarray:
    """``run(b)`` in the factor's dtype; a complex b beside a real factor is two real ones."""
    if b.size == 0:
        return np.empty(b.shape, np.result_type(b, dtype))
    if b.dtype is dtype:
        return run(b)
    if b.ndim == 1:
        return solve_columns(run, b[:, None], dtype)[:, 0]
    if b.dtype.kind == "c" and dtype.kind == "f":
        wide = np.ascontiguousarray(b, np.result_type(b.dtype, dtype))
        parts = np.ascontiguousarray(run(wide.view(dtype)))
        return parts.view(wide.dtype)
    return run(b.astype(dtype))


def norm_of(A: np.ndarray) -> float:
    """‖A‖₁, the largest sum of sizes in a column."""
    return float(np.abs(A).sum(axis=-2).max()) if A.size else 0.0


def spread(diagonal: np.ndarray) -> float:
    """The smallest over the largest element."""
    sizes = np.abs(diagonal)
    return sizes[sizes.argmin()] / sizes[sizes.argmax()]  # in half the time of two reductions


def raise_if_singular(rcond: float, A: np.ndarray, index: tuple[int, ...]) -> None:
    """An error for a matrix below the precision of its dtype."""
    if rcond < EPS[A.dtype.char] and np.isfinite(A).all():  # NaN and infinities pass through
        raise singular(rcond, A.dtype, index)


def signs_and_sizes(diagonal: np.ndarray, sign: int) -> tuple[np.ndarray, np.ndarray]:
    """The sign, or phase, of the product of a factor's diagonal, and the logarithm of its size."""
    sizes = np.abs(diagonal)
    with np.errstate(divide="ignore", invalid="ignore"):
        phase = np.prod(np.sign(diagonal)) * sign
        return np.asarray(phase, diagonal.dtype), np.asarray(np.log(sizes).sum(), sizes.dtype)
