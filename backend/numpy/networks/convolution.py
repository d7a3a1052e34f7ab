"""Convolutions of NumPy's arrays: im2col of as many images as stay in cache, and one product for each such chunk.

The columns (C · kernel, images · places) are copied from a strided view, along the rows of the images. The cotangent of
x is the product the other way, added up by the elements of the kernel; with strides of 1 that takes less than the
convolution with the reversed kernel, whose columns are as many as there are outputs.

Measured in float32 with one thread, of (128, 32, 13, 13) → 64, (32, 64, 32, 32) → 64 by 3 × 3 and (64, 16, 32, 32) → 32
by 5 × 5: 8.7, 26, 24 ms forward, where channels last take 8.4, 32, 20 and sums over shifts 12, 35, 30; the cotangent of
x 13, 35, 35 ms, by reversed kernels 16, 36, 47.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ...generic.networks.convolution import Lengths, Padding, output_lengths, tap_keys

# Numbers in the columns of a chunk: 1 MB of float32.
_CACHED = 1 << 18
# Columns from which on an image is a chunk of its own, whose product is written to its place.
_WIDE = 512


def sliding_windows(x, /, *, kernel, lengths, stride, dilation):
    """All windows of x (N, C, *spatial) as a view (N, C, *kernel, *lengths)."""
    axes = x.strides[2:]
    strides = (
        *x.strides[:2],
        *(step * d for step, d in zip(axes, dilation, strict=True)),
        *(step * s for step, s in zip(axes, stride, strict=True)),
    )
    return as_strided(x, (*x.shape[:2], *kernel, *lengths), strides)


def _images(N: int, rows: int, places: int) -> int:
    """How many images make a chunk."""
    if places >= _WIDE:
        return 1
    return max(1, min(N, _CACHED // max(rows * places, 1)))


class _Columns:
    """The columns of chunks of images x (N, C, *spatial), in one buffer that each chunk writes anew.

    Attributes
    ----------
    step : int
        How many images make a chunk.
    """

    def __init__(
        self,
        x: np.ndarray,
        kernel: Lengths,
        lengths: Lengths,
        stride: Lengths,
        padding: Padding,
        dilation: Lengths,
    ) -> None:
        self.x, self.kernel, self.lengths = x, kernel, lengths
        self.steps = {"stride": stride, "dilation": dilation}
        self.rows = x.shape[1] * math.prod(kernel)
        self.places = math.prod(lengths)
        self.step = _images(x.shape[0], self.rows, self.places)
        self.buffer = np.empty(self.rows * self.step * self.places, x.dtype)
        self.around: np.ndarray | None = None
        self.inside: tuple[Any, ...] = (...,)
        if any(low or high for low, high in padding):
            whole = [n + low + high for n, (low, high) in zip(x.shape[2:], padding, strict=True)]
            self.around = np.zeros((self.step, x.shape[1], *whole), x.dtype)
            self.inside = inside(x.shape[2:], padding)

    def chunk(self, start: int, groups: int) -> np.ndarray:
        """(groups, C / groups · kernel, images · places) of the images from `start` on."""
        images = self.x[start : start + self.step]
        n = images.shape[0]
        if self.around is not None:
            self.around[:n][self.inside] = images
            images = self.around[:n]
        windows = sliding_windows(images, kernel=self.kernel, lengths=self.lengths, **self.steps)
        columns = self.buffer[: self.rows * n * self.places]
        shape = (images.shape[1], *self.kernel, n, *self.lengths)
        dims = len(self.kernel)
        order = (*range(1, 2 + dims), 0, *range(2 + dims, 2 + 2 * dims))
        columns.reshape(shape)[...] = windows.transpose(order)
        return columns.reshape(groups, self.rows // groups, n * self.places)


def inside(spatial: Lengths, padding: Padding) -> tuple[Any, ...]:
    """The key of what is not padding."""
    pairs = zip(spatial, padding, strict=True)
    return (..., *(slice(low, low + n) for n, (low, _) in pairs))


# ── one channel for each output ───────────────────────────────────────────────────────────────

# Numbers in the parts of a chunk: what is multiplied, and what it is added to, 256 kB of float32.
_SMALL = 1 << 15


def _is_depthwise(W: np.ndarray, groups: int) -> bool:
    """Whether each output sees one channel: sums over the elements of the kernel then take a third of the time."""
    return W.shape[0] == groups > 1 and W.shape[1] == 1


class _Depthwise:
    """The elements of depthwise windows of chunks of images, by slices of them with their padding."""

    def __init__(self, spatial, kernel, lengths, stride, padding, dilation):
        self.keys = tap_keys(kernel, lengths, stride, dilation)
        self.inside = inside(spatial, padding)
        self.padded = any(low or high for low, high in padding)
        self.whole = [n + low + high for n, (low, high) in zip(spatial, padding, strict=True)]
        self.places = math.prod(lengths)
        self.ones = (1,) * len(kernel)

    def chunks(self, N: int, channels: int) -> list[slice]:
        step = max(1, _SMALL // max(channels * self.places, 1))
        return [slice(i, min(i + step, N)) for i in range(0, N, step)]

    def around(self, x: np.ndarray) -> np.ndarray:
        if not self.padded:
            return x
        out = np.zeros((*x.shape[:2], *self.whole), x.dtype)
        out[self.inside] = x
        return out

    def weights(self, W: np.ndarray) -> list[np.ndarray]:
        """For each element of the kernel a number for each channel."""
        return [w.reshape(-1, *self.ones) for w in W.reshape(W.shape[0], -1).T]


def _depthwise(x, W, lengths, part):
    out = np.empty((*x.shape[:2], *lengths), np.result_type(x, W))
    weights = part.weights(W)
    for rows in part.chunks(*x.shape[:2]):
        around, total = part.around(x[rows]), out[rows]
        np.multiply(around[part.keys[0]], weights[0], out=total)
        product = np.empty_like(total)
        for key, w in zip(part.keys[1:], weights[1:], strict=True):
            total += np.multiply(around[key], w, out=product)
    return out


def _depthwise_vjp_x(y, W, spatial, part):
    dtype = np.result_type(y, W)
    out = np.empty((*y.shape[:2], *spatial), dtype)
    weights = part.weights(W)
    for rows in part.chunks(*y.shape[:2]):
        around = np.zeros((rows.stop - rows.start, y.shape[1], *part.whole), dtype)
        cotangent = y[rows]
        product = np.empty(cotangent.shape, dtype)
        for key, w in zip(part.keys, weights, strict=True):
            tap = around[key]
            tap += np.multiply(cotangent, w, out=product)
        out[rows] = around[part.inside]
    return out


def _depthwise_vjp_W(x, y, spatial, part):
    out = np.zeros((len(part.keys), y.shape[1]), np.result_type(x, y))
    axes = "nc" + "xyz"[: len(spatial)]
    subscripts = f"{axes},{axes}->c"
    for rows in part.chunks(*y.shape[:2]):
        around, cotangent = part.around(x[rows]), y[rows]
        for k, key in enumerate(part.keys):
            out[k] += np.einsum(subscripts, around[key], cotangent)
    return out.T.reshape(y.shape[1], 1, *spatial)


# ── in general ────────────────────────────────────────────────────────────────────────────────


def convolution(x, W, b=None, /, *, stride, padding, dilation, groups):
    """As `backend.generic.networks.convolution.convolution`."""
    if _is_depthwise(W, groups):
        lengths = output_lengths(x.shape[2:], W.shape[2:], stride, padding, dilation)
        part = _Depthwise(x.shape[2:], W.shape[2:], lengths, stride, padding, dilation)
        out = _depthwise(x, W, lengths, part)
        return out if b is None else out + b.reshape(-1, *part.ones)
    N, outputs, kernel = x.shape[0], W.shape[0], W.shape[2:]
    lengths = output_lengths(x.shape[2:], kernel, stride, padding, dilation)
    dtype = np.result_type(x, W)
    columns = _Columns(x, kernel, lengths, stride, padding, dilation)
    weights = W.reshape(groups, outputs // groups, columns.rows // groups)
    out = np.empty((N, groups, outputs // groups, columns.places), dtype)
    bias = None if b is None else b.reshape(groups, outputs // groups, 1)
    early = bias is not None and np.result_type(dtype, bias) == dtype
    for i in range(0, N, columns.step):
        block = columns.chunk(i, groups)
        if columns.step == 1:
            np.matmul(weights, block, out=out[i])
        else:
            n = min(columns.step, N - i)
            product = np.matmul(weights, block).reshape(groups, -1, n, columns.places)
            out[i : i + n] = product.transpose(2, 0, 1, 3)
        if early:
            out[i : i + columns.step] += bias
    if bias is not None and not early:
        out = out + bias
    return out.reshape(N, outputs, *lengths)


def _rows_of(y: np.ndarray, start: int, step: int, groups: int) -> np.ndarray:
    """(groups, O / groups, images · places) of a chunk of y (N, O, *lengths)."""
    part = y[start : start + step]
    n, outputs = part.shape[:2]
    if n == 1:
        return part.reshape(groups, outputs // groups, -1)
    by_output = part.reshape(n, outputs, math.prod(part.shape[2:])).transpose(1, 0, 2)
    return by_output.reshape(groups, outputs // groups, n * math.prod(part.shape[2:]))


def convolution_vjp_x(y, W, /, *, spatial, stride, padding, dilation, groups):
    """As `backend.generic.networks.convolution.convolution_vjp_x`."""
    if _is_depthwise(W, groups):
        part = _Depthwise(spatial, W.shape[2:], y.shape[2:], stride, padding, dilation)
        return _depthwise_vjp_x(y, W, spatial, part)
    (N, outputs), lengths, kernel = y.shape[:2], y.shape[2:], W.shape[2:]
    channels = W.shape[1] * groups
    places, rows = math.prod(lengths), channels * math.prod(kernel)
    dtype = np.result_type(y, W)
    step = _images(N, rows, places)
    weights = W.reshape(groups, outputs // groups, rows // groups).transpose(0, 2, 1)
    keys = tap_keys(kernel, lengths, stride, dilation)
    offsets = list(itertools.product(*map(range, kernel)))
    padded = any(low or high for low, high in padding)
    whole = [n + low + high for n, (low, high) in zip(spatial, padding, strict=True)]
    out = np.zeros((N, channels, *spatial), dtype)
    buffer = np.empty(rows * step * places, dtype)
    around = np.empty((step, channels, *whole), dtype) if padded else out
    order = (1, 0, *range(2, 2 + len(spatial)))
    for i in range(0, N, step):
        n = min(step, N - i)
        columns = buffer[: rows * n * places].reshape(groups, rows // groups, n * places)
        np.matmul(weights, _rows_of(y, i, step, groups), out=columns)
        windows = columns.reshape(channels, *kernel, n, *lengths)
        if padded:
            target = around[:n]
            target[...] = 0
        else:
            target = out[i : i + n]
        for key, offset in zip(keys, offsets, strict=True):
            tap = target[key]
            element: Any = (slice(None), *offset)
            tap += windows[element].transpose(order)
        if padded:
            out[i : i + n] = target[inside(spatial, padding)]
    return out


def convolution_vjp_W(x, y, /, *, spatial, stride, padding, dilation, groups):
    """As `backend.generic.networks.convolution.convolution_vjp_W`."""
    if y.shape[1] == x.shape[1] == groups > 1:
        part = _Depthwise(x.shape[2:], spatial, y.shape[2:], stride, padding, dilation)
        return _depthwise_vjp_W(x, y, spatial, part)
    (N, outputs), lengths = y.shape[:2], y.shape[2:]
    columns = _Columns(x, spatial, lengths, stride, padding, dilation)
    shape = (groups, outputs // groups, columns.rows // groups)
    dtype = np.result_type(x, y)
    out, share = np.zeros(shape, dtype), np.empty(shape, dtype)
    for i in range(0, N, columns.step):
        block = columns.chunk(i, groups)
        np.matmul(_rows_of(y, i, columns.step, groups), block.transpose(0, 2, 1), out=share)
        out += share
    return out.reshape(outputs, x.shape[1] // groups, *spatial)


FUNCTIONS = (convolution, convolution_vjp_x, convolution_vjp_W)
