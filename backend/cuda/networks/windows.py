"""Convolution and pooling of CuPy's arrays: windows are strided views, so that a formula takes few launches.

CuPy comes in as an argument, as in `fused.py`. What is here overrides parts of `backend/generic/networks/`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...common.typing import XP, RawArray
from ...generic.networks import convolution as generic
from ...generic.networks import pooling
from ...generic.networks.convolution import Lengths, Padding, output_lengths

# Numbers in the columns of one product, 512 MB of float32: more images than that are convolved in parts.
LARGEST = 1 << 27


def bind(cupy: Any, plain: XP, whole: Callable[[], XP]) -> dict[str, Callable[..., Any]]:
    """The functions by their names in the namespace.

    Parameters
    ----------
    cupy
        The library.
    plain
        Its namespace with the generic formulas.
    whole
        Gives the namespace that these functions are part of.
    """

    def padded(x: Any, padding: Padding, value: float = 0.0) -> Any:
        """`x` with elements of one value around its last axes; a negative number takes elements away."""
        lead = x.ndim - len(padding)
        pairs = tuple(zip(x.shape[lead:], padding, strict=True))
        x = x[(..., *(slice(max(-low, 0), n - max(-high, 0)) for n, (low, high) in pairs))]
        more = [(max(low, 0), max(high, 0)) for low, high in padding]
        if not any(low or high for low, high in more):
            return x
        inside = tuple(zip(x.shape[lead:], more, strict=True))
        shape = (*x.shape[:lead], *(n + low + high for n, (low, high) in inside))
        out = cupy.full(shape, value, x.dtype) if value else cupy.zeros(shape, x.dtype)
        out[(..., *(slice(low, low + n) for n, (low, _) in inside))] = x
        return out

    def parts(N: int, columns: int) -> list[slice]:
        """The images that are convolved at once."""
        step = max(1, min(N, LARGEST // max(columns, 1)))
        return [slice(i, i + step) for i in range(0, N, step)]

    def convolution(
        x: RawArray, W: RawArray, b: RawArray | None = None, /, *, stride: Lengths, **settings: Any
    ) -> Any:
        """The convolution, of so many images at once as the memory of their columns allows."""
        columns = x.shape[1] * math.prod(W.shape[2:]) * math.prod(x.shape[2:])
        images = parts(x.shape[0], columns // math.prod(stride))
        settings["stride"] = stride
        if len(images) < 2:
            return generic.convolution(whole(), x, W, b, **settings)
        return cupy.concatenate(
            [generic.convolution(whole(), x[i], W, b, **settings) for i in images]
        )

    def convolution_vjp_x(y: RawArray, W: RawArray, /, **settings: Any) -> Any:
        """The transposed convolution, in parts too."""
        channels = y.shape[1] if max(settings["stride"]) == 1 else W.shape[1] * settings["groups"]
        images = parts(y.shape[0], channels * math.prod(W.shape[2:]) * math.prod(y.shape[2:]))
        if len(images) < 2:
            return generic.convolution_vjp_x(whole(), y, W, **settings)
        return cupy.concatenate(
            [generic.convolution_vjp_x(whole(), y[i], W, **settings) for i in images]
        )

    def convolution_vjp_W(x: RawArray, y: RawArray, /, *, spatial: Lengths, **settings: Any) -> Any:
        """The cotangent of the weights, a sum of parts."""
        settings["spatial"] = spatial
        columns = x.shape[1] * math.prod(spatial) * math.prod(y.shape[2:])
        first, *rest = parts(x.shape[0], columns) or [slice(0)]
        out = generic.convolution_vjp_W(whole(), x[first], y[first], **settings)
        for i in rest:
            out += generic.convolution_vjp_W(whole(), x[i], y[i], **settings)
        return out

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
        around = padded(x, padding, pooling.lowest(plain, x.dtype))
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
        around = tuple(n + low + high for n, (low, high) in zip(spatial, padding, strict=True))
        out = overlap_add(windows, spatial=around, stride=stride, dilation=dilation)
        return padded(out, tuple((-low, -high) for low, high in padding))

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
        around = padded(x, padding)
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
            padded(x, padding), kernel=window, lengths=lengths, stride=stride, dilation=ones
        )
        total = seen.sum(axis=tuple(range(2, 2 + len(window))))
        return pooling.divided(plain, total, x.shape[2:], window, stride, padding, counted)

    functions: tuple[Callable[..., Any], ...] = (
        convolution,
        convolution_vjp_x,
        convolution_vjp_W,
        padded,
        sliding_windows,
        overlap_add,
        max_pool,
        pool_scatter,
        pool_gather,
        avg_pool,
    )
    return {f.__name__: f for f in functions}
