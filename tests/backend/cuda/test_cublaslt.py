"""Tests of `backend/cuda/cublaslt.py`."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from pullback.backend.common.launches import mask_bytes
from pullback.backend.cuda import cublas as _cublas
from pullback.backend.cuda import cublaslt as _cublaslt
from pullback.backend.cuda import graph_runtime as _cuda_programs

from ._cublas import HOST, WAYS, Library, LtLibrary, _run
from ._graph_runtime import Array


@pytest.mark.parametrize("n", [40, 128, 130])
@pytest.mark.parametrize("way", ["lt", "cupy"])
def test_epilogues(way, n):
    m, k = 6, 4
    rng = np.random.default_rng(1)
    a, b, v = (rng.normal(size=s).astype("float32") for s in ((m, k), (k, n), (n,)))
    a[2, 1] = np.nan
    pre = a @ b + v
    positive = pre > 0
    mask = np.zeros(mask_bytes(m, n) + 16, "uint8")
    mask = mask[-mask.ctypes.data % 16 :][: mask_bytes(m, n)]
    wanted = {"bias": pre, "relu_bias": np.maximum(pre, 0), "relu_bias_mask": np.maximum(pre, 0)}
    for epilogue, result in wanted.items():
        c, vector = np.zeros((m, n), "float32"), v.copy()
        _run(WAYS[way](), _cublas.sample(epilogue, m, n, k), a, b, c, vector, mask)
        np.testing.assert_allclose(c, result, rtol=1e-5, atol=1e-6, err_msg=epilogue)
    bits = np.unpackbits(mask.reshape(m, -1), axis=1, bitorder="little")[:, :n]
    here = np.arange(m) != 2  # where the sum is NaN, the libraries differ
    np.testing.assert_array_equal(bits[here], positive[here])
    c, vector, a = np.zeros((m, n), "float32"), v.copy(), np.nan_to_num(a)
    _run(WAYS[way](), _cublas.sample("relu_vjp_bias_vjp", m, n, k), a, b, c, vector, mask)
    result = np.where(bits, a @ b, 0)
    np.testing.assert_allclose(c, result, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(vector, result.sum(0), rtol=1e-5, atol=1e-5)


def test_a_plan_is_for_the_alignments_of_vector_and_mask():
    """The library reads them from addresses that are in the description when it is asked."""
    rng = np.random.default_rng(2)
    m, n, k = 6, 40, 4
    a, b = (rng.normal(size=s).astype("float32") for s in ((m, k), (k, n)))
    memory = np.zeros(4096, "uint8")
    start = -memory.ctypes.data % 256
    c, mask = np.zeros((m, n), "float32"), memory[start + 1024 + 16 :]
    library = LtLibrary()
    bound = _cublaslt.CublasLt(library).bind(
        _cublas.sample("relu_bias_mask", m, n, k), np.zeros(64, "uint8").view(Array)
    )
    for offset in (16, 256, 32, 16):
        v = memory[start + offset :][: 4 * n].view("float32")
        v[:] = rng.normal(size=n)
        bound.address(*[x.ctypes.data for x in (a, b, c, v, mask)])
        bound.launch(3)
        np.testing.assert_allclose(c, np.maximum(a @ b + v, 0), rtol=1e-5, atol=1e-6)
    assert library.asked == 4
    for offset in (8, 4):
        with pytest.raises(_cublas.ProductError, match=f"a multiple of {offset} bytes, and needs"):
            bound.address(*[x.ctypes.data for x in (a, b, c, memory[start + offset :], mask)])


def test_a_plan_belongs_to_a_version_of_the_library():
    first, second = LtLibrary(), LtLibrary()
    second.get_version = lambda: 131100
    forms = [
        _cublaslt.CublasLt(each).bind(_cublas.sample(""), np.zeros(64, "uint8").view(Array)).form
        for each in (first, first, second)
    ]
    assert forms[0] == forms[1] != forms[2]


def _runtime(*ways):
    return _cuda_programs.Runtime(HOST, None, [*ways, _cublas.CupyProducts(HOST)])


def test_epilogues_are_used_where_they_are_right():
    assert _runtime(_cublaslt.CublasLt(LtLibrary())).epilogues is True
    assert _runtime(_cublas.Cublas(Library())).epilogues is False
    assert _runtime().epilogues is False


def test_a_relu_that_loses_nan_means_no_epilogues():
    runtime = _runtime(_cublaslt.CublasLt(LtLibrary(relu=np.fmax)))
    with pytest.warns(RuntimeWarning, match="epilogue relu_bias: the product has not NaN"):
        assert runtime.epilogues is False
    assert runtime.way(_cublas.sample("")).name == "cuBLASLt"
    assert runtime.describe().endswith("products by cuBLASLt, CuPy")


class Wrong(Library):
    def cublasGemmStridedBatchedEx(self, *a):
        super().cublasGemmStridedBatchedEx(*a)
        ctypes.c_float.from_address(a[16]).value += 0.01
        return 0


class Throwing(Library):
    def cublasCreate_v2(self, *_):
        return 3


@pytest.mark.parametrize(
    ("library", "said"), [(Wrong, "differs by 0.01"), (Throwing, "cublasCreate_v2 returned status 3")]
)  # fmt: skip
def test_a_way_that_is_wrong_is_reported_and_not_used(library, said):
    runtime = _runtime(_cublas.Cublas(library()))
    with pytest.warns(RuntimeWarning, match=f"cuBLAS is not used .*{said}") as reported:
        ways = {runtime.way(_cublas.sample("")).name for _ in range(3)}
    assert ways == {"CuPy"}
    assert len(reported) == 1


def test_plans_by_alignment():
    """One question for each alignment; where there is no plan, the next way multiplies."""
    library = LtLibrary(smallest=8)
    way, product = _cublaslt.CublasLt(library), _cublas.sample("")
    memory = np.zeros(4096, "uint8")
    base = memory.ctypes.data + -memory.ctypes.data % 256
    bound = way.bind(product, np.zeros(64, "uint8").view(Array))
    assert library.asked == 1
    for offset in (0, 256, 16, 48, 0):
        bound.address(base + offset, base + 512, base + 1024)
    assert library.asked == 2
    with pytest.raises(_cublas.ProductError, match="no algorithm"):
        bound.address(base + 4, base, base)
    del bound
    assert {x["is"] for x in library.made.values()} == {("destroyed",)}
    runtime = _runtime(way, _cublas.Cublas(Library()))
    workspace = np.zeros(64, "uint8").view(Array)
    assert runtime.way(product) is way
    library.smallest = 1 << 20
    way.plans.clear()  # as of another shape
    assert isinstance(runtime.bind(product, workspace), _cublas._CublasProduct)
