"""The base of the formats of sparse matrices: their elements, their conversions, their arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....backend import Pattern, backend_of, to_numpy
from ...core.array import Array, backend_array
from ...core.defvjp import function_of
from ...core.dtypes import as_numpy, is_inexact
from ...core.generated import xp as generated
from ...core.namespaces import namespace_of
from ...core.registry import find
from ...functions.creation import asarray
from . import rules as sparse_rules  # noqa: F401 - registers the rules

_product = function_of(find("sparse_product"))
_concat = function_of(find("concat"))


class SparseMatrix:
    """The base of the formats; each has `data`, and gives its rows and columns."""

    __array_ufunc__ = None  # NumPy's arrays leave ``x @ A`` to us
    __array_priority__ = 2000

    data: Any

    # ── what it is ────────────────────────────────────────────────────────────────────────────

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and of columns."""
        raise NotImplementedError(f"{type(self).__name__} does not give its shape")

    def _coordinates(self) -> tuple[Any, Any]:
        """The row and the column of each element of `data`, as raw arrays."""
        raise NotImplementedError(f"{type(self).__name__} does not give its coordinates")

    def _product_form(self) -> tuple[Any, Pattern, bool]:
        """Elements and pattern by rows of this matrix, or of its transpose, and whether it is that."""
        raise NotImplementedError(f"{type(self).__name__} has no form for products")

    @property
    def ndim(self) -> int:
        """2."""
        return 2

    @property
    def nnz(self) -> int:
        """The number of stored elements, zeros and duplicates among them."""
        return int(self.data.shape[0])

    @property
    def dtype(self) -> np.dtype:
        """The dtype of the elements."""
        return as_numpy(self.data.dtype)

    def __repr__(self) -> str:
        traced = ", traced" if isinstance(self.data, Array) and self.data.traced else ""
        return f"<{type(self).__name__} {self.shape}, {self.nnz} stored elements, {self.dtype}{traced}>"

    # ── other forms ───────────────────────────────────────────────────────────────────────────

    def tocoo(self) -> Any:
        """The matrix in coordinate format, with the row and the column of each element."""
        raise NotImplementedError(f"{type(self).__name__} has no form by coordinates")

    def tocsr(self) -> Any:
        """The matrix in compressed format by rows."""
        return self.tocoo().tocsr()

    def tocsc(self) -> Any:
        """The matrix in compressed format by columns."""
        return self.T.tocsr().T

    def toarray(self) -> Array:
        """The dense array (m, n), duplicates summed.

        Examples
        --------
        >>> import numpy as np, pullback as pb
        >>> pb.sparse.csr_array(([1.0, 2.0], [1, 0], [0, 1, 2]), shape=(2, 2)).toarray()
        Array([[0., 1.],
               [2., 0.]], dtype=float64, device='cpu')
        """
        row, col = self._coordinates()
        m, n = self.shape
        flat = generated.scatter_add((m * n,), _wide(row) * n + _wide(col), asarray(self.data))
        return generated.reshape(flat, (m, n))

    todense = toarray

    def diagonal(self) -> Array:
        """The elements on the diagonal (min(m, n),), zeros where none is stored."""
        row, col = self._coordinates()
        on = to_numpy(row) == to_numpy(col)
        chosen_indices = backend_of(row).asarray(np.flatnonzero(on))
        chosen = generated.take(asarray(self.data), chosen_indices, axis=0)
        return generated.scatter_add(
            (min(self.shape),), _wide(namespace_of(row).take(row, chosen_indices, axis=0)), chosen
        )

    @property
    def T(self) -> Any:
        """The transpose; nothing is moved."""
        raise NotImplementedError(f"{type(self).__name__} has no transpose")

    def transpose(self) -> Any:
        """The transpose."""
        return self.T

    def copy(self) -> Any:
        """A matrix with elements of its own; traced ones stay on their tape."""
        data = self.data
        if type(data) is Array and data.traced:
            return self
        return self._with(Array(namespace_of(backend_array(data)).copy(backend_array(data))))

    def conj(self) -> Any:
        """The matrix with conjugate elements."""
        return self._with(generated.conj(asarray(self.data)))

    def sum(self, axis: int | None = None) -> Array:
        """The sum of all elements, of each column (axis=0), or of each row (axis=1)."""
        if axis is None:
            return generated.sum(asarray(self.data))
        if axis not in (-2, -1, 0, 1):
            raise ValueError(f"sum: axis={axis!r} of a matrix; it has axes 0 and 1")
        ones = namespace_of(backend_array(self.data))
        length = self.shape[0] if axis in (0, -2) else self.shape[1]
        vector = ones.ones_like(ones.zeros_on_device_of((length,), backend_array(self.data)))
        return self.T @ vector if axis in (0, -2) else self @ vector

    # ── arithmetic ────────────────────────────────────────────────────────────────────────────

    def _with(self, data: Any, *others: Any) -> Any:
        out = object.__new__(type(self))
        out.__dict__.update(self.__dict__, data=as_given(data, self.data, *others))
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

    def _adopted(self, other: Any) -> Any:
        """SciPy's and cupyx's matrices in this one's format."""
        sparse_type: Any = type(self)
        return other if isinstance(other, SparseMatrix) else sparse_type(other)

    def __add__(self, given: Any) -> Any:
        if not is_sparse(given):
            return NotImplemented
        other: Any = self._adopted(given)
        if other.shape != self.shape:
            raise ValueError(f"A + B: shapes {self.shape} and {other.shape} differ")
        pattern = getattr(self, "pattern", None)
        if (
            type(other) is type(self)
            and pattern is not None
            and getattr(other, "pattern", None) == pattern
        ):
            return self._with(asarray(self.data) + other.data, other.data)
        A, B = self.tocoo(), other.tocoo()
        xp = namespace_of(A.row)
        data = as_given(_concat([asarray(A.data), asarray(B.data)]), A.data, B.data)
        coordinates = tuple(
            xp.concat([_wide(a), _wide(b)]) for a, b in ((A.row, B.row), (A.col, B.col))
        )
        return type(A)((data, coordinates), shape=self.shape).tocsr()

    def __sub__(self, other: Any) -> Any:
        return self + (-self._adopted(other)) if is_sparse(other) else NotImplemented

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
        return generated.matrix_transpose(self.T._times(generated.matrix_transpose(asarray(x))))

    def _times(self, x: Any) -> Any:
        x = x if hasattr(x, "shape") else asarray(x)
        if len(x.shape) not in (1, 2) or x.shape[0] != self.shape[1]:
            m, n = self.shape
            raise ValueError(
                f"A @ x: a matrix of shape {(m, n)} takes x ({n},) or ({n}, k), not {tuple(x.shape)}"
            )
        if not is_inexact(x.dtype):
            x = generated.astype(asarray(x), as_numpy(backend_array(self.data).dtype))
        data, pattern, transposed = self._product_form()
        if len(x.shape) == 2:
            return _product(data, x, pattern=pattern, transposed=transposed)
        columns = generated.expand_dims(asarray(x), axis=1)
        return generated.squeeze(
            _product(data, columns, pattern=pattern, transposed=transposed), axis=1
        )

    def dot(self, x: Any) -> Any:
        """``A @ x``."""
        return self @ x


def as_given(out: Any, *inputs: Any) -> Any:
    """A raw array where all inputs were raw ones."""
    return out if any(isinstance(x, Array) for x in inputs) else backend_array(out)


def is_sparse(x: Any) -> bool:
    """Whether `x` is a sparse matrix of this library, of SciPy or of cupyx.

    Parameters
    ----------
    x
        Anything.

    Returns
    -------
    bool

    Examples
    --------
    >>> import numpy as np, scipy.sparse, pullback as pb
    >>> pb.sparse.is_sparse(scipy.sparse.eye_array(2)), pb.sparse.is_sparse(np.eye(2))
    (True, False)
    """
    return isinstance(x, SparseMatrix) or (hasattr(x, "tocsr") and hasattr(x, "nnz"))


def _is_scalar(x: Any) -> bool:
    return not is_sparse(x) and tuple(getattr(x, "shape", ())) == ()


def _wide(indices: Any) -> Any:
    """Indices as int64, in which m · n has room."""
    return namespace_of(indices).astype(indices, np.dtype("int64"))
