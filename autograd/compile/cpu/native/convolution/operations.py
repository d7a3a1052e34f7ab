"""Convolution and its two cotangents, on two threads, each with half of the images.

A chunk of images is laid out with channels last and its padding around it, in scratch memory that stays in the second
cache. Then blocks of pixels are multiplied by panels of weights where they lie: each of a block's rows begins
at a pixel, and for each tap of the kernel a row of C elements lies at the same distance from all of them
(Dukhan, The indirect convolution algorithm, 2019). Nothing is copied for each tap, as im2col does, and the sums of a
block stay in registers from the bias to the end. The gradient of the inputs is the same
product over the taps that reach a pixel; with strides, one for each remainder of positions by them. The gradient
of the weights is a block product too, whose rows are taps and channels and which sums over pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....ir.program import Op
from ..record import Native
from ..scratch import borrowed
from ..threads import halves
from . import kernels, winograd
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
from .vectors import block_shape

# Multiplications from which a second thread is worth its start.
PARALLEL = 4_000_000
# Bytes of scratch memory for weights, or for an image, above which the way of NumPy is taken.
LARGEST = 1 << 28
# The numbers of windows' maxima.
OFFSETS = (np.dtype("uint8"), 1, "C", "read")
# Pixels in one product of the weights' gradient: their cotangents stay in the first cache.
PIXELS = 128


# ── making ────────────────────────────────────────────────────────────────────────────────────


def _padded(shape: Shape) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """The lengths of an image with its padding, the distance of neighbours in it, and its size."""
    whole = tuple(
        n + low + high for n, low, high in zip(shape.spatial, shape.low, shape.high, strict=True)
    )
    steps = steps_of(whole, shape.pitch)
    return whole, steps, int(np.prod(whole)) * shape.pitch


def _dot(a: Any, b: Any) -> int:
    return sum(i * j for i, j in zip(a, b, strict=True))


def _make_forward(op: Op) -> Callable[..., None]:
    shape, has_bias, pool = _shape(op), len(op.inputs()) == 3, _shape(op).pool
    rectify = op.settings.get("relu", False)
    if winograd.suits(shape, forward=True):
        product = winograd.make(shape, forward=True, rectify=rectify)
    else:
        product = _forward_product(shape, rectify)
    none, no_offsets = np.empty(0, shape.dtype), np.empty(0, np.uint8)

    def forward(*arrays: Any) -> None:
        x, W, *rest = arrays
        b = rest.pop(0).reshape(-1) if has_bias else none
        out, offsets = rest if pool is not None else (rest[0], no_offsets)
        if pool is not None and (out is None or offsets is None):  # nobody reads one of the two
            shape_of_both = (shape.images * shape.outputs * pool.count,)
            out = np.empty(shape_of_both, shape.dtype) if out is None else out
            offsets = np.empty(shape_of_both, np.uint8) if offsets is None else offsets
        product(x.reshape(-1), W.reshape(-1), b, no_offsets, out.reshape(-1), offsets.reshape(-1))

    return forward


def _forward_product(shape: Shape, rectify: bool) -> Callable[..., None]:
    """What runs the kernel: ``run(x, W, b, no offsets, out, offsets)``, flat."""
    R, V = block_shape()[0], shape.lanes
    _, steps, size = _padded(shape)
    groups, P = shape.inner_groups, shape.pixels
    Fg = shape.outputs // groups
    lanes = rounded(Fg, V)
    ld = groups * lanes
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
    bs = ws + ld * shape.taps * (1 if shape.apart else shape.channels // groups)
    pool = shape.pool
    found = [0] * 5 if pool is None else pool.tables(tables, steps_of(shape.lengths, ld))
    geometry = np.array(
        [
            shape.channels, shape.outputs, shape.taps, groups, P, int(np.prod(shape.spatial)), G,
            runs_at, len(where), length, size, places, taps, targets, ids, R, V, ys, ws, bs,
            rectify, pool is not None, *found,
            shape.apart, shape.pitch,
        ]
    )  # fmt: skip
    more = 0 if pool is None else 3 * pool.count * ld
    memory = bs + ld + more
    table = tables.array()
    array, whole = (shape.dtype, 1), (np.dtype("int64"), 1)
    read = (shape.dtype, 1, "C", "read")
    run = kernels.forward.compiled(
        read, read, read, array, (np.uint8, 1), array, whole, whole, int, int
    )
    parallel, images = shape.macs >= PARALLEL, shape.images

    def product(x: Any, W: Any, b: Any, _: Any, out: Any, offsets: Any) -> None:
        with borrowed(memory, shape.dtype) as scratch:
            halves(
                lambda i, j, part: run(x, W, b, out, offsets, scratch[part], table, geometry, i, j),
                images,
                parallel=parallel,
            )

    return product


def _make_backward_x(op: Op) -> Callable[..., None]:
    shape = _shape(op)
    if winograd.suits(shape, forward=False):
        product = winograd.make(shape, forward=False, rectify=False)
    else:
        product = _backward_x_product(shape)
    no_bias, no_offsets = np.empty(0, shape.dtype), np.empty(0, np.uint8)

    def backward_x(*arrays: Any) -> None:
        y, W, *rest, out = (a.reshape(-1) for a in arrays)
        product(y, W, no_bias, rest[0] if rest else no_offsets, out, no_offsets)

    return backward_x


def _backward_x_product(shape: Shape) -> Callable[..., None]:
    """What runs the kernel: ``run(y, W, no bias, offsets, out, no offsets)``, flat."""
    R, V = block_shape()[0], shape.lanes
    F, groups = shape.outputs, shape.inner_groups
    Cg, Fg = shape.channels // groups, 1 if shape.apart else F // groups
    lanes = rounded(Cg, V)
    ld, S = groups * lanes, int(np.prod(shape.spatial))
    # positions in the padded input; how far the taps reach back in outputs, and how many there are
    found = phases(shape)
    reach = tuple(
        d * (k - 1) // s for d, k, s in zip(shape.dilation, shape.kernel, shape.stride, strict=True)
    )
    last = tuple(
        (n + low - 1) // s for n, low, s in zip(shape.spatial, shape.low, shape.stride, strict=True)
    )
    whole = tuple(r + max(m, e + 1) for r, m, e in zip(reach, shape.lengths, last, strict=True))
    ld_y = rounded(F, V) if shape.pool is not None or shape.apart else F
    steps = steps_of(whole, ld_y)
    size = int(np.prod(whole)) * ld_y
    G = images_in_chunk((size + S * ld) * shape.dtype.itemsize, S, shape.images)
    tables = Tables()
    where, length = runs(shape.lengths, steps, _dot(reach, steps))
    runs_at = tables.add(where)
    # what fills up the last block reaches back as others do, and not to before the memory
    farthest = _dot(reach, steps)
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
                tables.add(blocks(for_images(pixels, G, size), R, farthest)),
                tables.add(blocks(for_images(targets, G, S * ld), R, dump)),
            ]
        )  # fmt: skip
    phase_at = tables.add(rows)
    xs = G * size
    ws = xs + dump + ld
    zs = ws + ld * shape.taps * Fg
    pool = shape.pool
    found_pool = [0] * 5 if pool is None else pool.tables(tables, steps, _dot(reach, steps))
    geometry = np.array(
        [
            shape.channels, F, shape.taps, groups, shape.pixels, S, G, runs_at, len(where), length, size,
            len(rows), phase_at, R, V, xs, ws, zs, pool is not None, tables.add([0, 1]), *found_pool, ld_y,
            shape.apart,
        ]
    )  # fmt: skip
    more = 0 if pool is None else 3 * pool.count * ld_y
    memory = zs + lanes + more
    table = tables.array()
    array, whole_numbers = (shape.dtype, 1), (np.dtype("int64"), 1)
    read = (shape.dtype, 1, "C", "read")
    run = kernels.backward_x.compiled(
        read, read, OFFSETS, array, array, whole_numbers, whole_numbers, int, int
    )
    parallel, images = shape.macs >= PARALLEL, shape.images

    def product(y: Any, W: Any, _: Any, offsets: Any, out: Any, __: Any) -> None:
        with borrowed(memory, shape.dtype) as scratch:
            halves(
                lambda i, j, part: run(y, W, offsets, out, scratch[part], table, geometry, i, j),
                images,
                parallel=parallel,
            )

    return product


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
    groups, P = shape.inner_groups, shape.pixels
    Cg, Fg = 1 if shape.apart else shape.channels // groups, shape.outputs // groups
    lanes = rounded(Fg, V)
    ld = groups * lanes
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
            shape.channels, shape.outputs, shape.taps, groups, P, int(np.prod(shape.spatial)), G,
            runs_at, len(where), length, size, places, rows, R, V, sums_at, len(sums), inner, strided[-1],
            max(1, PIXELS // inner), *targets, ys, ws, zero, pool is not None, *found,
            shape.apart, shape.pitch,
        ]
    )  # fmt: skip
    more = 0 if pool is None else 3 * pool.count * ld
    memory = ws + ld * len(pairs) + more
    table, none = tables.array(), np.empty(0, np.uint8)
    array, whole = (shape.dtype, 1), (np.dtype("int64"), 1)
    read = (shape.dtype, 1, "C", "read")
    run = kernels.backward_W.compiled(read, read, OFFSETS, array, whole, whole, int, int)
    add = kernels.sum_of_shares.compiled(array, array, array, whole, int)
    parallel, images = shape.macs >= PARALLEL, shape.images

    def backward_W(*arrays: Any) -> None:
        x, y, *rest, out = (a.reshape(-1) for a in arrays)
        offsets = rest[0] if rest else none
        with borrowed(memory, shape.dtype) as scratch:
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
    """Real arrays of one dtype that are not empty; groups of one channel, or that fill a part of a vector."""
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
    narrow = min(shape.channels, shape.outputs) // shape.groups < 4
    if shape.groups > 1 and narrow and not shape.apart:
        return False
    weights = shape.taps * (shape.channels + 32) * (shape.outputs + 32) // shape.groups
    _, _, size = _padded(shape)
    image = size + shape.pixels * (shape.outputs + 16 * shape.inner_groups)
    return max(weights, image) * shape.dtype.itemsize < LARGEST


CONVOLUTION = Native("convolution", _takes, _make_forward)
CONVOLUTION_VJP_X = Native("convolution_vjp_x", _takes, _make_backward_x)
CONVOLUTION_VJP_W = Native("convolution_vjp_W", _takes, _make_backward_W)
