"""The kernels of eager execution, run on the emulator: sums over rows, means, updates of several parameters."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import numpy as np
import pytest

from pullback.backend.cuda import products

from ...cuda.emulator import COMPILER, NEEDS

emulated = pytest.mark.skipif(COMPILER is None, reason=NEEDS)
DTYPES = ("float32", "float64")


def _pointer(x):
    return ctypes.c_void_p(x.ctypes.data)


def _draw(*shape, dtype):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


# ── products at once ────────────────────────────────────────────────────────────────────────────


class CuBLAS:
    """`gemm` from its documentation, on host memory: by columns, factors by address."""

    def __init__(self):
        self.calls = 0

    def __getattr__(self, name):
        kind = {"sgemm": np.float32, "dgemm": np.float64}[name]

        def gemm(handle, op_a, op_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
            def matrix(address, rows, cols, ld):
                assert ld >= rows
                size = ((cols - 1) * ld + rows) * np.dtype(kind).itemsize
                flat = np.frombuffer((ctypes.c_char * size).from_address(address), kind)
                steps = (flat.itemsize, ld * flat.itemsize)
                return np.lib.stride_tricks.as_strided(flat, (rows, cols), steps)

            self.calls += 1
            first = matrix(a, k, m, lda).T if op_a else matrix(a, m, k, lda)
            second = matrix(b, n, k, ldb).T if op_b else matrix(b, k, n, ldb)
            factors = [np.frombuffer((ctypes.c_char * 8).from_address(x), kind)[0] for x in (alpha, beta)]  # fmt: skip
            assert factors == [1, 0]
            matrix(c, m, n, ldc)[...] = first @ second

        return gemm


class Array(np.ndarray):
    @property
    def data(self):
        return SimpleNamespace(ptr=self.ctypes.data)


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.delenv("CUPY_TF32", raising=False)
    library = CuBLAS()
    cupy = SimpleNamespace(ndarray=Array, matmul=lambda a, b: np.matmul(a, b).view(Array))
    device = SimpleNamespace(get_cublas_handle=lambda: 1)
    function = products.bind(cupy, lambda: SimpleNamespace(cublas=library, device=device))
    return function, library


LAYOUTS = {
    "rows": lambda x: np.ascontiguousarray(x),
    "columns": lambda x: np.asfortranarray(x),
    "part of rows": lambda x: np.concatenate([x, x], axis=1)[:, : x.shape[1]],
    "part of columns": lambda x: np.asfortranarray(np.concatenate([x, x]))[: x.shape[0]],
    "every second": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "backwards": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "broadcast": lambda x: np.broadcast_to(x[:1], x.shape),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("second", LAYOUTS)
@pytest.mark.parametrize("first", LAYOUTS)
def test_products_of_any_layout(at_once, first, second, dtype):
    matmul, library = at_once
    sizes = [(3, 4, 5), (1, 4, 5), (3, 1, 5), (3, 4, 1), (1, 1, 1), (7, 2, 1)]
    for m, k, n in sizes:
        a = LAYOUTS[first](_draw(m, k, dtype=dtype)).view(Array)
        b = LAYOUTS[second](_draw(k, n, dtype=dtype)).view(Array)
        out = matmul(a, b)
        assert (out.shape, out.dtype, out.flags.c_contiguous) == ((m, n), a.dtype, True)
        np.testing.assert_allclose(out, np.matmul(a, b), rtol=1e-5, atol=1e-6)
    strided = {"every second", "backwards", "broadcast"}
    if not strided & {first, second}:
        assert library.calls == len(sizes)


def test_what_is_no_product_of_two_matrices_is_left_to_cupy(at_once, monkeypatch):
    matmul, library = at_once
    x = np.ones((2, 2), "float32").view(Array)
    for a, b in [
        (x, x.astype("float64")),
        (x, x[0]),
        (x[None], x),
        (x.astype("complex64"),) * 2,
        (x.astype("int64"),) * 2,
        (x[:, :0], x[:0]),
        (x[:0], x),
    ]:
        np.testing.assert_array_equal(matmul(a, b), np.matmul(a, b))
    assert library.calls == 0
    with pytest.raises(ValueError, match="mismatch"):
        matmul(x, x[:1])


def test_tf32_is_cupy_s_to_round(monkeypatch):
    monkeypatch.setenv("CUPY_TF32", "1")
    library = CuBLAS()
    cupy = SimpleNamespace(ndarray=Array, matmul=lambda a, b: np.matmul(a, b).view(Array))
    device = SimpleNamespace(get_cublas_handle=lambda: 1)
    matmul = products.bind(cupy, lambda: SimpleNamespace(cublas=library, device=device))
    matmul(*[np.ones((2, 2), "float32").view(Array)] * 2)
    assert library.calls == 0
    matmul(*[np.ones((2, 2), "float64").view(Array)] * 2)
    assert library.calls == 1
