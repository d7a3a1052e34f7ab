"""Sparse matrices from diagonals, called as SciPy's, differentiable in their elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....backend import current
from ...core.array import Array
from ...core.dtypes import as_numpy
from ...core.generated import xp as generated
from ...functions.creation import asarray
from .arithmetic import joined
from .base import build, check_format
from .positions import Positions
from .validation import floating, on_device_of, two_sizes

__all__ = ["diags_array", "eye_array"]


def eye_array(
    m: int, n: int | None = None, *, k: int = 0, dtype: Any = float, format: str | None = None
) -> Any:
    """Ones on a diagonal, on the active backend.

    Parameters
    ----------
    m, n : int
        The numbers of rows and of columns; n is m where it is not given.
    k : int
        The diagonal: 0 the main one, above it for k > 0.
    dtype : dtype
        A floating-point or complex one.
    format : {"csr", "csc", "coo"}, optional
        By rows where it is not given.

    Returns
    -------
    csr_array, csc_array or coo_array (m, n)

    Raises
    ------
    ValueError
        If there is no such diagonal, or no such format.
    TypeError
        If `dtype` is one of integers.

    Notes
    -----
    A constant: its elements carry no derivative.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.sparse.eye_array(2, 3, k=1).toarray()
    Array([[0., 1., 0.],
           [0., 0., 1.]], dtype=float64, device='cpu')
    """
    shape = two_sizes((m, m if n is None else n), "eye_array")
    rows = max(min(shape[0] + min(k, 0), shape[1] - max(k, 0)), 0)
    ones = np.ones(rows, floating(dtype, "eye_array"))
    return diags_array([current().asarray(ones)], offsets=[k], shape=shape, format=format)


def _of_one_library(values: list[Any], dtype: Any, name: str) -> list[Array]:
    """Arrays of one library and one dtype; Python's numbers and lists take those of the arrays among them."""
    arrays = [x for x in values if hasattr(x, "shape")]
    like = next((x for x in arrays if not isinstance(x, np.ndarray | np.generic)), None)
    like = arrays[0] if like is None and arrays else like
    if dtype is None:
        found = [as_numpy(x.dtype) for x in arrays] or [np.asarray(x).dtype for x in values]
        dtype = np.result_type(np.result_type(*found) if found else "float64", np.float16)
        dtype = np.dtype("float64") if not any(d.kind in "fc" for d in found) else dtype
        weak = [np.asarray(x).dtype.kind for x in values if not hasattr(x, "shape")]
        dtype = np.result_type(dtype, np.complex64) if "c" in weak else dtype
    dtype = floating(dtype, name)
    made = []
    for x in values:
        if not hasattr(x, "shape") or isinstance(x, np.generic):
            host = np.asarray(x, dtype)
            x = current().asarray(host) if like is None else on_device_of(host, like)
        made.append(generated.astype(asarray(x), dtype, copy=False))
    return made


def diags_array(
    diagonals: Any, /, *, offsets: Any = 0, shape: Any = None, format: str | None = None, dtype: Any = None,
) -> Any:  # fmt: skip
    """A matrix from its diagonals.

    Parameters
    ----------
    diagonals : sequence of arrays
        The elements from the upper left to the lower right; traced or not, each an array, or a number that is repeated.
        What is longer than its diagonal is cut off.
    offsets : int or sequence of int
        Which diagonals they are: 0 the main one, above it for numbers > 0. With one number, `diagonals` is one array.
    shape : tuple of int, optional
        (m, n); by default the square that the first diagonal fits.
    format : {"csr", "csc", "coo"}, optional
        By rows where it is not given (SciPy: its format DIA).
    dtype : dtype, optional
        By default that of the diagonals.

    Returns
    -------
    csr_array, csc_array or coo_array

    Raises
    ------
    ValueError
        If there are not as many offsets as diagonals, if one lies outside, is there twice, or has too few elements.

    Notes
    -----
    The gradient with respect to a diagonal is the cotangent's elements there, their sum for a number.

    Examples
    --------
    The second derivative by differences, and a diagonal that depends on a parameter:

    >>> import numpy as np, pullback as pb
    >>> D = pb.sparse.diags_array([1.0, -2.0, 1.0], offsets=[-1, 0, 1], shape=(3, 3))
    >>> D.toarray()
    Array([[-2.,  1.,  0.],
           [ 1., -2.,  1.],
           [ 0.,  1., -2.]], dtype=float64, device='cpu')
    >>> b = pb.xp.ones(3)
    >>> def f(c):
    ...     return pb.xp.sum(pb.linalg.spsolve(D - pb.sparse.diags_array(c), b))
    >>> np.round(pb.to_numpy(pb.grad(f)(b)), 4)
    array([0.3265, 0.5102, 0.3265])
    """
    if not hasattr(offsets, "__len__"):
        single = len(getattr(diagonals, "shape", (0, 0))) == 1 or (
            not hasattr(diagonals, "shape")
            and (not len(diagonals) or not _has_length(diagonals[0]))
        )
        if not single:
            if len(diagonals) != 1:
                raise ValueError(
                    f"diags_array: {len(diagonals)} diagonals and one offset; give offsets=[…]"
                )
            diagonals = diagonals[0]
        diagonals, offsets = [_one_array(diagonals)], [offsets]
    host_offsets = [int(k) for k in offsets]
    if len(diagonals) != len(host_offsets):
        raise ValueError(
            f"diags_array: {len(diagonals)} diagonals and {len(host_offsets)} offsets; there have to be as many"
        )
    if len(set(host_offsets)) != len(host_offsets):
        raise ValueError(f"diags_array: offsets={host_offsets} name a diagonal twice")
    values = _of_one_library([_one_array(d) for d in diagonals], dtype, "diags_array")
    if shape is None:
        first = values[0].shape[0] if values[0].ndim else 1
        shape = (first + abs(host_offsets[0]),) * 2
    m, n = two_sizes(shape, "diags_array")
    data, rows, columns = [], [], []
    for number, (d, k) in enumerate(zip(values, host_offsets, strict=True)):
        length = min(m + k, n - k, m, n)
        if length < 0:
            raise ValueError(
                f"diags_array: offset {k} (number {number}) lies outside of the shape {(m, n)}"
            )
        if d.ndim == 0 or d.shape[0] == 1:
            d = generated.broadcast_to(d, (length,))
        if d.ndim != 1 or d.shape[0] < length:
            raise ValueError(
                f"diags_array: diagonal {number} (offset {k}) has shape {d.shape}, and {length} elements are needed"
            )
        data.append(d if d.shape[0] == length else d[:length])
        rows.append(np.arange(length) - min(k, 0))
        columns.append(np.arange(length) + max(k, 0))
    positions = Positions((m, n), np.concatenate(rows), np.concatenate(columns))
    return build(
        check_format(format or "csr", "diags_array"), (joined(data), positions), *diagonals
    )


def _has_length(x: Any) -> bool:
    return bool(x.shape) if hasattr(x, "shape") else hasattr(x, "__len__")


def _one_array(x: Any) -> Any:
    """A list with traced elements as one array; anything else as it is."""
    if isinstance(x, list | tuple) and any(hasattr(element, "shape") for element in x):
        return _stacked(_of_one_library(list(x), None, "diags_array"))
    return x


def _stacked(values: list[Any]) -> Array:
    """Numbers as one array."""
    return joined([generated.reshape(value, (1,)) for value in values])
