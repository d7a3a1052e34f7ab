"""Products on stand-ins for cuBLAS and cuBLASLt: order, transposition, epilogues, plans, and which library is used."""

from __future__ import annotations

import ctypes
import inspect
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from pullback.backend.common.launches import BLOCK, Address, Matrix, Product, mask_bytes
from pullback.backend.cuda import cublas as _cublas
from pullback.backend.cuda import cublaslt as _cublaslt
from pullback.backend.cuda import graph_runtime as _cuda_programs

from .test_graph_runtime import Array, _empty

# What libraries and CuPy do, on host memory, from their documented meaning.


def _bfloat16(bits):
    return (bits.astype("uint32") << 16).view("float32")


KINDS = {
    0: "float32",
    1: "float64",
    2: "float16",
    14: "uint16",
}  # cudaDataType; bfloat16 as its bits


def _host(address, dtype, shape, strides):
    """An array over memory at an address."""
    item = np.dtype(dtype).itemsize
    size = item + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
    return np.ndarray(shape, dtype, (ctypes.c_uint8 * size).from_address(address), 0, strides)


def _columns(address, kind, rows, cols, ld, stride=0, batch=1):
    """Matrices column by column."""
    assert ld >= rows
    item = np.dtype(KINDS[kind]).itemsize
    strides = (stride * item, item, ld * item)
    return _host(address, KINDS[kind], (batch, rows, cols), strides)


def _wide(x, kind):
    return _bfloat16(np.ascontiguousarray(x)) if kind == 14 else x.astype(float)


def _gemm(ta, tb, m, n, k, A, at, lda, sa, B, bt, ldb, sb, C, ct, ldc, sc, batch):
    a = _wide(_columns(A, at, *((k, m) if ta else (m, k)), lda, sa, batch), at)
    b = _wide(_columns(B, bt, *((n, k) if tb else (k, n)), ldb, sb, batch), bt)
    a, b = (np.swapaxes(x, 1, 2) if t else x for x, t in ((a, ta), (b, tb)))
    return a @ b, _columns(C, ct, m, n, ldc, sc, batch)


class Library:
    """libcublas."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *a: self.calls.append((name, a)) or 0

    def cublasGemmEx(self, h, ta, tb, m, n, k, one, A, at, lda, B, bt, ldb, zero, C, ct, ldc, kind, algo):  # fmt: skip
        return self.cublasGemmStridedBatchedEx(
            h,
            ta,
            tb,
            m,
            n,
            k,
            one,
            A,
            at,
            lda,
            0,
            B,
            bt,
            ldb,
            0,
            zero,
            C,
            ct,
            ldc,
            0,
            1,
            kind,
            algo,
        )

    def cublasGemmStridedBatchedEx(self, h, ta, tb, m, n, k, one, A, at, lda, sa, B, bt, ldb, sb, zero,
                                   C, ct, ldc, sc, batch, kind, algo):  # fmt: skip
        c_type = ctypes.c_double if ct == 1 else ctypes.c_float
        assert (c_type.from_address(one).value, c_type.from_address(zero).value) == (1, 0)
        assert kind == {"float32": 68, "float64": 70}[KINDS[ct]]
        out, c = _gemm(ta, tb, m, n, k, A, at, lda, sa, B, bt, ldb, sb, C, ct, ldc, sc, batch)
        c[...] = out
        return 0


class LtLibrary:
    """nvmath's bindings of cuBLASLt: descriptors are numbers, attributes the bytes that were set."""

    cuBLASLtError = RuntimeError
    SIZES: ClassVar = {"desc": {3: 4, 4: 4, 7: 4, 8: 8, 11: 8, 12: 8}, "layout": {5: 4, 6: 8},
             "pref": {1: 8, 5: 4, 6: 4, 7: 4, 8: 4}}  # fmt: skip

    def __init__(self, relu=np.maximum, smallest=1):
        self.relu, self.smallest, self.made, self.asked = relu, smallest, {}, 0

    def _new(self, *what):
        self.made[len(self.made) + 1000] = {"is": what}
        return len(self.made) + 999

    def _set(self, kind, number, attribute, buffer, size):
        assert self.made[number]["is"][0] == kind
        assert size == self.SIZES[kind][attribute]
        self.made[number][attribute] = int.from_bytes(ctypes.string_at(buffer, size), "little")

    def create(self):
        return 5

    def matmul_desc_create(self, compute, scale):
        return self._new("desc", compute, scale)

    def matrix_layout_create(self, kind, rows, cols, ld):
        return self._new("layout", kind, rows, cols, ld)

    def matmul_preference_create(self):
        return self._new("pref")

    def matmul_desc_set_attribute(self, *a):
        self._set("desc", *a)

    def matrix_layout_set_attribute(self, *a):
        self._set("layout", *a)

    def matmul_preference_set_attribute(self, *a):
        self._set("pref", *a)

    def _destroy(self, number):
        self.made[number]["is"] = ("destroyed",)

    matmul_desc_destroy = matrix_layout_destroy = matmul_preference_destroy = _destroy

    def matmul_algo_get_heuristic(self, h, desc, a, b, c, d, pref, wanted, results, count):
        self.asked += 1
        least = [self.made[pref][i] for i in (5, 6, 7, 8)]
        if min(least) < self.smallest:
            raise RuntimeError("CUBLAS_STATUS_NOT_SUPPORTED")
        plan = _cublaslt.Plan.from_address(results)
        plan.algo[:5] = [desc, *least]
        plan.workspace_size = self.made[pref][1]
        ctypes.c_int.from_address(count).value = 1

    def matmul(self, h, desc, one, a, A, b, B, zero, c, C, d, D, algo, workspace, nbytes, stream):
        planned, *least = (ctypes.c_uint64 * 5).from_address(algo)
        assert (h, planned, c, C) == (5, desc, d, D)
        assert all(x % y == 0 for x, y in zip((a, b, c, d), least, strict=True))
        of, (_, kind, n, m, ldc) = self.made[desc], self.made[D]["is"]
        (_, at, *a_shape, lda), (_, bt, *b_shape, ldb) = (self.made[x]["is"] for x in (A, B))
        k = a_shape[0] if of[3] else a_shape[1]
        assert a_shape == ([k, n] if of[3] else [n, k])
        assert b_shape == ([m, k] if of[4] else [k, m])
        batches = {self.made[x].get(5, 1) for x in (A, B, D)}
        strides = [self.made[x].get(6, 0) for x in (A, B, D)]
        (batch,) = batches
        out, to = _gemm(of[3], of[4], n, m, k, a, at, lda, strides[0], b, bt, ldb, strides[1],
                        d, kind, ldc, strides[2], batch)  # fmt: skip
        to[...] = self._epilogue(of, out[0], n, m, KINDS[kind]) if of[7] != 1 else out

    def _epilogue(self, of, out, n, m, dtype):
        vector = _host(of[8], dtype, (n,), (np.dtype(dtype).itemsize,))
        if of[7] & 128:
            assert of[12] % 128 == 0
            assert of[11] % 16 == 0
            bits = _host(of[11], "uint8", (m, -(-n // 8)), (of[12] // 8, 1))
        if of[7] == 8 | 16 | 128:
            out = np.where(np.unpackbits(bits, axis=1, count=n, bitorder="little").T, out, 0)
            vector[...] = out.sum(1)
            return out
        out = out + vector[:, None]
        if of[7] & 128:
            # as on an H100: set where the sum is NaN
            bits[...] = np.packbits(~(out.T <= 0), axis=1, bitorder="little")
        return self.relu(out, 0) if of[7] & 2 else out


def _over(shape, dtype, pointer, strides=None):
    """`cupy.ndarray` over a pointer."""
    out = np.empty(shape, dtype)
    return _host(pointer.ptr, dtype, shape, strides or out.strides).view(Array)


HOST = SimpleNamespace(
    ndarray=_over,
    asarray=lambda x: np.array(x).view(Array),
    asnumpy=lambda x: np.array(x),
    cuda=SimpleNamespace(
        UnownedMemory=lambda address, nbytes, owner: address,
        MemoryPointer=lambda memory, offset: SimpleNamespace(ptr=memory + offset),
        get_current_stream=lambda: SimpleNamespace(ptr=3),
    ),
    zeros=_empty,
    empty=_empty,
    **{
        name: getattr(np, name) for name in ("matmul", "maximum", "where", "packbits", "unpackbits")
    },
)
WAYS = {
    "lt": lambda: _cublaslt.CublasLt(LtLibrary()),
    "cublas": lambda: _cublas.Cublas(Library()),
    "cupy": lambda: _cublas.CupyProducts(HOST),
}


def _run(way, product, *arrays):
    bound = way.bind(product, np.zeros(64, "uint8").view(Array))
    bound.address(*[x.ctypes.data for x in arrays])
    bound.launch(3)
    return bound


@pytest.mark.parametrize("operands", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("code", range(8))
@pytest.mark.parametrize("way", WAYS)
def test_order_and_transposition(way, code, batch, operands):
    """Every combination of transposed A, B, C, with rows longer than the matrices, against NumPy."""
    m, n, k, pad = 3, 5, 4, 2
    rng = np.random.default_rng(0)
    low = "uint16" if operands == "bfloat16" else operands
    dtype = "float64" if operands == "float64" else "float32"
    logical, memory, matrices = [], [], []
    for i, shape in enumerate(((m, k), (k, n), (m, n))):
        turned = bool(code >> i & 1)
        rows, cols = shape[::-1] if turned else shape
        held = np.full((batch, rows, cols + pad), 7, low if i < 2 else dtype)
        if i < 2:
            numbers = rng.normal(size=(batch, rows, cols)).astype("float32")
            held[..., :cols] = (numbers.view("uint32") >> 16) if low == "uint16" else numbers
        seen = held[..., :cols]
        seen = _bfloat16(np.ascontiguousarray(seen)) if i < 2 and low == "uint16" else seen
        logical.append(np.swapaxes(seen, 1, 2) if turned else seen)
        memory.append(held)
        matrices.append(Matrix(Address(BLOCK), cols + pad, turned, held[0].size))
    product = Product(m, n, k, *matrices, dtype, operands, batch=batch)
    _run(WAYS[way](), product, *memory)
    wanted = logical[0].astype("float64") @ logical[1]
    np.testing.assert_allclose(logical[2], wanted, rtol=1e-4, atol=1e-6)
    assert (memory[2][..., -pad:] == 7).all()


def test_a_handle_is_set_up_once():
    library, x = Library(), np.zeros((2, 2), "float32")
    way, square = _cublas.Cublas(library), Matrix(Address(BLOCK), 2)
    bound = _run(way, Product(2, 2, 2, square, square, square, "float32", "float32"), x, x, x + 1)
    bound.launch(3)
    names = [name for name, _ in library.calls]
    assert names == ["cublasCreate_v2", "cublasSetStream_v2", "cublasSetWorkspace_v2"]
    bound.launch(4)  # another stream: the workspace is set anew, after it
    assert [name for name, _ in library.calls][3:] == names[1:]


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


def test_names_and_values_of_the_bindings():
    """Against nvmath-python's own tables, which are made from the header."""
    lt = pytest.importorskip(
        "nvmath.bindings.cublasLt", reason="nvmath-python is not installed", exc_type=ImportError
    )
    desc, layout = lt.MatmulDescAttribute, lt.MatrixLayoutAttribute
    preference = lt.MatmulPreferenceAttribute
    names = ("DEFAULT", "BIAS", "RELU_BIAS", "RELU_AUX_BIAS", "DRELU_BGRAD")
    assert list(_cublaslt.EPILOGUES.values()) == [lt.Epilogue[name].value for name in names]
    sizes = {"desc": desc, "layout": layout, "pref": preference}
    ask = {"desc": lt.get_matmul_desc_attribute_dtype, "layout": lt.get_matrix_layout_attribute_dtype,
           "pref": lt.get_matmul_preference_attribute_dtype}  # fmt: skip
    for kind, table in LtLibrary.SIZES.items():
        for attribute, size in table.items():
            assert np.dtype(ask[kind](sizes[kind](attribute))).itemsize == size
    used = {_cublaslt.TRANSA: desc.TRANSA, _cublaslt.TRANSB: desc.TRANSB, _cublaslt.EPILOGUE: desc.EPILOGUE,
            _cublaslt.BIAS_POINTER: desc.BIAS_POINTER, _cublaslt.AUX_POINTER: desc.EPILOGUE_AUX_POINTER,
            _cublaslt.AUX_LD: desc.EPILOGUE_AUX_LD}  # fmt: skip
    assert all(ours == theirs.value for ours, theirs in used.items())
    assert layout.BATCH_COUNT == _cublaslt.BATCH_COUNT
    assert layout.STRIDED_BATCH_OFFSET == _cublaslt.BATCH_STRIDE
    assert preference.MAX_WORKSPACE_BYTES == _cublaslt.MAX_WORKSPACE
    least = [preference[f"MIN_ALIGNMENT_{x}_BYTES"].value for x in "ABCD"]
    assert list(_cublaslt.MIN_ALIGNMENT) == least
    assert np.dtype(lt.matmul_heuristic_result_dtype).itemsize == ctypes.sizeof(_cublaslt.Plan)
    for name in (n for n in vars(LtLibrary) if n.startswith(("create", "mat"))):
        stated = getattr(lt, name).__doc__.split(")")[0]
        count = stated.count(",") + 1 if not stated.endswith("(") else 0
        parameters = list(inspect.signature(getattr(LtLibrary, name)).parameters.values())[1:]
        assert count == len(parameters) or parameters[0].kind is inspect.Parameter.VAR_POSITIONAL
