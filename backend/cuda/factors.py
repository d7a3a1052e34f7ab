"""Factors of CuPy matrices by cuSOLVER: LU and Cholesky of one matrix, triangles of any batch.

CuPy's own `lu_factor` and `lu_solve` read a flag from the device at each call; here the routines below them are
called, as CuPy calls them, and with ``check=False`` nothing is read. With it, one small array is, for each
factorisation: the routine's flag and how far the factor's diagonal spreads. cuSOLVER has no estimate of the condition
number: where that spread is above half of the dtype's digits, the inverse is computed for it.

Symmetric and Hermitian matrices go by LU, batches by their inverses, and banded matrices are laid out
as dense ones (`generic/factors.py`). This file imports no CuPy: `bind` is given it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..common.errors import not_positive, singular, zero_pivot
from ..common.typing import XP, DType, RawArray
from ..generic import factors as generic
from ..generic import finite
from ..generic.factors import Factor

_ROUTINES = {"f": "s", "d": "d", "F": "c", "D": "z"}


def _routine(libs: Any, name: str, char: str) -> Any:
    return getattr(libs.cusolver, _ROUTINES[char] + name)


def _solve_columns(cupy: Any, run: Callable[[Any], Any], b: RawArray, dtype: DType) -> Any:
    """``run(b)`` for a fresh b (n, k) in column order, of the factor's dtype; for a real factor a complex b is two."""
    if b.size == 0:
        return cupy.empty(b.shape, np.result_type(b.dtype, dtype))
    if b.ndim == 1:
        return _solve_columns(cupy, run, b[:, None], dtype)[:, 0]
    if b.dtype.kind == "c" and dtype.kind == "f":
        k = b.shape[1]
        out = run(cupy.asfortranarray(cupy.concatenate([b.real, b.imag], axis=1).astype(dtype)))
        return out[:, :k] + 1j * out[:, k:]
    return run(b.astype(dtype, order="F", copy=True))


@dataclass(frozen=True, eq=False)
class LU(Factor):
    """P L U = Aᵀ: a C-ordered A is its transpose in column order."""

    cupy: Any
    libs: Any
    lu: Any  # (n, n), C-ordered
    pivots: Any
    info: Any
    raises: bool = False  # of a singular matrix, which the inverse alone does not bear

    def solve(self, b: RawArray, transposed: bool) -> Any:
        """The solution v of A v = b, or of Aᵀ v = b, by getrs."""
        n, char = self.lu.shape[0], self.lu.dtype.char
        cublas = self.libs.cublas
        op = cublas.CUBLAS_OP_N if transposed else cublas.CUBLAS_OP_T

        def run(x: Any) -> Any:
            info = self.cupy.empty(1, dtype=np.int32)
            _routine(self.libs, "getrs", char)(
                self.libs.device.get_cusolver_handle(), op, n, x.shape[1], self.lu.data.ptr, n,
                self.pivots.data.ptr, x.data.ptr, n, info.data.ptr,
            )  # fmt: skip
            return x

        return _solve_columns(self.cupy, run, b, self.lu.dtype)

    def slogdet(self) -> tuple[Any, Any]:
        """The sign, or phase, of det A, and log |det A|, from the diagonal and the number of row exchanges."""
        cupy, d = self.cupy, self.lu.diagonal()
        swaps = cupy.count_nonzero(self.pivots != cupy.arange(1, d.size + 1, dtype=np.int32))
        sign = 1 - 2 * (swaps % 2)
        sizes = cupy.abs(d)
        phases = d / cupy.where(sizes == 0, cupy.ones_like(sizes), sizes)  # 0 where d is
        return cupy.prod(phases) * sign.astype(d.dtype), cupy.sum(cupy.log(sizes))

    def inverse(self) -> Any:
        """The inverse A⁻¹, by n solves."""
        if self.raises and self.lu.size:
            _raise_at_zero(self.cupy, int(self.info[0]), self.lu, self.lu)
        return self.solve(self.cupy.eye(self.lu.shape[0], dtype=self.lu.dtype), False)

    @property
    def xp(self) -> Any:
        """The namespace that the condition number is computed with."""
        return self.cupy


def lu(cupy: Any, xp: XP, libs: Any, A: RawArray, check: bool | str, raises: bool = False) -> LU:
    """The LU factor of one matrix."""
    n, char = A.shape[0], A.dtype.char
    A, bad = finite.matrices(xp, A) if n else (A, None)
    values = cupy.array(A, order="C")
    pivots, info = cupy.empty(n, dtype=np.int32), cupy.zeros(1, dtype=np.int32)
    out = LU(cupy, libs, values, pivots, info, raises)
    if n == 0:
        return out
    handle = libs.device.get_cusolver_handle()
    size = _routine(libs, "getrf_bufferSize", char)(handle, n, n, values.data.ptr, n)
    work = cupy.empty(size, dtype=A.dtype)
    _routine(libs, "getrf", char)(
        handle, n, n, values.data.ptr, n, work.data.ptr, pivots.data.ptr, info.data.ptr
    )
    if check:
        failed, spread = _flags(cupy, info, values)
        _raise_at_zero(cupy, failed, values, A)
    values[...] = finite.spoilt(xp, values, bad)
    if check is True and spread < np.sqrt(np.finfo(A.dtype).eps):
        _raise_if_singular(out, A)
    return out


def _flags(cupy: Any, info: Any, factor: Any) -> tuple[int, float]:
    """The routine's flag and the spread of the diagonal, in one copy to the host."""
    sizes = cupy.abs(factor.diagonal())
    spread = (cupy.min(sizes) / cupy.max(sizes)).astype(np.float64)
    both = cupy.concatenate([info.astype(np.float64), spread.reshape(1)]).get()
    return int(both[0]), float(both[1])


def _raise_at_zero(cupy: Any, failed: int, factor: Any, A: RawArray) -> None:
    """An error at the pivot that the flag names, if it is zero: cuSOLVER flags NaN as well, which passes through."""
    if failed > 0 and (
        bool(cupy.all(cupy.isfinite(A))) or bool(factor[failed - 1, failed - 1] == 0)
    ):
        raise zero_pivot(failed - 1)


def _raise_if_singular(factor: Factor, A: RawArray) -> None:
    rcond = float(factor.rcond(A))
    if rcond < np.finfo(A.dtype).eps and np.isfinite(float(abs(A).sum())):
        raise singular(rcond, A.dtype)


@dataclass(frozen=True, eq=False)
class Cholesky(Factor):
    """L of A = L Lᴴ, which in column order is the upper factor of conj(A)."""

    cupy: Any
    libs: Any
    L: Any  # (n, n), C-ordered; what stands above the diagonal is not read

    def solve(self, b: RawArray, transposed: bool) -> Any:
        """The solution v of A v = b, or of Aᵀ v = b, by potrs with the factor of conj(A)."""
        cupy, cublas, dtype = self.cupy, self.libs.cublas, self.L.dtype
        n = self.L.shape[0]

        def run(x: Any) -> Any:
            info = cupy.empty(1, dtype=np.int32)
            _routine(self.libs, "potrs", dtype.char)(
                self.libs.device.get_cusolver_handle(), cublas.CUBLAS_FILL_MODE_UPPER, n, x.shape[1],
                self.L.data.ptr, n, x.data.ptr, n, info.data.ptr,
            )  # fmt: skip
            return x

        if dtype.kind == "c" and not transposed:
            return cupy.conj(_solve_columns(cupy, run, cupy.conj(b), dtype))
        return _solve_columns(cupy, run, b, dtype)

    def slogdet(self) -> tuple[Any, Any]:
        """The sign, or phase, of det A, and log |det A|, from the diagonal."""
        d = self.L.diagonal()
        return self.cupy.ones((), d.dtype), 2 * self.cupy.sum(self.cupy.log(d.real))

    def inverse(self) -> Any:
        """The inverse A⁻¹, by n solves."""
        return self.solve(self.cupy.eye(self.L.shape[0], dtype=self.L.dtype), False)

    @property
    def xp(self) -> Any:
        """The namespace that the condition number is computed with."""
        return self.cupy


def cholesky(cupy: Any, xp: XP, libs: Any, A: RawArray, check: bool | str) -> Cholesky:
    """The Cholesky factor of one matrix; NaN where it is not positive definite and nothing is checked."""
    n, char = A.shape[0], A.dtype.char
    ok = cupy.all(cupy.isfinite(cupy.tril(A)))
    A = cupy.where(ok, A, cupy.eye(n, dtype=A.dtype))
    values, info = cupy.array(A, order="C"), cupy.zeros(1, dtype=np.int32)
    if n == 0:
        return Cholesky(cupy, libs, values)
    handle, upper = libs.device.get_cusolver_handle(), libs.cublas.CUBLAS_FILL_MODE_UPPER
    size = _routine(libs, "potrf_bufferSize", char)(handle, upper, n, values.data.ptr, n)
    work = cupy.empty(size, dtype=A.dtype)
    _routine(libs, "potrf", char)(
        handle, upper, n, values.data.ptr, n, work.data.ptr, size, info.data.ptr
    )
    nan = cupy.full((), np.nan, A.dtype)
    made = cupy.where(info == 0, values, nan)
    values = cupy.where(ok, made, nan)
    out = Cholesky(cupy, libs, values)
    if check:
        failed, spread = _flags(cupy, info, made)
        # NaN is not flagged, since the unit matrix was factorised instead
        if failed > 0:
            raise not_positive(failed)
        if spread**2 < np.sqrt(np.finfo(A.dtype).eps):
            below = cupy.tril(A, k=-1)
            _raise_if_singular(out, cupy.tril(A) + cupy.conj(below.T))
    return out


@dataclass(frozen=True, eq=False)
class Triangle(Factor):
    """Triangular matrices (…, n, n), which need no factor."""

    cupy: Any
    libs: Any
    A: Any
    lower: bool
    unit: bool

    def solve(self, b: RawArray, transposed: bool) -> Any:
        """The solution v of A v = b, or of Aᵀ v = b, by trsm, batched or not."""
        cupy, A = self.cupy, self.A
        dtype = np.result_type(A.dtype, b.dtype)
        batch = np.broadcast_shapes(A.shape[:-2], b.shape[:-2])
        if b.size == 0 or A.size == 0:
            return cupy.empty((*batch, *b.shape[-2:]), dtype)
        A = cupy.broadcast_to(A, (*batch, *A.shape[-2:])).astype(dtype, copy=False)
        b = cupy.broadcast_to(b, (*batch, *b.shape[-2:])).astype(dtype, copy=False)
        out = self.libs.linalg.solve_triangular(
            A, b, trans="T" if transposed else "N", lower=self.lower, unit_diagonal=self.unit
        )
        if self.unit and A.shape[-1] > 1:
            # what is not finite is NaN throughout (`triangle`), but a unit diagonal is not read: NaN would not reach
            # the unknown that is computed first
            corner = A[..., -1:, :1] if self.lower else A[..., :1, -1:]
            out = cupy.where(cupy.isnan(corner), cupy.full((), np.nan, dtype), out)
        return finite.columns(cupy, out, b)

    def slogdet(self) -> tuple[Any, Any]:
        """The sign, or phase, of det A, and log |det A|, from the diagonal."""
        cupy = self.cupy
        d = cupy.diagonal(self.A, axis1=-2, axis2=-1)
        d = cupy.ones_like(d) if self.unit else d
        sizes = cupy.abs(d)
        return cupy.prod(d / sizes, axis=-1), cupy.sum(cupy.log(sizes), axis=-1)

    def inverse(self) -> Any:
        """The inverse A⁻¹, by n solves."""
        return self.solve(self.cupy.eye(self.A.shape[-1], dtype=self.A.dtype), False)

    @property
    def xp(self) -> Any:
        """The namespace that the condition number is computed with."""
        return self.cupy


def triangle(
    cupy: Any, xp: XP, libs: Any, A: RawArray, structure: str, check: bool | str
) -> Triangle:
    """The triangles as a factor; with `check`, zeros on the diagonal are an error."""
    unit = structure.startswith("unit")
    ok = cupy.all(cupy.isfinite(generic.triangle(xp, A, structure)), axis=(-2, -1), keepdims=True)
    A = cupy.where(ok, A, cupy.full((), np.nan, A.dtype))
    if check and not unit:
        generic.no_zeros(cupy, cupy.diagonal(A, axis1=-2, axis2=-1))
    return Triangle(cupy, libs, A, structure.endswith("lower"), unit)


def bind(cupy: Any, xp: Callable[[], Any], libraries: Callable[[], Any]) -> dict[str, Any]:
    """The functions of the namespace, on CuPy.

    Parameters
    ----------
    cupy : module
        CuPy.
    xp : callable
        ``xp()``: a namespace whose `factor` is the one made here.
    libraries : callable
        ``libraries()``: cuSOLVER and what belongs to it, loaded when first used.
    """

    def factor(
        A: RawArray, *, structure: str, check: bool | str = True, bandwidths: Any = None
    ) -> Factor:
        """A factor of A, as `generic.factors.factor` describes it."""
        if structure.endswith(("lower", "upper")):
            return triangle(cupy, xp(), libraries(), A, structure, check)
        if A.ndim == 2 and structure == "general":
            return lu(cupy, xp(), libraries(), A, check)
        if A.ndim == 2 and structure in ("symmetric", "hermitian"):
            return lu(cupy, xp(), libraries(), generic.dense_matrix(xp(), A, structure), check)
        if A.ndim == 2 and structure == "positive":
            return cholesky(cupy, xp(), libraries(), A, check)
        return generic.factor(xp(), A, structure=structure, check=check, bandwidths=bandwidths)

    def lu_or_none(A: RawArray) -> Any:
        return lu(cupy, xp(), libraries(), A, False, raises=True) if A.ndim == 2 else None

    return {"factor": factor, "lu_or_none": lu_or_none}
