"""Convolution and pooling of CuPy's arrays: windows are strided views, so that a formula takes few launches.

CuPy comes in as an argument, as in `fused.py`. What is here overrides parts of `backend/generic/networks/`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..common.typing import XP, RawArray
from ..generic.networks import pooling
from ..generic.networks.convolution import Lengths, Padding, output_lengths, padded


def bind(cupy: Any, plain: XP) -> dict[str, Callable[..., Any]]:
    """The functions by their names in the namespace.

    Parameters
    ----------
    cupy
        The library.
    plain
        Its namespace with the generic formulas.
    """

    def view(x: Any, shape: Lengths, strides: Lengths) -> Any:
        return cupy.lib.stride_tricks.as_strided(x, shape=shape, strides=strides)

    def sliding_windows(
        x: Any, /, *, kernel: Lengths, lengths: Lengths, stride: Lengths, dilation: Lengths
    ) -> Any:
        """All windows of x (N, C, *spatial) as a view (N, C, *kernel, *lengths)."""
        axes = x.strides[2:]
        between = tuple(step * d for step, d in zip(axes, dilation, strict=True))
        along = tuple(step * s for step, s in zip(axes, stride, strict=True))
        shape = (*x.shape[:2], *kernel, *lengths)
        return view(x, shape, (*x.strides[:2], *between, *along))

    def overlap_add(
        windows: Any, /, *, spatial: Lengths, stride: Lengths, dilation: Lengths
    ) -> Any:
        """Windows added up at their places: a launch for all of their elements that meet no other window's."""
        dims = len(spatial)
        kernel, lengths = windows.shape[2 : 2 + dims], windows.shape[2 + dims :]
        out = cupy.zeros((*windows.shape[:2], *spatial), windows.dtype)
        if not windows.size:
            return out
        # so many elements of a window next to each other lie in no other window
        apart = tuple(s if d == 1 else 1 for s, d in zip(stride, dilation, strict=True))
        starts = [range(0, k, a) for k, a in zip(kernel, apart, strict=True)]
        for start in itertools.product(*starts):
            size = tuple(min(a, k - j) for a, k, j in zip(apart, kernel, start, strict=True))
            places = zip(start, dilation, strict=True)
            target = sliding_windows(
                out[(..., *(slice(j * d, None) for j, d in places))],
                kernel=size,
                lengths=lengths,
                stride=stride,
                dilation=dilation,
            )
            part = zip(start, size, strict=True)
            target += windows[(slice(None), slice(None), *(slice(j, j + n) for j, n in part))]
        return out

    def rows(x: Any, window: Lengths, lengths: Lengths, **steps: Lengths) -> Any:
        """The windows with their elements along one axis: (N, C, elements, *lengths)."""
        seen = sliding_windows(x, kernel=window, lengths=lengths, **steps)
        return seen.reshape(*x.shape[:2], math.prod(window), *lengths)

    def max_pool(
        x: RawArray, /, *, window: Lengths, stride: Lengths, padding: Padding, dilation: Lengths
    ) -> tuple[Any, Any]:
        """The maximum of each window, and the number of its element in the window."""
        if not x.size:
            return formula("max_pool")(
                x, window=window, stride=stride, padding=padding, dilation=dilation
            )
        lengths = output_lengths(x.shape[2:], window, stride, padding, dilation)
        around = padded(plain, x, padding, pooling.lowest(plain, x.dtype))
        elements = rows(around, window, lengths, stride=stride, dilation=dilation)
        offsets = elements.argmax(axis=2).astype(pooling.offset_dtype(window))
        return elements.max(axis=2), offsets

    def formula(name: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(plain, name)
        return found

    def chosen(indices: Any, window: Lengths) -> Any:
        """Where, along the axis of a window's elements, the chosen one is."""
        numbers = cupy.arange(math.prod(window), dtype=indices.dtype)
        dims = len(window)
        return indices[:, :, None] == numbers.reshape(-1, *(1,) * dims)

    def pool_scatter(
        y: RawArray,
        indices: Any,
        /,
        *,
        spatial: Lengths,
        window: Lengths,
        stride: Lengths,
        padding: Padding,
        dilation: Lengths,
    ) -> Any:
        """y added up at the chosen element of each window."""
        zero = np.zeros((), y.dtype)[()]
        elements = cupy.where(chosen(indices, window), y[:, :, None], zero)
        windows = elements.reshape(*y.shape[:2], *window, *y.shape[2:])
        whole = tuple(n + low + high for n, (low, high) in zip(spatial, padding, strict=True))
        out = overlap_add(windows, spatial=whole, stride=stride, dilation=dilation)
        return padded(plain, out, tuple((-low, -high) for low, high in padding))

    def pool_gather(
        x: RawArray,
        indices: Any,
        /,
        *,
        window: Lengths,
        stride: Lengths,
        padding: Padding,
        dilation: Lengths,
    ) -> Any:
        """The chosen element of each window."""
        around = padded(plain, x, padding)
        elements = rows(around, window, indices.shape[2:], stride=stride, dilation=dilation)
        zero = np.zeros((), x.dtype)[()]
        return cupy.where(chosen(indices, window), elements, zero).sum(axis=2)

    def avg_pool(
        x: RawArray,
        /,
        *,
        window: Lengths,
        stride: Lengths,
        padding: Padding,
        counted: Padding | None,
    ) -> Any:
        """The sum of each window over the number of its elements."""
        ones = (1,) * len(window)
        lengths = output_lengths(x.shape[2:], window, stride, padding, ones)
        seen = sliding_windows(
            padded(plain, x, padding), kernel=window, lengths=lengths, stride=stride, dilation=ones
        )
        total = seen.sum(axis=tuple(range(2, 2 + len(window))))
        return pooling.divided(plain, total, x.shape[2:], window, stride, padding, counted)

    functions: tuple[Callable[..., Any], ...] = (
        sliding_windows,
        overlap_add,
        max_pool,
        pool_scatter,
        pool_gather,
        avg_pool,
    )
    return {f.__name__: f for f in functions}
