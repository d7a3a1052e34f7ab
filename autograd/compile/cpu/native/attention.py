"""Attention in blocks of query rows, and its pullback, by serial products and vectorised loops between them.

A block's scores stay in cache from the product that makes them to the product that uses them. Queries, keys and values
are read where they lie, as columns of one product of all three, say; heads go to two threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir.program import ARRAY, Op, Value
from .functions import exp
from .jit import ByDtype, T, gemm, has_blas, inlined, kernel
from .record import Native
from .threads import halves

# Query rows of a block, fewer where there are more keys than stay in cache with them.
ROWS, ELEMENTS = 64, 1 << 18
# Scores of all heads from which the helper thread is worth its time.
WORTH = 1 << 14


@inlined
def ordered32(x: Any) -> Any:
    """A whole number that is larger where x is, and largest for NaN; of the number's own bits, it gives x's."""
    bits = np.float32(x).view(np.int32)
    return np.int32(bits ^ np.int32(np.int32(bits >> np.int32(31)) & np.int32(2147483647)))


@inlined
def ordered64(x: Any) -> Any:
    """As `ordered32`."""
    bits = np.float64(x).view(np.int64)
    return bits ^ ((bits >> 63) & 9223372036854775807)


@inlined
def number32(order: Any) -> Any:
    """The x of `ordered32`."""
    bits = np.int32(order ^ np.int32(np.int32(order >> np.int32(31)) & np.int32(2147483647)))
    return bits.view(np.float32)


@inlined
def number64(order: Any) -> Any:
    """The x of `ordered64`."""
    return np.int64(order ^ ((order >> 63) & 9223372036854775807)).view(np.float64)


ordered: Any = ByDtype(ordered32, ordered64)
number: Any = ByDtype(number32, number64)


@inlined
def masked(
    row: Any, n: int, bias: Any, at: int, bias_step: int, keep: Any, keep_at: int, keep_step: int
) -> None:
    """A row of scores with its bias, and −inf where a query may not look; a step is −1 where there is neither."""
    if bias_step == 1:
        for j in range(n):
            row[j] += bias[at + j]
    elif bias_step == 0:
        for j in range(n):
            row[j] += bias[at]
    if keep_step == 1:
        for j in range(n):
            row[j] = row[j] if keep[keep_at + j] else T(-np.inf)
    elif keep_step == 0 and not keep[keep_at]:
        for j in range(n):
            row[j] = T(-np.inf)


@inlined
def largest(row: Any, n: int) -> Any:
    """The largest of the first n elements; 0 where that is infinite or NaN. Whole numbers have a vectorised maximum."""
    best = ordered(row[0])
    for j in range(1, n):
        order = ordered(row[j])
        best = order if order > best else best
    high = number(best)
    return high if abs(high) < np.inf else T(0.0)


@kernel("reassoc")
def forward(
    scores: Any, out: Any, top: Any, total: Any, bias: Any, keep: Any, steps: Any, bias_row: int, bias_step: int,
    keep_row: int, keep_step: int, width: int, keys: int, ldq: int, ldk: int, ldv: int, rows: int, causal: int,
    scale: float, start: int, stop: int, part: int,
) -> None:  # fmt: skip
    """The heads from `start` to `stop`; `steps` holds, of each, the addresses of q, keys, values, and where masks begin.

    out (heads, T, E), top and total (heads, T); scores (2, rows · keys) is scratch.
    """
    size = scores.itemsize
    length, features = out.shape[1], out.shape[2]
    buffer = scores[part]
    address = scores.ctypes.data + part * scores.shape[1] * size
    for i in range(start, stop):
        for first in range(0, length, rows):
            last = min(first + rows, length)
            m = last - first
            n = min(keys, last) if causal else keys
            gemm(
                101, 111, 112, m, n, width, T(scale), steps[0, i] + first * ldq * size, ldq, steps[1, i], ldk,
                T(0.0), address, n,
            )  # fmt: skip
            for r in range(m):
                row = buffer[r * n : r * n + n]
                t = first + r
                seen = min(n, t + 1) if causal else n
                masked(
                    row, seen, bias, steps[3, i] + t * bias_row, bias_step, keep, steps[4, i] + t * keep_row, keep_step
                )  # fmt: skip
                high = largest(row, seen)
                above = T(0.0)
                for j in range(seen):
                    e = exp(row[j] - high)
                    row[j] = e
                    above += e
                for j in range(seen, n):
                    row[j] = T(0.0)
                top[i, t] = high
                total[i, t] = above
            gemm(
                101, 111, 111, m, features, n, T(1.0), address, n, steps[2, i], ldv, T(0.0),
                out.ctypes.data + (i * length + first) * features * size, features,
            )  # fmt: skip
            for t in range(first, last):
                above = total[i, t]
                inverse = T(0.0) if above == T(0.0) else T(1.0) / above
                for d in range(features):
                    out[i, t, d] *= inverse


@kernel("reassoc")
def backward(
    scores: Any, slopes: Any, scaled: Any, ct: Any, out: Any, top: Any, total: Any, q_bar: Any, keys_bar: Any,
    values_bar: Any, bias: Any, keep: Any, steps: Any, bias_row: int, bias_step: int, keep_row: int, keep_step: int,
    ldq: int, ldk: int, ldv: int, ldc: int, rows: int, causal: int, scale: float, start: int, stop: int, part: int,
) -> None:  # fmt: skip
    """The pullback of the heads from `start` to `stop`; `ct` is all memory from its first element to its last.

    scores and slopes (2, rows · keys) and scaled (2, rows · E) are scratch. The last rows, which look at the most keys,
    come first: they write the cotangents of keys and values, and the others add to them.
    """
    size = scores.itemsize
    length, width = q_bar.shape[1], q_bar.shape[2]
    keys, features = values_bar.shape[1], values_bar.shape[2]
    weights, slope, c = scores[part], slopes[part], scaled[part]
    weights_at = scores.ctypes.data + part * scores.shape[1] * size
    slope_at = slopes.ctypes.data + part * slopes.shape[1] * size
    c_at = scaled.ctypes.data + part * scaled.shape[1] * size
    blocks = (length + rows - 1) // rows
    for i in range(start, stop):
        keys_at = keys_bar.ctypes.data + i * keys * width * size
        values_at = values_bar.ctypes.data + i * keys * features * size
        if causal:
            for j in range(min(length, keys), keys):
                keys_bar[i, j, :] = T(0.0)
                values_bar[i, j, :] = T(0.0)
        for block in range(blocks - 1, -1, -1):
            first = block * rows
            last = min(first + rows, length)
            m = last - first
            n = min(keys, last) if causal else keys
            add = T(0.0) if last == length else T(1.0)
            query_at = steps[0, i] + first * ldq * size
            gemm(101, 111, 112, m, n, width, T(scale), query_at, ldq, steps[1, i], ldk, T(0.0), weights_at, n)
            for r in range(m):
                above = total[i, first + r]
                inverse = T(0.0) if above == T(0.0) else T(1.0) / above
                at = steps[5, i] + (first + r) * ldc
                for d in range(features):
                    c[r * features + d] = ct[at + d] * inverse
            gemm(
                101, 111, 112, m, n, features, T(1.0), c_at, features, steps[2, i], ldv, T(0.0), slope_at, n
            )  # fmt: skip
            for r in range(m):
                row, ds = weights[r * n : r * n + n], slope[r * n : r * n + n]
                t = first + r
                seen = min(n, t + 1) if causal else n
                masked(
                    row, seen, bias, steps[3, i] + t * bias_row, bias_step, keep, steps[4, i] + t * keep_row, keep_step
                )  # fmt: skip
                along = T(0.0)
                for d in range(features):
                    along += c[r * features + d] * out[i, t, d]
                high = top[i, t]
                for j in range(seen):
                    e = exp(row[j] - high)
                    row[j] = e
                    ds[j] = e * (ds[j] - along) * T(scale)
                for j in range(seen, n):
                    row[j] = T(0.0)
                    ds[j] = T(0.0)
            gemm(
                101, 112, 111, n, features, m, T(1.0), weights_at, n, c_at, features, add, values_at, features
            )  # fmt: skip
            gemm(101, 112, 111, n, width, m, T(1.0), slope_at, n, query_at, ldq, add, keys_at, width)
            gemm(
                101, 111, 111, m, width, n, T(1.0), slope_at, n, steps[1, i], ldk, T(0.0),
                q_bar.ctypes.data + (i * length + first) * width * size, width,
            )  # fmt: skip


# ── the operations ────────────────────────────────────────────────────────────────────────────


def _is_array(x: Any) -> bool:
    return type(x) is Value and x.value_type == ARRAY


def _serves(q: Any, keys: Any, values: Any, bias: Any, condition: Any) -> bool:
    """Whether all are arrays of one dtype, float32 or float64, with elements."""
    if not all(map(_is_array, (q, keys, values))) or not has_blas():
        return False
    if not all(x is None or _is_array(x) for x in (bias, condition)):
        return False
    floating = [x for x in (q, keys, values, bias) if x is not None]
    dtype = np.dtype(q.dtype)
    return (
        dtype.char in "fd"
        and all(x.dtype == dtype for x in floating)
        and all(x.size > 0 for x in floating)
        and (condition is None or condition.dtype == np.dtype(bool))
    )


def _takes(op: Op) -> bool:
    return _serves(*(*op.args, None, None)[:5]) and math.prod(op.outputs()[0].shape[:-2]) > 1


def _takes_vjp(op: Op) -> bool:
    """Whether it is one that serves, and nothing is broadcast but masks: then cotangents are sums over heads."""
    ct, q, keys, values, bias, condition, out, top, total = op.args
    if not _serves(q, keys, values, bias, condition) or not all(map(_is_array, (ct, out, top, total))):
        return False
    lead = tuple(out.shape[:-2])
    return (
        all(tuple(x.shape[:-2]) == lead for x in (ct, q, keys, values, top, total))
        and all(x.dtype == q.dtype for x in (ct, out, top, total))
        and math.prod(lead) > 1
    )


class _Masks:
    """The bias and the condition of an operation, as kernels take them."""

    def __init__(self, bias: Any, condition: Any, lead: tuple[int, ...], dtype: Any) -> None:
        self.steps = np.zeros((2, math.prod(lead)), np.int64)
        self.strides: list[int] = []
        self.empty = (np.zeros(1, dtype), np.zeros(1, bool))
        self.given = (bias is not None, condition is not None)
        for i, x in enumerate((bias, condition)):
            if x is None:
                self.strides += [0, -1]
                continue
            *outer, rows, columns = x.shape
            every = math.prod(outer)
            which = np.broadcast_to(np.arange(every).reshape(outer), lead)
            self.steps[i] = which.reshape(-1) * (rows * columns)
            self.strides += [0 if rows == 1 else columns, 0 if columns == 1 else 1]

    def flat(self, arrays: tuple[Any, ...]) -> list[Any]:
        """One after the other, both as vectors."""
        rest = iter(arrays)
        return [
            np.ascontiguousarray(next(rest)).reshape(-1) if there else empty
            for there, empty in zip(self.given, self.empty, strict=True)
        ]


class _Stack:
    """Where the matrices of an operand lie."""

    def __init__(self, lead: tuple[int, ...]) -> None:
        self.lead, self.strides, self.offsets, self.ld = lead, None, np.zeros(0, np.int64), 0

    def __call__(self, x: Any) -> Any:
        """The array itself, or a copy where rows are not dense; `offsets` and `ld` are then those of it, in elements."""
        if x.strides != self.strides:
            size = x.itemsize
            dense = x.shape[-1] == 1 or x.strides[-1] == size
            down = x.strides[-2] if x.shape[-2] > 1 else x.shape[-1] * size
            if not dense or down % size or down < x.shape[-1] * size or min(x.strides) < 0:
                x = np.array(x, order="C")
                down = x.strides[-2]
            steps = [0] * (len(self.lead) - x.ndim + 2)
            steps += [0 if n == 1 else s for n, s in zip(x.shape[:-2], x.strides[:-2], strict=True)]
            found = np.zeros(self.lead, np.int64)
            for axis, step in enumerate(steps):
                lengths = [-1 if a == axis else 1 for a in range(len(self.lead))]
                found += (np.arange(self.lead[axis]) * (step // size)).reshape(lengths)
            self.offsets, self.ld = found.reshape(-1), max(down // size, x.shape[-1])
            self.strides = x.strides
        return x


def _rows(length: int, keys: int) -> int:
    return min(length, ROWS, max(ELEMENTS // keys, 8))


def _make(op: Op) -> Callable[..., None]:
    q, keys, values, bias, condition = (*op.args, None, None)[:5]
    lead = tuple(op.outputs()[0].shape[:-2])
    count, dtype = math.prod(lead), np.dtype(q.dtype)
    (length, width), (many, features) = q.shape[-2:], values.shape[-2:]
    causal, scale = int(op.settings["causal"]), float(op.settings["scale"])
    rows = _rows(length, many)
    run = forward.compiled(
        (dtype, 2), (dtype, 3), (dtype, 2), (dtype, 2), (dtype, 1, "C", "read"), (np.bool_, 1, "C", "read"),
        (np.int64, 2), *[int] * 11, float, *[int] * 3,
    )  # fmt: skip
    scores = np.empty((2, rows * many), dtype)
    masks, stacks = _Masks(bias, condition, lead, dtype), [_Stack(lead) for _ in range(3)]
    steps = np.zeros((5, count), np.int64)
    steps[3:] = masks.steps
    spare = [np.empty((count, length), dtype) for _ in range(2)]
    parallel = count * length * many >= WORTH

    def attention(*arrays: Any) -> None:
        *inputs, out, top, total = arrays
        operands = [stack(x) for stack, x in zip(stacks, inputs[:3], strict=True)]
        for i, (stack, x) in enumerate(zip(stacks, operands, strict=True)):
            np.multiply(stack.offsets, dtype.itemsize, steps[i])
            steps[i] += _address(x)
        added, kept = masks.flat(inputs[3:])
        if out is None:
            out = np.empty((count, length, features), dtype)
        out = out.reshape(count, length, features)
        top = spare[0] if top is None else top.reshape(count, length)
        total = spare[1] if total is None else total.reshape(count, length)
        ldq, ldk, ldv = (stack.ld for stack in stacks)
        halves(
            lambda start, stop, part: run(
                scores, out, top, total, added, kept, steps, *masks.strides, width, many, ldq, ldk, ldv, rows, causal,
                scale, start, stop, part,
            ),
            count,
            parallel=parallel,
        )  # fmt: skip

    return attention


def _make_vjp(op: Op) -> Callable[..., None]:
    _, q, keys, values, bias, condition, out, *_ = op.args
    lead = tuple(out.shape[:-2])
    count, dtype = math.prod(lead), np.dtype(q.dtype)
    (length, width), (many, features) = q.shape[-2:], values.shape[-2:]
    causal, scale = int(op.settings["causal"]), float(op.settings["scale"])
    rows = _rows(length, many)
    run = backward.compiled(
        *[(dtype, 2)] * 3, (dtype, 1, "C", "read"), (dtype, 3, "C", "read"), *[(dtype, 2, "C", "read")] * 2,
        *[(dtype, 3)] * 3, (dtype, 1, "C", "read"), (np.bool_, 1, "C", "read"), (np.int64, 2), *[int] * 10, float,
        *[int] * 3,
    )  # fmt: skip
    scores, slopes = (np.empty((2, rows * many), dtype) for _ in range(2))
    scaled = np.empty((2, rows * features), dtype)
    masks, stacks = _Masks(bias, condition, lead, dtype), [_Stack(lead) for _ in range(4)]
    steps = np.zeros((6, count), np.int64)
    steps[3:5] = masks.steps
    parallel = count * length * many >= WORTH
    shapes = ((count, length, width), (count, many, width), (count, many, features))

    def attention_vjp(*arrays: Any) -> None:
        *inputs, q_bar, keys_bar, values_bar = arrays
        ct, q, keys, values, *masking, out, top, total = inputs
        operands = [stack(x) for stack, x in zip(stacks, (q, keys, values, ct), strict=True)]
        for i, (stack, x) in enumerate(zip(stacks[:3], operands, strict=False)):
            np.multiply(stack.offsets, dtype.itemsize, steps[i])
            steps[i] += _address(x)
        steps[5] = stacks[3].offsets
        added, kept = masks.flat(tuple(masking))
        bars = [
            np.empty(shape, dtype) if x is None else x.reshape(shape)
            for x, shape in zip((q_bar, keys_bar, values_bar), shapes, strict=True)
        ]
        given = _memory(operands[3])
        result = np.ascontiguousarray(out).reshape(count, length, features)
        high, above = (np.ascontiguousarray(x).reshape(count, length) for x in (top, total))
        ldq, ldk, ldv, ldc = (stack.ld for stack in stacks)
        halves(
            lambda start, stop, part: run(
                scores, slopes, scaled, given, result, high, above, *bars, added, kept, steps, *masks.strides, ldq, ldk,
                ldv, ldc, rows, causal, scale, start, stop, part,
            ),
            count,
            parallel=parallel,
        )  # fmt: skip

    return attention_vjp


def _memory(x: Any) -> Any:
    """All memory from the first element of an array to its last, as a vector."""
    if x.flags.c_contiguous:
        return x.reshape(-1)
    span = 1 + sum((n - 1) * (s // x.itemsize) for n, s in zip(x.shape, x.strides, strict=True))
    return np.lib.stride_tricks.as_strided(x, (span,), (x.itemsize,), writeable=False)


def _address(x: Any) -> int:
    return x.__array_interface__["data"][0]


ATTENTION = (
    Native("attention", takes=_takes, make=_make, contiguous=False),
    Native("attention_vjp", takes=_takes_vjp, make=_make_vjp, contiguous=False),
)
