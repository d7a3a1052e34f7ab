"""LAPACK's routines on NumPy arrays: SciPy's, and MKL's where it is installed and faster.

Which one factors a matrix is asked by factorisation, dtype and order up to the next power of two, by one trial for
each (`trials`). It depends: on an AMD Zen 4 MKL takes 0.7 of SciPy's time for LU at order 1000, and 1.2 for Cholesky.
The LAPACK in NumPy's own OpenBLAS is no candidate: it is the same code, in another version.

Matrices are in column order. A C-ordered A is, without a copy, its transpose in column order, so that the factor is of
Aᵀ and solves with A are transposed ones. SciPy's linear algebra is loaded when it is first used: it takes a third of
the time that `import pullback` does.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..common import trials
from ..common.errors import singular
from ..common.typing import DType
from . import kept_memory, mkl, openblas

EPS = {char: float(np.finfo(char).eps) for char in "fdFD"}
HALF = {char: eps**0.5 for char, eps in EPS.items()}  # of the digits
MKL_FROM = 160  # below this order a call through ctypes costs more than MKL gains
LARGEST = 11  # bits of the order from which one trial, at order 1536, speaks for all
_SCIPY, _MKL = "SciPy's LAPACK", "MKL"


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


def _mkl_for(kind: str, n: int, char: str) -> Any:
    """MKL where it is the faster one for this factorisation, "LU" or "Cholesky"; else None, for SciPy."""
    if n < MKL_FROM:
        return None
    found = mkl.load()
    if found is None or mkl.wanted():
        return found
    own = openblas.scipys()
    bits = min(n.bit_length(), LARGEST)
    order = 3 << (bits - 2)  # in the middle of those with so many bits
    question = {
        "dtype": char,
        "order": order,
        "threads": openblas.threads_allowed(),
        "SciPy": f"{own.version}, {own.threads()} threads" if own is not None else "",
        "MKL": found.version,
    }
    make = lambda: _ways(kind, order, char, found)
    pauses = {_SCIPY: mkl.SETTLING, _MKL: openblas.settling()}
    chosen = trials.fastest(kind, question, _SCIPY, make, pauses=pauses)
    return found if chosen == _MKL else None


def _ways(kind: str, n: int, char: str, found: mkl.Mkl) -> dict[str, Callable[[], Any]]:
    """A factorisation of order n by SciPy and by MKL, of a diagonal that rules its rows and columns."""
    a = np.asfortranarray(np.full((n, n), 0.5, char))
    np.fill_diagonal(a, n)
    if kind == "LU":
        return {
            _SCIPY: lambda: routine("getrf", char)(a),
            _MKL: lambda: found.getrf(np.array(a, order="F")),
        }
    return {
        _SCIPY: lambda: routine("potrf", char)(a, lower=True, clean=False),
        _MKL: lambda: found.potrf(np.array(a, order="F"), True),
    }


def _as_scipy_takes_it(a: np.ndarray) -> tuple[np.ndarray, bool]:
    """A large matrix as a copy in memory that is kept, and whether it is one; SciPy copies others in less time."""
    large = a.nbytes >= kept_memory.LEAST
    return (kept_memory.copy_in_columns(a) if large else a), large


def getrf(a: np.ndarray) -> tuple[np.ndarray, np.ndarray, int, bool]:
    """P L U = a, of a copy: factors, pivots, the first zero pivot (from 1) or 0, whether by MKL."""
    char = a.dtype.char
    routines = _mkl_for("LU", a.shape[0], char)
    if routines is None:
        own, is_copy = _as_scipy_takes_it(a)
        lu, pivots, info = routine("getrf", char)(own, overwrite_a=is_copy)
        return lu, pivots, info, False
    lu = kept_memory.copy_in_columns(a)
    pivots, info = routines.getrf(lu)
    return lu, pivots, info, True


def getrs(lu: np.ndarray, pivots: np.ndarray, b: np.ndarray, transposed: bool, by_mkl: bool) -> Any:
    """The solution x (n, k) of a x = b or aᵀ x = b."""
    found = mkl.load() if by_mkl else None
    if found is None:
        return routine("getrs", lu.dtype.char)(lu, pivots, b, trans=transposed)[0]
    x = np.array(b, order="F")
    found.getrs(lu, pivots, x if x.ndim == 2 else x[:, None], transposed)
    return x


def potrf(a: np.ndarray, lower: bool, clean: bool = False) -> tuple[np.ndarray, int]:
    """The factorisation a = L Lᴴ = Uᴴ U in one triangle of a fresh copy, the other as it was, or zero if `clean`."""
    routines = _mkl_for("Cholesky", a.shape[0], a.dtype.char)
    if routines is None:
        own, is_copy = _as_scipy_takes_it(a)
        return routine("potrf", a.dtype.char)(own, lower=lower, clean=clean, overwrite_a=is_copy)
    c = np.array(np.tril(a) if clean and lower else np.triu(a) if clean else a, order="F")
    return c, routines.potrf(c, lower)


def potrs(c: np.ndarray, b: np.ndarray, lower: bool) -> np.ndarray:
    """The solution x (n, k) of a x = b, by a's Cholesky factor."""
    routines = _mkl_for("Cholesky", c.shape[0], c.dtype.char)
    if routines is None:
        return routine("potrs", c.dtype.char)(c, b, lower=lower)[0]
    x = np.array(b, order="F")
    routines.potrs(c, x, lower)
    return x


def potri(c: np.ndarray, lower: bool) -> np.ndarray:
    """One triangle of a⁻¹, by a's Cholesky factor."""
    routines = _mkl_for("Cholesky", c.shape[0], c.dtype.char)
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
