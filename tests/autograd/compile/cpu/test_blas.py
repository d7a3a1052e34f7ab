"""The BLAS that NumPy has loaded, and the one that kernels call."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from pullback.autograd.compile.cpu import blas

NUMBERS = {"sgemm": (np.float32, ctypes.c_float), "dgemm": (np.float64, ctypes.c_double)}
ROW_MAJOR, PLAIN, TRANSPOSED = 101, 111, 112


@pytest.mark.parametrize("find", [blas.numpys, blas.for_kernels])
@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("flip_a", [PLAIN, TRANSPOSED])
@pytest.mark.parametrize("flip_b", [PLAIN, TRANSPOSED])
def test_products(find, name, flip_a, flip_b):
    library = find()
    if library is None:
        pytest.skip("NumPy was not installed from a wheel")
    dtype, number = NUMBERS[name]
    rng = np.random.default_rng(0)
    a = rng.standard_normal((2, 3) if flip_a == PLAIN else (3, 2)).astype(dtype)
    b = rng.standard_normal((3, 4) if flip_b == PLAIN else (4, 3)).astype(dtype)
    out = np.ones((2, 4), dtype)
    count = ctypes.c_int64 if library.bits == 64 else ctypes.c_int32
    gemm = blas.routine(library, name)
    flag, address = ctypes.c_int, ctypes.c_void_p
    gemm.argtypes = (
        flag, flag, flag, count, count, count, number, address, count, address, count, number, address, count,
    )  # fmt: skip
    gemm.restype = None
    gemm(
        ROW_MAJOR, flip_a, flip_b, 2, 4, 3, 2.0, a.ctypes.data, a.shape[1],
        b.ctypes.data, b.shape[1], 1.0, out.ctypes.data, 4,
    )  # fmt: skip
    left, right = (a if flip_a == PLAIN else a.T), (b if flip_b == PLAIN else b.T)
    np.testing.assert_allclose(out, 1 + 2 * left @ right, rtol=1e-5)


def test_a_kernel_of_another_library_is_refused():
    pytest.importorskip("numba", reason="kernels are an extra")
    with pytest.raises(RuntimeError, match="names like nothing_"):
        blas.external("sgemm", "nothing_{}", 16)
