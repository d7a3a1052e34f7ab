"""Products of stacks of matrices: a loop of BLAS's products, by halves of the stack.

NumPy's own is the same loop in one thread.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir.program import ARRAY, Op, Value
from .jit import T, gemm, has_blas, kernel
from .record import Native
from .threads import halves

# Multiplications of all products above which the helper thread is worth its time.
WORTH = 1 << 22
# Multiplications of one product from which BLAS's own threads gain as much.
LARGE = 1 << 25


@kernel()
def products(
    example: Any, steps: Any, flip_a: int, lda: int, flip_b: int, ldb: int, target: int, m: int, n: int, k: int,
    start: int, stop: int,
) -> None:  # fmt: skip
    """``out[i] = a[i] @ b[i]`` for i from `start` to `stop`.

    `steps` holds the addresses of the matrices a[i] and b[i], and `target` is that of out; `example` has its dtype.
    """
    size = m * n * example.itemsize
    for i in range(start, stop):
        gemm(
            101, flip_a, flip_b, m, n, k, T(1.0), steps[0, i], lda, steps[1, i], ldb, T(0.0), target + i * size, n
        )  # fmt: skip


def _takes(op: Op) -> bool:
    """Whether it is a product of stacks, real and of one dtype, of many matrices that are not large."""
    if not all(type(x) is Value and x.value_type == ARRAY for x in op.args) or op.settings:
        return False
    a, b = op.args
    if min(len(a.shape), len(b.shape)) < 2 or len(op.result.shape) < 3 or not has_blas():
        return False
    if not a.dtype == b.dtype == op.result.dtype or np.dtype(a.dtype).char not in "fd":
        return False
    one = math.prod(a.shape[-2:]) * b.shape[-1]
    return one < LARGE and one * math.prod(op.result.shape[:-2]) > WORTH


def _make(op: Op) -> Callable[..., None]:
    (*_, m, k), n = op.args[0].shape, op.args[1].shape[-1]
    stack = op.result.shape[:-2]
    count = math.prod(stack)
    dtype = np.dtype(op.result.dtype)
    run = products.compiled((dtype, 1), (np.int64, 2), *[int] * 10)
    example = np.empty(1, dtype)
    offsets = np.empty((2, count), np.int64)
    steps = np.empty((2, count), np.int64)
    known: Any = None
    flip_a = flip_b = lda = ldb = 0

    def matmul(a: Any, b: Any, out: Any) -> None:
        nonlocal known, flip_a, flip_b, lda, ldb
        strides = (a.strides, b.strides)
        if strides != known:
            first, second = _form(a), _form(b)
            if first is None or second is None:
                np.matmul(a, b, out)
                return
            (flip_a, lda), (flip_b, ldb) = first, second
            offsets[0], offsets[1] = _offsets(a, stack), _offsets(b, stack)
            known = strides
        np.add(offsets[0], _address(a), steps[0])
        np.add(offsets[1], _address(b), steps[1])
        target = _address(out)
        halves(
            lambda start, stop, part: run(
                example, steps, flip_a, lda, flip_b, ldb, target, m, n, k, start, stop
            ),
            count,
        )

    return matmul


def _form(x: Any) -> tuple[int, int] | None:
    """BLAS's flag for each matrix of a stack (111 as it is, 112 transposed), and its leading dimension."""
    rows, columns = x.shape[-2:]
    down, across = (step / x.itemsize for step in x.strides[-2:])
    if (across == 1 or columns == 1) and down == int(down) and (down >= columns or rows == 1):
        return 111, max(int(down), columns)
    if (down == 1 or rows == 1) and across == int(across) and (across >= rows or columns == 1):
        return 112, max(int(across), rows)
    return None


def _offsets(x: Any, stack: tuple[int, ...]) -> Any:
    """Where each matrix of a stack begins, in bytes from the first, broadcast to `stack`."""
    steps = (0,) * (len(stack) - x.ndim + 2) + tuple(
        0 if n == 1 else step for n, step in zip(x.shape[:-2], x.strides[:-2], strict=True)
    )
    found = np.zeros(stack, np.int64)
    for axis, step in enumerate(steps):
        lengths = [-1 if i == axis else 1 for i in range(len(stack))]
        found += (np.arange(stack[axis]) * step).reshape(lengths)
    return found.reshape(-1)


def _address(x: Any) -> int:
    return x.__array_interface__["data"][0]


MATMUL = Native("matmul", takes=_takes, make=_make, contiguous=False)
