"""The kernels of attention and its pullback: serial products, and vectorised loops between them.

A block's scores stay in cache from the product that makes them to the product that uses them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .functions.exponentials import exp64, expm1_poly32, power_of_two32, reduced32
from .jit import ByDtype, T, gemm, inlined, kernel


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


@inlined
def decay32(x: Any) -> Any:
    """``e^x`` in float32 for x that are hardly above 0: 0 where it would be less than 1.2 · 10⁻³⁸."""
    y = np.float32(-87.0) if x < np.float32(-87.0) else x
    r, n = reduced32(y)
    y = (expm1_poly32(r) + np.float32(1.0)) * power_of_two32(n)
    return np.float32(0.0) if x < np.float32(-87.0) else y


ordered: Any = ByDtype(ordered32, ordered64)
number: Any = ByDtype(number32, number64)
decay: Any = ByDtype(decay32, exp64)


@inlined
def masked(
    row: Any, n: int, bias: Any, at: int, bias_step: int, keep: Any, keep_at: int, keep_step: int
) -> None:
    """A row of scores with its bias, and −inf where a query may not attend; a step is −1 where there is neither."""
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


# What `sizes` holds.
LENGTH, KEYS, WIDTH, FEATURES, BLOCK, CAUSAL, BIAS, KEEP, LD = 0, 1, 2, 3, 4, 5, 6, 8, 10


@kernel("reassoc")
def forward(
    scores: Any, out: Any, top: Any, total: Any, bias: Any, keep: Any, steps: Any, sizes: Any, scale: float, start: int,
    stop: int, part: int,
) -> None:  # fmt: skip
    """The heads from `start` to `stop`, whose rows of `out`, a vector, begin at ``steps[5]``.

    Of each head, `steps` holds the addresses of queries, keys and values, and where bias and condition begin. top and
    total are (heads, T); scores (2, rows · keys) is scratch.
    """
    size = scores.itemsize
    length, keys, width, features = sizes[LENGTH], sizes[KEYS], sizes[WIDTH], sizes[FEATURES]
    rows, causal = sizes[BLOCK], sizes[CAUSAL]
    ldq, ldk, ldv, ldo = sizes[LD], sizes[LD + 1], sizes[LD + 2], sizes[LD + 3]
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
                    row, seen, bias, steps[3, i] + t * sizes[BIAS], sizes[BIAS + 1], keep,
                    steps[4, i] + t * sizes[KEEP], sizes[KEEP + 1],
                )  # fmt: skip
                high = largest(row, seen)
                above = T(0.0)
                for j in range(seen):
                    e = decay(row[j] - high)
                    row[j] = e
                    above += e
                for j in range(seen, n):
                    row[j] = T(0.0)
                top[i, t] = high
                total[i, t] = above
            begin = steps[5, i] + first * ldo
            gemm(
                101, 111, 111, m, features, n, T(1.0), address, n, steps[2, i], ldv, T(0.0),
                out.ctypes.data + begin * size, ldo,
            )  # fmt: skip
            for r in range(m):
                above = total[i, first + r]
                inverse = T(0.0) if above == T(0.0) else T(1.0) / above
                row = out[begin + r * ldo : begin + r * ldo + features]
                for d in range(features):
                    row[d] *= inverse


@kernel("reassoc")
def backward(
    scores: Any, slopes: Any, scaled: Any, ct: Any, out: Any, top: Any, total: Any, q_bar: Any, keys_bar: Any,
    values_bar: Any, bias: Any, keep: Any, steps: Any, sizes: Any, scale: float, start: int, stop: int, part: int,
) -> None:  # fmt: skip
    """The pullback of the heads from `start` to `stop`.

    As in `forward`; ct and the cotangents are vectors, too, in which ``steps[6]`` … say where heads begin. slopes
    (2, rows · keys) and scaled (2, rows · E) are scratch. The last rows, which look at the most keys, come first: they
    write the cotangents of keys and values, and the others add to them.
    """
    size = scores.itemsize
    length, keys, width, features = sizes[LENGTH], sizes[KEYS], sizes[WIDTH], sizes[FEATURES]
    rows, causal = sizes[BLOCK], sizes[CAUSAL]
    ldq, ldk, ldv, ldo, ldc = sizes[LD], sizes[LD + 1], sizes[LD + 2], sizes[LD + 3], sizes[LD + 4]
    ld_queries, ld_keys, ld_values = sizes[LD + 5], sizes[LD + 6], sizes[LD + 7]
    weights, slope, c = scores[part], slopes[part], scaled[part]
    weights_at = scores.ctypes.data + part * scores.shape[1] * size
    slope_at = slopes.ctypes.data + part * slopes.shape[1] * size
    c_at = scaled.ctypes.data + part * scaled.shape[1] * size
    blocks = (length + rows - 1) // rows
    for i in range(start, stop):
        keys_at = keys_bar.ctypes.data + steps[8, i] * size
        values_at = values_bar.ctypes.data + steps[9, i] * size
        if causal:
            for j in range(min(length, keys), keys):
                keys_bar[steps[8, i] + j * ld_keys : steps[8, i] + j * ld_keys + width] = T(0.0)
                values_bar[steps[9, i] + j * ld_values : steps[9, i] + j * ld_values + features] = (
                    T(0.0)
                )
        for block in range(blocks - 1, -1, -1):
            first = block * rows
            last = min(first + rows, length)
            m = last - first
            n = min(keys, last) if causal else keys
            add = T(0.0) if last == length else T(1.0)
            query_at = steps[0, i] + first * ldq * size
            gemm(
                101,
                111,
                112,
                m,
                n,
                width,
                T(scale),
                query_at,
                ldq,
                steps[1, i],
                ldk,
                T(0.0),
                weights_at,
                n,
            )
            for r in range(m):
                above = total[i, first + r]
                inverse = T(0.0) if above == T(0.0) else T(1.0) / above
                at = steps[6, i] + (first + r) * ldc
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
                    row, seen, bias, steps[3, i] + t * sizes[BIAS], sizes[BIAS + 1], keep,
                    steps[4, i] + t * sizes[KEEP], sizes[KEEP + 1],
                )  # fmt: skip
                along = T(0.0)
                at = steps[5, i] + t * ldo
                for d in range(features):
                    along += c[r * features + d] * out[at + d]
                high = top[i, t]
                for j in range(seen):
                    e = decay(row[j] - high)
                    row[j] = e
                    ds[j] = e * (ds[j] - along) * T(scale)
                for j in range(seen, n):
                    row[j] = T(0.0)
                    ds[j] = T(0.0)
            gemm(
                101, 112, 111, n, features, m, T(1.0), weights_at, n, c_at, features, add, values_at, ld_values
            )  # fmt: skip
            gemm(
                101,
                112,
                111,
                n,
                width,
                m,
                T(1.0),
                slope_at,
                n,
                query_at,
                ldq,
                add,
                keys_at,
                ld_keys,
            )
            gemm(
                101, 111, 111, m, width, n, T(1.0), slope_at, n, steps[1, i], ldk, T(0.0),
                q_bar.ctypes.data + (steps[7, i] + first * ld_queries) * size, ld_queries,
            )  # fmt: skip


def compiled(dtype: Any, *, back: bool) -> Callable[..., None]:
    """A kernel for float32 or float64."""
    vector, of_rows, scratch = (dtype, 1), (dtype, 2), (dtype, 2)
    read, rows_read = (dtype, 1, "C", "read"), (dtype, 2, "C", "read")
    masks = (read, (np.bool_, 1, "C", "read"))
    rest = ((np.int64, 2), (np.int64, 1), float, int, int, int)
    if back:
        kept = (read, read, rows_read, rows_read)
        return backward.compiled(scratch, scratch, scratch, *kept, *[vector] * 3, *masks, *rest)
    return forward.compiled(scratch, vector, of_rows, of_rows, *masks, *rest)
