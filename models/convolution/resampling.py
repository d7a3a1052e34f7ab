"""Larger and smaller images by the nearest or by linear interpolation."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ...autograd.core.array import Array, backend_array
from ...autograd.core.typing import ArrayLike
from ...autograd.functions import namespace as xp
from ...backend import backend_of
from .arguments import images, lengths

MODES = ("nearest", "linear", "bilinear", "trilinear")


def upsample(
    x: ArrayLike,
    *,
    scale: float | tuple[float, ...] | None = None,
    size: int | tuple[int, ...] | None = None,
    mode: str = "nearest",
    channels_last: bool = False,
) -> Array:
    """Images of other lengths: the nearest element, or linear interpolation between neighbours; differentiable.

    The element i of m along an axis lies at (i + ½) n / m − ½ among the n of x. "nearest" takes element ⌊i n / m⌋,
    "linear" the weighted mean of the two around, at the borders the last one. All as in PyTorch with
    ``align_corners=False``.

    Parameters
    ----------
    x : array (N, C, *spatial)
        Inputs; with `channels_last` (N, *spatial, C).
    scale : number or tuple of numbers, optional
        ``m = ⌊n · scale⌋``, and ``n / m`` above is ``1 / scale``.
    size : int or tuple of int, optional
        m. Either this or `scale` is given.
    mode : {"nearest", "linear", "bilinear", "trilinear"}
        The last three are one function, in PyTorch of one, two and three dimensions.
    channels_last : bool
        Whether channels are the last axis of x and of the result.

    Returns
    -------
    Array (N, C, *m)

    Raises
    ------
    ValueError
        For both of `scale` and `size` or none, numbers that are not positive, and unknown modes.

    References
    ----------
    ``torch.nn.functional.interpolate``.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> x = np.asarray([[[0.0, 4.0]]])
    >>> pb.models.upsample(x, scale=2)
    Array([[[0., 0., 4., 4.]]], dtype=float64, device='cpu')
    >>> pb.models.upsample(x, size=4, mode="linear")
    Array([[[0., 1., 3., 4.]]], dtype=float64, device='cpu')
    """
    x = xp.asarray(x)
    dims = x.ndim - 2
    check_mode("upsample", mode)
    if not 1 <= dims <= 3:
        raise ValueError(
            f"upsample: inputs of shape {tuple(x.shape)}; they are (batch, channels, *spatial), with one, two or three "
            "spatial axes"
        )
    if mode != "nearest" and mode != "linear" and MODES.index(mode) != dims:
        raise ValueError(
            f"upsample: mode={mode!r} is of {MODES.index(mode)} spatial dimensions, and inputs of shape "
            f"{tuple(x.shape)} have {dims}; 'linear' takes any number"
        )
    given = images("upsample", x, dims, channels_last)
    spatial = tuple(given.x.shape[2:])
    if 0 in spatial:
        raise ValueError(f"upsample: inputs of shape {tuple(x.shape)} have no element")
    wanted, steps = target("upsample", spatial, scale, size)
    out = given.x
    for axis, (n, m, step) in enumerate(zip(spatial, wanted, steps, strict=True), 2):
        if mode == "nearest":
            out = _nearest(out, axis, n, m, step)
        elif (n, step) != (m, 1.0):
            out = _linear(out, axis, n, m, step)
    return given.back(out)


def check_mode(name: str, mode: str) -> None:
    """Refuse unknown modes.

    Raises
    ------
    ValueError
        Naming those that there are.
    """
    if mode not in MODES:
        raise ValueError(f"{name}: mode={mode!r} is none of {', '.join(MODES)}")


def target(
    name: str, spatial: tuple[int, ...], scale: Any, size: Any
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """The lengths of the result, and the steps between its elements in those of the inputs.

    Raises
    ------
    ValueError
        For both of `scale` and `size` or none, and numbers that are not positive.
    """
    if (scale is None) == (size is None):
        raise ValueError(f"{name}: scale={scale!r} and size={size!r}; give one of the two")
    dims = len(spatial)
    if size is not None:
        wanted = lengths(name, "size", size, dims)
        return wanted, tuple(n / m for n, m in zip(spatial, wanted, strict=True))
    factors = tuple(scale) if isinstance(scale, tuple | list) else (scale,) * dims
    good = [
        not isinstance(f, bool) and isinstance(f, int | float | np.number) and 0 < f < math.inf
        for f in factors
    ]
    if len(factors) != dims or not all(good):
        raise ValueError(
            f"{name}: scale={scale!r}; it is a positive number, or one for each of {dims} spatial dimensions"
        )
    wanted = tuple(math.floor(n * f) for n, f in zip(spatial, factors, strict=True))
    if 0 in wanted:
        raise ValueError(
            f"{name}: scale={scale!r} makes {wanted} of {spatial}, which has no element"
        )
    return wanted, tuple(1 / float(f) for f in factors)


def _nearest(x: Array, axis: int, n: int, m: int, step: float) -> Array:
    """Element ⌊i · step⌋ for each i; for whole factors copies side by side, whose pullback is a sum."""
    shape = tuple(x.shape)
    if m % n == 0 and step == n / m:
        if m == n:
            return x
        spread = (*shape[: axis + 1], m // n, *shape[axis + 1 :])
        copies = xp.broadcast_to(xp.expand_dims(x, axis=axis + 1), spread)
        return xp.reshape(copies, (*shape[:axis], m, *shape[axis + 1 :]))
    places = [min(math.floor(i * step), n - 1) for i in range(m)]
    return xp.take(x, _constant(np.asarray(places), x), axis=axis)


def _linear(x: Array, axis: int, n: int, m: int, step: float) -> Array:
    """The product with a matrix (m, n) of two weights a row."""
    weights = xp.astype(_constant(interpolation(n, m, step), x), x.dtype)
    moved = xp.moveaxis(x, axis, -1)
    return xp.moveaxis(xp.matmul(moved, xp.matrix_transpose(weights)), -1, axis)


def _constant(host: np.ndarray, like: Array) -> Array:
    """Numbers from the host, where `like` lies."""
    return xp.asarray(backend_of(backend_array(like)).asarray(host))


@functools.lru_cache(maxsize=64)
def interpolation(n: int, m: int, step: float) -> np.ndarray:
    """The matrix (m, n) of linear interpolation."""
    at = np.maximum((np.arange(m) + 0.5) * step - 0.5, 0.0)
    low = np.minimum(np.floor(at).astype(int), n - 1)
    high = np.minimum(low + 1, n - 1)
    share = at - low
    matrix = np.zeros((m, n))
    np.add.at(matrix, (np.arange(m), low), 1 - share)
    np.add.at(matrix, (np.arange(m), high), share)
    matrix.flags.writeable = False
    return matrix
