"""Maxima and means of windows, and their cotangents, for the arrays of any library: a pass for each of their elements.

The maximum of each window comes with the number of its element in the window, rows first: the first of equal ones, and
a NaN before all numbers, as in PyTorch.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ...common.typing import XP, DType, RawArray
from .convolution import Lengths, Padding, output_lengths, tap_keys


def offset_dtype(window: Lengths) -> DType:
    """Of the numbers of a window's elements: uint8, and int32 from 257 elements on."""
    return np.dtype("uint8" if math.prod(window) <= 256 else "int32")


def lowest(xp: XP, dtype: DType) -> Any:
    """What no number of a dtype is less than."""
    return xp.iinfo(dtype).min if xp.isdtype(dtype, "integral") else -math.inf


def max_pool(
    xp: XP, x: RawArray, /, *, window: Lengths, stride: Lengths, padding: Padding, dilation: Lengths
) -> tuple[Any, Any]:
    """The maximum of each window, (N, C, *lengths), and the number of its element in the window."""
    lengths = output_lengths(x.shape[2:], window, stride, padding, dilation)
    around = xp.padded(x, padding, lowest(xp, x.dtype))
    out: Any = None
    offsets: Any = None
    for k, key in enumerate(tap_keys(window, lengths, stride, dilation)):
        tap = around[key]
        if out is None:
            out, offsets = tap, xp.astype(xp.zeros_like(tap), offset_dtype(window))
            continue
        better = (tap > out) | xp.isnan(tap)
        out = xp.where(better, tap, out)
        offsets = xp.where(better, k, offsets)
    return out, offsets


def pool_scatter(
    xp: XP,
    y: RawArray,
    indices: RawArray,
    /,
    *,
    spatial: Lengths,
    window: Lengths,
    stride: Lengths,
    padding: Padding,
    dilation: Lengths,
) -> Any:
    """y (N, C, *lengths) added up at the chosen element of each window, in an array of lengths `spatial`."""
    taps = [xp.where(indices == k, y, xp.zeros_like(y)) for k in range(math.prod(window))]
    dims = len(window)
    windows = xp.reshape(xp.stack(taps, axis=2), (*y.shape[:2], *window, *y.shape[2:]))
    return _folded(xp, windows, dims, spatial, stride, padding, dilation)


def pool_gather(
    xp: XP,
    x: RawArray,
    indices: RawArray,
    /,
    *,
    window: Lengths,
    stride: Lengths,
    padding: Padding,
    dilation: Lengths,
) -> Any:
    """The chosen element of each window of x (N, C, *spatial), 0 where that is padding."""
    around = xp.padded(x, padding)
    out = xp.zeros_on_device_of(indices.shape, x)
    for k, key in enumerate(tap_keys(window, indices.shape[2:], stride, dilation)):
        out = xp.where(indices == k, around[key], out)
    return out


def avg_pool(
    xp: XP,
    x: RawArray,
    /,
    *,
    window: Lengths,
    stride: Lengths,
    padding: Padding,
    counted: Padding | None,
) -> Any:
    """The sum of each window over the number of its elements that lie in x with `counted` around it; None: the sum."""
    ones = (1,) * len(window)
    lengths = output_lengths(x.shape[2:], window, stride, padding, ones)
    around = xp.padded(x, padding)
    total: Any = None
    for key in tap_keys(window, lengths, stride, ones):
        total = around[key] if total is None else total + around[key]
    return divided(xp, total, x.shape[2:], window, stride, padding, counted)


def avg_pool_vjp(
    xp: XP,
    y: RawArray,
    /,
    *,
    spatial: Lengths,
    window: Lengths,
    stride: Lengths,
    padding: Padding,
    counted: Padding | None,
) -> Any:
    """The cotangent of x, of lengths `spatial`, for a cotangent y (N, C, *lengths) of `avg_pool`."""
    dims = len(window)
    share = divided(xp, y, spatial, window, stride, padding, counted)
    share = xp.reshape(share, (*y.shape[:2], *(1,) * dims, *y.shape[2:]))
    windows = xp.broadcast_to(share, (*y.shape[:2], *window, *y.shape[2:]))
    return _folded(xp, windows, dims, spatial, stride, padding, (1,) * dims)


def divided(
    xp: XP,
    total: RawArray,
    spatial: Lengths,
    window: Lengths,
    stride: Lengths,
    padding: Padding,
    counted: Padding | None,
) -> Any:
    """Sums of windows over the numbers of their elements."""
    if counted is None:
        return total
    for axis, lengths in enumerate(counts(spatial, window, stride, padding, counted)):
        if len(set(lengths)) == 1:
            total = total / lengths[0]
            continue
        shape = (*(1,) * axis, len(lengths), *(1,) * (len(window) - axis - 1))
        total = total / xp.reshape(_of_numbers(xp, lengths, total), shape)
    return total


def _of_numbers(xp: XP, numbers: tuple[int, ...], like: RawArray) -> Any:
    """A vector of numbers that depend on shapes alone, on the device of `like` and of its dtype."""
    places = xp.arange_like(len(numbers), like)
    out = xp.zeros_on_device_of((len(numbers),), like)
    # few differ from their neighbours: those at the borders
    for n in sorted(set(numbers)):
        at = [i for i, m in enumerate(numbers) if m == n]
        runs = [(at[0], at[-1])] if at[-1] - at[0] + 1 == len(at) else [(i, i) for i in at]
        for first, last in runs:
            out = xp.where((places >= first) & (places <= last), xp.zeros_like(out) + n, out)
    return out


@functools.lru_cache(maxsize=256)
def counts(
    spatial: Lengths, window: Lengths, stride: Lengths, padding: Padding, counted: Padding
) -> tuple[tuple[int, ...], ...]:
    """For each axis and window along it, how many of its elements lie in x with `counted` around it, at least 1."""
    lengths = output_lengths(spatial, window, stride, padding, (1,) * len(window))
    return tuple(
        tuple(max(min(s * i - low + k, n + more) - max(s * i - low, -less), 1) for i in range(m))
        for n, k, s, (low, _), (less, more), m in zip(
            spatial, window, stride, padding, counted, lengths, strict=True
        )
    )


def _folded(
    xp: XP,
    windows: RawArray,
    dims: int,
    spatial: Lengths,
    stride: Lengths,
    padding: Padding,
    dilation: Lengths,
) -> Any:
    whole = tuple(n + low + high for n, (low, high) in zip(spatial, padding, strict=True))
    out = xp.overlap_add(windows, spatial=whole, stride=stride, dilation=dilation)
    return xp.padded(out, tuple((-low, -high) for low, high in padding))


FUNCTIONS = (max_pool, pool_scatter, pool_gather, avg_pool, avg_pool_vjp)
