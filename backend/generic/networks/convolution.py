"""Convolutions and their two cotangents, in one, two or three dimensions, for the arrays of any library.

All three are products with the windows of an array laid out as the columns of a matrix (im2col: Chellapilla, Puri,
Simard, High performance convolutional neural networks for document processing, 2006). `sliding_windows` and
`overlap_add` are functions of the namespace, since libraries with strides have faster ones.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

from ...common.typing import XP, RawArray

# An integer for each spatial dimension, and how much is added below and above.
Lengths = tuple[int, ...]
Padding = tuple[tuple[int, int], ...]


def output_lengths(
    spatial: Lengths, kernel: Lengths, stride: Lengths, padding: Padding, dilation: Lengths
) -> Lengths:
    """How many windows fit along each axis: ``⌊(n + low + high − d (k − 1) − 1) / s⌋ + 1``."""
    return tuple(
        (n + low + high - d * (k - 1) - 1) // s + 1
        for n, k, s, (low, high), d in zip(spatial, kernel, stride, padding, dilation, strict=True)
    )


def convolution(
    xp: XP,
    x: RawArray,
    W: RawArray,
    b: RawArray | None = None,
    /,
    *,
    stride: Lengths,
    padding: Padding,
    dilation: Lengths,
    groups: int,
) -> Any:
    """``out[n, o, p] = b[o] + Σ_{c, k} W[o, c, k] x[n, c, s p + d k − low]``, c over the channels of o's group.

    x (N, C, *spatial), W (O, C / groups, *kernel), b (O,).
    """
    lengths = output_lengths(x.shape[2:], W.shape[2:], stride, padding, dilation)
    windows = xp.sliding_windows(
        xp.padded(x, padding),
        kernel=W.shape[2:],
        lengths=lengths,
        stride=stride,
        dilation=dilation,
    )
    out = _product(xp, W, windows, groups, lengths)
    return out if b is None else out + xp.reshape(b, (b.shape[0], *(1,) * len(lengths)))


def convolution_vjp_x(
    xp: XP,
    y: RawArray,
    W: RawArray,
    /,
    *,
    spatial: Lengths,
    stride: Lengths,
    padding: Padding,
    dilation: Lengths,
    groups: int,
) -> Any:
    """The cotangent of x, of lengths `spatial`, for a cotangent y (N, O, *lengths): the transposed convolution.

    The lengths of y are those that `convolution` makes of `spatial`, and so in `convolution_vjp_W`.
    With strides of 1 it is a convolution of y with the kernels reversed, elsewhere the sum of windows that overlap.
    """
    kernel = W.shape[2:]
    if all(s == 1 for s in stride):
        reach = tuple(d * (k - 1) for d, k in zip(dilation, kernel, strict=True))
        around = tuple(
            (r - low, n - 1 + low - (m - 1))
            for r, (low, _), n, m in zip(reach, padding, spatial, y.shape[2:], strict=True)
        )
        windows = xp.sliding_windows(
            xp.padded(y, around), kernel=kernel, lengths=spatial, stride=stride, dilation=dilation
        )
        return _product(xp, reversed_kernels(xp, W, groups), windows, groups, spatial)
    (N, outputs), C, size, taps = y.shape[:2], W.shape[1], math.prod(y.shape[2:]), math.prod(kernel)
    weights = xp.reshape(W, (groups, outputs // groups, C * taps))
    columns = xp.matmul(
        xp.permute_dims(weights, (0, 2, 1)), xp.reshape(y, (N, groups, outputs // groups, size))
    )
    windows = xp.reshape(columns, (N, groups * C, *kernel, *y.shape[2:]))
    whole = tuple(n + low + high for n, (low, high) in zip(spatial, padding, strict=True))
    out = xp.overlap_add(windows, spatial=whole, stride=stride, dilation=dilation)
    return xp.padded(out, tuple((-low, -high) for low, high in padding))


def convolution_vjp_W(
    xp: XP,
    x: RawArray,
    y: RawArray,
    /,
    *,
    spatial: Lengths,
    stride: Lengths,
    padding: Padding,
    dilation: Lengths,
    groups: int,
) -> Any:
    """The cotangent of W, whose kernel has the lengths `spatial`, for inputs x and a cotangent y (N, O, *lengths)."""
    (N, outputs), C, lengths = y.shape[:2], x.shape[1] // groups, y.shape[2:]
    dims = len(lengths)
    windows = xp.sliding_windows(
        xp.padded(x, padding), kernel=spatial, lengths=lengths, stride=stride, dilation=dilation
    )
    order = (*range(1, dims + 2), 0, *range(dims + 2, 2 * dims + 2))
    rows = N * math.prod(lengths)
    columns = xp.reshape(xp.permute_dims(windows, order), (groups, C * math.prod(spatial), rows))
    cotangents = xp.permute_dims(y, (1, 0, *range(2, dims + 2)))
    cotangents = xp.reshape(cotangents, (groups, outputs // groups, rows))
    out = xp.matmul(cotangents, xp.permute_dims(columns, (0, 2, 1)))
    return xp.reshape(out, (outputs, C, *spatial))


def _product(xp: XP, W: RawArray, windows: RawArray, groups: int, lengths: Lengths) -> Any:
    """``Σ_{c, k} W[o, c, k] windows[n, c, k, p]`` within each group, as products of matrices."""
    N, outputs = windows.shape[0], W.shape[0]
    inner = math.prod(W.shape[1:])
    weights = xp.reshape(W, (groups, outputs // groups, inner))
    columns = xp.reshape(windows, (N, groups, inner, math.prod(lengths)))
    return xp.reshape(xp.matmul(weights, columns), (N, outputs, *lengths))


def reversed_kernels(xp: XP, W: RawArray, groups: int) -> Any:
    """The weights of the convolution that pulls back one with strides of 1: (C, O / groups, *kernel reversed)."""
    outputs, C, *kernel = W.shape
    weights = xp.flip(W, axis=tuple(range(2, W.ndim)))
    if groups == 1:
        return xp.permute_dims(weights, (1, 0, *range(2, W.ndim)))
    weights = xp.reshape(weights, (groups, outputs // groups, C, *kernel))
    weights = xp.permute_dims(weights, (0, 2, 1, *range(3, W.ndim + 1)))
    return xp.reshape(weights, (groups * C, outputs // groups, *kernel))


def padded(xp: XP, x: RawArray, padding: Padding, value: float = 0.0) -> Any:
    """`x` with elements of one value around its last axes; a negative number takes elements away."""
    for axis, (low, high) in enumerate(padding, x.ndim - len(padding)):
        n = x.shape[axis]
        if low < 0 or high < 0:
            kept = slice(max(-low, 0), n - max(-high, 0))
            x = x[(*(slice(None),) * axis, kept, ...)]
        parts = [x]
        for place, count in ((0, low), (len(parts), high)):
            if count > 0:
                shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
                filled = xp.zeros_on_device_of(shape, x)
                parts.insert(place and len(parts), filled if value == 0 else filled + value)
        x = xp.concat(parts, axis=axis) if len(parts) > 1 else x
    return x


def sliding_windows(
    xp: XP, x: RawArray, /, *, kernel: Lengths, lengths: Lengths, stride: Lengths, dilation: Lengths
) -> Any:
    """All windows of x (N, C, *spatial): (N, C, *kernel, *lengths), without padding."""
    taps = [x[key] for key in tap_keys(kernel, lengths, stride, dilation)]
    stacked = xp.stack(taps, axis=2) if len(taps) > 1 else xp.expand_dims(taps[0], axis=2)
    return xp.reshape(stacked, (*x.shape[:2], *kernel, *lengths))


@functools.lru_cache(maxsize=512)
def tap_keys(
    kernel: Lengths, lengths: Lengths, stride: Lengths, dilation: Lengths
) -> tuple[tuple[Any, ...], ...]:
    """For each element of the kernel, the key of what it is multiplied by in all windows."""
    return tuple(
        (
            ...,
            *(
                slice(d * j, d * j + s * (m - 1) + 1, s) if m > 0 else slice(0, 0)
                for j, m, s, d in zip(offset, lengths, stride, dilation, strict=True)
            ),
        )
        for offset in itertools.product(*map(range, kernel))
    )


def overlap_add(
    xp: XP, windows: RawArray, /, *, spatial: Lengths, stride: Lengths, dilation: Lengths
) -> Any:
    """Windows (N, C, *kernel, *lengths) added up at their places in (N, C, *spatial): `sliding_windows` transposed."""
    dims = len(spatial)
    kernel, lengths = windows.shape[2 : 2 + dims], windows.shape[2 + dims :]
    if 0 in windows.shape:
        return xp.zeros_on_device_of((*windows.shape[:2], *spatial), windows)
    apart = windows
    for axis, s in enumerate(stride, 2 + dims):
        apart = _spread(xp, apart, axis, s)
    out: Any = None
    for offset in itertools.product(*map(range, kernel)):
        share = apart[(slice(None), slice(None), *offset, ...)]
        around = tuple(
            (d * j, n - d * j - s * (m - 1) - 1)
            for d, j, n, s, m in zip(dilation, offset, spatial, stride, lengths, strict=True)
        )
        share = xp.padded(share, around)
        out = share if out is None else out + share
    return out


def _spread(xp: XP, x: RawArray, axis: int, step: int) -> Any:
    """`x` with ``step − 1`` zeros between its elements along an axis."""
    if step == 1:
        return x
    before, n, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    zeros = xp.zeros_on_device_of((*before, n, step - 1, *after), x)
    x = xp.concat([xp.reshape(x, (*before, n, 1, *after)), zeros], axis=axis + 1)
    x = xp.reshape(x, (*before, n * step, *after))
    return x[(*(slice(None),) * axis, slice(0, (n - 1) * step + 1), ...)]


FUNCTIONS = (
    convolution, convolution_vjp_x, convolution_vjp_W, padded, sliding_windows, overlap_add,
)  # fmt: skip
