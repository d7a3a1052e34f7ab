"""Functions that NumPy's part of a program calls: they write into buffers, with scratch memory of their own."""

from __future__ import annotations

import contextvars
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import blas
from .native.threads import halves

WIDTH = 16384


def relu_into(shape: tuple[int, ...], dtype: Any) -> Callable[..., Any]:
    """``relu(x, out)`` by rows that stay in the first cache.

    NumPy's `maximum` is vectorised for two contiguous operands alone: against the scalar 0 it takes 4 times as long.
    """
    size = math.prod(shape)
    width = min(size, WIDTH)
    zeros = np.zeros(width, dtype)
    whole = size - size % width
    maximum = np.maximum

    def relu(x: Any, out: Any) -> None:
        if not x.flags.c_contiguous:
            maximum(x, 0, out=out)
            return
        x, out = x.reshape(-1), out.reshape(-1)
        if size == width:
            maximum(x, zeros, out=out)
            return
        maximum(x[:whole].reshape(-1, width), zeros, out=out[:whole].reshape(-1, width))
        if whole != size:
            maximum(x[whole:], zeros[: size - whole], out=out[whole:])

    return relu


def relu_vjp_into(shape: tuple[int, ...], dtype: Any) -> Callable[..., Any]:
    """``relu_vjp(ct, out, target)``: ct where out > 0, as products with a mask on blocks that stay in cache."""
    size = math.prod(shape)
    width = min(size, WIDTH)
    truth, mask = np.empty(width, bool), np.empty(width, dtype)
    zero = np.zeros((), dtype)
    greater, multiply, copyto = np.greater, np.multiply, np.copyto

    def relu_vjp(ct: Any, out: Any, target: Any) -> None:
        ct, out, flat = ct.reshape(-1), out.reshape(-1), target.reshape(-1)
        for start in range(0, size, width):
            stop = min(start + width, size)
            n = stop - start
            t, m = truth[:n], mask[:n]
            greater(out[start:stop], zero, t)
            copyto(m, t)
            multiply(ct[start:stop], m, flat[start:stop])

    return relu_vjp


@functools.cache
def _gemm(char: str) -> Any:
    library = blas.numpys()
    assert library is not None  # else no product is taken in
    return blas.typed(library, {"f": "sgemm", "d": "dgemm"}[char])


def add_product(a: Any, b: Any, out: Any, scale: Any) -> None:
    """``out += scale · a @ b`` for real matrices, by NumPy's own BLAS; `out` is in C order."""
    a, flip_a, lda = _as_blas_takes_it(a)
    b, flip_b, ldb = _as_blas_takes_it(b)
    (m, k), n = a.shape, b.shape[1]
    _gemm(out.dtype.char)(
        101, flip_a, flip_b, m, n, k, scale, _address(a), lda, _address(b), ldb, 1.0, _address(out), n
    )  # fmt: skip


def _as_blas_takes_it(x: Any) -> tuple[Any, int, int]:
    """A matrix, copied only where no axis is dense; whether it is to be transposed, and its leading dimension."""
    rows, columns = x.shape
    if x.flags.c_contiguous:
        return x, 111, columns
    if x.flags.f_contiguous:
        return x, 112, rows
    return np.array(x, order="C"), 111, columns


def _address(x: Any) -> int:
    return x.__array_interface__["data"][0]


def where_into(condition: Any, x1: Any, x2: Any, target: Any) -> None:
    """``where(condition, x1, x2)`` into a buffer that is none of them; integers wrap around, as NumPy has them."""
    np.copyto(target, np.asarray(x2) if type(x2) is int else x2, "unsafe")
    np.copyto(target, np.asarray(x1) if type(x1) is int else x1, "unsafe", condition)


def outer_into(x1: Any, x2: Any, target: Any) -> None:
    """The product x1 x2ᵀ into a buffer, by the call of BLAS that `backend.numpy.linalg.outer` makes."""
    np.dot(x1[:, None], x2[None, :], out=target)


def in_halves(ufunc: Any) -> Callable[[Any, Any], None]:
    """``f(x, out)``: a function of one array by two threads, with the caller's `numpy.errstate` in both."""

    def both(x: Any, out: Any) -> None:
        if not x.flags.c_contiguous:
            ufunc(x, out)
            return
        x, out = x.reshape(-1), out.reshape(-1)
        settings = contextvars.copy_context()

        def run(start: int, stop: int, part: int) -> None:
            if part:
                settings.run(ufunc, x[start:stop], out[start:stop])
            else:
                ufunc(x[start:stop], out[start:stop])

        halves(run, x.size)

    return both


def contiguous(x: Any) -> Any:
    """`x` in C order, as kernels take it."""
    return x if x.flags.c_contiguous else np.array(x, order="C")
