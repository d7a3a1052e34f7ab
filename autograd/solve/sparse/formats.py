"""The formats of sparse matrices: by rows, by columns, and by coordinates, called as SciPy's.

A matrix is its stored elements, `data`, on a fixed pattern. It is a pytree with one leaf: a gradient with respect to a
sparse matrix is one with the same pattern, whose `data` is the gradient.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ....backend import Pattern, backend_of, current, is_array, to_numpy
from ...core.array import Array, backend_array
from ...core.generated import xp as generated
from ...functions.creation import asarray
from ...pytree import tree
from .arithmetic import in_order
from .base import FORMATS, SparseMatrix, as_given, is_sparse
from .positions import Positions
from .validation import (
    Coordinates,
    compressed,
    elements,
    floating,
    index_dtype,
    integers,
    on_device_of,
    one_size,
    pattern_of,
    pattern_on_device_of,
    positions_of,
    shape_of,
    two_sizes,
)


class _Compressed(SparseMatrix):
    """The base of the formats by rows and by columns."""

    pattern: Pattern

    @property
    def indices(self) -> Any:
        """The column of each element, the row in a matrix by columns."""
        return self.pattern.indices

    @property
    def indptr(self) -> Any:
        """The index at which each row, or column, begins."""
        return self.pattern.indptr


@tree.register
@dataclass(eq=False, repr=False, init=False)
class csr_array(_Compressed):
    """A sparse matrix by rows.

    Parameters
    ----------
    arg1
        ``(data, indices, indptr)``: row i has the elements data[indptr[i] : indptr[i + 1]] in the columns
        indices[indptr[i] : indptr[i + 1]]; or a sparse matrix, of this library, of SciPy or of cupyx; or a dense one,
        whose elements that are not 0 are stored; or a shape (m, n), for a matrix without elements.
    shape : tuple of int, optional
        (m, n); without it, as small as `indices` and `indptr` allow.
    dtype : dtype, optional
        Of the elements; by default their own.
    copy : bool
        Copy them, so that a write to what was given changes nothing here.

    Attributes
    ----------
    data : array (nnz,)
        May be traced, or be an argument that is differentiated; elements at one position add up.
    indices, indptr : array of int
    shape, ndim, nnz, dtype

    Raises
    ------
    ValueError
        If the lengths do not fit, `indptr` falls, or an index lies outside of the shape.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> A = pb.sparse.csr_array((np.asarray([1.0, 2.0, 3.0]), [0, 1, 1], [0, 2, 3]), shape=(2, 2))
    >>> A @ np.asarray([1.0, 10.0])
    Array([21., 30.], dtype=float64, device='cpu')
    >>> pb.grad(lambda A: pb.xp.sum((A @ np.asarray([1.0, 10.0])) ** 2))(A).data
    array([ 42., 420., 600.])
    """

    format = "csr"

    data: Any
    pattern: Pattern = field(metadata={"static": True})

    def __init__(self, arg1: Any, shape: Any = None, dtype: Any = None, copy: bool = False) -> None:
        self.data, self.pattern = _read(arg1, shape, dtype, copy, type(self))

    @classmethod
    def of_parts(cls, data: Any, positions: Positions) -> csr_array:
        """The matrix of elements in any order."""
        ordered, positions = in_order(data, positions)
        return _of(cls, as_given(ordered, data), pattern_of(positions, _lies(data)))

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows and of columns."""
        return self.pattern.shape

    @property
    def positions(self) -> Positions:
        """The row and the column of each element, on the host."""
        return positions_of(self.pattern)

    def _product_form(self) -> tuple[Any, Pattern, bool]:
        return self.data, pattern_on_device_of(self.pattern, self.data), False

    @property
    def T(self) -> csc_array:
        """The transpose, by columns; nothing is moved."""
        return _of(csc_array, self.data, self.pattern)


@tree.register
@dataclass(eq=False, repr=False, init=False)
class csc_array(_Compressed):
    """A sparse matrix by columns.

    Parameters
    ----------
    arg1
        ``(data, indices, indptr)``: column j has the elements data[indptr[j] : indptr[j + 1]] in the rows
        indices[indptr[j] : indptr[j + 1]]; or a matrix, as for `csr_array`.
    shape : tuple of int, optional
        (m, n).
    dtype : dtype, optional
        Of the elements; by default their own.
    copy : bool
        Copy them, so that a write to what was given changes nothing here.

    Attributes
    ----------
    data, indices, indptr, shape, ndim, nnz, dtype
        As in `csr_array`.

    Raises
    ------
    ValueError
        As `csr_array` does.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> A = pb.sparse.csc_array((np.asarray([1.0, 2.0]), [1, 0], [0, 1, 2]), shape=(2, 2))
    >>> A @ np.asarray([1.0, 10.0])
    Array([20.,  1.], dtype=float64, device='cpu')
    """

    format = "csc"

    data: Any
    pattern: Pattern = field(metadata={"static": True})  # of the transpose, by rows

    def __init__(self, arg1: Any, shape: Any = None, dtype: Any = None, copy: bool = False) -> None:
        self.data, self.pattern = _read(arg1, shape, dtype, copy, type(self))

    @classmethod
    def of_parts(cls, data: Any, positions: Positions) -> csc_array:
        """The matrix of elements in any order."""
        ordered, turned = in_order(data, _turned(positions))
        return _of(cls, as_given(ordered, data), pattern_of(turned, _lies(data)))

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows and of columns."""
        n, m = self.pattern.shape
        return m, n

    @property
    def positions(self) -> Positions:
        """The row and the column of each element, on the host."""
        return self.pattern.once("turned", lambda: _turned(positions_of(self.pattern)))

    def _product_form(self) -> tuple[Any, Pattern, bool]:
        return self.data, pattern_on_device_of(self.pattern, self.data), True

    @property
    def T(self) -> csr_array:
        """The transpose, by rows; nothing is moved."""
        return _of(csr_array, self.data, self.pattern)


@tree.register
@dataclass(eq=False, repr=False, init=False)
class coo_array(SparseMatrix):
    """A sparse matrix by the position of each element.

    Parameters
    ----------
    arg1
        ``(data, (row, col))``, or a matrix, as for `csr_array`.
    shape : tuple of int, optional
        (m, n); without it, as small as the indices allow.
    dtype : dtype, optional
        Of the elements; by default their own.
    copy : bool
        Copy them, so that a write to what was given changes nothing here.

    Attributes
    ----------
    data : array (nnz,)
        Elements at one position add up.
    row, col : array of int (nnz,)
    shape, ndim, nnz, dtype

    Raises
    ------
    ValueError
        If the lengths differ, or an index lies outside of the shape.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> A = pb.sparse.coo_array((np.asarray([1.0, 2.0, 3.0]), ([0, 1, 0], [0, 1, 0])), shape=(2, 2))
    >>> A @ np.ones(2)
    Array([4., 2.], dtype=float64, device='cpu')
    """

    format = "coo"

    data: Any
    coordinates: Coordinates = field(metadata={"static": True})

    def __init__(self, arg1: Any, shape: Any = None, dtype: Any = None, copy: bool = False) -> None:
        name = "coo_array"
        if isinstance(arg1, tuple) and len(arg1) == 2 and isinstance(arg1[1], tuple | list):
            data = elements(arg1[0])
            lines = [integers(x, backend_array(data), name) for x in arg1[1]]
            if any(line.shape != data.shape for line in lines) or len(lines) not in (1, 2):
                counts = ", ".join(str(line.shape[0]) for line in lines)
                raise ValueError(
                    f"{name}: data has {data.shape[0]} elements, the indices {counts}; they have to be as many, for "
                    "one axis or two"
                )
            sides: tuple[int, ...]
            if len(lines) == 1:  # a vector
                lines.insert(0, on_device_of(np.zeros(data.shape[0], np.int64), data))
                sides = shape_of(shape and (1, *one_size(shape, name)), lines, name)[1:]
            else:
                sides = shape_of(shape, lines, name)
            self.data, self.coordinates = data, Coordinates(sides, *lines)
        else:
            made = _empty(arg1, coo_array) if _is_shape(arg1) else as_sparse(arg1).tocoo()
            if shape is not None and tuple(shape) != made.shape:
                made = coo_array((made.data, (made.row, made.col)), shape=shape)
            self.data, self.coordinates = made.data, made.coordinates
        self.data = _as_asked(self.data, dtype, copy, name)

    @classmethod
    def of_parts(cls, data: Any, positions: Positions) -> coo_array:
        """The matrix, or vector, of elements in their order."""
        dtype = index_dtype(positions)
        row, col = (on_device_of(x.astype(dtype), data) for x in (positions.row, positions.col))
        return _of_coordinates(data, Coordinates(positions.shape, row, col, positions))

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows and of columns; the length of a vector."""
        return self.coordinates.shape

    @property
    def row(self) -> Any:
        """The row of each element."""
        return self.coordinates.row

    @property
    def col(self) -> Any:
        """The column of each element."""
        return self.coordinates.col

    @property
    def coords(self) -> tuple[Any, ...]:
        """The indices on each axis."""
        return (self.row, self.col)[2 - self.ndim :]

    @property
    def positions(self) -> Positions:
        """The row and the column of each element, on the host."""
        return self.coordinates.positions

    def _product_form(self) -> tuple[Any, Pattern, bool]:
        data, _ = in_order(self.data, self.positions)
        pattern = pattern_on_device_of(self.coordinates.by_rows(), self.data)
        return as_given(data, self.data), pattern, False

    @property
    def T(self) -> coo_array:
        """The transpose; nothing is moved. A vector stays itself."""
        if self.ndim == 1:
            return self
        m, n = self.shape
        return _of_coordinates(self.data, Coordinates((n, m), self.col, self.row))


FORMATS.update(csr=csr_array, csc=csc_array, coo=coo_array)


# ── arguments ─────────────────────────────────────────────────────────────────────────────────


def as_sparse(x: Any) -> Any:
    """A sparse matrix of this library; SciPy's and cupyx's keep their arrays.

    Parameters
    ----------
    x : sparse matrix or array (m, n)
        Of this library, SciPy or cupyx; or dense and not traced, whose elements that are not 0 are stored.

    Returns
    -------
    csr_array, csc_array or coo_array
        `x` itself if it is one of these; a `csr_array` of dense ones and of SciPy's other formats.

    Raises
    ------
    TypeError
        If it is no matrix, or a traced dense array: which of its elements are 0 may change. A traced matrix is
        made from its elements, ``csr_array((data, indices, indptr), shape=…)``, and carries the derivative of `data`.

    Examples
    --------
    >>> import scipy.sparse, pullback as pb
    >>> A = pb.sparse.as_sparse(scipy.sparse.eye_array(2, format="csc"))
    >>> type(A).__name__, A.nnz
    ('csc_array', 2)
    """
    if isinstance(x, SparseMatrix):
        return x
    if is_sparse(x):
        if len(x.shape) == 1:
            coordinates = x.tocoo()
            return coo_array((coordinates.data, coordinates.coords), shape=x.shape)
        sparse_type = {"csr": csr_array, "csc": csc_array}.get(getattr(x, "format", ""))
        if sparse_type is None:
            x, sparse_type = x.tocsr(), csr_array
        return sparse_type((x.data, x.indices, x.indptr), shape=x.shape)
    if isinstance(x, Array) and x.traced:
        raise TypeError(
            "a traced dense array as a sparse matrix: which of its elements are 0 may change; give its elements and "
            "their indices, csr_array((data, indices, indptr), shape=…)"
        )
    dense = backend_array(x) if isinstance(x, Array) else x
    host = to_numpy(dense) if is_array(dense) else np.asarray(dense)
    if host.ndim != 2:
        raise TypeError(
            f"a sparse matrix from {type(x).__name__} of {host.ndim} axes: two are needed"
        )
    row, col = np.nonzero(host)
    there = backend_of(dense).asarray if is_array(dense) else current().asarray
    return coo_array((there(host[row, col]), (there(row), there(col))), shape=host.shape).tocsr()


def _of(sparse_type: Any, data: Any, pattern: Pattern) -> Any:
    out = object.__new__(sparse_type)
    out.data, out.pattern = data, pattern
    return out


def _of_coordinates(data: Any, coordinates: Coordinates) -> coo_array:
    out = object.__new__(coo_array)
    out.data, out.coordinates = data, coordinates
    return out


def _lies(data: Any) -> Any:
    """An array that lies where the elements do."""
    return on_device_of(np.zeros(0), data)


def _turned(positions: Positions) -> Positions:
    """The positions in the transpose."""
    return Positions(positions.shape[::-1], positions.col, positions.row)


def _is_shape(arg: Any) -> bool:
    return isinstance(arg, tuple) and all(isinstance(n, int | np.integer) for n in arg)


def _empty(shape: Any, sparse_type: Any) -> Any:
    """A matrix, or vector, without elements."""
    name = sparse_type.__name__
    sides = one_size(shape, name) if len(shape) == 1 else two_sizes(shape, name)
    none = np.zeros(0, np.int64)
    return sparse_type.of_parts(current().asarray(np.zeros(0)), Positions(sides, none, none))


def _as_asked(data: Any, dtype: Any, copy: bool, name: str) -> Any:
    """Elements of the dtype that was asked for, and of their own memory."""
    if dtype is None and not copy:
        return data
    wanted = data.dtype if dtype is None else floating(dtype, name)
    return as_given(generated.astype(asarray(data), wanted, copy=copy), data)


def _read(arg: Any, shape: Any, dtype: Any, copy: bool, sparse_type: Any) -> tuple[Any, Pattern]:
    """Elements and pattern for any argument of `csr_array` and `csc_array`."""
    name = sparse_type.__name__
    if isinstance(arg, tuple) and len(arg) == 3:
        data, pattern = compressed(*arg, shape, name, rows=sparse_type.format == "csr")
        return _as_asked(data, dtype, copy, name), pattern
    if _is_shape(arg) and len(arg) == 2:
        other = _empty(arg, sparse_type)
    else:
        other = coo_array(arg) if isinstance(arg, tuple) else as_sparse(arg)
    if shape is not None and tuple(shape) != other.shape:
        other = coo_array(other, shape=shape)
    made = other.asformat(sparse_type.format)
    return _as_asked(made.data, dtype, copy, name), made.pattern
