"""`scipy.signal` for traced and plain arrays; `convolve` with the axes that HIPS autograd's has."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import scipy.signal as _sp

from ....autograd import scipy as _ours
from ....autograd.functions import namespace as xp
from ....autograd.numpy.namespace import pad as _padded
from ..numpy.wrap import wrap_namespace
from ..values import plain

Axes = Sequence[Sequence[int]]


def _find(name: str) -> Any:
    return getattr(_ours.signal, name)


__all__ = wrap_namespace(_sp, globals(), _find)


def convolve(
    A: Any, B: Any, axes: Axes | None = None, dot_axes: Axes = ((), ()), mode: str = "full"
) -> Any:
    """The convolution of two arrays along pairs of axes, summed over other pairs.

    Parameters
    ----------
    A, B : array
        Signal and kernel.
    axes : pair of sequences of int, optional
        The axes of `A` and those of `B` along which to convolve; all, by default.
    dot_axes : pair of sequences of int
        The axes of `A` and those of `B` to sum over, as `tensordot` does.
    mode : str
        "full", "same" (the size of `A`, from the middle) or "valid" (without padding: one of the arrays has to be the
        larger along all axes).

    Returns
    -------
    array
        Its axes are the other axes of `A`, the other axes of `B`, and those of the convolution.

    Raises
    ------
    ValueError
        For another mode, axes that do not pair, or "valid" where neither array is the larger.

    Notes
    -----
    It is one product: of the kernel with the shifted parts of the signal that meet its elements.

    Examples
    --------
    >>> import numpy as np
    >>> from pullback.compat.autograd.scipy.signal import convolve
    >>> convolve(np.asarray([1.0, 2.0, 3.0]), np.asarray([1.0, 1.0]))
    array([1., 3., 5., 3.])
    """
    a, b = xp.asarray(A), xp.asarray(B)
    if mode not in ("full", "same", "valid"):
        raise ValueError(f'convolve: mode is "full", "same" or "valid", not {mode!r}')
    if axes is None:
        axes = (range(a.ndim), range(b.ndim))
    along = [[i % x.ndim for i in part] for part, x in zip(axes, (a, b), strict=True)]
    summed = [[i % x.ndim for i in part] for part, x in zip(dot_axes, (a, b), strict=True)]
    if len(along[0]) != len(along[1]) or len(summed[0]) != len(summed[1]):
        raise ValueError(f"convolve: axes {axes} and dot_axes {dot_axes} have to be pairs")
    a, free_a, n = _in_order(a, along[0], summed[0])
    b, free_b, k = _in_order(b, along[1], summed[1])
    full = math.prod(k) > math.prod(n)  # the smaller one is the kernel
    if mode == "valid":
        larger = [p >= q for p, q in zip(n, k, strict=True)]
        if not all(larger) and any(p > q for p, q in zip(n, k, strict=True)):
            raise ValueError(
                f"convolve(mode='valid'): neither array is the larger along all axes: {n} and {k}"
            )
        full = not all(larger)
    if full:
        out = _products(b, a, n, mode)
        out = xp.moveaxis(out, 0, 1)
    else:
        out = _products(a, b, k, mode)
    if mode == "same":
        middle = [slice((q - 1) // 2, (q - 1) // 2 + p) for p, q in zip(n, k, strict=True)]
        out = out[(slice(None), slice(None), *middle)]
    return plain(xp.reshape(out, (*free_a, *free_b, *out.shape[2:])))


def _in_order(x: Any, along: list[int], summed: list[int]) -> Any:
    """`x` with its axes in the order (others as one, summed as one, convolved); lengths of the first and the last."""
    others = [i for i in range(x.ndim) if i not in along and i not in summed]
    free = tuple([x.shape[i] for i in others])
    lengths = tuple([x.shape[i] for i in along])
    x = xp.permute_dims(x, (*others, *summed, *along))
    inner = math.prod(x.shape[len(others) : len(others) + len(summed)])
    return xp.reshape(x, (math.prod(free), inner, *lengths)), free, lengths


def _products(signal: Any, kernel: Any, k: Any, mode: str) -> Any:
    """The convolution along the last axes of (i, d, …) and (j, d, *k), summed over d: (i, j, *out)."""
    i, d = signal.shape[:2]
    j = kernel.shape[0]
    if mode != "valid":
        signal = _padded(signal, ((0, 0), (0, 0), *((q - 1, q - 1) for q in k)))
    out = tuple(p - q + 1 for p, q in zip(signal.shape[2:], k, strict=True))
    parts = [
        signal[(slice(None), slice(None), *(slice(o, o + m) for o, m in zip(offset, out, strict=True)))]
        for offset in itertools.product(*map(range, k))
    ]  # fmt: skip
    windows = xp.stack(parts, axis=2)  # (i, d, K, *out)
    flipped = xp.flip(kernel, axis=tuple(range(2, kernel.ndim))) if k else kernel
    matrix = xp.reshape(flipped, (j, d * math.prod(k)))
    columns = xp.reshape(windows, (i, d * math.prod(k), math.prod(out)))
    return xp.reshape(xp.matmul(matrix, columns), (i, j, *out))


def __dir__() -> list[str]:
    return sorted(__all__)
