"""Matrix products with their addresses bound in advance, on the current stream: libcublas, or CuPy's arrays.

Memory is row by row, cuBLAS counts column by column: it computes ``Cᵀ = Bᵀ Aᵀ``, in which a matrix that is not
transposed here is not transposed there. A way of multiplying has

- ``name``, ``capturable`` (into a CUDA graph), ``epilogues`` (it does them inside the product);
- ``bind(product, workspace)``: an object with ``address(a, b, c, vector, mask)`` and ``launch(stream)``.

Sources: `cublas_api.h` and `cublasLt.h` of CUDA 13.
"""

from __future__ import annotations

import ctypes
import dataclasses
import threading
from typing import Any

import numpy as np

from ..common.launches import Address, Matrix, Product, mask_bytes

WORKSPACE = 32 << 20  # bytes: what cuBLAS advises for Hopper
OP = {False: 0, True: 1}  # CUBLAS_OP_N, CUBLAS_OP_T
TYPES = {"float32": 0, "float64": 1, "float16": 2, "bfloat16": 14}  # CUDA_R_32F, 64F, 16F, 16BF
COMPUTE_32F, COMPUTE_64F, COMPUTE_32F_FAST_TF32 = 68, 70, 77
GEMM_DEFAULT = -1


class ProductError(RuntimeError):
    """A library refused a product."""


def upright(product: Product) -> Product:
    """The product with C row by row: ``Cᵀ = Bᵀ Aᵀ`` where the memory held the transpose.

    Raises
    ------
    ValueError
        If an epilogue, whose vector runs along C's columns, stands on a transposed C.
    """
    if not product.c.transposed:
        return product
    if product.epilogue:
        raise ValueError(f"a transposed C with epilogue {product.epilogue!r}: write C row by row")

    def flip(x: Matrix) -> Matrix:
        return dataclasses.replace(x, transposed=not x.transposed)

    a, b, c = flip(product.b), flip(product.a), flip(product.c)
    return dataclasses.replace(product, m=product.n, n=product.m, a=a, b=b, c=c)


def compute_type(product: Product) -> int:
    """The number by which cuBLAS names the type that sums are kept in.

    Raises
    ------
    ValueError
        For dtypes that there is no product of.
    """
    if product.dtype == product.operands == "float64":
        return COMPUTE_64F
    if product.dtype == "float32" and product.operands in ("float32", "bfloat16", "float16"):
        fast = product.tf32 and product.operands == "float32"
        return COMPUTE_32F_FAST_TF32 if fast else COMPUTE_32F
    raise ValueError(f"no product of {product.operands} operands into {product.dtype}")


def factors(product: Product) -> tuple[Any, Any]:
    """The factors alpha and beta of a product, in host memory and in its dtype."""
    number = ctypes.c_double if product.dtype == "float64" else ctypes.c_float
    return number(product.alpha), number(product.beta)


# ── libcublas ─────────────────────────────────────────────────────────────────────────────────

_INT, _LONG, _POINTER = ctypes.c_int, ctypes.c_longlong, ctypes.c_void_p
SIGNATURES = {
    "cublasCreate_v2": (_POINTER,),
    "cublasSetStream_v2": (_POINTER, _POINTER),
    "cublasSetWorkspace_v2": (_POINTER, _POINTER, ctypes.c_size_t),
    "cublasGemmEx": (
        _POINTER, _INT, _INT, _INT, _INT, _INT, _POINTER, _POINTER, _INT, _INT, _POINTER, _INT, _INT,
        _POINTER, _POINTER, _INT, _INT, _INT, _INT,
    ),
    "cublasGemmStridedBatchedEx": (
        _POINTER, _INT, _INT, _INT, _INT, _INT, _POINTER, _POINTER, _INT, _INT, _LONG, _POINTER, _INT, _INT, _LONG,
        _POINTER, _POINTER, _INT, _INT, _LONG, _INT, _INT, _INT,
    ),
}  # fmt: skip


def load() -> Any:
    """The library, found as CuPy finds it, with its signatures.

    Raises
    ------
    OSError, ImportError, AttributeError
        If it is not there, or lacks a function.
    """
    try:
        from cuda import pathfinder  # type: ignore[import-untyped,import-not-found,unused-ignore]  # comes with CuPy, untyped
    except ImportError as error:
        raise OSError(f"cuda.pathfinder: {error}") from None
    try:
        library = ctypes.CDLL(pathfinder.load_nvidia_dynamic_lib("cublas").abs_path)
    except (pathfinder.DynamicLibNotFoundError, RuntimeError) as error:
        raise OSError(str(error)) from None
    for name, arguments in SIGNATURES.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, _INT
    return library


class Cublas:
    """The way of multiplying by libcublas, through its C interface.

    A handle belongs to one thread: between the setting of its stream and a product nobody else may set it.

    Parameters
    ----------
    library
        What `load` gives.
    """

    name, capturable, epilogues = "cuBLAS", True, False

    def __init__(self, library: Any) -> None:
        self.library = library
        self.local = threading.local()

    def bind(self, product: Product, workspace: Any) -> _CublasProduct:
        """One product; `workspace` is device memory for its use alone."""
        return _CublasProduct(self, product, workspace)

    def handle(self, stream: int, workspace: Any) -> Any:
        """The handle of this thread, on a stream and with a workspace."""
        local = self.local
        if not hasattr(local, "handle"):
            local.handle, local.state = _POINTER(), None
            self.check("cublasCreate_v2", ctypes.addressof(local.handle))
        state = (stream, workspace.data.ptr)
        if local.state != state:
            local.state = None
            self.check("cublasSetStream_v2", local.handle, stream)
            # after the stream: setting that goes back to the library's own workspace
            self.check("cublasSetWorkspace_v2", local.handle, workspace.data.ptr, workspace.nbytes)
            local.state = state
        return local.handle

    def check(self, name: str, *arguments: Any) -> None:
        """A call, or what it returned as an error."""
        status = getattr(self.library, name)(*arguments)
        if status:
            raise ProductError(f"{name} returned status {status}")


class _CublasProduct:
    def __init__(self, way: Cublas, product: Product, workspace: Any) -> None:
        if product.epilogue:
            raise ProductError(f"cuBLAS has no epilogue {product.epilogue!r}")
        self.way, self.workspace, p = way, workspace, upright(product)
        self.swapped = product.c.transposed
        self.factors = factors(p)
        alpha, beta = (ctypes.addressof(x) for x in self.factors)
        operands, result = TYPES[p.operands], TYPES[p.dtype]
        strides = ([p.b.stride], [p.a.stride], [p.c.stride]) if p.batch > 1 else ([], [], [])
        self.name = "cublasGemmStridedBatchedEx" if p.batch > 1 else "cublasGemmEx"
        self.head = (OP[p.b.transposed], OP[p.a.transposed], p.n, p.m, p.k, alpha)
        self.first = (operands, p.b.leading, *strides[0])
        self.second = (operands, p.a.leading, *strides[1], beta)
        count = (p.batch,) if p.batch > 1 else ()
        self.last = (result, p.c.leading, *strides[2], *count, compute_type(p), GEMM_DEFAULT)
        self.arguments: tuple[Any, ...] = ()

    def address(self, a: int, b: int, c: int, vector: int = 0, mask: int = 0) -> None:
        a, b = (b, a) if self.swapped else (a, b)
        self.arguments = (*self.head, b, *self.first, a, *self.second, c, *self.last)

    def launch(self, stream: int) -> None:
        self.way.check(self.name, self.way.handle(stream, self.workspace), *self.arguments)


# ── CuPy ──────────────────────────────────────────────────────────────────────────────────────


def extent(x: Matrix, rows: int, cols: int, batch: int) -> int:
    """The number of elements that a matrix, or a batch of matrices, spans in memory."""
    if x.transposed:
        rows, cols = cols, rows
    return (batch - 1) * x.stride + (rows - 1) * x.leading + cols


class CupyProducts:
    """CuPy's own matmul and array functions, every epilogue included; nothing of it can be captured.

    Parameters
    ----------
    cupy
        The module.
    """

    name, capturable, epilogues = "CuPy", False, False

    def __init__(self, cupy: Any) -> None:
        self.cupy = cupy

    def bind(self, product: Product, workspace: Any) -> _CupyProduct:
        """One product."""
        compute_type(product)
        return _CupyProduct(self.cupy, product)


class _CupyProduct:
    def __init__(self, cupy: Any, product: Product) -> None:
        self.cupy, self.product = cupy, upright(product)
        self.swapped = product.c.transposed
        self.arrays: tuple[Any, ...] = ()

    def address(self, a: int, b: int, c: int, vector: int = 0, mask: int = 0) -> None:
        p = self.product
        a, b = (b, a) if self.swapped else (a, b)
        low = "uint16" if p.operands == "bfloat16" else p.operands
        self.arrays = (
            self.matrix(a, p.a, p.m, p.k, low),
            self.matrix(b, p.b, p.k, p.n, low),
            self.matrix(c, p.c, p.m, p.n, p.dtype),
            self.flat(vector, p.n, p.dtype) if vector else None,
            self.flat(mask, mask_bytes(p.m, p.n), "uint8") if mask else None,
        )

    def flat(self, address: int, size: int, dtype: str) -> Any:
        """An array over memory that somebody else keeps."""
        nbytes = size * np.dtype(dtype).itemsize
        memory = self.cupy.cuda.UnownedMemory(address, nbytes, None)
        return self.cupy.ndarray((size,), dtype, self.cupy.cuda.MemoryPointer(memory, 0))

    def matrix(self, address: int, x: Matrix, rows: int, cols: int, dtype: str) -> Any:
        base = self.flat(address, extent(x, rows, cols, self.product.batch), dtype)
        item = base.itemsize
        strides = (item, x.leading * item) if x.transposed else (x.leading * item, item)
        shape = (self.product.batch, rows, cols)
        return self.cupy.ndarray(shape, dtype, base.data, (x.stride * item, *strides))

    def wide(self, x: Any) -> Any:
        """Operands in the dtype of the result."""
        if self.product.operands == "bfloat16":
            return (x.astype("uint32") << 16).view("float32")
        return x.astype(self.product.dtype, copy=False)

    def launch(self, stream: int) -> None:
        cupy, epilogue = self.cupy, self.product.epilogue
        a, b, c, vector, mask = self.arrays
        product = cupy.matmul(self.wide(a), self.wide(b))
        m, n = self.product.m, self.product.n
        padded = -(-n // 128) * 128
        if epilogue in ("bias", "relu_bias", "relu_bias_mask"):
            product = product + vector
        if epilogue == "relu_bias_mask":
            bits = cupy.zeros((m, padded), "uint8")
            bits[:, :n] = product[0] > 0
            mask[...] = cupy.packbits(bits.reshape(-1), bitorder="little")
        if epilogue in ("relu_bias", "relu_bias_mask"):
            product = cupy.maximum(product, 0)
        if epilogue == "relu_vjp_bias_vjp":
            bits = cupy.unpackbits(mask, bitorder="little").reshape(m, padded)[:, :n]
            # chosen, not multiplied: what is not finite stays away where the mask is 0
            product = cupy.where(bits != 0, product, cupy.zeros((), product.dtype))
            vector[...] = product[0].sum(0)
        if self.product.alpha != 1:
            product = product * product.dtype.type(self.product.alpha)
        if self.product.beta:
            product = product + c * product.dtype.type(self.product.beta)
        c[...] = product


def sample(epilogue: str, m: int = 24, n: int = 40, k: int = 16) -> Product:
    """A small product of float32 with an epilogue; addresses 0 … 4 are A, B, C, the vector and the mask."""
    a, b, c = (Matrix(Address(i), width) for i, width in enumerate((k, n, n)))
    mask = Address(4) if epilogue in ("relu_bias_mask", "relu_vjp_bias_vjp") else None
    vector = Address(3) if epilogue else None
    return Product(
        m, n, k, a, b, c, "float32", "float32", epilogue=epilogue, vector=vector, mask=mask
    )


def disagrees(cupy: Any, way: Any, product: Product, memory: Any) -> str:
    """The reason why a way is not to be used, or an empty text.

    It does a small product of the same dtypes and layouts, which is compared with NumPy's. On the host, since on a
    fresh machine NVRTC would have to compile a dozen of CuPy's kernels for it, which takes a second.

    A row of A begins with NaN, which has to come through, a relu too. The mask's bits in that row are free: cuBLASLt
    sets them where the sum is NaN, a comparison does not, and what they let through is NaN already.
    """
    m, n, k, batch = 24, 40, 16, 2 if product.batch > 1 else 1

    def small(x: Matrix, rows: int, cols: int) -> Matrix:
        leading = rows if x.transposed else cols
        return dataclasses.replace(x, leading=leading, stride=rows * cols if batch > 1 else 0)

    a, b, c = small(product.a, m, k), small(product.b, k, n), small(product.c, m, n)
    same = dataclasses.replace(product, m=m, n=n, k=k, a=a, b=b, c=c, batch=batch)
    rng = np.random.default_rng(0)
    operands = [rng.normal(size=batch * size).astype("float32") for size in (m * k, k * n)]
    if product.epilogue != "relu_vjp_bias_vjp":
        operands[0][3 if a.transposed else 3 * k] = np.nan
    narrow = [_narrow(x, product.operands) for x in operands]
    vector = rng.normal(size=n).astype(product.dtype)
    bits = rng.integers(0, 256, mask_bytes(m, n), dtype="uint8")
    before = rng.normal(size=batch * m * n).astype(product.dtype)
    device = [cupy.asarray(x) for x in (*narrow, before, vector, bits)]
    bound = way.bind(same, memory(WORKSPACE) if way.capturable else None)
    bound.address(*[x.data.ptr for x in device])
    bound.launch(cupy.cuda.get_current_stream().ptr)
    ours = [cupy.asnumpy(x) for x in device[2:]]
    left, right = (_wide(x, product.operands) for x in narrow)
    theirs = _expected(same, left, right, before, vector, bits)
    ours[2], theirs[2] = (_bits(x, m, n) for x in (ours[2], theirs[2]))
    if product.epilogue == "relu_bias_mask":
        for found in (ours, theirs):
            found[2][np.isnan(found[0].reshape(m, n)).any(axis=1)] = 0
    wide = 5e-2 if product.tf32 else 1e-10 if product.dtype == "float64" else 1e-4
    for name, x, y in zip(("product", "vector", "mask"), ours, theirs, strict=True):
        if (np.isnan(x) != np.isnan(y)).any():
            return f"the {name} has not NaN where NumPy's has"
        # a sum over the rows has a row's error, m times
        scale = np.where(np.isnan(y), 0, wide * (m if name == "vector" else 1))
        # a sign that rounding decides may differ
        if name == "mask" and product.tf32:
            continue
        error = np.nan_to_num(np.abs(x.astype("float64") - y))
        if (error > scale).any():
            return f"the {name} differs by {float(error.max()):.2g} from NumPy's"
    return ""


def _expected(
    p: Product, a: np.ndarray, b: np.ndarray, c: np.ndarray, vector: np.ndarray, bits: np.ndarray
) -> list[np.ndarray]:
    """What a product leaves in the memory of C, of the vector and of the mask, from what was there, in float64."""
    vector = vector.astype("float64")

    def matrices(x: np.ndarray, at: Matrix, rows: int, cols: int) -> np.ndarray:
        if at.transposed:
            return np.swapaxes(x.reshape(p.batch, cols, rows), 1, 2)
        return x.reshape(p.batch, rows, cols)

    out = matrices(a, p.a, p.m, p.k) @ matrices(b, p.b, p.k, p.n)
    if p.epilogue in ("bias", "relu_bias", "relu_bias_mask"):
        out = out + vector
    if p.epilogue == "relu_bias_mask":
        padded = np.zeros((p.m, mask_bytes(1, p.n) * 8), "uint8")
        padded[:, : p.n] = out[0] > 0
        bits = np.packbits(padded.reshape(-1), bitorder="little")
    if p.epilogue in ("relu_bias", "relu_bias_mask"):
        out = np.maximum(out, 0)
    if p.epilogue == "relu_vjp_bias_vjp":
        out = np.where(_bits(bits, p.m, p.n) != 0, out, 0)
        vector = out[0].sum(0)
    out = p.alpha * out
    if p.beta:
        out = out + p.beta * matrices(c.astype("float64"), p.c, p.m, p.n)
    return [(np.swapaxes(out, 1, 2) if p.c.transposed else out).reshape(-1), vector, bits]


def _bits(mask: np.ndarray, m: int, n: int) -> np.ndarray:
    """A mask's bits as a matrix of 0 and 1."""
    return np.unpackbits(mask.reshape(m, -1), axis=1, count=n, bitorder="little")


def _wide(narrow: np.ndarray, dtype: str) -> np.ndarray:
    """Operands in float64."""
    if dtype == "bfloat16":
        narrow = (narrow.astype("uint32") << 16).view("float32")
    return narrow.astype("float64")


def _narrow(host: np.ndarray, dtype: str) -> np.ndarray:
    """Float32 numbers in the dtype of operands; of bfloat16 the bits."""
    if dtype == "bfloat16":
        return (host.view("uint32") >> 16).astype("uint16")
    return host.astype(dtype)
