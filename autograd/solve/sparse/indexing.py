"""Parts of sparse matrices by SciPy's keys: ``A[2:5]``, ``A[i]``, ``A[:, j]``, ``A[rows]``, ``A[i, j]``."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....backend import is_array, to_numpy
from ...core.array import backend_array
from ...core.generated import xp as generated
from . import positions as host
from .arithmetic import gathered, merged, summed
from .positions import Positions


def get(A: Any, key: Any) -> Any:
    """``A[key]``: a dense array for pairs of indices of a compressed matrix, else elements with their positions.

    Raises
    ------
    IndexError
        For an index out of range, too many of them, or a key that is none.
    """
    keys = _expanded(key, len(A.shape))
    if len(A.shape) == 1:
        return _of_vector(A, keys[0])
    # a mask of the shape of the matrix
    if len(keys) == 1:
        mask = _host(keys[0])
        if mask.shape != A.positions.sides:
            raise IndexError(f"A[mask]: a mask of shape {mask.shape} for a matrix {A.shape}")
        keys = list(np.nonzero(mask))
    (row_type, rows), (column_type, columns) = (
        _of_axis(k, n) for k, n in zip(keys, A.positions.sides, strict=True)
    )
    types = {row_type, column_type}
    if types == {"index"}:
        data, a = merged(A)
        which, at = host.find(a, rows, columns)
        return generated.reshape(summed(gathered(data, at), which, 1), ())
    if types == {"array"} and not _is_outer(rows, columns):
        return _pairs(A, rows, columns)
    if types != {"array"} and any(k is not None and k.ndim > 1 for k in (rows, columns)):
        raise IndexError("A[key]: an index array next to a slice or an index has to have one axis")
    flat = [k if k is None else k.reshape(-1) for k in (rows, columns)]
    positions, taken = host.select(A.positions, *flat)
    m, n = positions.sides
    # a row, or a part of one
    if row_type == "index":
        positions = Positions((n,), positions.row, positions.col)
    elif column_type == "index":
        positions = Positions((m,), positions.col, positions.row)
    return gathered(A.data, taken), positions


def _of_vector(A: Any, key: Any) -> Any:
    """``v[key]``: an element, or a vector."""
    key_type, indices = _of_axis(key, A.shape[0])
    if key_type == "index":
        data, a = merged(A)
        which, at = host.find(a, np.zeros(1, np.int64), indices)
        return generated.reshape(summed(gathered(data, at), which, 1), ())
    shape = A.shape if indices is None else indices.shape
    positions, taken = host.select(
        A.positions, None, indices if indices is None else indices.reshape(-1)
    )
    if len(shape) == 1:
        return gathered(A.data, taken), Positions(shape, positions.row, positions.col)
    flat = Positions((positions.sides[1],), positions.row, positions.col)
    return gathered(A.data, taken), flat.reshaped(shape, "C")


def _is_outer(rows: np.ndarray, columns: np.ndarray) -> bool:
    """Whether they are index arrays of `numpy.ix_`: every row with every column."""
    return rows.ndim == columns.ndim == 2 and rows.shape[1] == columns.shape[0] == 1


def _pairs(A: Any, rows: np.ndarray, columns: np.ndarray) -> Any:
    """A[rows, columns] for index arrays that are broadcast against each other, as SciPy has it.

    Raises
    ------
    IndexError
        If they do not fit.
    """
    try:
        rows, columns = np.broadcast_arrays(rows, columns)
    except ValueError:
        raise IndexError(
            f"A[rows, columns]: index arrays of shapes {rows.shape} and {columns.shape} do not fit; for every row with "
            "every column write A[rows][:, columns]"
        ) from None
    data, a = merged(A)
    which, at = host.find(a, rows.reshape(-1), columns.reshape(-1))
    found = gathered(data, at)
    if rows.ndim == 1 and A.format != "coo":
        return summed(found, which, rows.size)
    width = rows.shape[-1]
    return found, Positions(rows.shape, *divmod(which, max(width, 1)))


def _expanded(key: Any, axes: int) -> list[Any]:
    """One key for each axis; a mask of the whole stays alone.

    Raises
    ------
    IndexError
        For more keys than axes, or a new axis.
    """
    keys = list(key) if isinstance(key, tuple) else [key]
    if any(k is None for k in keys):
        raise IndexError("A[…, None]: a sparse matrix has two axes; use reshape")
    dots = [i for i, k in enumerate(keys) if k is Ellipsis]
    masks = [k for k in keys if hasattr(k, "shape") and len(k.shape) == 2 and _is_mask(k)]
    if masks and len(keys) == 1 and axes == 2:
        return keys
    if len(dots) > 1 or len(keys) - len(dots) > axes:
        raise IndexError(f"A[key]: {len(keys)} keys for {axes} axes")
    missing = [slice(None)] * (axes - len(keys) + len(dots))
    if not dots:
        return keys + missing
    return keys[: dots[0]] + missing + keys[dots[0] + 1 :]


def _is_mask(key: Any) -> bool:
    return str(key.dtype).endswith("bool")


def _host(key: Any) -> np.ndarray:
    key = backend_array(key)
    return to_numpy(key) if is_array(key) else np.asarray(key)


def _of_axis(key: Any, length: int) -> tuple[str, Any]:
    """The type of a key, ``"index"``, ``"array"`` or ``"slice"``, and the indices on one axis; None for all.

    Raises
    ------
    IndexError
        If one is out of range, or no integer.
    """
    if isinstance(key, slice):
        return "slice", None if key == slice(None) else np.arange(length)[key]
    indices = _host(key)
    if indices.dtype.kind == "b":
        if indices.shape != (length,):
            raise IndexError(
                f"A[mask]: a mask of shape {indices.shape} for an axis of length {length}"
            )
        return "array", np.flatnonzero(indices)
    if indices.size == 0:
        indices = indices.astype(np.int64)
    if indices.dtype.kind not in "iu" or indices.ndim > 2:
        raise IndexError(f"A[key]: {key!r} is no integer, slice, index array or mask")
    outside = (indices < -length) | (indices >= length)
    if outside.any():
        raise IndexError(f"A[key]: index {indices[outside][0]} is out of range for {length}")
    indices = np.where(indices < 0, indices + length, indices).astype(np.int64)
    return ("index", indices.reshape(1)) if indices.ndim == 0 else ("array", indices)
