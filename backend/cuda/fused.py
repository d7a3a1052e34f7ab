"""The fused kernels as functions of the backend's namespace.

CuPy comes in as an argument: `backend.py` stays the only file that imports it, and the tests can run
the Python below on a stand-in. Each function launches one kernel of `kernels` where the
arrays are what it is written for (C order, one of its dtypes) and falls back to array functions
where they are not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..common.typing import XP, RawArray
from ..generic import namespace as generic
from . import kernels, updates

Launch = Callable[..., None]
ONE_BLOCK = 1 << 16  # rows whose losses one block of threads adds up
WORD = 4  # bytes that the kernel of `take` copies at once
_SINGLE, _INDEX = np.dtype("float32"), np.dtype("int64")


def launcher(cupy: Any) -> Launch:
    """``launch(name, dtype, rows, cols, *arguments)``, compiling on first use.

    Python's integers are passed as sizes, which are int64.
    """
    modules: dict[tuple[str, tuple[str, ...]], Any] = {}
    functions: dict[tuple[str, str], Any] = {}
    bound: dict[tuple[Any, ...], tuple[Any, Any, Any]] = {}  # by what a launch depends on

    def bind_launch(key: tuple[Any, ...]) -> tuple[Any, Any, Any]:
        name, char, rows, cols = key
        function = functions.get((name, char))
        if function is None:
            group = NAMES[char], kernels.group_of(name)
            if group not in modules:
                modules[group] = cupy.RawModule(code=kernels.module(*group))
            function = modules[group].get_function(name)
            functions[name, char] = function
        if len(bound) > 4096:
            bound.clear()
        found = bound[key] = (function, *kernels.launch_shape(name, rows, cols))
        return found

    def launch(name: str, dtype: np.dtype, rows: int, cols: int, *args: Any) -> None:
        key = (name, dtype.char, rows, cols)
        function, grid, block = bound.get(key) or bind_launch(key)
        function(grid, block, tuple([int64(x) if type(x) is int else x for x in args]))

    return launch


int64 = np.int64
# A dtype's name is worked out by NumPy each time it is asked for, which takes 3 µs; its character is there.
NAMES = {np.dtype(name).char: name for name in kernels.DTYPES}
LABELS = {np.dtype(name).char: name for name in kernels.LABELS}


def _fits(*arrays: Any) -> bool:
    """Whether arrays are of one dtype that there are kernels for, in C order, and not empty."""
    dtype = arrays[0].dtype
    if dtype.char not in NAMES or not arrays[0].size:
        return False
    for a in arrays:
        if a.dtype is not dtype and a.dtype != dtype:
            return False
        if not a.flags.c_contiguous:
            return False
    return True


def layers(
    cupy: Any, launch: Launch, matmul: Callable[[Any, Any], Any]
) -> dict[str, Callable[..., Any]]:
    """`linear`, `linear_relu` and what their pullbacks do beside products, in one launch each."""

    def after_product(kernel: str, plain: Callable[[Any], Any]) -> Callable[[Any, Any, Any], Any]:
        def layer(x: Any, W: RawArray, b: RawArray) -> Any:
            out = matmul(x, W)
            if out.ndim == 0 or b.shape != out.shape[-1:] or not _fits(out, b):
                return plain(out + b)
            cols = out.shape[-1]
            launch(kernel, out.dtype, out.size // cols, cols, out, b, out.size // cols, cols)
            return out

        return layer

    def relu_vjp(ct: RawArray, out: Any) -> Any:
        """``ct · (out > 0)``."""
        if ct.shape != out.shape or not _fits(ct, out):
            return ct * (out > 0)
        x_bar = cupy.ndarray(ct.shape, ct.dtype)
        launch("relu_vjp", ct.dtype, ct.size, 1, ct, out, x_bar, ct.size)
        return x_bar

    def relu_bias_vjp(ct: RawArray, out: Any, b_shape: tuple[int, ...]) -> tuple[Any, Any]:
        """``ct · (out > 0)``, and its sum over the rows."""
        if ct.ndim != 2 or ct.shape != out.shape or b_shape != ct.shape[1:] or not _fits(ct, out):
            inner = relu_vjp(ct, out)
            return inner, sum_to_shape(inner, b_shape)
        rows, cols = ct.shape
        x_bar, b_bar = cupy.ndarray(ct.shape, ct.dtype), cupy.ndarray(b_shape, ct.dtype)
        launch("relu_vjp_sum", ct.dtype, rows, cols, ct, out, x_bar, b_bar, rows, cols)
        return x_bar, b_bar

    def sum_to_shape(x: Any, shape: tuple[int, ...]) -> Any:
        """Sum over broadcast axes."""
        if x.ndim != 2 or shape != x.shape[1:] or not _fits(x):
            return generic.sum_to_shape(cupy, x, shape)
        out = cupy.ndarray(shape, x.dtype)
        launch("column_sum", x.dtype, *x.shape, x, out, *x.shape)
        return out

    def linear_vjp_W(ct: RawArray, x: Any) -> Any:
        """``xᵀ ct``."""
        if x.ndim == 2:
            return matmul(x.T, ct)
        rows = math.prod(x.shape[:-1])
        if x.ndim == 1:
            return x[:, None] * ct
        return matmul(x.reshape(rows, x.shape[-1]).T, ct.reshape(rows, ct.shape[-1]))

    return {
        "matmul": matmul,
        "linear_vjp_W": linear_vjp_W,
        "sum_to_shape": sum_to_shape,
        "relu_bias_vjp": relu_bias_vjp,
        "linear": after_product("bias_add", lambda out: out),
        "linear_relu": after_product("bias_relu", lambda out: cupy.maximum(out, 0)),
        "relu_vjp": relu_vjp,
    }


def softmaxes(cupy: Any, launch: Launch, xp: XP) -> dict[str, Callable[..., Any]]:
    """Log-sum-exp and its kin along the last axis, one launch each; `xp` serves the other cases."""

    def by_row(x: Any, axis: Any) -> Any:
        """`x` in C order if a kernel by row can take it, else None."""
        if x.ndim == 0 or axis not in (-1, x.ndim - 1):
            return None
        x = cupy.ascontiguousarray(x)
        return x if _fits(x) else None

    def logsumexp(x: Any, axis: Any, keepdims: bool) -> Any:
        contiguous = by_row(x, axis)
        if contiguous is None:
            return generic.logsumexp(xp, x, axis, keepdims)
        cols = x.shape[-1]
        out = cupy.empty((*x.shape[:-1], 1) if keepdims else x.shape[:-1], x.dtype)
        launch("logsumexp", x.dtype, x.size // cols, cols, contiguous, out, x.size // cols, cols)
        return out

    def log_softmax(x: Any, axis: Any) -> Any:
        contiguous = by_row(x, axis)
        if contiguous is None:
            return generic.log_softmax(xp, x, axis)
        cols, out = x.shape[-1], cupy.empty_like(contiguous)
        launch("log_softmax", x.dtype, x.size // cols, cols, contiguous, out, x.size // cols, cols)
        return out

    def softmax_cross_entropy(logits: RawArray, labels: RawArray) -> tuple[Any, Any]:
        """The mean loss, and its slope (p − onehot) / rows; a label that is no class makes the loss and its row NaN.

        To raise instead, as the CPU does, would have to wait for the device in every step.
        """
        cols = logits.shape[-1]
        rows = math.prod(logits.shape[:-1])
        if rows == 0 or labels.size != rows:
            raise ValueError(
                f"softmax_cross_entropy: a mean over {rows} rows of logits"
                f" with {labels.size} labels"
            )
        z, y = by_row(logits, -1), cupy.ascontiguousarray(labels)
        if z is None or y.dtype.char not in LABELS:
            return generic.softmax_cross_entropy(xp, logits, labels)
        loss, slope = cupy.ndarray(rows, z.dtype), cupy.ndarray(z.shape, z.dtype)
        arguments = (z, y, loss, slope, rows, cols)
        launch(f"cross_entropy_{LABELS[y.dtype.char]}", z.dtype, rows, cols, *arguments)
        if rows > ONE_BLOCK:
            return cupy.mean(loss), slope
        mean = cupy.ndarray((), z.dtype)
        launch("mean", z.dtype, rows, 1, loss, mean, rows)
        return mean, slope

    return {
        "logsumexp": logsumexp,
        "log_softmax": log_softmax,
        "softmax_cross_entropy": softmax_cross_entropy,
    }


def gathers(cupy: Any, launch: Launch) -> dict[str, Callable[..., Any]]:
    """`take` of rows in one launch, without CuPy's kernel, one more for each dtype that NVRTC has to compile."""

    def take(x: Any, indices: Any, /, *, axis: int | None = None) -> Any:
        """CuPy's; an index wraps around."""
        if not _has_rows(x, indices, axis):
            return cupy.take(x, indices, axis=axis)
        out = cupy.ndarray((indices.size, *x.shape[1:]), x.dtype)
        height, count = x.shape[0], indices.size
        words = out.nbytes // (WORD * count)
        # words are copied as they are: the module is that of the data's dtype, which a training has anyway
        dtype = x.dtype if x.dtype.char in NAMES else _SINGLE
        launch("take_rows", dtype, count, words, x, indices, out, count, words, height)
        return out

    return {"take": take}


def _has_rows(x: Any, indices: Any, axis: int | None) -> bool:
    """Whether the kernel can take the rows: whole words, aligned and in C order, by an int64 index each."""
    return (
        axis in (0, -x.ndim)
        and x.ndim > 0
        and type(indices) is type(x)
        and indices.ndim == 1
        and indices.dtype.char == _INDEX.char
        and bool(x.size and indices.size)
        and x.flags.c_contiguous
        and indices.flags.c_contiguous
        and x.nbytes // x.shape[0] % WORD == 0
        # a view of small elements may begin between two words: a misaligned read ends all work on a device
        and (x.itemsize % WORD == 0 or x.data.ptr % WORD == 0)
    )


def bind(
    cupy: Any, xp: XP, matmul: Callable[[Any, Any], Any] | None = None
) -> dict[str, Callable[..., Any]]:
    """Every fused function, for the namespace of the CuPy backend.

    Parameters
    ----------
    cupy
        The module.
    xp
        A namespace of CuPy arrays with the extras of `generic`, for what the kernels do not cover.
    matmul : callable, optional
        Products, as `products.bind` makes them.
    """
    launch = launcher(cupy)
    return (
        layers(cupy, launch, matmul or cupy.matmul)
        | softmaxes(cupy, launch, xp)
        | gathers(cupy, launch)
        | {"fused_update": updates.bind(cupy)}
    )
