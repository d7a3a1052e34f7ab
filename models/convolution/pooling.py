"""Maxima and means of windows, in one, two or three dimensions."""

from __future__ import annotations

from typing import Any

from ...autograd.core.array import Array
from ...autograd.core.generated import xp as primitives
from ...autograd.core.typing import ArrayLike
from ...autograd.functions import namespace as xp
from .arguments import PaddingLike, check_fits, images, lengths, padding_pairs, remembered

Pairs = tuple[tuple[int, int], ...]


def max_pool(
    x: ArrayLike,
    window: int | tuple[int, ...],
    *,
    stride: int | tuple[int, ...] | None = None,
    padding: PaddingLike = "valid",
    dilation: int | tuple[int, ...] = 1,
    ceil_mode: bool = False,
    channels_last: bool = False,
) -> Array:
    """The maximum of each window: ``out[n, c, p] = max_k x[n, c, stride · p + dilation · k − low]``.

    The cotangent of a window is that of the first of its greatest elements; a NaN in a window makes its maximum NaN.
    Both as in PyTorch. Differentiable to any order.

    Parameters
    ----------
    x : array (N, C, *spatial)
        Inputs in one, two or three spatial dimensions; with `channels_last` (N, *spatial, C). An integer `window`
        takes all axes but the first two for spatial ones; with a tuple, one image (C, *spatial) may stand alone.
    window : int or tuple of int
        Lengths of the windows: one for all dimensions, or one for each.
    stride : int or tuple of int, optional
        Steps between windows; by default `window`, so that they lie side by side.
    padding : {"valid", "same"}, int, tuple of int, or tuple of pairs of int
        −∞ around x, as for `conv`; at most half of a window on each side.
    dilation : int or tuple of int
        Steps between the elements of a window.
    ceil_mode : bool
        Whether a last window that ends outside counts, if it begins inside (or in the padding below).
    channels_last : bool
        Whether channels are the last axis of x and of the result.

    Returns
    -------
    Array (N, C, *lengths)

    Raises
    ------
    ValueError
        For windows larger than the padded inputs, settings outside their ranges, and too much padding.

    References
    ----------
    ``torch.nn.functional.max_pool2d``.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> x = np.asarray([[[3.0, 1.0, 2.0, 2.0]]])
    >>> pb.models.max_pool(x, 2)
    Array([[[3., 2.]]], dtype=float64, device='cpu')
    >>> pb.grad(lambda x: pb.xp.sum(pb.models.max_pool(x, 2)))(x)
    array([[[1., 0., 1., 0.]]])
    """
    given, window, steps, pairs, dilation, _ = _windows(
        "max_pool", x, window, stride, padding, dilation, ceil_mode, channels_last
    )
    if xp.isdtype(given.x.dtype, "complex floating"):
        raise ValueError(
            "max_pool: complex numbers have no order; take their real parts or absolute values"
        )
    out = primitives.max_pool(
        given.x, window=window, stride=steps, padding=pairs, dilation=dilation
    )
    return given.back(out)


def avg_pool(
    x: ArrayLike,
    window: int | tuple[int, ...],
    *,
    stride: int | tuple[int, ...] | None = None,
    padding: PaddingLike = "valid",
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    channels_last: bool = False,
) -> Array:
    """The mean of each window: ``out[n, c, p] = Σ_k x[n, c, stride · p + k − low] / count(p)``; differentiable.

    Parameters
    ----------
    x, window, stride, ceil_mode, channels_last
        As for `max_pool`.
    padding : {"valid", "same"}, int, tuple of int, or tuple of pairs of int
        Zeros around x, as for `conv`; at most half of a window on each side.
    count_include_pad : bool
        Whether the count is that of a window's elements in x and its padding, or of those in x.

    Returns
    -------
    Array (N, C, *lengths)

    Raises
    ------
    ValueError
        For windows larger than the padded inputs, settings outside their ranges, and too much padding.

    References
    ----------
    ``torch.nn.functional.avg_pool2d``.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.avg_pool(np.asarray([[[3.0, 1.0, 2.0, 2.0]]]), 2)
    Array([[[2., 2.]]], dtype=float64, device='cpu')
    >>> pb.models.avg_pool(np.asarray([[[4.0, 2.0]]]), 2, padding=1, count_include_pad=False)
    Array([[[4., 2.]]], dtype=float64, device='cpu')
    """
    given, window, steps, pairs, _, before = _windows(
        "avg_pool", x, window, stride, padding, 1, ceil_mode, channels_last
    )
    counted = before if count_include_pad else ((0, 0),) * len(window)
    out = primitives.avg_pool(given.x, window=window, stride=steps, padding=pairs, counted=counted)
    return given.back(out)


def global_avg_pool(x: ArrayLike, *, keepdims: bool = False, channels_last: bool = False) -> Array:
    """The mean of each channel over all spatial axes: ``out[n, c] = mean_p x[n, c, p]``; differentiable.

    Parameters
    ----------
    x : array (N, C, *spatial)
        Inputs; with `channels_last` (N, *spatial, C).
    keepdims : bool
        Whether the spatial axes stay, with length 1 (as ``torch.nn.AdaptiveAvgPool2d(1)`` has them).
    channels_last : bool
        Whether channels are the last axis.

    Returns
    -------
    Array (N, C)

    Raises
    ------
    ValueError
        For inputs of fewer than three axes, or of no element to take the mean of.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> pb.models.global_avg_pool(np.asarray([[[3.0, 1.0], [2.0, 2.0]]]))
    Array([[2., 2.]], dtype=float64, device='cpu')
    """
    x = xp.asarray(x)
    if x.ndim < 3:
        raise ValueError(
            f"global_avg_pool: inputs of shape {tuple(x.shape)}; they have a batch, channels and at least one more axis"
        )
    axes = tuple(range(1, x.ndim - 1) if channels_last else range(2, x.ndim))
    if any(x.shape[i] == 0 for i in axes):
        raise ValueError(
            f"global_avg_pool: inputs of shape {tuple(x.shape)} have nothing to take the mean of"
        )
    return xp.mean(x, axis=axes, keepdims=keepdims)


def _windows(
    name: str,
    x: Any,
    window: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    channels_last: bool,
) -> tuple[Any, tuple[int, ...], tuple[int, ...], Pairs, tuple[int, ...], Pairs]:
    """The inputs and settings of a primitive: inputs, window, stride, padding, dilation; and the padding asked for."""
    x = xp.asarray(x)
    dims = len(window) if isinstance(window, tuple | list) else x.ndim - 2
    if not 1 <= dims <= 3:
        raise ValueError(
            f"{name}: {dims} spatial dimensions, of inputs of shape {tuple(x.shape)} and window={window!r}; there are "
            "one, two or three behind (batch, channels)"
        )
    given = images(name, x, dims, channels_last)
    settings = _settings(
        name, tuple(given.x.shape[2:]), window, stride, padding, dilation, bool(ceil_mode)
    )
    return given, *settings


@remembered
def _settings(
    name: str,
    spatial: tuple[int, ...],
    window: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
) -> tuple[tuple[int, ...], tuple[int, ...], Pairs, tuple[int, ...], Pairs]:
    """The settings of a primitive, and the padding asked for."""
    dims = len(spatial)
    window = lengths(name, "window", window, dims)
    steps = window if stride is None else lengths(name, "stride", stride, dims)
    dilation = lengths(name, "dilation", dilation, dims)
    pairs = padding_pairs(name, padding, spatial, window, steps, dilation)
    for i, ((low, high), k, d) in enumerate(zip(pairs, window, dilation, strict=True)):
        if max(low, high) > (d * (k - 1) + 1) // 2:
            raise ValueError(
                f"{name}: padding={padding!r} adds {(low, high)} along dimension {i}, and half of a window of "
                f"{d * (k - 1) + 1} is the most: windows of padding alone have no value"
            )
    if 0 in spatial:
        raise ValueError(f"{name}: inputs of {spatial} have nothing to pool")
    whole = _with_last_windows(spatial, window, steps, pairs, dilation) if ceil_mode else pairs
    check_fits(name, "window", window, spatial, whole, dilation)
    _check_values(name, window, spatial, steps, whole, dilation)
    return window, steps, whole, dilation, pairs


def _check_values(
    name: str,
    window: tuple[int, ...],
    spatial: tuple[int, ...],
    stride: tuple[int, ...],
    padding: Pairs,
    dilation: tuple[int, ...],
) -> None:
    """Refuse dilated windows that step over all elements, from one side's padding to the other's."""
    for i, (n, k, s, (low, high), d) in enumerate(
        zip(spatial, window, stride, padding, dilation, strict=True)
    ):
        count = (n + low + high - d * (k - 1) - 1) // s + 1 if d > 1 else 0
        seen = [any(0 <= s * p + d * j - low < n for j in range(k)) for p in range(count)]
        if not all(seen):
            raise ValueError(
                f"{name}: window {seen.index(False)} along dimension {i}, of {n} elements, lies in the padding alone; "
                f"pad less, or take another dilation than {d}"
            )


def _with_last_windows(
    spatial: tuple[int, ...],
    window: tuple[int, ...],
    stride: tuple[int, ...],
    padding: Pairs,
    dilation: tuple[int, ...],
) -> Pairs:
    """The padding with what windows need above that begin inside and end outside."""
    out = []
    for n, k, s, (low, high), d in zip(spatial, window, stride, padding, dilation, strict=True):
        reach = d * (k - 1) + 1
        count = -(-(n + low + high - reach) // s) + 1
        if (count - 1) * s >= n + low:
            count -= 1
        out.append((low, max(high, (count - 1) * s + reach - n - low)))
    return tuple(out)
