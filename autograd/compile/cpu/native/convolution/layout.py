"""Parts of the kernels of convolution and pooling: images to channels last and back, weights packed, products."""

from __future__ import annotations

from ..jit import T, called
from .products import SIDE, lanewise, narrow, transpose, wide
from .windows import largest, place


@called
def channels_last(x, first, channels, plane, tables, runs, count, length, y, at, ld):
    """Lay an image out with its channels last: ``y[at + run + ld p + c]``, p along each of `count` runs."""
    if ld == 1:
        for r in range(count):
            to = at + tables[runs + r]
            for p in range(length):
                y[to + p] = x[first + r * length + p]
    elif channels >= SIDE and length >= SIDE:
        for r in range(count):
            to = at + tables[runs + r]
            for block in range(0, channels, SIDE):
                # the last block overlaps the one before it
                c = min(block, channels - SIDE)
                for part in range(0, length, SIDE):
                    p = min(part, length - SIDE)
                    transpose(x, first + c * plane + r * length + p, plane, y, to + p * ld + c, ld)
    else:
        for r in range(count):
            to = at + tables[runs + r]
            for c in range(channels):
                for p in range(length):
                    y[to + p * ld + c] = x[first + c * plane + r * length + p]


@called
def channels_first(y, at, ld, pixels, channels, x, first, plane):
    """Lay an image without gaps out with its channels first again: ``x[first + plane c + p] = y[at + ld p + c]``."""
    if channels >= SIDE and pixels >= SIDE:
        for block in range(0, channels, SIDE):
            c = min(block, channels - SIDE)
            for part in range(0, pixels, SIDE):
                p = min(part, pixels - SIDE)
                transpose(y, at + p * ld + c, ld, x, first + c * plane + p, plane)
    else:
        for c in range(channels):
            for p in range(pixels):
                x[first + c * plane + p] = y[at + p * ld + c]


@called
def packed(W, first, lane, lanes, across, inner, tables, taps, count, V, out, at):
    """Put weights into panels of 2 V columns, V in a last one that needs no more; the place after them.

    The row of a panel is an element of the kernel and one of the `inner` channels that are summed over; columns are
    `lanes` channels and zeros.
    """
    o = 0
    while o < lanes:
        width = 2 * V if lanes - o > V else V
        for t in range(count):
            k = first + tables[taps + t]
            for c in range(inner):
                for w in range(width):
                    out[at + w] = W[k + (o + w) * lane + c * across] if o + w < lanes else 0.0
                at += width
        o += width
    return at


@called
def packed_lanes(W, channels, ld, K, tables, taps, count, out, at):
    """Put the weights of channels that are groups of their own into rows of `ld` lanes, one for each tap."""
    for t in range(count):
        k = tables[taps + t]
        for c in range(ld):
            out[at + c] = W[c * K + k] if c < channels else T(0.0)
        at += ld
    return at


@called
def multiplied_lanes(A, tables, places, taps, count, b, ld, start, out, targets, blocks, R, V):
    """The products of all blocks of pixels with the weights at `b`, lane by lane; all arrays lie in A."""
    for c in range(0, ld, V):
        for i in range(blocks):
            lanewise(
                A, c, tables, places + i * R, taps, count, 1, 0, A, b + c, ld, A, start + c, 0, A, out + c,
                targets + i * R,
            )  # fmt: skip


@called
def multiplied(
    A,
    a,
    tables,
    places,
    taps,
    count,
    inner,
    B,
    b,
    lanes,
    start,
    first,
    out,
    at,
    targets,
    blocks,
    R,
    V,
):
    """The products of all blocks of pixels with all panels of weights, from a vector at `first`."""
    o = 0
    while o < lanes:
        if lanes - o > V:
            for i in range(blocks):
                wide(
                    A, a, tables, places + i * R, taps, count, inner, 1, B, b, 2 * V,
                    start, first + o, 0, out, at + o, targets + i * R,
                )  # fmt: skip
            b += count * inner * 2 * V
            o += 2 * V
        else:
            for i in range(blocks):
                narrow(
                    A, a, tables, places + i * R, taps, count, inner, 1, B, b, V,
                    start, first + o, 0, out, at + o, targets + i * R,
                )  # fmt: skip
            b += count * inner * V
            o += V


@called
def rectified(s, at, size):
    """Put relu in the place of elements; NaN stays."""
    for i in range(at, at + size):
        x = s[i]
        s[i] = x if (x > 0.0) | (x != x) else T(0.0)


@called
def pooled(s, at, ld, V, tables, spots, count, taps, k, out, chosen, rectify):
    """The maxima of windows of pixels, channels last, and the numbers of the elements that they are."""
    for q in range(count):
        first = at + tables[spots + q]
        for c in range(0, ld, V):
            largest(s, first + c, tables, taps, k, out + q * ld + c, chosen + q * ld + c, rectify)


@called
def spread(
    y,
    first,
    offsets,
    channels,
    count,
    s,
    own,
    ld,
    V,
    tables,
    zero,
    spots,
    taps,
    k,
    at,
    size,
    apart,
):
    """Put the cotangents of maxima where they were found, channels last, into an image of zeros at `at`.

    With `apart` windows do not meet, and every element of each is written; else they are added up. At `own` are
    3 · `ld` · `count` elements of scratch memory.
    """
    chosen = own + count * ld
    spare = chosen + count * ld
    # not a literal, nor y itself: each of the two would have another `channels_last` compiled
    one = tables[zero + 1]
    for i in range(channels * count):
        s[spare + i] = y[first + i]
    channels_last(s, spare, channels, count, tables, zero, one, count, s, own, ld)
    for i in range(channels * count):
        s[spare + i] = T(offsets[first + i])
    channels_last(s, spare, channels, count, tables, zero, one, count, s, chosen, ld)
    if apart:
        for q in range(count):
            to = at + tables[spots + q]
            for c in range(0, ld, V):
                place(s, own + q * ld + c, chosen + q * ld + c, tables, taps, k, to + c)
    else:
        for i in range(at, at + size):
            s[i] = T(0.0)
        for q in range(count):
            for c in range(channels):
                t = int(s[chosen + q * ld + c])
                s[at + tables[spots + q] + tables[taps + t] + c] += s[own + q * ld + c]
