"""Helpers of `test_cublas.py` and the test files split from it."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import ClassVar

import numpy as np

from pullback.backend.cuda import cublas as _cublas
from pullback.backend.cuda import cublaslt as _cublaslt

from ._graph_runtime import Array, _empty


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

    def get_version(self):
        return 131000

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
        # it reads the alignments of vector and mask from their addresses, and takes those that are not set for aligned
        least += [at & -at or 256 for at in (self.made[desc].get(i, 0) for i in (8, 11))]
        if min(least) < self.smallest:
            raise RuntimeError("CUBLAS_STATUS_NOT_SUPPORTED")
        plan = _cublaslt.Plan.from_address(results)
        plan.algo[:7] = [self._kind(desc), *least]
        plan.workspace_size = self.made[pref][1]
        ctypes.c_int.from_address(count).value = 1

    def _kind(self, desc):
        """What an algorithm is for: another description that says the same may use it."""
        of = self.made[desc]
        return of["is"][1] + 1000 * (of[3] + 2 * of[4] + 4 * of[7])

    def matmul(self, h, desc, one, a, A, b, B, zero, c, C, d, D, algo, workspace, nbytes, stream):
        planned, *least = (ctypes.c_uint64 * 7).from_address(algo)
        assert (h, planned, c, C) == (5, self._kind(desc), d, D)
        of, (_, kind, n, m, ldc) = self.made[desc], self.made[D]["is"]
        at = (a, b, c, d, of.get(8, 0), of.get(11, 0))
        assert all(x % y == 0 for x, y in zip(at, least, strict=True)), "misaligned address"
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
