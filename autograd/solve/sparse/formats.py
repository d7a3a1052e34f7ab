"""`pb.sparse`: sparse matrices with differentiable elements, named and called as SciPy's.

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
from ...core.namespaces import namespace_of
from ...functions.creation import asarray
from ...pytree import tree
from .base import SparseMatrix, as_given, is_sparse
from .validation import Coordinates, compressed, elements, integers, shape_of

__all__ = ["as_sparse", "coo_array", "csc_array", "csr_array", "is_sparse"]


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

    def tocoo(self) -> coo_array:
        """The matrix in coordinate format."""
        return _of_coordinates(self.data, Coordinates(self.shape, *self._coordinates()))


@tree.register
@dataclass(eq=False, repr=False, init=False)
class csr_array(_Compressed):
    """A sparse matrix by rows.

    Parameters
    ----------
    arg
        ``(data, indices, indptr)``: row i has the elements data[indptr[i] : indptr[i + 1]] in the columns
        indices[indptr[i] : indptr[i + 1]]; or a sparse matrix, of this library, of SciPy or of cupyx; or a dense one,
        whose elements that are not 0 are stored.
    shape : tuple of int, optional
        (m, n); without it, as small as `indices` and `indptr` allow.

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

    data: Any
    pattern: Pattern = field(metadata={"static": True})

    def __init__(self, arg: Any, *, shape: Any = None) -> None:
        self.data, self.pattern = _read(arg, shape, type(self), rows=True)

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and of columns."""
        return self.pattern.shape

    def _coordinates(self) -> tuple[Any, Any]:
        return namespace_of(self.indices).sparse_rows(pattern=self.pattern), self.indices

    def _product_form(self) -> tuple[Any, Pattern, bool]:
        return self.data, self.pattern, False

    def tocsr(self) -> csr_array:
        """Itself."""
        return self

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
    arg
        ``(data, indices, indptr)``: column j has the elements data[indptr[j] : indptr[j + 1]] in the rows
        indices[indptr[j] : indptr[j + 1]]; or a matrix, as for `csr_array`.
    shape : tuple of int, optional
        (m, n).

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

    data: Any
    pattern: Pattern = field(metadata={"static": True})  # of the transpose, by rows

    def __init__(self, arg: Any, *, shape: Any = None) -> None:
        self.data, self.pattern = _read(arg, shape, type(self), rows=False)

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and of columns."""
        n, m = self.pattern.shape
        return m, n

    def _coordinates(self) -> tuple[Any, Any]:
        return self.indices, namespace_of(self.indices).sparse_rows(pattern=self.pattern)

    def _product_form(self) -> tuple[Any, Pattern, bool]:
        return self.data, self.pattern, True

    def tocsc(self) -> csc_array:
        """Itself."""
        return self

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
    arg
        ``(data, (row, col))``, or a matrix, as for `csr_array`.
    shape : tuple of int, optional
        (m, n); without it, as small as the indices allow.

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

    data: Any
    coordinates: Coordinates = field(metadata={"static": True})

    def __init__(self, arg: Any, *, shape: Any = None) -> None:
        if isinstance(arg, tuple) and len(arg) == 2 and isinstance(arg[1], tuple | list):
            data = elements(arg[0])
            row, col = (integers(x, backend_array(data), "coo_array") for x in arg[1])
            if not row.shape == col.shape == data.shape:
                raise ValueError(
                    f"coo_array: data has {data.shape[0]} elements, row {row.shape[0]}, col {col.shape[0]}; they have "
                    "to be as many"
                )
            self.data, self.coordinates = (
                data,
                Coordinates(shape_of(shape, row, col, "coo_array"), row, col),
            )
            return
        other = as_sparse(arg)
        row, col = other._coordinates()
        self.data, self.coordinates = other.data, Coordinates(other.shape, row, col)

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and of columns."""
        return self.coordinates.shape

    @property
    def row(self) -> Any:
        """The row of each element."""
        return self.coordinates.row

    @property
    def col(self) -> Any:
        """The column of each element."""
        return self.coordinates.col

    def _coordinates(self) -> tuple[Any, Any]:
        return self.row, self.col

    def _product_form(self) -> tuple[Any, Pattern, bool]:
        return self.tocsr()._product_form()

    def tocoo(self) -> coo_array:
        """Itself."""
        return self

    def tocsr(self) -> csr_array:
        """The matrix in compressed format by rows; duplicates stay apart."""
        order, pattern = self.coordinates.by_rows()
        data = generated.take(asarray(self.data), order, axis=0)
        return _of(csr_array, as_given(data, self.data), pattern)

    @property
    def T(self) -> coo_array:
        """The transpose; nothing is moved."""
        m, n = self.shape
        return _of_coordinates(self.data, Coordinates((n, m), self.col, self.row))


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


def _read(arg: Any, shape: Any, sparse_type: type, *, rows: bool) -> tuple[Any, Pattern]:
    """The result of `compressed` for any argument of `csr_array` and `csc_array`."""
    if isinstance(arg, tuple) and len(arg) == 3:
        return compressed(*arg, shape, sparse_type.__name__, rows=rows)
    other = coo_array(arg) if isinstance(arg, tuple) else as_sparse(arg)
    if shape is not None and tuple(shape) != other.shape:
        other = coo_array((other.data, other._coordinates()), shape=shape)
    made = other.tocsr() if rows else other.tocsc()
    return made.data, made.pattern


def __dir__() -> list[str]:
    return sorted(__all__)
