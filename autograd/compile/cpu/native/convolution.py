"""Convolution and its two cotangents, on two threads, each with half of the images.

A chunk of images is laid out with channels last and its padding around it, in scratch memory that stays in the second
cache. Then blocks of pixels are multiplied by panels of weights where they lie: each of a block's rows begins
at a pixel, and for each tap of the kernel a row of C elements lies at the same distance from all of them
(the indirect convolution: Dukhan, The indirect convolution algorithm, 2019). Nothing is copied for each tap as im2col does,
and the sums of a block stay in registers from the bias to the end. The gradient of the inputs is the same
product over the taps that reach a pixel; with strides, one for each remainder of positions by them. The gradient
of the weights is a block product too, whose rows are taps and channels and which sums over pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir.program import Op
from .geometry import (
    Shape,
    Tables,
    blocks,
    for_images,
    grid,
    images_in_chunk,
    phases,
    rounded,
    runs,
    steps_of,
)
from .jit import kernel
from .layout import (
    channels_first,
    channels_last,
    multiplied,
    packed,
    pooled,
    rectified,
    spread,
)
from .record import Native
from .threads import halves
from .vectors import block_shape, narrow, wide

# Multiplications from which a second thread is worth its start.
PARALLEL = 4_000_000
# Elements of scratch memory, both threads' together, above which the generic way is taken.
LARGEST = 1 << 28
# The numbers of windows' maxima.
OFFSETS = (np.dtype("uint8"), 1, "C", "read")
# Pixels in one product of the weights' gradient: their cotangents stay in the first cache.
PIXELS = 128


@kernel()
def _forward(x, W, b, out, offsets, s, tables, g, start, stop):  # type: ignore[no-untyped-def]
    """out = b + x ∗ W for the images from `start` to `stop`, relu of it, or the maxima of its windows."""
    C, O, K, groups, P, S, G = g[0], g[1], g[2], g[3], g[4], g[5], g[6]
    runs_at, count, length, size = g[7], g[8], g[9], g[10]
    places, taps, targets, ids, R, V = g[11], g[12], g[13], g[14], g[15], g[16]
    ys, ws, bs, rectify, pool = g[17], g[18], g[19], g[20], g[21]
    spots, Q, window, k = g[22], g[23], g[24], g[25]
    Cg, Og = C // groups, O // groups
    lanes = -(-Og // V) * V
    ld = groups * lanes
    for i in range(ys):
        s[i] = 0.0
    at = ws
    for group in range(groups):
        at = packed(W, group * Og * Cg * K, Cg * K, Og, K, Cg, tables, ids, K, V, s, at)
        for o in range(lanes):
            known = o < Og and len(b) > 0
            s[bs + group * lanes + o] = b[group * Og + o] if known else 0.0
    for n in range(start, stop, G):
        m = min(G, stop - n)
        for i in range(m):
            channels_last(x, (n + i) * C * S, C, S, tables, runs_at, count, length, s, i * size, C)
        full = -(-m * P // R)
        for group in range(groups):
            multiplied(
                s, group * Cg, tables, places, taps, K, Cg, s, ws + group * lanes * K * Cg, Og,
                s, bs + group * lanes, s, ys + group * lanes, targets, full, R, V,
            )  # fmt: skip
        if pool:
            best = bs + ld
            chosen = best + Q * ld
            spare = chosen + Q * ld
            for i in range(m):
                pooled(
                    s, ys + i * P * ld, ld, V, tables, spots, Q, window, k, best, chosen, rectify
                )
                to = (n + i) * O * Q
                channels_first(s, best, ld, Q, O, out, to, Q)
                channels_first(s, chosen, ld, Q, O, s, spare, Q)
                for j in range(O * Q):
                    offsets[to + j] = np.uint8(s[spare + j])
        else:
            if rectify:
                rectified(s, ys, m * P * ld)
            for group in range(groups):
                for i in range(m):
                    to = ((n + i) * O + group * Og) * P
                    channels_first(s, ys + i * P * ld + group * lanes, ld, P, Og, out, to, P)


@kernel()
def _backward_x(y, W, offsets, out, s, tables, g, start, stop):  # type: ignore[no-untyped-def]
    """The cotangent of x for the images from `start` to `stop`."""
    C, O, K, groups, P, S, G = g[0], g[1], g[2], g[3], g[4], g[5], g[6]
    runs_at, count, length, size = g[7], g[8], g[9], g[10]
    phase_count, phase_at, R, V, xs, ws, zs = g[11], g[12], g[13], g[14], g[15], g[16], g[17]
    pool, zero, spots, Q, window, k, apart = g[18], g[19], g[20], g[21], g[22], g[23], g[24]
    ld_y = g[25]
    Cg, Og = C // groups, O // groups
    lanes = -(-Cg // V) * V
    ld = groups * lanes
    for i in range(xs):
        s[i] = 0.0
    for i in range(lanes + 3 * pool * Q * ld_y):
        s[zs + i] = 0.0
    at = ws
    for f in range(phase_count):
        ids, reached = tables[phase_at + 6 * f], tables[phase_at + 6 * f + 1]
        for group in range(groups):
            first = group * Og * Cg * K
            at = packed(W, first, K, Cg, Cg * K, Og, tables, ids, reached, V, s, at)
    for n in range(start, stop, G):
        m = min(G, stop - n)
        for i in range(m):
            if pool:
                spread(
                    y, (n + i) * O * Q, offsets, O, Q, s, zs + lanes, ld_y, V, tables, zero,
                    spots, window, k, i * size, size, apart,
                )  # fmt: skip
            else:
                channels_last(
                    y, (n + i) * O * P, O, P, tables, runs_at, count, length, s, i * size, ld_y
                )
        at = ws
        for f in range(phase_count):
            entry = phase_at + 6 * f
            reached, taps, pixels = tables[entry + 1], tables[entry + 2], tables[entry + 3]
            places, targets = tables[entry + 4], tables[entry + 5]
            full = -(-m * pixels // R)
            for group in range(groups):
                multiplied(
                    s, group * Og, tables, places, taps, reached, Og, s, at, Cg,
                    s, zs, s, xs + group * lanes, targets, full, R, V,
                )  # fmt: skip
                at += lanes * reached * Og
        for group in range(groups):
            for i in range(m):
                to = ((n + i) * C + group * Cg) * S
                channels_first(s, xs + i * S * ld + group * lanes, ld, S, Cg, out, to, S)


@kernel()
def _backward_W(x, y, offsets, s, tables, g, start, stop):  # type: ignore[no-untyped-def]
    """The share of the images from `start` to `stop` in the cotangent of W, in panels in scratch memory."""
    C, O, K, groups, P, S, G = g[0], g[1], g[2], g[3], g[4], g[5], g[6]
    runs_at, count, length, size = g[7], g[8], g[9], g[10]
    places, rows, R, V = g[11], g[12], g[13], g[14]
    sums_at, sums, inner, step, together = g[15], g[16], g[17], g[18], g[19]
    targets_wide, targets_narrow, ys, ws, zero = g[20], g[21], g[22], g[23], g[24]
    pool, spots, Q, window, k, apart = g[25], g[26], g[27], g[28], g[29], g[30]
    Cg, Og = C // groups, O // groups
    lanes = -(-Og // V) * V
    ld = groups * lanes
    for i in range(ws + ld * rows * R + 3 * pool * Q * ld):
        s[i] = 0.0
    for n in range(start, stop, G):
        m = min(G, stop - n)
        for i in range(m):
            channels_last(x, (n + i) * C * S, C, S, tables, runs_at, count, length, s, i * size, C)
            if pool:
                own = ws + ld * rows * R
                spread(
                    y, (n + i) * O * Q, offsets, O, Q, s, own, ld, V, tables, zero,
                    spots, window, k, ys + i * P * ld, P * ld, apart,
                )  # fmt: skip
                continue
            for group in range(groups):
                channels_last(
                    y, ((n + i) * O + group * Og) * P, Og, P, tables, zero, tables[zero + 1], P,
                    s, ys + i * P * ld + group * lanes, ld,
                )  # fmt: skip
        for t in range(0, m * sums, together):
            some = min(together, m * sums - t)
            for group in range(groups):
                a, at = group * Cg, ws + group * lanes * rows * R
                o = 0
                while o < Og:
                    b = ys + t * inner * ld + group * lanes + o
                    if Og - o > V:
                        for i in range(rows):
                            wide(
                                s, a, tables, places + i * R, sums_at + t, some, inner, step, s, b, ld,
                                s, at, 1, s, at, targets_wide + i * R,
                            )  # fmt: skip
                        at += rows * R * 2 * V
                        o += 2 * V
                    else:
                        for i in range(rows):
                            narrow(
                                s, a, tables, places + i * R, sums_at + t, some, inner, step, s, b, ld,
                                s, at, 1, s, at, targets_narrow + i * R,
                            )  # fmt: skip
                        at += rows * R * V
                        o += V


@kernel()
def _sum_of_shares(p, q, out, g, both):  # type: ignore[no-untyped-def]
    """The cotangent of W from the shares of the two halves, in W's order."""
    C, O, K, groups, rows, R, V, ws = g[0], g[1], g[2], g[3], g[12], g[13], g[14], g[23]
    Cg, Og = C // groups, O // groups
    lanes = -(-Og // V) * V
    for group in range(groups):
        at, o = ws + group * lanes * rows * R, 0
        while o < Og:
            width = 2 * V if Og - o > V else V
            for w in range(min(width, Og - o)):
                to = (group * Og + o + w) * Cg * K
                for c in range(Cg):
                    for k in range(K):
                        i = at + (k * Cg + c) * width + w
                        out[to + c * K + k] = p[i] + q[i] if both else q[i]
            at += rows * R * width
            o += width


# ── making ────────────────────────────────────────────────────────────────────────────────────


def _padded(shape: Shape) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """The lengths of an image with its padding, the distance of neighbours in it, and its size."""
    whole = tuple(
        n + low + high for n, low, high in zip(shape.spatial, shape.low, shape.high, strict=True)
    )
    steps = steps_of(whole, shape.channels)
    return whole, steps, int(np.prod(whole)) * shape.channels


def _dot(a: Any, b: Any) -> int:
    return sum(i * j for i, j in zip(a, b, strict=True))


def _make_forward(op: Op) -> Callable[..., None]:
    shape, has_bias = _shape(op), len(op.inputs()) == 3
    R, V = block_shape()[0], shape.lanes
    _, steps, size = _padded(shape)
    Og, P = shape.outputs // shape.groups, shape.pixels
    lanes = rounded(Og, V)
    ld = shape.groups * lanes
    G = images_in_chunk((size + P * ld) * shape.dtype.itemsize, P, shape.images)
    tables = Tables()
    where, length = runs(shape.spatial, steps, _dot(shape.low, steps))
    runs_at = tables.add(where)
    strided = tuple(s * d for s, d in zip(shape.stride, steps, strict=True))
    pixels = for_images(grid(shape.lengths, strided), G, size)
    places = tables.add(blocks(pixels, R, 0))
    spread = tuple(d * n for d, n in zip(shape.dilation, steps, strict=True))
    taps = tables.add(grid(shape.kernel, spread))
    ids = tables.add(np.arange(shape.taps))
    targets = tables.add(np.arange(rounded(G * P, R)) * ld)
    ys = G * size
    ws = ys + rounded(G * P, R) * ld
    bs = ws + ld * shape.taps * (shape.channels // shape.groups)
    pool = shape.pool
    found = [0] * 5 if pool is None else pool.tables(tables, steps_of(shape.lengths, ld))
    geometry = np.array(
        [
            shape.channels, shape.outputs, shape.taps, shape.groups, P, int(np.prod(shape.spatial)), G,
            runs_at, len(where), length, size, places, taps, targets, ids, R, V, ys, ws, bs,
            op.settings.get("relu", False), pool is not None, *found,
        ]
    )  # fmt: skip
    more = 0 if pool is None else 3 * pool.count * ld
    scratch = [np.empty(bs + ld + more, shape.dtype) for _ in range(2)]
    table, none, no_offsets = tables.array(), np.empty(0, shape.dtype), np.empty(0, np.uint8)
    array, whole = (shape.dtype, 1), (np.dtype("int64"), 1)
    read = (shape.dtype, 1, "C", "read")
    run = _forward.compiled(read, read, read, array, (np.uint8, 1), array, whole, whole, int, int)
    parallel, images = shape.macs >= PARALLEL, shape.images

    def forward(*arrays: Any) -> None:
        x, W, *rest = arrays
        b = rest.pop(0).reshape(-1) if has_bias else none
        x, W = x.reshape(-1), W.reshape(-1)
        out, offsets = rest if pool is not None else (rest[0], no_offsets)
        if out is None or offsets is None:  # nobody reads one of the two
            shape_of_both = (shape.images * shape.outputs * pool.count,)
            out = np.empty(shape_of_both, shape.dtype) if out is None else out
            offsets = np.empty(shape_of_both, np.uint8) if offsets is None else offsets
        out, offsets = out.reshape(-1), offsets.reshape(-1)
        halves(
            lambda i, j, part: run(x, W, b, out, offsets, scratch[part], table, geometry, i, j),
            images,
            parallel=parallel,
        )

    return forward


def _make_backward_x(op: Op) -> Callable[..., None]:
    shape = _shape(op)
    R, V = block_shape()[0], shape.lanes
    O, Cg, Og = shape.outputs, shape.channels // shape.groups, shape.outputs // shape.groups
    lanes = rounded(Cg, V)
    ld, S = shape.groups * lanes, int(np.prod(shape.spatial))
    # positions in the padded input; how far the taps reach back in outputs, and how many there are
    found = phases(shape)
    reach = tuple(
        d * (k - 1) // s for d, k, s in zip(shape.dilation, shape.kernel, shape.stride, strict=True)
    )
    last = tuple(
        (n + low - 1) // s for n, low, s in zip(shape.spatial, shape.low, shape.stride, strict=True)
    )
    whole = tuple(r + max(m, e + 1) for r, m, e in zip(reach, shape.lengths, last, strict=True))
    ld_y = O if shape.pool is None else rounded(O, V)
    steps = steps_of(whole, ld_y)
    size = int(np.prod(whole)) * ld_y
    G = images_in_chunk((size + S * ld) * shape.dtype.itemsize, S, shape.images)
    tables = Tables()
    where, length = runs(shape.lengths, steps, _dot(reach, steps))
    runs_at = tables.add(where)
    dump = G * S * ld
    image_steps = steps_of(shape.spatial, ld)
    rows = []
    for remainder, first in found:
        counts = tuple(
            max(0, -(-(n + low - f) // s))
            for n, low, f, s in zip(shape.spatial, shape.low, first, shape.stride, strict=True)
        )
        taps, shifts = _taps(shape, remainder, steps)
        begin = tuple(f // s for f, s in zip(first, shape.stride, strict=True))
        pixels = grid(counts, steps) + _dot(begin, steps) + _dot(reach, steps)
        into = _dot([f - low for f, low in zip(first, shape.low, strict=True)], image_steps)
        strided = tuple(s * d for s, d in zip(shape.stride, image_steps, strict=True))
        targets = grid(counts, strided) + into
        rows.append(
            [
                tables.add(taps), len(taps), tables.add(shifts), len(pixels),
                tables.add(blocks(for_images(pixels, G, size), R, 0)),
                tables.add(blocks(for_images(targets, G, S * ld), R, dump)),
            ]
        )  # fmt: skip
    phase_at = tables.add(rows)
    xs = G * size
    ws = xs + dump + ld
    zs = ws + ld * shape.taps * Og
    pool = shape.pool
    found_pool = [0] * 5 if pool is None else pool.tables(tables, steps, _dot(reach, steps))
    geometry = np.array(
        [
            shape.channels, O, shape.taps, shape.groups, shape.pixels, S, G, runs_at, len(where), length, size,
            len(rows), phase_at, R, V, xs, ws, zs, pool is not None, tables.add([0, 1]), *found_pool, ld_y,
        ]
    )  # fmt: skip
    more = 0 if pool is None else 3 * pool.count * ld_y
    scratch = [np.empty(zs + lanes + more, shape.dtype) for _ in range(2)]
    table, none = tables.array(), np.empty(0, np.uint8)
    array, whole_numbers = (shape.dtype, 1), (np.dtype("int64"), 1)
    read = (shape.dtype, 1, "C", "read")
    run = _backward_x.compiled(
        read, read, OFFSETS, array, array, whole_numbers, whole_numbers, int, int
    )
    parallel, images = shape.macs >= PARALLEL, shape.images

    def backward_x(*arrays: Any) -> None:
        y, W, *rest, out = (a.reshape(-1) for a in arrays)
        offsets = rest[0] if rest else none
        halves(
            lambda i, j, part: run(y, W, offsets, out, scratch[part], table, geometry, i, j),
            images,
            parallel=parallel,
        )

    return backward_x


def _taps(shape: Shape, remainder: Any, steps: Any) -> tuple[list[int], list[int]]:
    """The taps that reach the positions of a phase, and how far back in outputs their cotangents lie."""
    ids, shifts = [0], [0]
    for axis, (k, d, s) in enumerate(zip(shape.kernel, shape.dilation, shape.stride, strict=True)):
        own = [j for j in range(k) if (d * j) % s == remainder[axis] % s]
        ids = [i * k + j for i in ids for j in own]
        shifts = [h - ((d * j - remainder[axis]) // s) * steps[axis] for h in shifts for j in own]
    return ids, shifts


def _make_backward_W(op: Op) -> Callable[..., None]:
    shape = _shape(op)
    R, V = block_shape()[0], shape.lanes
    _, steps, size = _padded(shape)
    Cg, Og, P = shape.channels // shape.groups, shape.outputs // shape.groups, shape.pixels
    lanes = rounded(Og, V)
    ld = shape.groups * lanes
    G = images_in_chunk((size + P * ld) * shape.dtype.itemsize, P, shape.images)
    tables = Tables()
    where, length = runs(shape.spatial, steps, _dot(shape.low, steps))
    runs_at, zero = tables.add(where), tables.add([0, 1])
    spread = tuple(d * n for d, n in zip(shape.dilation, steps, strict=True))
    pairs = blocks((grid(shape.kernel, spread)[:, None] + np.arange(Cg)).reshape(-1), R, 0)
    places, rows = tables.add(pairs), len(pairs) // R
    strided = tuple(s * d for s, d in zip(shape.stride, steps, strict=True))
    sums, inner = runs(shape.lengths, strided, 0)
    sums_at = tables.add(for_images(sums, G, size))
    targets = [tables.add(np.arange(len(pairs)) * width) for width in (2 * V, V)]
    ys = G * size
    ws = ys + G * P * ld
    pool = shape.pool
    found = [0] * 5 if pool is None else pool.tables(tables, steps_of(shape.lengths, ld))
    geometry = np.array(
        [
            shape.channels, shape.outputs, shape.taps, shape.groups, P, int(np.prod(shape.spatial)), G,
            runs_at, len(where), length, size, places, rows, R, V, sums_at, len(sums), inner, strided[-1],
            max(1, PIXELS // inner), *targets, ys, ws, zero, pool is not None, *found,
        ]
    )  # fmt: skip
    more = 0 if pool is None else 3 * pool.count * ld
    scratch = [np.empty(ws + ld * len(pairs) + more, shape.dtype) for _ in range(2)]
    table, none = tables.array(), np.empty(0, np.uint8)
    array, whole = (shape.dtype, 1), (np.dtype("int64"), 1)
    read = (shape.dtype, 1, "C", "read")
    run = _backward_W.compiled(read, read, OFFSETS, array, whole, whole, int, int)
    add = _sum_of_shares.compiled(array, array, array, whole, int)
    parallel, images = shape.macs >= PARALLEL, shape.images

    def backward_W(*arrays: Any) -> None:
        x, y, *rest, out = (a.reshape(-1) for a in arrays)
        offsets = rest[0] if rest else none
        halves(
            lambda i, j, part: run(x, y, offsets, scratch[part], table, geometry, i, j),
            images,
            parallel=parallel,
        )
        add(scratch[0], scratch[1], out, geometry, images > 1)

    return backward_W


# ── what is taken ─────────────────────────────────────────────────────────────────────────────


def _shape(op: Op) -> Shape:
    """The sizes of one of the three operations."""
    first, second = op.args[0].shape, op.args[1].shape
    result = op.outputs()[0].shape
    pool = op.settings.get("pool")
    whole = None if pool is None else (*result[:2], *pool["spatial"])
    if op.name == "convolution":
        return Shape.of(op, first, second, whole or result, result[2:])
    if op.name == "convolution_vjp_x":
        return Shape.of(op, result, second, whole or first, first[2:])
    return Shape.of(op, first, result, whole or second, second[2:])


def _takes(op: Op) -> bool:
    """Real arrays of one dtype that are not empty; groups that fill a part of a vector at least."""
    arrays = op.inputs()
    result, pool = op.outputs()[0], op.settings.get("pool")
    if pool is not None:
        if op.settings["groups"] > 1 or any(map(any, pool["padding"])):
            return False
        if op.name != "convolution":
            *arrays, offsets = arrays
            if offsets.dtype != np.uint8:
                return False
        elif op.outputs()[1].dtype != np.uint8:
            return False
    if not all(v.dtype == result.dtype for v in arrays):
        return False
    if result.dtype.char not in "fd" or not all(v.size for v in arrays):
        return False
    if any(low < 0 or high < 0 for low, high in op.settings["padding"]):
        return False
    shape = _shape(op)
    if min(shape.lengths) < 1 or any(d < 1 for d in (*shape.dilation, *shape.stride)):
        return False
    if shape.groups > 1 and min(shape.channels, shape.outputs) // shape.groups < 4:
        return False
    padded = shape.taps * (shape.channels + 32) * (shape.outputs + 32) // shape.groups
    return padded < LARGEST


CONVOLUTION = Native("convolution", _takes, _make_forward)
CONVOLUTION_VJP_X = Native("convolution_vjp_x", _takes, _make_backward_x)
CONVOLUTION_VJP_W = Native("convolution_vjp_W", _takes, _make_backward_W)
