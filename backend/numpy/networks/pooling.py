"""Pooling of NumPy's arrays: elements of windows as strided views, and their places as numbers in the flat array.

A masked copy branches for each element and takes three times as long as a maximum of numbers, a scatter or a gather by
flat places.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

import numpy as np

from ...generic.networks import pooling as generic
from ...generic.networks.convolution import Lengths, Padding, output_lengths, tap_keys
from ..standard import STANDARD
from .convolution import inside


class _Plain:
    """NumPy with the functions that the generic formulas take from a namespace."""

    def __getattr__(self, name: str) -> Any:
        return getattr(STANDARD, name)

    @staticmethod
    def zeros_on_device_of(shape: Any, x: np.ndarray) -> np.ndarray:
        return np.zeros(shape, x.dtype)

    @staticmethod
    def padded(x: np.ndarray, padding: Padding, value: float = 0) -> np.ndarray:
        return _around(x, padding, value)


_PLAIN = _Plain()


def _around(x: np.ndarray, padding: Padding, value: float) -> np.ndarray:
    """`x` with its padding, in C order; `x` itself where there is none and it is."""
    if not any(low or high for low, high in padding):
        return np.ascontiguousarray(x)
    whole = [n + low + high for n, (low, high) in zip(x.shape[2:], padding, strict=True)]
    out = np.full((*x.shape[:2], *whole), value, x.dtype)
    out[inside(x.shape[2:], padding)] = x
    return out


def max_pool(x, /, *, window, stride, padding, dilation):
    """As `backend.generic.networks.pooling.max_pool`."""
    lengths = output_lengths(x.shape[2:], window, stride, padding, dilation)
    around = _around(x, padding, generic.lowest(_PLAIN, x.dtype))
    first, *rest = tap_keys(window, lengths, stride, dilation)
    out = around[first].copy()
    offset_dtype = generic.offset_dtype(window)
    offsets = np.zeros(out.shape, offset_dtype)
    better = np.empty(out.shape, bool)
    for k, key in enumerate(rest, 1):
        tap = around[key]
        np.greater(tap, out, out=better)
        # numbers of elements grow, so that the last better one is the greatest number
        np.maximum(offsets, better * offset_dtype.type(k), out=offsets)
        np.maximum(out, tap, out=out)
    if out.dtype.kind == "f" and out.size and np.isnan(out.min()):
        settings = {"window": window, "stride": stride, "padding": padding, "dilation": dilation}
        return generic.max_pool(_PLAIN, x, **settings)
    return out, offsets


@functools.lru_cache(maxsize=64)
def _places(
    whole: Lengths, window: Lengths, lengths: Lengths, stride: Lengths, dilation: Lengths
) -> tuple[np.ndarray, np.ndarray]:
    """The flat place, in one channel, of each window's first element; and of each element after that."""
    steps = [math.prod(whole[i + 1 :]) for i in range(len(whole))]
    first = np.zeros((1,) * len(whole), np.intp)
    for i, (m, s, step) in enumerate(zip(lengths, stride, steps, strict=True)):
        shape = [1] * len(whole)
        shape[i] = m
        first = first + (np.arange(m) * (s * step)).reshape(shape)
    after = [
        sum(j * d * step for j, d, step in zip(offset, dilation, steps, strict=True))
        for offset in itertools.product(*map(range, window))
    ]
    return first, np.asarray(after, np.intp)


def _flat(
    indices: np.ndarray, whole: Lengths, window: Lengths, stride: Lengths, dilation: Lengths
) -> np.ndarray:
    """The flat places in (N, C, *whole) of the elements with these numbers in their windows."""
    N, C, *lengths = indices.shape
    first, after = _places(tuple(whole), window, tuple(lengths), stride, dilation)
    places = after[indices]
    places += first
    channels = (np.arange(N * C) * math.prod(whole)).reshape(N, C, *(1,) * len(lengths))
    places += channels
    return places


def pool_scatter(y, indices, /, *, spatial, window, stride, padding, dilation):
    """As `backend.generic.networks.pooling.pool_scatter`."""
    whole = tuple(n + low + high for n, (low, high) in zip(spatial, padding, strict=True))
    places = _flat(indices, whole, window, stride, dilation)
    shape = (*y.shape[:2], *whole)
    apart = all(
        k == 1 or (d == 1 and s >= k) for k, s, d in zip(window, stride, dilation, strict=True)
    )
    if apart:
        out = np.zeros(shape, y.dtype)
        out.reshape(-1)[places] = y
    elif y.dtype.char in "fd":
        flat = np.bincount(places.reshape(-1), y.reshape(-1), math.prod(shape))
        out = flat.astype(y.dtype, copy=False).reshape(shape)
    else:
        out = np.zeros(shape, y.dtype)
        np.add.at(out.reshape(-1), places, y)
    return out if whole == tuple(spatial) else np.ascontiguousarray(out[inside(spatial, padding)])


def pool_gather(x, indices, /, *, window, stride, padding, dilation):
    """As `backend.generic.networks.pooling.pool_gather`."""
    around = _around(x, padding, 0)
    places = _flat(indices, around.shape[2:], window, stride, dilation)
    return around.reshape(-1).take(places)


def avg_pool(x, /, *, window, stride, padding, counted):
    """As `backend.generic.networks.pooling.avg_pool`."""
    ones = (1,) * len(window)
    lengths = output_lengths(x.shape[2:], window, stride, padding, ones)
    around = _around(x, padding, 0)
    first, *rest = tap_keys(window, lengths, stride, ones)
    if x.dtype.kind not in "fc":  # a mean of integers is not an integer
        return generic.avg_pool(
            _PLAIN, x, window=window, stride=stride, padding=padding, counted=counted
        )
    total = around[first].copy()
    for key in rest:
        total += around[key]
    return _divided(total, x.shape[2:], window, stride, padding, counted)


def _divided(
    total: np.ndarray,
    spatial: Lengths,
    window: Lengths,
    stride: Lengths,
    padding: Padding,
    counted: Padding | None,
) -> np.ndarray:
    """Sums over the numbers of their elements, in place."""
    if counted is None:
        return total
    of_axes = generic.counts(spatial, window, stride, padding, counted)
    if all(len(set(lengths)) == 1 for lengths in of_axes):
        total /= math.prod(lengths[0] for lengths in of_axes)
        return total
    for axis, lengths in enumerate(of_axes):
        shape = (*(1,) * axis, len(lengths), *(1,) * (len(window) - axis - 1))
        total /= np.asarray(lengths, total.real.dtype).reshape(shape)
    return total


def avg_pool_vjp(y, /, *, spatial, window, stride, padding, counted):
    """As `backend.generic.networks.pooling.avg_pool_vjp`."""
    ones = (1,) * len(window)
    share = _divided(np.array(y), tuple(spatial), window, stride, padding, counted)
    whole = [n + low + high for n, (low, high) in zip(spatial, padding, strict=True)]
    out = np.zeros((*y.shape[:2], *whole), share.dtype)
    apart = all(s >= k for k, s in zip(window, stride, strict=True))
    for key in tap_keys(window, y.shape[2:], stride, ones):
        tap = out[key]
        if apart:
            tap[...] = share
        else:
            tap += share
    if any(low or high for low, high in padding):
        return np.ascontiguousarray(out[inside(tuple(spatial), padding)])
    return out


FUNCTIONS = (max_pool, pool_scatter, pool_gather, avg_pool, avg_pool_vjp)
