"""Convolutions with kernels of 3 × 3 by Winograd's transforms: 16 multiplications for 4 outputs instead of 36.

A tile of 2 × 2 outputs reads 4 × 4 inputs d. With g a kernel, out = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A, where

    Bᵀ = [1 0 −1 0; 0 1 1 0; 0 −1 1 0; 0 1 0 −1],  G = [1 0 0; ½ ½ ½; ½ −½ ½; 0 0 1],  Aᵀ = [1 1 1 0; 0 1 −1 −1].

Summed over channels, ⊙ is 16 products of matrices, (tiles, C) with (C, F). (Winograd, Arithmetic complexity of
computations, 1980; Lavin, Gray, Fast algorithms for convolutional neural networks, 2016.) The error is that of sums of
a few more terms: 4e−7 of the largest output in float32. Where sides are odd the last tiles overlap those before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..jit import T, called, kernel
from ..scratch import borrowed
from ..threads import halves
from .geometry import (
    Shape,
    Tables,
    for_images,
    images_in_chunk,
    rounded,
    runs,
    steps_of,
)
from .layout import channels_first, channels_last, multiplied, pooled, rectified, spread
from .tiles import tile_in, tile_out
from .vectors import block_shape

# Channels from which the transforms are a small part of the products.
CHANNELS = 16
# Outputs, of all images, from which those of the weights are.
OUTPUTS = 2000
# Bytes of a block of transformed tiles.
BLOCK = 400_000


@called
def transformed_weights(W, lane, lanes, across, inner, flipped, V, out, at):
    """G g Gᵀ of all kernels, in 16 sets of panels like those of `layout.packed`; the size of a set."""
    size = -(-lanes // V) * V * inner
    o, start = 0, at
    while o < lanes:
        width = 2 * V if lanes - o > V else V
        for c in range(inner):
            for w in range(width):
                place = start + c * width + w
                if o + w >= lanes:
                    for k in range(16):
                        out[place + k * size] = T(0.0)
                    continue
                g = (o + w) * lane + c * across
                half = T(0.5)
                # first by columns of the kernel, then by rows
                for i in range(4):
                    a, b, d = T(0.0), T(0.0), T(0.0)
                    for j in range(3):
                        p, q, r = W[g + j], W[g + 3 + j], W[g + 6 + j]
                        if flipped:
                            p, q, r = W[g + 8 - j], W[g + 5 - j], W[g + 2 - j]
                        value = p
                        if i == 1:
                            value = half * (p + q + r)
                        elif i == 2:
                            value = half * (p - q + r)
                        elif i == 3:
                            value = r
                        if j == 0:
                            a = value
                        elif j == 1:
                            b = value
                        else:
                            d = value
                    out[place + 4 * i * size] = a
                    out[place + (4 * i + 1) * size] = half * (a + b + d)
                    out[place + (4 * i + 2) * size] = half * (a - b + d)
                    out[place + (4 * i + 3) * size] = d
        start += inner * width
        o += width
    return size


@kernel()
def tiled(x, W, b, given, out, offsets, s, tables, g, start, stop):
    """A convolution of the images from `start` to `stop`, or a cotangent of inputs, which is one too."""
    C, F, S, P, G, R, V = g[0], g[1], g[2], g[3], g[4], g[5], g[6]
    runs_at, count, length, size, pitch = g[7], g[8], g[9], g[10], g[11]
    tiles, tile_count, together, row, row_out = g[12], g[13], g[14], g[15], g[16]
    lane, across, flipped, rectify = g[17], g[18], g[19], g[20]
    ys, ds, ms, ws, bs, places, targets, zero = (
        g[21],
        g[22],
        g[23],
        g[24],
        g[25],
        g[26],
        g[27],
        g[28],
    )
    pool, spots, Q, window, k = g[29], g[30], g[31], g[32], g[33]
    scatter, spots2, Q2, window2, k2, no_overlap, spare = (
        g[35], g[36], g[37], g[38], g[39], g[40], g[41],
    )  # fmt: skip
    ld = -(-F // V) * V
    for i in range(g[42]):
        s[i] = T(0.0)
    for o in range(F if len(b) > 0 else 0):
        s[bs + ld + o] = b[o]
    panel = transformed_weights(W, lane, F, across, C, flipped, V, s, ws)
    for n in range(start, stop, G):
        m = min(G, stop - n)
        for i in range(m):
            if scatter:
                spread(
                    x, (n + i) * C * Q2, given, C, Q2, s, spare, pitch, V, tables, zero,
                    spots2, window2, k2, i * size, size, no_overlap,
                )  # fmt: skip
            else:
                channels_last(
                    x, (n + i) * C * S, C, S, tables, runs_at, count, length, s, i * size, pitch
                )
        for t in range(0, m * tile_count, together):
            some = min(together, m * tile_count - t)
            here = tiles + 2 * t
            for i in range(some):
                for c in range(0, pitch, V):
                    to = ds + i * pitch + c
                    tile_in(s, tables[here + 2 * i] + c, row, pitch, to, together * pitch)
            full = -(-some // R)
            for j in range(16):
                a, to = ds + j * together * pitch, ms + j * together * ld
                multiplied(
                    s, a, tables, places, zero, 1, C, s, ws + j * panel, F, s, bs, s, to, targets, full, R, V
                )  # fmt: skip
            for i in range(some):
                for c in range(0, ld, V):
                    y = ys + tables[here + 2 * i + 1] + c
                    tile_out(s, ms + i * ld + c, together * ld, bs + ld + c, y, row_out, ld)
        if pool:
            best, chosen, flat = spare, spare + Q * ld, spare + 2 * Q * ld
            for i in range(m):
                pooled(
                    s, ys + i * P * ld, ld, V, tables, spots, Q, window, k, best, chosen, rectify
                )
                to = (n + i) * F * Q
                channels_first(s, best, ld, Q, F, out, to, Q)
                channels_first(s, chosen, ld, Q, F, s, flat, Q)
                for j in range(F * Q):
                    offsets[to + j] = np.uint8(s[flat + j])
            continue
        if rectify:
            rectified(s, ys, m * P * ld)
        for i in range(m):
            channels_first(s, ys + i * P * ld, ld, P, F, out, (n + i) * F * P, P)


def suits(shape: Shape, forward: bool) -> bool:
    """Whether tiles pay: 3 × 3 steps of 1 over two dimensions, many channels and outputs."""
    outputs = shape.lengths if forward else shape.spatial
    return (
        shape.kernel == (3, 3)
        and shape.stride == shape.dilation == (1, 1)
        and shape.groups == 1
        and min(shape.channels, shape.outputs) >= CHANNELS
        and min(outputs) >= 2
        and shape.images * outputs[0] * outputs[1] >= OUTPUTS
    )


def make(shape: Shape, forward: bool, rectify: bool) -> Callable[..., None]:
    """What runs the kernel: ``run(x, W, b, given, out, offsets)``, flat, empty where there is none."""
    R, V = block_shape()[0], shape.lanes
    if forward:
        C, F, inputs, outputs = shape.channels, shape.outputs, shape.spatial, shape.lengths
        border, before, after = shape.low, shape.low, shape.high
        lane, across = 9 * C, 9
    else:
        C, F, inputs, outputs = shape.outputs, shape.channels, shape.lengths, shape.spatial
        # two pixels more than the padding had come from outside
        border = (2, 2)
        before = (2, 2)
        after = tuple(
            max(m, n + low) - m for m, n, low in zip(inputs, outputs, shape.low, strict=True)
        )
        lane, across = 9, 9 * F
    pitch, ld = rounded(C, V), rounded(F, V)
    whole = tuple(a + n + b for a, n, b in zip(before, inputs, after, strict=True))
    steps = steps_of(whole, pitch)
    size, S, P = int(np.prod(whole)) * pitch, int(np.prod(inputs)), int(np.prod(outputs))
    G = images_in_chunk((size + P * ld) * shape.dtype.itemsize, P, shape.images)
    tables = Tables()
    where, length = runs(inputs, steps, border[0] * steps[0] + border[1] * steps[1])
    runs_at = tables.add(where)
    # the last tile begins so that it ends with the outputs
    first = [np.minimum(np.arange(0, n, 2), n - 2) for n in outputs]
    origin = (0, 0) if forward else shape.low
    from_x = (
        (first[0] + origin[0])[:, None] * steps[0] + (first[1] + origin[1]) * steps[1]
    ).reshape(-1)
    to_y = (first[0][:, None] * outputs[1] + first[1]).reshape(-1) * ld
    pairs = [for_images(from_x, G, size), for_images(to_y, G, P * ld)]
    tiles = tables.add(np.stack(pairs, 1))
    fitting = BLOCK // (16 * (pitch + ld) * shape.dtype.itemsize)
    together = R * max(1, min(fitting, len(pairs[0])) // R)
    places = tables.add(for_images(np.arange(R) * pitch, -(-together // R), R * pitch))
    targets = tables.add(np.arange(together) * ld)
    zero = tables.add([0, 1])
    pool = shape.pool
    none = [0] * 5
    after_it = none if pool is None or not forward else pool.tables(tables, steps_of(outputs, ld))
    start = border[0] * steps[0] + border[1] * steps[1]
    before_it = none if pool is None or forward else pool.tables(tables, steps, start)
    spare_size = 0 if pool is None else 3 * pool.count * max(ld, pitch)
    ys = G * size
    spare = ys + G * P * ld
    bs = spare + spare_size
    ds = bs + 2 * ld
    ms = ds + 16 * together * pitch
    ws = ms + 16 * together * ld
    geometry = np.array(
        [
            C, F, S, P, G, R, V, runs_at, len(where), length, size, pitch, tiles, len(from_x), together,
            steps[0], outputs[1] * ld, lane, across, not forward, rectify, ys, ds, ms, ws, bs, places, targets, zero,
            pool is not None and forward, *after_it, pool is not None and not forward, *before_it, spare, ds,
        ]
    )  # fmt: skip
    memory = ws + 16 * ld * C
    table = tables.array()
    read, array, whole_numbers = (shape.dtype, 1, "C", "read"), (shape.dtype, 1), (np.int64, 1)
    compiled = tiled.compiled(
        read, read, read, (np.uint8, 1, "C", "read"), array, (np.uint8, 1), array, whole_numbers, whole_numbers, int,
        int,
    )  # fmt: skip

    def run(x: Any, W: Any, b: Any, given: Any, out: Any, offsets: Any) -> None:
        with borrowed(memory, shape.dtype) as scratch:
            halves(
                lambda i, j, part: compiled(
                    x, W, b, given, out, offsets, scratch[part], table, geometry, i, j
                ),
                shape.images,
            )

    return run
