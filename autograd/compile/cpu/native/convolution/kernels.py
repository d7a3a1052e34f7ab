"""The kernels of convolution: `operations.py` says what they do, and makes what they are called with.

`g` holds the sizes, and the places of all parts of `tables` and of the scratch memory `s`. Each half of the images has
scratch memory of its own. C and F are the channels of inputs and outputs, Cg and Fg those of a group, K is the number
of a kernel's elements, P and S the pixels of an output and an input, Q the windows over an output, G the images in a
chunk; R and V are the rows of a block and the lanes of a vector. Where `apart`, each channel is a group of its own.
"""

from __future__ import annotations

import numpy as np

from ..jit import kernel
from .layout import (
    channels_first,
    channels_last,
    multiplied,
    multiplied_lanes,
    packed,
    packed_lanes,
    pooled,
    rectified,
    spread,
)
from .products import lanewise, narrow, wide


@kernel()
def forward(x, W, b, out, offsets, s, tables, g, start, stop):
    """out = b + x ∗ W for the images from `start` to `stop`, relu of it, or the maxima of its windows."""
    C, F, K, groups, P, S, G = g[0], g[1], g[2], g[3], g[4], g[5], g[6]
    runs_at, count, length, size = g[7], g[8], g[9], g[10]
    places, taps, targets, ids, R, V = g[11], g[12], g[13], g[14], g[15], g[16]
    ys, ws, bs, rectify, pool = g[17], g[18], g[19], g[20], g[21]
    spots, Q, window, k, apart, pitch = g[22], g[23], g[24], g[25], g[27], g[28]
    Cg, Fg = C // groups, F // groups
    lanes = -(-Fg // V) * V
    ld = groups * lanes
    for i in range(ys):
        s[i] = 0.0
    at = ws
    if apart:
        packed_lanes(W, C, ld, K, tables, ids, K, s, ws)
    for group in range(groups):
        if not apart:
            at = packed(W, group * Fg * Cg * K, Cg * K, Fg, K, Cg, tables, ids, K, V, s, at)
        for o in range(lanes):
            known = o < Fg and len(b) > 0
            s[bs + group * lanes + o] = b[group * Fg + o] if known else 0.0
    for n in range(start, stop, G):
        m = min(G, stop - n)
        for i in range(m):
            channels_last(
                x, (n + i) * C * S, C, S, tables, runs_at, count, length, s, i * size, pitch
            )
        full = -(-m * P // R)
        if apart:
            multiplied_lanes(s, tables, places, taps, K, ws, ld, bs, ys, targets, full, R, V)
        for group in range(0 if apart else groups):
            multiplied(
                s, group * Cg, tables, places, taps, K, Cg, s, ws + group * lanes * K * Cg, Fg,
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
                to = (n + i) * F * Q
                channels_first(s, best, ld, Q, F, out, to, Q)
                channels_first(s, chosen, ld, Q, F, s, spare, Q)
                for j in range(F * Q):
                    offsets[to + j] = np.uint8(s[spare + j])
        else:
            if rectify:
                rectified(s, ys, m * P * ld)
            for group in range(groups):
                for i in range(m):
                    to = ((n + i) * F + group * Fg) * P
                    channels_first(s, ys + i * P * ld + group * lanes, ld, P, Fg, out, to, P)


@kernel()
def backward_x(y, W, offsets, out, s, tables, g, start, stop):
    """The cotangent of x for the images from `start` to `stop`."""
    C, F, K, groups, P, S, G = g[0], g[1], g[2], g[3], g[4], g[5], g[6]
    runs_at, count, length, size = g[7], g[8], g[9], g[10]
    phase_count, phase_at, R, V, xs, ws, zs = g[11], g[12], g[13], g[14], g[15], g[16], g[17]
    pool, zero, spots, Q, window, k, no_overlap = g[18], g[19], g[20], g[21], g[22], g[23], g[24]
    ld_y, apart = g[25], g[26]
    Cg, Fg = C // groups, F // groups
    lanes = -(-Cg // V) * V
    ld = groups * lanes
    for i in range(xs):
        s[i] = 0.0
    for i in range(lanes + 3 * pool * Q * ld_y):
        s[zs + i] = 0.0
    at = ws
    for f in range(phase_count):
        ids, reached = tables[phase_at + 6 * f], tables[phase_at + 6 * f + 1]
        if apart:
            at = packed_lanes(W, C, ld, K, tables, ids, reached, s, at)
        for group in range(0 if apart else groups):
            first = group * Fg * Cg * K
            at = packed(W, first, K, Cg, Cg * K, Fg, tables, ids, reached, V, s, at)
    for n in range(start, stop, G):
        m = min(G, stop - n)
        for i in range(m):
            if pool:
                spread(
                    y, (n + i) * F * Q, offsets, F, Q, s, zs + lanes, ld_y, V, tables, zero,
                    spots, window, k, i * size, size, no_overlap,
                )  # fmt: skip
            else:
                channels_last(
                    y, (n + i) * F * P, F, P, tables, runs_at, count, length, s, i * size, ld_y
                )
        at = ws
        for f in range(phase_count):
            entry = phase_at + 6 * f
            reached, taps, pixels = tables[entry + 1], tables[entry + 2], tables[entry + 3]
            places, targets = tables[entry + 4], tables[entry + 5]
            full = -(-m * pixels // R)
            if apart:
                multiplied_lanes(
                    s, tables, places, taps, reached, at, ld, zs, xs, targets, full, R, V
                )
                at += ld * reached
            for group in range(0 if apart else groups):
                multiplied(
                    s, group * Fg, tables, places, taps, reached, Fg, s, at, Cg,
                    s, zs, s, xs + group * lanes, targets, full, R, V,
                )  # fmt: skip
                at += lanes * reached * Fg
        for group in range(groups):
            for i in range(m):
                to = ((n + i) * C + group * Cg) * S
                channels_first(s, xs + i * S * ld + group * lanes, ld, S, Cg, out, to, S)


@kernel()
def backward_W(x, y, offsets, s, tables, g, start, stop):
    """The share of the images from `start` to `stop` in the cotangent of W, in panels in scratch memory."""
    C, F, groups, P, S, G = g[0], g[1], g[3], g[4], g[5], g[6]
    runs_at, count, length, size = g[7], g[8], g[9], g[10]
    places, rows, R, V = g[11], g[12], g[13], g[14]
    sums_at, sums, inner, step, together = g[15], g[16], g[17], g[18], g[19]
    targets_wide, targets_narrow, ys, ws, zero = g[20], g[21], g[22], g[23], g[24]
    pool, spots, Q, window, k, no_overlap = g[25], g[26], g[27], g[28], g[29], g[30]
    apart, pitch = g[31], g[32]
    Cg, Fg = C // groups, F // groups
    lanes = -(-Fg // V) * V
    ld = groups * lanes
    for i in range(ws + ld * rows * R + 3 * pool * Q * ld):
        s[i] = 0.0
    for n in range(start, stop, G):
        m = min(G, stop - n)
        for i in range(m):
            channels_last(
                x, (n + i) * C * S, C, S, tables, runs_at, count, length, s, i * size, pitch
            )
            if pool:
                own = ws + ld * rows * R
                spread(
                    y, (n + i) * F * Q, offsets, F, Q, s, own, ld, V, tables, zero,
                    spots, window, k, ys + i * P * ld, P * ld, no_overlap,
                )  # fmt: skip
                continue
            for group in range(groups):
                channels_last(
                    y, ((n + i) * F + group * Fg) * P, Fg, P, tables, zero, tables[zero + 1], P,
                    s, ys + i * P * ld + group * lanes, ld,
                )  # fmt: skip
        for t in range(0, m * sums, together):
            some = min(together, m * sums - t)
            for c in range(0, ld if apart else 0, V):
                at = ws + c * rows * R
                for i in range(rows):
                    lanewise(
                        s, c, tables, places + i * R, sums_at + t, some, inner, step,
                        s, ys + t * inner * ld + c, ld, s, at, 1, s, at, targets_narrow + i * R,
                    )  # fmt: skip
            for group in range(0 if apart else groups):
                a, at = group * Cg, ws + group * lanes * rows * R
                o = 0
                while o < Fg:
                    b = ys + t * inner * ld + group * lanes + o
                    if Fg - o > V:
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
def sum_of_shares(p, q, out, g, both):
    """The cotangent of W from the shares of the two halves, in W's order."""
    C, F, K, groups, rows, R, V, ws = g[0], g[1], g[2], g[3], g[12], g[13], g[14], g[23]
    Cg, Fg = C // groups, F // groups
    lanes = -(-Fg // V) * V
    if g[31]:
        for c in range(C):
            for k in range(K):
                i = ws + (c // V * rows * R + k) * V + c % V
                out[c * K + k] = p[i] + q[i] if both else q[i]
        return
    for group in range(groups):
        at, o = ws + group * lanes * rows * R, 0
        while o < Fg:
            width = 2 * V if Fg - o > V else V
            for w in range(min(width, Fg - o)):
                to = (group * Fg + o + w) * Cg * K
                for c in range(Cg):
                    for k in range(K):
                        i = at + (k * Cg + c) * width + w
                        out[to + c * K + k] = p[i] + q[i] if both else q[i]
            at += rows * R * width
            o += width
