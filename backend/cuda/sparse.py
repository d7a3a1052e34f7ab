"""Sparse products and factors for CuPy: cuSPARSE's products; cuDSS's factors, or SuperLU's from the host.

`cupy` and `cupyx.scipy.sparse` are given by `backend.py`, which alone imports CuPy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..common.typing import DType, RawArray
from ..generic.sparse import Pattern
from ..numpy import sparse as numpy_sparse
from . import cudss


class DeviceFactor:
    """CuPy's `SuperLU`: factors made on the host, kept and applied on the device; of Aᵀ, as `SparseFactor` is."""

    def __init__(self, lu: Any, dtype: DType) -> None:
        self.lu, self.dtype = lu, np.dtype(dtype)

    def solve(self, b: RawArray, transposed: bool) -> Any:
        """The solution v of A v = b, or of Aᵀ v = b, for b (n, k); a real factor solves for a complex b too."""
        trans = "N" if transposed else "T"
        wide = np.result_type(b.dtype, self.dtype)
        if b.dtype.kind == "c" and self.dtype.kind != "c":
            real = self.lu.solve(b.real.astype(self.dtype), trans)
            imag = self.lu.solve(b.imag.astype(self.dtype), trans)
            return (real + 1j * imag).astype(wide, copy=False)
        return self.lu.solve(b.astype(self.dtype), trans).astype(wide, copy=False)


def bind(cupy: Any, sparse: Any, linalg: Any) -> dict[str, Callable[..., Any]]:
    """The functions of `generic/sparse.py` on CuPy; `sparse` and `linalg` are cupyx's modules, loaded late."""
    device_factor = cudss.bind(cupy, sparse)

    def sparse_rows(*, pattern: Pattern) -> Any:
        def make() -> Any:
            counts = cupy.asnumpy(cupy.diff(pattern.indptr)).tolist()  # once for each pattern
            return cupy.repeat(cupy.arange(pattern.shape[0], dtype=pattern.indices.dtype), counts)

        return pattern.once("rows", make)

    def sparse_product(data: Any, x: Any, /, *, pattern: Pattern, transposed: bool) -> Any:
        dtype = np.result_type(data.dtype, x.dtype)
        stored = (data.astype(dtype, copy=False), pattern.indices, pattern.indptr)
        x = x.astype(dtype, copy=False)
        if transposed:  # the arrays of A by rows are those of Aᵀ by columns
            return sparse.csc_matrix(stored, shape=pattern.shape[::-1]) @ x
        return sparse.csr_matrix(stored, shape=pattern.shape) @ x

    def sddmm(u: RawArray, v: RawArray, /, *, pattern: Pattern) -> Any:
        rows, columns = sparse_rows(pattern=pattern), pattern.indices
        out = cupy.zeros(pattern.nnz, np.result_type(u.dtype, v.dtype))
        for k in range(u.shape[1]):  # one column at a time: never more than the elements in memory
            out += u[:, k].take(rows) * v[:, k].take(columns)
        return out

    def sparse_factor(
        data: Any, /, *, pattern: Pattern, check: bool, permc_spec: str | None
    ) -> Any:
        # an ordering of SuperLU's that was asked for is SuperLU's to follow
        made = None if permc_spec else device_factor(data, pattern=pattern, check=check)
        if made is not None:
            return made
        host = Pattern(pattern.shape, cupy.asnumpy(pattern.indptr), cupy.asnumpy(pattern.indices))
        lu = numpy_sparse.sparse_factor(
            cupy.asnumpy(data), pattern=host, check=check, permc_spec=permc_spec
        )
        return DeviceFactor(linalg.SuperLU(lu.lu), data.dtype)

    def sparse_solve(factor: Any, b: RawArray, /, *, transposed: bool) -> Any:
        return factor.solve(b, transposed)

    return {
        "sparse_rows": sparse_rows, "sparse_product": sparse_product, "sddmm": sddmm,
        "sparse_factor": sparse_factor, "sparse_solve": sparse_solve,
    }  # fmt: skip
