"""What is below CuPy's arrays: streams, events, pinned memory, cuSOLVER by LAPACK, kernels by NumPy.

Raw kernels are known by their names and run as what they compute; a name that is not known is an error.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import re
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse
import scipy.special

from pullback.backend.generic.rounding import loaded, stored

from .array import quiet, unwrap, wrap
from .functions import cupy, special
from .linalg import errstate, getrf, lapack, potrf
from .memory import Device, MemoryPointer, _ndarray_base, host
from .nccl import module as nccl
from .recurrence import STEPS
from .streams import NULL, Event, Stream, event_query, get_elapsed_time


class CUDARuntimeError(RuntimeError):
    """An error of the CUDA runtime, which the stand-in never raises."""


_MEMORY = (8 << 30, 16 << 30)

runtime: Any = types.SimpleNamespace(
    getDeviceCount=lambda: 1,
    getDevice=lambda: 0,
    CUDARuntimeError=CUDARuntimeError,
    runtimeGetVersion=lambda: 13000,
    driverGetVersion=lambda: 13000,
    memGetInfo=lambda: _MEMORY,
    eventQuery=event_query,
    deviceGetPCIBusId=lambda i: f"0000:{i:02x}:00.0",
    getDeviceProperties=lambda i: {"name": b"the stand-in for CuPy", "major": 9, "minor": 0},
)
cuda: Any = types.ModuleType("cupy.cuda")
cuda.__dict__.update(
    Device=Device, MemoryPointer=MemoryPointer, Stream=Stream, Event=Event, runtime=runtime, nccl=nccl,
    get_current_stream=lambda: NULL, get_elapsed_time=get_elapsed_time, get_device_id=lambda: 0,
    is_available=lambda: True, alloc_pinned_memory=bytearray, device=types.ModuleType("cupy.cuda.device"),
)  # fmt: skip
cuda.device.__dict__.update(
    get_cusolver_handle=lambda: 0, get_cublas_handle=lambda: 0, Device=Device
)
cupy.cuda = cuda


# ── cuSOLVER ──────────────────────────────────────────────────────────────────────────────────


def at(pointer: int, shape: Any, dtype: Any) -> np.ndarray:
    """The memory at a pointer, in column order."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = (ctypes.c_char * size).from_address(pointer)
    return np.frombuffer(memory, dtype).reshape(shape, order="F")


class Cusolver:
    """cuSOLVER's routines by LAPACK: column order, pivots from 1, a flag instead of an exception."""

    def __getattr__(self, name: str) -> Any:
        char = {"s": "f", "d": "d", "c": "F", "z": "D"}[name[0]]
        return functools.partial(getattr(self, "_" + name[1:]), char)

    def _getrf_bufferSize(self, char: str, handle: int, m: int, n: int, a: int, lda: int) -> int:
        return 1

    def _getrf(self, char, handle, m, n, a, lda, work, pivots, info):
        lu, places, flag = getrf(at(a, (n, n), char))
        at(a, (n, n), char)[:], at(pivots, n, "i")[:], at(info, 1, "i")[:] = lu, places + 1, flag

    def _getrs(self, char, handle, trans, n, k, a, lda, pivots, b, ldb, info):
        x, _ = lapack("getrs", char)(
            at(a, (n, n), char), at(pivots, n, "i") - 1, at(b, (n, k), char), trans=trans
        )
        at(b, (n, k), char)[:] = x

    def _potrf_bufferSize(self, char: str, handle: int, uplo: int, n: int, a: int, lda: int) -> int:
        return 1

    def _potrf(self, char, handle, uplo, n, a, lda, work, size, info):
        c, flag = potrf(at(a, (n, n), char), uplo == 0)
        at(a, (n, n), char)[:], at(info, 1, "i")[:] = c, flag

    def _potrs(self, char, handle, uplo, n, k, a, lda, b, ldb, info):
        x, _ = lapack("potrs", char)(at(a, (n, n), char), at(b, (n, k), char), lower=uplo == 0)
        at(b, (n, k), char)[:] = x


def _gemm(char: str) -> Callable[..., None]:
    """cuBLAS's product of two matrices, by columns; factors by address."""

    def matrix(pointer: int, rows: int, cols: int, leading: int) -> np.ndarray:
        assert leading >= rows
        item = np.dtype(char).itemsize
        flat = at(pointer, ((cols - 1) * leading + rows,), char)
        return np.lib.stride_tricks.as_strided(flat, (rows, cols), (item, leading * item))

    def gemm(
        handle: int, op_a: int, op_b: int, m: int, n: int, k: int, alpha: int, a: int, lda: int, b: int, ldb: int,
        beta: int, c: int, ldc: int,
    ) -> None:  # fmt: skip
        first = matrix(a, k, m, lda).T if op_a else matrix(a, m, k, lda)
        second = matrix(b, n, k, ldb).T if op_b else matrix(b, k, n, ldb)
        out = matrix(c, m, n, ldc)
        one, zero = (at(x, (1,), char)[0] for x in (alpha, beta))
        with np.errstate(all="ignore"):
            # by rows, as array functions multiply: the same rounding as the library's other path
            product = one * (second.T @ first.T).T
            out[...] = product + zero * out if zero else product

    return gemm


CUBLAS = types.SimpleNamespace(
    CUBLAS_OP_N=0, CUBLAS_OP_T=1, CUBLAS_OP_C=2, CUBLAS_FILL_MODE_LOWER=0, CUBLAS_FILL_MODE_UPPER=1,
    sgemm=_gemm("f"), dgemm=_gemm("d"),
)  # fmt: skip


def solve_triangular(
    a, b, trans=0, lower=False, unit_diagonal=False, overwrite_b=False, check_finite=False
):
    """`cupyx.scipy.linalg.solve_triangular`: batches of one shape; a zero on the diagonal divides."""
    A, B = unwrap(a), unwrap(b)
    dtype = np.result_type(A, B)
    out = np.empty(B.shape, dtype)
    for i in np.ndindex(A.shape[:-2]):
        T = np.tril(A[i]) if lower else np.triu(A[i])
        if not unit_diagonal and np.any(T.diagonal() == 0):
            out[i] = np.nan
            continue
        with np.errstate(all="ignore"):
            out[i] = scipy.linalg.solve_triangular(
                T, B[i], trans=trans, lower=lower, unit_diagonal=unit_diagonal, check_finite=False
            )
    return wrap(out)


# ── sparse matrices ───────────────────────────────────────────────────────────────────────────


def _sparse(kind: Any) -> Any:
    class Matrix:
        """`cupyx.scipy.sparse`'s, of data, indices and indptr; products alone."""

        def __init__(self, arrays: Any, shape: Any = None) -> None:
            if not all(isinstance(x, _ndarray_base) for x in arrays):
                raise TypeError("csr_matrix wants arrays of CuPy")
            self._host = kind(tuple(host(x) for x in arrays), shape=shape)

        def __matmul__(self, x: Any) -> Any:
            return wrap(np.asarray(self._host @ unwrap(x)))

    return Matrix


class SuperLU:
    """`cupyx.scipy.sparse.linalg.SuperLU`: a factor made on the host."""

    def __init__(self, obj: Any) -> None:
        self._lu = obj

    def solve(self, rhs: Any, trans: str = "N") -> Any:
        return wrap(self._lu.solve(np.asarray(unwrap(rhs)), trans))


# ── kernels ───────────────────────────────────────────────────────────────────────────────────


def _rows(x: Any, cols: Any) -> np.ndarray:
    return host(x).reshape(-1, int(cols))


def _log_softmax(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    top = np.max(z, axis=1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    total = np.log(np.sum(np.exp(z - top), axis=1, keepdims=True))
    return (z - top) - total, total + top


def _bias(relu: bool) -> Callable[..., None]:
    def run(x: Any, b: Any, rows: Any, cols: Any) -> None:
        values = _rows(x, cols)
        values += host(b)
        if relu:
            np.maximum(values, 0, out=values)

    return run


def _relu_vjp(ct: Any, out: Any, x_bar: Any, n: Any) -> None:
    host(x_bar)[...] = np.where(host(out) > 0, host(ct), 0)


def _column_sum(x: Any, total: Any, rows: Any, cols: Any) -> None:
    host(total)[...] = _rows(x, cols).sum(0)


def _relu_vjp_sum(ct: Any, out: Any, x_bar: Any, total: Any, rows: Any, cols: Any) -> None:
    _relu_vjp(ct, out, x_bar, None)
    _column_sum(x_bar, total, rows, cols)


def _mean(x: Any, out: Any, n: Any) -> None:
    host(out)[...] = host(x).mean()


def _logsumexp(x: Any, out: Any, rows: Any, cols: Any) -> None:
    host(out).reshape(-1)[...] = _log_softmax(_rows(x, cols))[1][:, 0]


def _log_softmax_kernel(x: Any, out: Any, rows: Any, cols: Any) -> None:
    _rows(out, cols)[...] = _log_softmax(_rows(x, cols))[0]


def _cross_entropy(z: Any, labels: Any, loss: Any, slope: Any, rows: Any, cols: Any) -> None:
    log_p, y = _log_softmax(_rows(z, cols))[0], host(labels).reshape(-1)
    known = (y >= 0) & (y < cols)
    picked = np.where(known, y, 0)
    each = np.arange(len(y))
    host(loss).reshape(-1)[...] = np.where(known, -log_p[each, picked], np.nan)
    p = np.exp(log_p)
    p[each, picked] -= 1
    _rows(slope, cols)[...] = np.where(known[:, None], p / int(rows), np.nan)


def _take_rows(x: Any, chosen: Any, out: Any, rows: Any, cols: Any, height: Any) -> None:
    assert all(host(a).ctypes.data % 4 == 0 for a in (x, out)), "words that are not aligned"
    host(out)[...] = host(x)[host(chosen) % int(height)]


def _narrow(x: Any, bits: Any, n: Any) -> None:
    host(bits)[...] = stored(host(x).astype(np.float32), "bfloat16")


def _widen(bits: Any, x: Any, n: Any) -> None:
    host(x)[...] = loaded(host(bits), "bfloat16")


KERNELS: dict[str, Callable[..., None]] = {
    "bias_add": _bias(False), "bias_relu": _bias(True), "relu_vjp": _relu_vjp, "logsumexp": _logsumexp,
    "column_sum": _column_sum, "relu_vjp_sum": _relu_vjp_sum, "mean": _mean,
    "take_rows": _take_rows, "narrow_bfloat16": _narrow, "widen_bfloat16": _widen,
    "log_softmax": _log_softmax_kernel, "cross_entropy_int32": _cross_entropy, "cross_entropy_int64": _cross_entropy,
}  # fmt: skip


def _step(run: Callable[..., None]) -> Callable[..., None]:
    """A kernel of `recurrence.py`, on the values."""
    return lambda *arguments: run(
        *(host(a) if isinstance(a, _ndarray_base) else a for a in arguments)
    )


KERNELS |= {name: _step(run) for name, run in STEPS.items()}

_STATEMENT = re.compile(r"(?:const )?(?:real )?(\w+ = .+);")
_HELPERS = {
    "sqrt": np.sqrt, "expm1": np.expm1, "sq": np.square, "sign": np.sign, "larger": np.maximum,
    "smaller": np.minimum, "__builtins__": {},
}  # fmt: skip


def _update(code: str, name: str) -> Callable[..., None]:
    """An update's kernel for several parameters, from its CUDA C: the statements are read as NumPy's."""
    found = re.search(rf"void {name}\((.*?)\) \{{(.*)\}}", code, re.DOTALL)
    assert found, name
    parameters = [p.split()[-1] for p in found[1].split(",")]
    statements = [
        m[1] for line in found[2].splitlines()
        if (m := _STATEMENT.fullmatch(line.strip())) and "[" not in m[1] and "(real)*" not in m[1]
    ]  # fmt: skip

    def run(*arguments: Any) -> None:
        shared: dict[str, Any] = {}
        inputs: dict[str, dict[str, Any]] = {}
        outputs: dict[str, dict[str, Any]] = {}
        kind = host(arguments[0]).dtype.type
        for p, value in zip(parameters, arguments, strict=True):
            if one := re.fullmatch(r"(\w+)_out(\d+)", p):
                outputs.setdefault(one[2], {})[one[1]] = host(value)
            elif one := re.fullmatch(r"(\w+)_in(\d+)", p):
                inputs.setdefault(one[2], {})[one[1]] = host(value)
            elif p.endswith("_at"):
                shared[p.removesuffix("_at")] = kind(host(value))
            elif not re.fullmatch(r"n\d+", p):
                shared[p] = value
        for k, arrays in inputs.items():
            scope = _HELPERS | shared | arrays
            for line in statements:
                exec(line, scope)
            for p, values in outputs[k].items():
                values[...] = np.reshape(scope[p], values.shape)

    return run


class RawModule:
    """`cupy.RawModule` of kernels whose meaning is known here."""

    def __init__(self, *, code: str, **_: Any) -> None:
        self._code = code

    def get_function(self, name: str) -> Callable[..., None]:
        run = _update(self._code, name) if name.startswith("update_") else KERNELS[name]

        def launch(grid: Any, block: Any, arguments: tuple[Any, ...]) -> None:
            assert grid[0] >= 1
            for a in arguments:
                assert isinstance(a, _ndarray_base | np.generic), type(a)
                assert not isinstance(a, _ndarray_base) or a.flags.c_contiguous or a.ndim == 0
            quiet(run, *arguments)

        return launch


cupy.RawModule = RawModule

# ── the modules beside it ─────────────────────────────────────────────────────────────────────


def _module(name: str, **contents: Any) -> Any:
    made = types.ModuleType(name)
    made.__dict__.update(contents)
    return made


_cusolver = _module("cupy_backends.cuda.libs.cusolver")
_cusolver.__getattr__ = Cusolver().__getattr__
_cublas = _module("cupy_backends.cuda.libs.cublas", **vars(CUBLAS))
_driver = _module("cupy_backends.cuda.api.driver", launchKernel=None)
_sparse_linalg = _module("cupyx.scipy.sparse.linalg", SuperLU=SuperLU)
_sparse_module = _module(
    "cupyx.scipy.sparse",
    csr_matrix=_sparse(scipy.sparse.csr_matrix),
    csc_matrix=_sparse(scipy.sparse.csc_matrix),
    linalg=_sparse_linalg,
)
_scipy_linalg = _module("cupyx.scipy.linalg", solve_triangular=solve_triangular)
_scipy = _module("cupyx.scipy", special=special, sparse=_sparse_module, linalg=_scipy_linalg)
_libs = _module("cupy_backends.cuda.libs", cublas=_cublas, cusolver=_cusolver)
_api = _module("cupy_backends.cuda.api", driver=_driver, runtime=runtime)
_backends_cuda = _module("cupy_backends.cuda", libs=_libs, api=_api)
MODULES: dict[str, Any] = {
    "cupy": cupy, "cupy.linalg": cupy.linalg, "cupy.fft": cupy.fft, "cupy.cuda": cuda,
    "cupy.cuda.device": cuda.device, "cupy.cuda.nccl": nccl,
    "cupyx": _module("cupyx", errstate=errstate, scipy=_scipy), "cupyx.scipy": _scipy,
    "cupyx.scipy.special": special, "cupyx.scipy.linalg": _scipy_linalg, "cupyx.scipy.sparse": _sparse_module,
    "cupyx.scipy.sparse.linalg": _sparse_linalg,
    "cupy_backends": _module("cupy_backends", cuda=_backends_cuda), "cupy_backends.cuda": _backends_cuda,
    "cupy_backends.cuda.libs": _libs, "cupy_backends.cuda.api": _api,
}  # fmt: skip
"""Every module of CuPy's that the package imports, by its name."""
_ = contextlib
