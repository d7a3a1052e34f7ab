"""Products of two matrices on CuPy's arrays by cuBLAS at once.

`cupy.matmul` looks at all batches, dtypes and layouts first: on an H100's host a product of 32×64 by 64×100
took it 33 µs, of which cuBLAS was 14. What is not a product of two matrices of one dtype is left to it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from ..common.typing import RawArray

GEMM = {"f": "sgemm", "d": "dgemm"}


def leading(x: Any) -> tuple[int, int] | None:
    """Whether a matrix lies transposed in memory, 0 or 1, and how many elements its lines are apart.

    None where neither its rows nor its columns are contiguous.

    Examples
    --------
    >>> import numpy as np
    >>> from pullback.backend.cuda.products import leading
    >>> x = np.zeros((3, 4))
    >>> leading(x), leading(x.T), leading(x[:, 1:3]), leading(x[:, ::2])
    ((0, 4), (1, 4), (0, 4), None)
    """
    (rows, cols), (down, across), size = x.shape, x.strides, x.dtype.itemsize
    if across == size and (down >= cols * size or rows == 1):
        return 0, max(down // size, cols)
    if down == size and (across >= rows * size or cols == 1):
        return 1, max(across // size, rows)
    return None


def bind(cupy: Any, libraries: Callable[[], Any]) -> Callable[[Any, Any], Any]:
    """``matmul(x1, x2)`` for CuPy's arrays.

    Parameters
    ----------
    cupy
        The module.
    libraries : callable
        What gives ``cublas`` and ``device``, CuPy's bindings, when the first product is asked for.
    """
    ndarray, general = cupy.ndarray, cupy.matmul
    numbers = {c: (np.ones(1, c), np.zeros(1, c)) for c in GEMM}
    factors = {c: (one.ctypes.data, zero.ctypes.data) for c, (one, zero) in numbers.items()}
    bound: dict[str, Any] = {}
    handle_of: Any = None

    def load() -> None:
        nonlocal handle_of
        found = libraries()
        handle_of = found.device.get_cublas_handle
        bound.update({c: getattr(found.cublas, name) for c, name in GEMM.items()})
        if os.environ.get("CUPY_TF32", "0") not in ("", "0"):
            del bound["f"]  # CuPy rounds the operands, as it was asked to
        bound["numbers"] = numbers  # whose addresses are used

    def matmul(x1: RawArray, x2: RawArray) -> Any:
        """``x1 @ x2``."""
        if handle_of is None:
            load()
        dtype = x1.dtype
        gemm = bound.get(dtype.char)
        if gemm is None or x1.ndim != 2 or x2.ndim != 2 or x2.dtype is not dtype:
            return general(x1, x2)
        (m, k), n = x1.shape, x2.shape[1]
        first, second = leading(x1), leading(x2)
        if first is None or second is None or x2.shape[0] != k or not m * n * k:
            return general(x1, x2)
        out = ndarray((m, n), dtype)
        one, zero = factors[dtype.char]
        # cuBLAS counts by columns: it computes outᵀ = x2ᵀ x1ᵀ
        gemm(
            handle_of(), second[0], first[0], n, m, k, one, x2.data.ptr, second[1],
            x1.data.ptr, first[1], zero, out.data.ptr, n,
        )  # fmt: skip
        return out

    return matmul
