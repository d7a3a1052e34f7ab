"""Tests of `autograd/compile/cpu/native/jit.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pullback.autograd.compile.cpu.native import jit
from pullback.autograd.compile.cpu.native.jit import ByDtype, T, gemm, inlined, kernel

SHIFT = 3
COEFFICIENTS = (1.0, 2.5)
LABELS = ["a list"]


@inlined
def shifted(x: Any) -> Any:
    return x + SHIFT


@inlined
def single(x: Any) -> Any:
    return x * np.float32(2.0)


@inlined
def double(x: Any) -> Any:
    return shifted(x)


by_dtype: Any = ByDtype(single, double)


@kernel("reassoc")
def polynomial(x: Any, out: Any, scale: float, start: int, stop: int) -> None:
    for i in range(start, stop):
        out[i] = T(scale) * by_dtype(x[i]) * T(COEFFICIENTS[1])


@kernel()
def product(a: Any, b: Any, out: Any, n: int) -> None:
    gemm(
        101, 111, 111, n, n, n, T(1.0), a.ctypes.data, n, b.ctypes.data, n, T(0.0), out.ctypes.data, n
    )  # fmt: skip


@kernel()
def wrong(x: Any) -> Any:
    return len(LABELS)


def test_the_source_holds_all_that_is_named():
    single_source, double_source = polynomial.source(False), polynomial.source(True)
    assert "def single(" in single_source
    assert "SHIFT" not in single_source
    assert "T = np.float32\n" in single_source
    assert double_source.index("SHIFT = 3") < double_source.index("def shifted(")
    assert double_source.index("def shifted(") < double_source.index("def double(")
    assert "by_dtype = double\n" in double_source
    assert "T = np.float64\n" in double_source
    assert "def kernel(x: Any" in double_source
    assert 'fastmath={"contract", "reassoc"}' in double_source


def test_what_a_kernel_may_not_name_is_refused():
    with pytest.raises(TypeError, match="kernel wrong: LABELS is list"):
        wrong.source(False)


def test_a_routine_of_blas_is_for_kernels():
    with pytest.raises(TypeError, match="sgemm is called by compiled kernels alone"):
        jit.sgemm(1)


def test_functions_can_be_called_in_python():
    assert by_dtype(np.float64(1.0)) == 4.0
    assert by_dtype(np.float32(1.0)) == 2.0


def test_compiled_for_both_dtypes():
    pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")
    for dtype, factor in ((np.float32, 2.0), (np.float64, 3.0)):
        x = np.arange(6, dtype=dtype)
        run = polynomial.compiled((dtype, 1, "A", "read"), (dtype, 1), float, int, int)
        x.flags.writeable = False
        out = np.zeros(3, dtype)
        run(x[::2], out, 2.0, 1, 3)
        expected = [2.5 * 2.0 * (v * 2.0 if factor == 2.0 else v + 3) for v in (2.0, 4.0)]
        np.testing.assert_array_equal(out, [0.0, *expected])
        assert polynomial.compiled((dtype, 1, "A", "read"), (dtype, 1), float, int, int) is run
        with pytest.raises(TypeError, match="No matching definition"):
            run(x, x, 2.0, 1, 3)  # which would be written to


@pytest.mark.skipif(not jit.has_blas(), reason="NumPy's BLAS is none that kernels can call")
def test_products_in_a_kernel():
    pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")
    a, b = np.arange(9.0).reshape(3, 3), np.eye(3) * 2
    out = np.empty((3, 3))
    product.compiled((np.float64, 2), (np.float64, 2), (np.float64, 2), int)(a, b, out, 3)
    np.testing.assert_array_equal(out, 2 * a)
