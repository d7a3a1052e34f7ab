"""The base of the formats of sparse matrices: their elements, their conversions, their arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....backend import Pattern
from ...core.array import Array, backend_array
from ...core.defvjp import function_of
from ...core.dtypes import as_numpy, is_inexact
from ...core.generated import xp as generated
from ...core.namespaces import namespace_of
from ...core.registry import find
from ...functions.creation import asarray
from . import arithmetic, indexing
from . import rules as sparse_rules  # noqa: F401 - registers the rules
from .arithmetic import Parts
from .elementwise import ElementwiseMethods
from .positions import Positions, new_shape
from .validation import floating

_product = function_of(find("sparse_product"))

# The classes by the names of their formats, filled in by `formats.py`, which imports this file.
FORMATS: dict[str, Any] = {}


class SparseMatrix(ElementwiseMethods):
    """The base of the formats; each has `data`, and gives its rows and columns."""

    # NumPy's arrays leave ``x @ A`` to this class
    __array_ufunc__ = None
    __array_priority__ = 2000

    data: Any
    # "csr", "csc" or "coo"
    format: str

    # ── what it is ────────────────────────────────────────────────────────────────────────────

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows and of columns; the length of a vector."""
        raise NotImplementedError(f"{type(self).__name__} does not give its shape")

    @property
    def positions(self) -> Positions:
        """The row and the column of each element of `data`, on the host."""
        raise NotImplementedError(f"{type(self).__name__} does not give its positions")

    def _product_form(self) -> tuple[Any, Pattern, bool]:
        """Elements and pattern by rows of this matrix, or of its transpose, and whether it is that."""
        raise NotImplementedError(f"{type(self).__name__} has no form for products")

    @property
    def ndim(self) -> int:
        """2; 1 of a row or a column that was taken out of a matrix."""
        return len(self.shape)

    @property
    def nnz(self) -> int:
        """The number of stored elements, zeros and duplicates among them."""
        return int(self.data.shape[0])

    @property
    def size(self) -> int:
        """The number of stored elements, as `nnz`."""
        return self.nnz

    @property
    def dtype(self) -> np.dtype:
        """The dtype of the elements."""
        return as_numpy(self.data.dtype)

    def __repr__(self) -> str:
        traced = ", traced" if isinstance(self.data, Array) and self.data.traced else ""
        return f"<{type(self).__name__} {self.shape}, {self.nnz} stored elements, {self.dtype}{traced}>"

    def __len__(self) -> int:
        raise TypeError("the length of a sparse matrix: use A.nnz, or A.shape[0]")

    # ── other forms ───────────────────────────────────────────────────────────────────────────

    def tocoo(self, copy: bool = False) -> Any:
        """The matrix in coordinate format, with the row and the column of each element."""
        return self.asformat("coo", copy)

    def tocsr(self, copy: bool = False) -> Any:
        """The matrix in compressed format by rows; elements at one position of a `coo_array` are added up."""
        return self.asformat("csr", copy)

    def tocsc(self, copy: bool = False) -> Any:
        """The matrix in compressed format by columns; elements at one position of a `coo_array` are added up."""
        return self.asformat("csc", copy)

    def asformat(self, format: str | None, copy: bool = False) -> Any:
        """The matrix in the format ``"csr"``, ``"csc"`` or ``"coo"``; itself for None.

        Raises
        ------
        ValueError
            For another format, or for a vector in a compressed one.
        """
        if format is None or check_format(format, "asformat") == self.format:
            return self.copy() if copy else self
        if self.ndim == 1:
            raise ValueError(
                f"a vector {self.shape} in the format {format!r}: make it a matrix by v.reshape(1, -1)"
            )
        return build(format, (asarray(self.data), self.positions), self.data)

    def toarray(self) -> Array:
        """The dense array (m, n), elements at one position added up.

        Examples
        --------
        >>> import numpy as np, pullback as pb
        >>> pb.sparse.csr_array(([1.0, 2.0], [1, 0], [0, 1, 2]), shape=(2, 2)).toarray()
        Array([[0., 1.],
               [2., 0.]], dtype=float64, device='cpu')
        """
        m, n = self.positions.sides
        return generated.reshape(
            arithmetic.summed(self.data, self.positions.keys, m * n), self.shape
        )

    todense = toarray

    def copy(self) -> Any:
        """A matrix with elements of its own; traced ones stay on their tape."""
        data = self.data
        if type(data) is Array and data.traced:
            return self._with(data)
        return self._with(Array(namespace_of(backend_array(data)).copy(backend_array(data))))

    def astype(self, dtype: Any, casting: str = "unsafe", copy: bool = True) -> Any:
        """The matrix with elements of another floating-point or complex dtype.

        Raises
        ------
        TypeError
            If `casting` forbids it, or for integers.
        """
        dtype = floating(dtype, "astype")
        if not np.can_cast(self.dtype, dtype, casting):  # type: ignore[arg-type]  # NumPy checks the word
            raise TypeError(f"astype: {self.dtype} to {dtype} by the rule casting={casting!r}")
        return self._with(generated.astype(asarray(self.data), dtype, copy=copy))

    def reshape(self, *shape: Any, order: str = "C", copy: bool = False) -> Any:
        """The same elements in another shape, as a `coo_array`.

        Raises
        ------
        ValueError
            If the number of elements, counting zeros, would change, or `order` is not ``"C"`` or ``"F"``.
        """
        given = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        if order not in ("C", "F"):
            raise ValueError(f"reshape: order={order!r} is not 'C' or 'F'")
        positions = self.positions.reshaped(new_shape(tuple(given), self.shape), order)
        return build("coo", (asarray(self.data), positions), self.data)

    @property
    def T(self) -> Any:
        """The transpose; nothing is moved."""
        raise NotImplementedError(f"{type(self).__name__} has no transpose")

    @property
    def mT(self) -> Any:
        """The transpose, by the name of the array API standard."""
        return self.T

    def transpose(self, axes: tuple[int, int] | None = None, copy: bool = False) -> Any:
        """The transpose; ``axes=(0, 1)`` leaves the matrix as it is.

        Raises
        ------
        ValueError
            For axes that are not those of a matrix.
        """
        if axes is not None and tuple(a % 2 for a in axes) not in ((0, 1), (1, 0)):
            raise ValueError(f"transpose: axes={axes!r} of a matrix; it has axes 0 and 1")
        out = self if axes is not None and axes[0] % 2 == 0 else self.T
        return out.copy() if copy else out

    # ── parts and sums ────────────────────────────────────────────────────────────────────────

    def __getitem__(self, key: Any) -> Any:
        """Rows, columns and elements by SciPy's keys; sparse but for elements, and for pairs of index arrays."""
        out = indexing.get(self, key)
        return build(self.format, out, self.data) if isinstance(out, tuple) else out

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError(
            "A[key] = value: the pattern of a sparse matrix is fixed; make one of new elements, "
            "csr_array((data, indices, indptr)), or add a matrix that has them"
        )

    def __iter__(self) -> Any:
        return (self[i] for i in range(self.shape[0]))

    def diagonal(self, k: int = 0) -> Array:
        """The elements on the k-th diagonal, (i, i + k), zeros where none is stored.

        Raises
        ------
        ValueError
            If it is a vector.
        """
        if self.ndim != 2:
            raise ValueError(f"diagonal of a vector {self.shape}: a matrix is needed")
        return arithmetic.diagonal(self, int(k))

    def trace(self, offset: int = 0) -> Array:
        """The sum of the elements on a diagonal."""
        return generated.sum(self.diagonal(offset))

    def sum(self, axis: int | None = None, dtype: Any = None) -> Array:
        """The sum of all elements, of each column (axis=0), or of each row (axis=1): a dense array.

        Raises
        ------
        ValueError
            If there is no such axis.
        """
        axes = (None, -1, 0) if self.ndim == 1 else (None, -2, -1, 0, 1)
        if axis not in axes:
            raise ValueError(
                f"sum: axis={axis!r} of a sparse array with {self.ndim} axes; give one of {axes}"
            )
        if dtype is not None:
            return self.astype(dtype).sum(axis)
        if axis is None or self.ndim == 1:
            return generated.sum(asarray(self.data))
        a = self.positions
        by_columns = axis in (0, -2)
        return arithmetic.summed(
            self.data, a.col if by_columns else a.row, a.sides[int(by_columns)]
        )

    def mean(self, axis: int | None = None, dtype: Any = None) -> Array:
        """The mean, over the zeros too."""
        m, n = self.positions.sides
        count = m * n if axis is None or self.ndim == 1 else (m if axis in (0, -2) else n)
        return self.sum(axis, dtype) / count

    def sum_duplicates(self) -> None:
        """Sort the elements, and add up those at one position, in place."""
        made = build(self.format, arithmetic.merged(self), self.data)
        self.__dict__.update(made.__dict__)

    # ── arithmetic ────────────────────────────────────────────────────────────────────────────

    def _with(self, data: Any, *others: Any) -> Any:
        out = object.__new__(type(self))
        out.__dict__.update(self.__dict__, data=as_given(data, self.data, *others))
        return out

    def _on_merged(self, function: Any, *others: Any) -> Any:
        """function(elements) after those at one position are added up."""
        if self.positions.merged()[1] is None:
            return self._with(function(asarray(self.data)), *others)
        data, positions = arithmetic.merged(self)
        return build(self.format, (function(data), positions), self.data, *others)

    def _compressed(self) -> str:
        """The format of sums and products: this one, by rows for coordinates."""
        return "csr" if self.format == "coo" else self.format

    def _adopted(self, other: Any) -> Any:
        """SciPy's and cupyx's matrices as ones of this library."""
        return other if isinstance(other, SparseMatrix) else FORMATS["coo"](other)

    def __neg__(self) -> Any:
        return self._with(-asarray(self.data))

    def __pos__(self) -> Any:
        return self

    def __add__(self, given: Any) -> Any:
        if not is_sparse(given):
            return self._plus_dense(given)
        other: Any = self._adopted(given)
        if other.shape != self.shape:
            raise ValueError(f"A + B: shapes {self.shape} and {other.shape} differ")
        return build(self._compressed(), arithmetic.add(self, other), self.data, other.data)

    def __radd__(self, given: Any) -> Any:
        return self + given

    def __sub__(self, other: Any) -> Any:
        return (
            self + (-self._adopted(other))
            if is_sparse(other)
            else self._plus_dense(-asarray(other))
        )

    def __rsub__(self, given: Any) -> Any:
        return (-self) + given

    def _plus_dense(self, x: Any) -> Any:
        """The dense sum; 0 leaves a matrix as it is, as in SciPy.

        Raises
        ------
        NotImplementedError
            For another number: the sum has no zeros left.
        """
        x = asarray(x)
        if x.ndim:
            return self.toarray() + x
        if not (type(x) is Array and x.traced) and complex(x) == 0:
            return self
        raise NotImplementedError(
            "A + a number that is not 0: no zero would stay; use A.toarray() + number, or add a sparse matrix"
        )

    def multiply(self, other: Any) -> Any:
        """The elementwise product with a number, a sparse or a dense array, broadcast as in NumPy; sparse.

        Raises
        ------
        ValueError
            If the shapes do not fit.
        """
        if is_sparse(other):
            B = self._adopted(other)
            return build(self._compressed(), arithmetic.multiply(self, B), self.data, B.data)
        return self._by_elements(other, generated.multiply)

    def _by_elements(self, other: Any, function: Any) -> Any:
        x = asarray(other) if not _is_scalar(other) or hasattr(other, "shape") else other
        if _is_scalar(x):
            return self._with(function(asarray(self.data), x), other)
        return build("coo", arithmetic.with_dense(self, x, function), self.data, other)

    __mul__ = multiply
    __rmul__ = multiply

    def __truediv__(self, other: Any) -> Any:
        """A / number, or each element by one of a dense array.

        Raises
        ------
        TypeError
            For two sparse arrays, whose quotient is 0 / 0 nearly everywhere.
        """
        if is_sparse(other):
            raise TypeError(
                "A / B of two sparse arrays: 0 / 0 nearly everywhere; divide A.data, or A.toarray() by B.toarray()"
            )
        return self._by_elements(other, generated.divide)

    def __pow__(self, n: Any) -> Any:
        return self.power(n)

    def __matmul__(self, x: Any) -> Any:
        return self._times_sparse(self._adopted(x)) if is_sparse(x) else self._times(x)

    def __rmatmul__(self, x: Any) -> Any:
        if is_sparse(x):  # SciPy's, which leave the product to us
            return self._adopted(x) @ self
        x = x if hasattr(x, "shape") else asarray(x)
        if len(x.shape) < 2 or self.ndim == 1:
            return self.T._times(generated.matrix_transpose(asarray(x)) if len(x.shape) > 1 else x)
        return generated.matrix_transpose(self.T._times(generated.matrix_transpose(asarray(x))))

    def _times_sparse(self, B: Any) -> Any:
        """A B; a vector is a row on the left and a column on the right, and the product has no axis for it."""
        if self.shape[-1] != B.shape[0]:
            raise ValueError(f"A @ B: shapes {self.shape} and {B.shape} do not fit")
        if self.ndim == B.ndim == 1:
            return generated.sum(asarray(self.multiply(B).data))
        shape = (*self.shape[:-1], *B.shape[1:])
        B = B if B.ndim == 2 else B.reshape(-1, 1)
        return build(self._compressed(), arithmetic.matmul(self, B, shape), self.data, B.data)

    def _times(self, x: Any) -> Any:
        x = x if hasattr(x, "shape") else asarray(x)
        if len(x.shape) not in (1, 2) or x.shape[0] != self.shape[-1]:
            wanted = self.shape[-1]
            raise ValueError(
                f"A @ x: a matrix of shape {self.shape} takes x ({wanted},) or ({wanted}, k), not {tuple(x.shape)}"
            )
        if not is_inexact(x.dtype):
            x = generated.astype(asarray(x), as_numpy(backend_array(self.data).dtype))
        data, pattern, transposed = self._product_form()
        columns = x if len(x.shape) == 2 else generated.expand_dims(asarray(x), axis=1)
        out = _product(data, columns, pattern=pattern, transposed=transposed)
        if len(x.shape) == 1:
            out = generated.squeeze(out, axis=1)
        return out if self.ndim == 2 else generated.squeeze(out, axis=0)

    def dot(self, x: Any) -> Any:
        """``A @ x``, or ``A * x`` for a number."""
        return self * x if _is_scalar(x) else self @ x


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


def build(format: str, parts: Parts, *inputs: Any) -> Any:
    """The matrix of these elements, their data raw where that of all inputs is."""
    data, positions = parts
    return FORMATS[format if len(positions.shape) == 2 else "coo"].of_parts(
        as_given(data, *inputs), positions
    )


def check_format(format: Any, name: str) -> str:
    """The name of a format that a user asked for.

    Raises
    ------
    ValueError
        If it is not one of the three.
    """
    if format not in FORMATS:
        raise ValueError(f'{name}: format={format!r}; the formats here are "csr", "csc" and "coo"')
    return str(format)
