"""Grids, frequencies and one-hot vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....backend import backend_of
from ...core.array import Array, backend_array
from ...core.dtypes import as_numpy
from ...core.generated import xp as generated
from ...core.typing import ArrayLike, Device, DType
from ..creation import as_number, asarray, create, is_library_array


def meshgrid(*arrays: ArrayLike, indexing: str = "xy") -> tuple[Array, ...]:
    """Coordinates of the points of a grid, from one vector per axis; differentiable.

    Parameters
    ----------
    *arrays
        Vectors of lengths n₁, n₂, …, of one dtype.
    indexing : {"xy", "ij"}
        Whether the first two axes of the grid are n₂ × n₁ ("xy") or n₁ × n₂ ("ij").

    Returns
    -------
    tuple of Array
        One of the grid's shape for each vector.

    Raises
    ------
    ValueError
        If `indexing` is anything else, or an array has more than one dimension.

    Notes
    -----
    The pullback sums each cotangent over the axes that its vector was copied along.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> x, y = pb.xp.meshgrid(pb.xp.arange(2), pb.xp.arange(3))
    >>> x.shape, y[2, 1]
    ((3, 2), Array(2, dtype=int64, device='cpu'))
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing={indexing!r} has to be 'xy' or 'ij'")
    shapes = [tuple(backend_array(x).shape) for x in arrays]
    if any(len(shape) > 1 for shape in shapes):
        raise ValueError(f"meshgrid takes vectors, not shapes {', '.join(map(str, shapes))}")
    axes = list(range(len(arrays)))
    if indexing == "xy" and len(arrays) > 1:
        axes[:2] = 1, 0
    sizes = [
        backend_array(x).size for _, x in sorted(zip(axes, arrays, strict=True), key=lambda p: p[0])
    ]
    grids = []
    for axis, x in zip(axes, arrays, strict=True):
        column = generated.reshape(x, tuple(-1 if k == axis else 1 for k in range(len(arrays))))
        # a copy, as NumPy makes it: a grid may be written to
        grids.append(
            generated.tile(column, tuple(1 if k == axis else n for k, n in enumerate(sizes)))
        )
    return tuple(grids)


def one_hot(x: ArrayLike, /, num_classes: int, *, dtype: DType = None, axis: int = -1) -> Array:
    """An array with 1 at the index that each integer of `x` names, 0 elsewhere, along a new axis; a constant.

    Parameters
    ----------
    x
        Integers; those outside 0 … num_classes − 1 make zeros alone.
    num_classes : int
        The length of the new axis.
    dtype
        Of the result; by default the default floating dtype.
    axis : int
        Where the new axis stands.

    Returns
    -------
    Array

    References
    ----------
    As ``array_api_extra.one_hot``.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.one_hot(pb.xp.asarray([0, 2]), 3)
    Array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float64, device='cpu')
    """
    value = backend_array(asarray(x))
    backend = backend_of(value)
    hot = value[..., None] == backend.xp.arange_like(num_classes, value)
    wanted = backend.dtype(np.dtype("float64") if dtype is None else as_numpy(dtype))
    return generated.moveaxis(Array(backend.xp.astype(hot, wanted)), -1, axis)


def fftfreq(n: int, /, *, d: Any = 1.0, dtype: DType = None, device: Device = None) -> Array:
    """The frequencies of the elements of an `fft`: k / (n d), the negative ones behind.

    Parameters
    ----------
    n : int
        The length of the transform.
    d : float or 0-d array
        The spacing of the samples; an array may be traced.
    dtype : dtype, optional
        By default float64, or that of `d`.
    device : device, optional
        Where it lies; by default the active backend's device, or that of `d`.

    Returns
    -------
    Array
        (n,).

    Notes
    -----
    The pullback is d_bar = −Σ ct · out / d.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.fft.fftfreq(4, d=0.5)
    Array([ 0. ,  0.5, -1. , -0.5], dtype=float64, device='cpu')
    """
    return _frequencies("fftfreq", n, d, dtype, device)


def rfftfreq(n: int, /, *, d: Any = 1.0, dtype: DType = None, device: Device = None) -> Array:
    """The frequencies of the elements of an `rfft`: k / (n d) from 0 on.

    Parameters
    ----------
    n : int
        The length of the transform.
    d : float or 0-d array
        The spacing of the samples; an array may be traced.
    dtype : dtype, optional
        By default float64, or that of `d`.
    device : device, optional
        Where it lies; by default the active backend's device, or that of `d`.

    Returns
    -------
    Array
        (n//2 + 1,).

    Notes
    -----
    The pullback is d_bar = −Σ ct · out / d.

    References
    ----------
    Python array API standard 2025.12.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.xp.fft.rfftfreq(4, d=0.5)
    Array([0. , 0.5, 1. ], dtype=float64, device='cpu')
    """
    return _frequencies("rfftfreq", n, d, dtype, device)


def _frequencies(name: str, n: int, d: Any, dtype: DType, device: Device) -> Array:
    if is_library_array(d):
        dtype = d.dtype if dtype is None else dtype
        return create(f"fft.{name}", n, d=1.0, dtype=dtype, device=device, like=d) / d
    return create(f"fft.{name}", n, d=as_number(d), dtype=dtype, device=device)
