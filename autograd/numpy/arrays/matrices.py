"""Matrices: `eye`, `diag`, `tri`, `vander` and their kin."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...core.array import Array
from ...core.generated import xp as generated
from ...core.typing import Device, DType
from ...functions import creation
from ...functions.arrays.like import ones_like
from ...functions.creation import zeros_on_device_of
from ...functions.linear_algebra import create_diagonal
from ..arguments import as_array
from ..conversions import (
    cast,
    check_order,
    viewed,
)

__all__ = [
    "diag", "diagflat", "eye", "identity", "tri", "tril", "triu", "vander",
]  # fmt: skip


def eye(
    N: int,
    M: int | None = None,
    k: int = 0,
    dtype: DType = float,
    order: str = "C",
    *,
    device: Device = None,
    like: Any = None,
) -> Array:
    """A matrix with ones on its k-th diagonal, on the active backend."""
    check_order("eye", order)
    columns = N if M is None else operator.index(M)
    return creation.create(
        "eye",
        operator.index(N),
        columns,
        k=operator.index(k),
        dtype=dtype,
        device=device,
        like=like,
    )


def identity(n: int, dtype: DType = None, *, like: Any = None) -> Array:
    """The identity matrix of `n` rows."""
    return eye(n, dtype=float if dtype is None else dtype, like=like)


def diag(v: Any, k: int = 0) -> Array:
    """The matrix with a vector on its k-th diagonal, or that diagonal of a matrix, as a view.

    Raises
    ------
    ValueError
        If `v` has neither one nor two axes.

    Examples
    --------
    >>> import numpy, pullback as pb
    >>> pb.numpy.diag([1.0, 2.0])
    Array([[1., 0.],
           [0., 2.]], dtype=float64, device='cpu')
    >>> pb.grad(lambda A: pb.numpy.diag(A).sum())(numpy.ones((2, 2)))
    array([[1., 0.],
           [0., 1.]])
    """
    x = viewed(v)
    k = operator.index(k)
    if x.ndim == 1:
        return create_diagonal(x, offset=k)
    if x.ndim == 2:
        return generated_diagonal(x, offset=k)
    raise ValueError("Input must be 1- or 2-d.")


def generated_diagonal(x: Array, offset: int = 0) -> Array:
    """The diagonal of the last two axes."""
    return getattr(generated, "linalg.diagonal")(x, offset=offset)


def diagflat(v: Any, k: int = 0) -> Array:
    """The matrix with the elements of `v`, in order, on its k-th diagonal."""
    return create_diagonal(generated.reshape(as_array(v), (-1,)), offset=operator.index(k))


def tri(
    N: int, M: int | None = None, k: int = 0, dtype: DType = float, *, like: Any = None
) -> Array:
    """A matrix with ones on and below its k-th diagonal, on the active backend."""
    rows = operator.index(N)
    shape = (rows, rows if M is None else operator.index(M))
    full = creation.create("ones", shape, dtype=dtype, device=None, like=like)
    return generated.tril(full, k=operator.index(k))


def tril(m: Any, k: int = 0) -> Array:
    """`m` with zeros above its k-th diagonal; a vector is a matrix of equal rows, as in NumPy."""
    return generated.tril(_matrix(m), k=operator.index(k))


def triu(m: Any, k: int = 0) -> Array:
    """`m` with zeros below its k-th diagonal; a vector is a matrix of equal rows, as in NumPy."""
    return generated.triu(_matrix(m), k=operator.index(k))


def _matrix(m: Any) -> Array:
    x = as_array(m)
    return generated.broadcast_to(x, (x.shape[0], x.shape[0])) if x.ndim == 1 else x


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Array:
    """The matrix of powers of a vector, ``x[i] ** (N − 1 − j)``, or ``x[i] ** j`` if `increasing`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.numpy.vander([1.0, 2.0, 3.0])
    Array([[1., 1., 1.],
           [4., 2., 1.],
           [9., 3., 1.]], dtype=float64, device='cpu')
    """
    v = as_array(x)
    if v.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    n = v.shape[0] if N is None else operator.index(N)
    v = cast(v, np.promote_types(v.dtype, int))
    if n == 0:
        return zeros_on_device_of((v.shape[0], 0), v)
    # products, not powers: 0 ** 0 has no logarithm
    columns = [ones_like(v)]
    while len(columns) < n:
        columns.append(columns[-1] * v if len(columns) > 1 else v)
    return generated.stack(columns if increasing else columns[::-1], axis=1)
