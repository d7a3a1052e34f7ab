"""`pb.sparse`: sparse matrices with differentiable elements, named and called as SciPy's.

A matrix is its stored elements, `data`, on a fixed pattern. It is a pytree with one leaf: a gradient with respect to a
sparse matrix is one with the same pattern, whose `data` is the gradient.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...backend import Pattern, backend_of, current, to_numpy
from .. import tree
from ..array import Array, raw
from ..backward import SPACES
from ..creation import asarray
from ..dtypes import as_numpy, is_inexact
from ..functions import xp as fun
from ..primitive import find, front_of
from . import sparse_rules  # noqa: F401 - registers the rules
from .sparse_places import Places, elements, integers, narrow, shape_of, two_sizes

_product = front_of(find("sparse_product"))


class _Sparse:
    """What the formats have in common; a format has `data`, and says its rows and columns."""

    __array_ufunc__ = None  # NumPy's arrays leave ``x @ A`` to us
    __array_priority__ = 2000

    data: Any
    pattern: Pattern

    # ── what it is ────────────────────────────────────────────────────────────────────────────

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and of columns."""
        raise NotImplementedError(f"{type(self).__name__} says nothing of its shape")

    def _places(self) -> tuple[Any, Any]:
        """The row and the column of each element of `data`, as raw arrays."""
        raise NotImplementedError(f"{type(self).__name__} says nothing of its places")

    @property
    def ndim(self) -> int:
        """2."""
        return 2

    @property
    def nnz(self) -> int:
        """How many elements are stored, zeros and duplicates among them."""
        return int(self.data.shape[0])

    @property
    def dtype(self) -> np.dtype:
        """Of the elements."""
        return as_numpy(self.data.dtype)

    def __repr__(self) -> str:
        traced = ", traced" if isinstance(self.data, Array) and self.data.traced else ""
        return f"<{type(self).__name__} {self.shape}, {self.nnz} stored elements, {self.dtype}{traced}>"

    # ── other forms ───────────────────────────────────────────────────────────────────────────

    def tocoo(self) -> coo_array:
        """With the row and the column of each element."""
        row, col = self._places()
        return coo_array((self.data, (row, col)), shape=self.shape)

    def tocsr(self) -> csr_array:
        """By rows."""
        return self.tocoo().tocsr()

    def tocsc(self) -> csc_array:
        """By columns."""
        return self.T.tocsr().T

    def toarray(self) -> Array:
        """As a dense array (m, n), duplicates summed.

        Examples
        --------
        >>> import numpy as np, pullback as pb
        >>> pb.sparse.csr_array(([1.0, 2.0], [1, 0], [0, 1, 2]), shape=(2, 2)).toarray()
        Array([[0., 1.],
               [2., 0.]], dtype=float64, device='cpu')
        """
        row, col = self._places()
        m, n = self.shape
        flat = fun.scatter_add((m * n,), _wide(row) * n + _wide(col), asarray(self.data))
        return fun.reshape(flat, (m, n))

    todense = toarray

    def diagonal(self) -> Array:
        """The elements on the diagonal (min(m, n),), zeros where none is stored."""
        row, col = self._places()
        on = to_numpy(row) == to_numpy(col)
        places = backend_of(row).asarray(np.flatnonzero(on))
        chosen = fun.take(asarray(self.data), places, axis=0)
        return fun.scatter_add(
            (min(self.shape),), _wide(SPACES.of(row).take(row, places, axis=0)), chosen
        )

    @property
    def T(self) -> Any:
        """The transpose; nothing is moved."""
        raise NotImplementedError(f"{type(self).__name__} has no transpose")

    def transpose(self) -> Any:
        """The transpose."""
        return self.T

    def copy(self) -> Any:
        """With elements of its own; traced ones stay on their tape."""
        data = self.data
        if type(data) is Array and data.traced:
            return self
        return self._with(Array(SPACES.of(raw(data)).copy(raw(data))))

    def conj(self) -> Any:
        """With conjugate elements."""
        return self._with(fun.conj(asarray(self.data)))

    def sum(self, axis: int | None = None) -> Array:
        """The sum of all elements, of each column (axis=0), or of each row (axis=1)."""
        if axis is None:
            return fun.sum(asarray(self.data))
        if axis not in (-2, -1, 0, 1):
            raise ValueError(f"sum: axis={axis!r} of a matrix; it has axes 0 and 1")
        ones = SPACES.of(raw(self.data))
        length = self.shape[0] if axis in (0, -2) else self.shape[1]
        vector = ones.ones_like(ones.zeros_beside((length,), raw(self.data)))
        return self.T @ vector if axis in (0, -2) else self @ vector

    # ── arithmetic ────────────────────────────────────────────────────────────────────────────

    def _with(self, data: Any, *others: Any) -> Any:
        out = object.__new__(type(self))
        out.__dict__.update(self.__dict__, data=_as_given(data, self.data, *others))
        return out

    def __neg__(self) -> Any:
        return self._with(-asarray(self.data))

    def __mul__(self, other: Any) -> Any:
        if not _is_scalar(other):
            return NotImplemented
        return self._with(asarray(self.data) * other, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if not _is_scalar(other):
            return NotImplemented
        return self._with(asarray(self.data) / other, other)

    def __add__(self, other: Any) -> Any:
        if not is_sparse(other):
            return NotImplemented
        other = as_sparse(other)
        if other.shape != self.shape:
            raise ValueError(f"A + B: shapes {self.shape} and {other.shape} differ")
        if type(other) is type(self) and getattr(other, "pattern", 0) == getattr(
            self, "pattern", 1
        ):
            return self._with(asarray(self.data) + other.data, other.data)
        (r1, c1), (r2, c2) = self._places(), other._places()
        xp = SPACES.of(r1)
        data = _concat([asarray(self.data), asarray(other.data)])
        data = _as_given(data, self.data, other.data)
        places = (xp.concat([_wide(r1), _wide(r2)]), xp.concat([_wide(c1), _wide(c2)]))
        return coo_array((data, places), shape=self.shape).tocsr()

    def __sub__(self, other: Any) -> Any:
        return self + (-as_sparse(other)) if is_sparse(other) else NotImplemented

    def __matmul__(self, x: Any) -> Any:
        if is_sparse(x):
            raise TypeError(
                "A @ B of two sparse matrices: the pattern of the product would have to be found; multiply vectors by "
                "them one after the other, A @ (B @ x), or use SciPy's on raw data"
            )
        return self._times(x)

    def __rmatmul__(self, x: Any) -> Any:
        x = x if hasattr(x, "shape") else asarray(x)
        if len(x.shape) == 1:
            return self.T._times(x)
        return fun.matrix_transpose(self.T._times(fun.matrix_transpose(asarray(x))))

    def _times(self, x: Any) -> Any:
        x = x if hasattr(x, "shape") else asarray(x)
        if len(x.shape) not in (1, 2) or x.shape[0] != self.shape[1]:
            m, n = self.shape
            raise ValueError(
                f"A @ x: a matrix of shape {(m, n)} takes x ({n},) or ({n}, k), not {tuple(x.shape)}"
            )
        if not is_inexact(x.dtype):
            x = fun.astype(asarray(x), as_numpy(raw(self.data).dtype))
        A = self if isinstance(self, csr_array | csc_array) else self.tocsr()
        transposed = isinstance(A, csc_array)
        if len(x.shape) == 2:
            return _product(A.data, x, pattern=A.pattern, transposed=transposed)
        columns = fun.expand_dims(asarray(x), axis=1)
        out = _product(A.data, columns, pattern=A.pattern, transposed=transposed)
        return fun.squeeze(out, axis=1)

    def dot(self, x: Any) -> Any:
        """``A @ x``."""
        return self @ x


_concat = front_of(find("concat"))


def _as_given(out: Any, *inputs: Any) -> Any:
    """A raw array where all inputs were raw ones."""
    return out if any(isinstance(x, Array) for x in inputs) else raw(out)


def _is_scalar(x: Any) -> bool:
    return not is_sparse(x) and tuple(getattr(x, "shape", ())) == ()


def _wide(places: Any) -> Any:
    """Places as int64, in which m · n has room."""
    return SPACES.of(places).astype(places, np.dtype("int64"))


# ── the formats ───────────────────────────────────────────────────────────────────────────────


@tree.register
@dataclass(eq=False, repr=False, init=False)
class csr_array(_Sparse):
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
        May be traced, or be an argument that is differentiated; elements at one place add up.
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
        self.data, self.pattern = _compressed(arg, shape, type(self), rows=True)

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and of columns."""
        return self.pattern.shape

    @property
    def indices(self) -> Any:
        """The column of each element."""
        return self.pattern.indices

    @property
    def indptr(self) -> Any:
        """Where each row begins."""
        return self.pattern.indptr

    def _places(self) -> tuple[Any, Any]:
        return SPACES.of(self.indices).sparse_rows(pattern=self.pattern), self.indices

    def tocsr(self) -> csr_array:
        """Itself."""
        return self

    @property
    def T(self) -> csc_array:
        """The transpose, by columns; nothing is moved."""
        return _of(csc_array, self.data, self.pattern)


@tree.register
@dataclass(eq=False, repr=False, init=False)
class csc_array(_Sparse):
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
        self.data, self.pattern = _compressed(arg, shape, type(self), rows=False)

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and of columns."""
        n, m = self.pattern.shape
        return m, n

    @property
    def indices(self) -> Any:
        """The row of each element."""
        return self.pattern.indices

    @property
    def indptr(self) -> Any:
        """Where each column begins."""
        return self.pattern.indptr

    def _places(self) -> tuple[Any, Any]:
        return self.indices, SPACES.of(self.indices).sparse_rows(pattern=self.pattern)

    def tocsc(self) -> csc_array:
        """Itself."""
        return self

    @property
    def T(self) -> csr_array:
        """The transpose, by rows; nothing is moved."""
        return _of(csr_array, self.data, self.pattern)


@tree.register
@dataclass(eq=False, repr=False, init=False)
class coo_array(_Sparse):
    """A sparse matrix by the place of each element.

    Parameters
    ----------
    arg
        ``(data, (row, col))``, or a matrix, as for `csr_array`.
    shape : tuple of int, optional
        (m, n); without it, as small as the places allow.

    Attributes
    ----------
    data : array (nnz,)
        Elements at one place add up.
    row, col : array of int (nnz,)
    shape, ndim, nnz, dtype

    Raises
    ------
    ValueError
        If the lengths differ, or a place lies outside of the shape.

    Examples
    --------
    >>> import numpy as np, pullback as pb
    >>> A = pb.sparse.coo_array((np.asarray([1.0, 2.0, 3.0]), ([0, 1, 0], [0, 1, 0])), shape=(2, 2))
    >>> A @ np.ones(2)
    Array([4., 2.], dtype=float64, device='cpu')
    """

    data: Any
    places: Places = field(metadata={"static": True})

    def __init__(self, arg: Any, *, shape: Any = None) -> None:
        if isinstance(arg, tuple) and len(arg) == 2 and isinstance(arg[1], tuple | list):
            data = elements(arg[0])
            row, col = (integers(x, raw(data), "coo_array") for x in arg[1])
            if not row.shape == col.shape == data.shape:
                raise ValueError(
                    f"coo_array: data has {data.shape[0]} elements, row {row.shape[0]}, col {col.shape[0]}; they have "
                    "to be as many"
                )
            self.data, self.places = data, Places(shape_of(shape, row, col, "coo_array"), row, col)
            return
        other = as_sparse(arg)
        row, col = other._places()
        self.data, self.places = other.data, Places(other.shape, row, col)

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and of columns."""
        return self.places.shape

    @property
    def row(self) -> Any:
        """The row of each element."""
        return self.places.row

    @property
    def col(self) -> Any:
        """The column of each element."""
        return self.places.col

    def _places(self) -> tuple[Any, Any]:
        return self.row, self.col

    def tocoo(self) -> coo_array:
        """Itself."""
        return self

    def tocsr(self) -> csr_array:
        """By rows; duplicates stay apart."""
        order, pattern = self.places.by_rows()
        data = fun.take(asarray(self.data), order, axis=0)
        return _of(csr_array, _as_given(data, self.data), pattern)

    @property
    def T(self) -> coo_array:
        """The transpose; nothing is moved."""
        out = object.__new__(coo_array)
        m, n = self.shape
        out.data, out.places = self.data, Places((n, m), self.col, self.row)
        return out


# ── arguments ─────────────────────────────────────────────────────────────────────────────────


def is_sparse(x: Any) -> bool:
    """Whether `x` is a sparse matrix of this library, of SciPy or of cupyx."""
    return isinstance(x, _Sparse) or (hasattr(x, "tocsr") and hasattr(x, "nnz"))


def as_sparse(x: Any) -> Any:
    """A sparse matrix of this library; SciPy's and cupyx's keep their arrays.

    Raises
    ------
    TypeError
        If it is no matrix.
    """
    if isinstance(x, _Sparse):
        return x
    if hasattr(x, "tocsr") and hasattr(x, "nnz"):
        kind = {"csr": csr_array, "csc": csc_array}.get(getattr(x, "format", ""))
        if kind is None:
            x, kind = x.tocsr(), csr_array
        return kind((x.data, x.indices, x.indptr), shape=x.shape)
    if isinstance(x, Array) and x.traced:
        raise TypeError(
            "a traced dense array as a sparse matrix: which of its elements are 0 may change; give its elements and "
            "their places, csr_array((data, indices, indptr), shape=…)"
        )
    dense = raw(x) if isinstance(x, Array) else x
    host = to_numpy(dense) if hasattr(dense, "__array_namespace__") else np.asarray(dense)
    if host.ndim != 2:
        raise TypeError(
            f"a sparse matrix from {type(x).__name__} of {host.ndim} axes: two are needed"
        )
    row, col = np.nonzero(host)
    there = (
        backend_of(dense).asarray if hasattr(dense, "__array_namespace__") else current().asarray
    )
    return coo_array((there(host[row, col]), (there(row), there(col))), shape=host.shape).tocsr()


def _of(kind: Any, data: Any, pattern: Pattern) -> Any:
    out = object.__new__(kind)
    out.data, out.pattern = data, pattern
    return out


def _compressed(arg: Any, shape: Any, kind: type, *, rows: bool) -> tuple[Any, Pattern]:
    """Elements and pattern of a matrix by rows, or of the transpose of one by columns."""
    name = kind.__name__
    if not (isinstance(arg, tuple) and len(arg) == 3):
        other = coo_array(arg) if isinstance(arg, tuple) else as_sparse(arg)
        made = other.tocsr() if rows else other.tocsc()
        if shape is not None and tuple(shape) != made.shape:
            made = made.tocoo()
            made = coo_array((made.data, made._places()), shape=shape)
            made = made.tocsr() if rows else made.tocsc()
        return made.data, made.pattern
    data = elements(arg[0])
    indices, indptr = (integers(x, raw(data), name) for x in arg[1:])
    # signed, so that a fall shows in the differences of unsigned numbers too
    starts, inner = to_numpy(indptr).astype(np.int64), to_numpy(indices)
    count = len(starts) - 1
    if count < 0 or starts[0] != 0 or np.any(np.diff(starts) < 0):
        raise ValueError(f"{name}: indptr has to begin with 0 and must not fall")
    if not starts[-1] == len(inner) == data.shape[0]:
        raise ValueError(
            f"{name}: indptr ends with {starts[-1]}, indices has {len(inner)} elements, data {data.shape[0]}; they "
            "have to agree"
        )
    if shape is None:
        width = int(inner.max()) + 1 if inner.size else 0
        shape = (count, width) if rows else (width, count)
    m, n = two_sizes(shape, name)
    outer, width = (m, n) if rows else (n, m)
    if outer != count:
        raise ValueError(
            f"{name}: indptr is of {count} {'rows' if rows else 'columns'}, the shape {(m, n)}"
        )
    if inner.size and not 0 <= inner.min() <= inner.max() < width:
        worst = inner.min() if inner.min() < 0 else inner.max()
        raise ValueError(f"{name}: index {worst} lies outside of the shape {(m, n)}")
    kind_of_place = np.dtype("int32") if narrow((m, n), len(inner)) else np.dtype("int64")
    space = SPACES.of(indices)
    # copied: SciPy's sort_indices, sum_duplicates and eliminate_zeros write into these arrays
    places = (space.astype(x, kind_of_place, copy=True) for x in (indptr, indices))
    return data, Pattern((outer, width), *places)
