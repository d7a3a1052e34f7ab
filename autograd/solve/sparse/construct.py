"""Sparse matrices from blocks, triangles and Kronecker products, called as SciPy's, differentiable in their elements.

SciPy's default formats DIA and BSR do not exist here: the results are matrices by rows instead of DIA, and by
coordinates instead of BSR. Elements that are 0 stay stored, since a traced element may be 0 in one call alone.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....backend import current, is_array
from ...core.array import Array
from ...core.generated import xp as generated
from ...functions.creation import asarray
from . import arithmetic
from .arithmetic import Parts
from .base import SparseMatrix, build, check_format, is_sparse
from .formats import as_sparse, coo_array
from .positions import Positions
from .validation import elements, floating, on_device_of, two_sizes

__all__ = [
    "block_array",
    "block_diag",
    "hstack",
    "kron",
    "kronsum",
    "random_array",
    "tril",
    "triu",
    "vstack",
]


def _block(x: Any) -> SparseMatrix:
    """A block: sparse, or dense, which keeps all its elements where it is traced."""
    if is_sparse(x) or not (isinstance(x, Array) and x.traced):
        x = as_sparse(x if is_sparse(x) else _two_axes(x))
        return x if x.ndim == 2 else x.reshape(1, -1)
    x = _two_axes(x)
    every = np.arange(math.prod(x.shape))
    positions = Positions(x.shape, *divmod(every, max(x.shape[1], 1)))
    return coo_array.of_parts(generated.reshape(x, (-1,)), positions)


def _two_axes(x: Any) -> Any:
    """A number, or a row, as a matrix."""
    if not is_array(x) and not isinstance(x, Array):
        return np.atleast_2d(np.asarray(x)).tolist()
    x = asarray(x)
    return generated.reshape(x, (1,) * (2 - x.ndim) + x.shape) if x.ndim < 2 else x


def kron(A: Any, B: Any, format: str | None = None) -> Any:
    """The Kronecker product A ⊗ B: the blocks a_ij B.

    Parameters
    ----------
    A, B : sparse or dense matrix (m, n), (p, q)
    format : {"csr", "csc", "coo"}, optional
        By coordinates where it is not given (SciPy: coordinates, or its format BSR).

    Returns
    -------
    coo_array, csr_array or csc_array (m p, n q)

    Notes
    -----
    The pullback of the product of elements a and b, with its cotangent c: a_bar = Σ c b and b_bar = Σ c a.


    Examples
    --------
    The five-point Laplacian of a grid from that of a line:

    >>> import pullback as pb
    >>> line = pb.sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(3, 3))
    >>> one = pb.sparse.eye_array(3)
    >>> pb.sparse.kron(line, one) + pb.sparse.kron(one, line)
    <csr_array (9, 9), 33 stored elements, float64>
    """
    A, B = _block(A), _block(B)
    return build(check_format(format or "coo", "kron"), arithmetic.kron(A, B), A.data, B.data)


def kronsum(A: Any, B: Any, format: str | None = None) -> Any:
    """The Kronecker sum of two square matrices, I ⊗ A + B ⊗ I with I of the other's size, as SciPy's.

    Parameters
    ----------
    A, B : sparse or dense matrix (m, m), (n, n)
    format : {"csr", "csc", "coo"}, optional
        By rows where it is not given.

    Returns
    -------
    csr_array, csc_array or coo_array (m n, m n)

    Raises
    ------
    ValueError
        If one is not square.

    Notes
    -----
    The pullback, with the cotangent in n × n blocks of m × m: that of A is the sum of the blocks on the diagonal,
    that of B holds the traces of all blocks.

    Examples
    --------
    >>> import pullback as pb
    >>> line = pb.sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(3, 3))
    >>> pb.sparse.kronsum(line, line)
    <csr_array (9, 9), 33 stored elements, float64>
    """
    A, B = _block(A), _block(B)
    for M in (A, B):
        if M.shape[0] != M.shape[1]:
            raise ValueError(f"kronsum: square matrices are needed, not one of shape {M.shape}")
    left, right = kron(_one_like(B), A), kron(B, _one_like(A))
    return (left + right).asformat(check_format(format or "csr", "kronsum"))


def _one_like(A: SparseMatrix) -> SparseMatrix:
    """The identity of the size, the dtype and the library of a square matrix."""
    n = A.shape[0]
    ones = on_device_of(np.ones(n, A.dtype), A.data)
    return coo_array.of_parts(ones, Positions((n, n), np.arange(n), np.arange(n)))


def block_array(blocks: Any, *, format: str | None = None, dtype: Any = None) -> Any:
    """A matrix from a grid of blocks.

    Parameters
    ----------
    blocks : nested list of matrices
        Sparse or dense, traced or not; None is a block of zeros.
    format : {"csr", "csc", "coo"}, optional
        By default that of the blocks where all are by rows, or all by columns, and none is None; else coordinates.
    dtype : dtype, optional
        By default that of the blocks.

    Returns
    -------
    csr_array, csc_array or coo_array

    Raises
    ------
    ValueError
        If blocks in one row have different numbers of rows, those in one column of columns.

    Notes
    -----
    The gradient with respect to a block is the part of the cotangent that stands in its place.

    Examples
    --------
    A saddle point system:

    >>> import pullback as pb
    >>> H, J = pb.sparse.eye_array(2), pb.sparse.csr_array([[1.0, 1.0]])
    >>> pb.sparse.block_array([[H, J.T], [J, None]]).toarray()
    Array([[1., 0., 1.],
           [0., 1., 1.],
           [1., 1., 0.]], dtype=float64, device='cpu')
    """
    rows = [[b if b is None else _block(b) for b in row] for row in blocks]
    if not rows or not rows[0] or len({len(row) for row in rows}) != 1:
        raise ValueError("block_array: blocks have to be a list of rows of as many blocks each")
    heights = _sizes(rows, 0)
    widths = _sizes([list(column) for column in zip(*rows, strict=True)], 1)
    row_starts, column_starts = np.cumsum([0, *heights]), np.cumsum([0, *widths])
    grid = [
        (b, int(row_starts[i]), int(column_starts[j]))
        for i, row in enumerate(rows) for j, b in enumerate(row) if b is not None
    ]  # fmt: skip
    shape = (int(row_starts[-1]), int(column_starts[-1]))
    if not grid:
        raise ValueError("block_array: every block is None; give one of them, or csr_array((m, n))")
    formats = {b.format for b, _, _ in grid}
    whole = all(b is not None for row in rows for b in row)
    same = whole and formats in ({"csr"}, {"csc"})
    chosen = format or (formats.pop() if same else "coo")
    given = [b.data for b, _, _ in grid]
    out = build(check_format(chosen, "block_array"), arithmetic.blocks(grid, shape), *given)
    return out if dtype is None else out.astype(dtype, copy=False)


def _sizes(lines: list[list[Any]], axis: int) -> list[int]:
    """The number of rows (axis 0) of each row of blocks, or of columns of each column."""
    sizes = []
    for number, line in enumerate(lines):
        found = {b.shape[axis] for b in line if b is not None}
        if len(found) > 1:
            what = "row" if axis == 0 else "column"
            raise ValueError(
                f"block_array: blocks in {what} {number} have {sorted(found)} {what}s; they have to be as many"
            )
        sizes.append(found.pop() if found else 0)
    return sizes


def hstack(blocks: Any, format: str | None = None, dtype: Any = None) -> Any:
    """Matrices beside each other: ``block_array([blocks])``.

    Parameters
    ----------
    blocks : sequence of matrices
        Sparse or dense, of as many rows.
    format, dtype
        As in `block_array`.

    Returns
    -------
    csr_array, csc_array or coo_array

    Raises
    ------
    ValueError
        If the numbers of rows differ.

    Notes
    -----
    The pullback gives each block the cotangent's elements at its positions.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.sparse.hstack([pb.sparse.eye_array(2), pb.sparse.eye_array(2)]).toarray()
    Array([[1., 0., 1., 0.],
           [0., 1., 0., 1.]], dtype=float64, device='cpu')
    """
    return block_array([list(blocks)], format=format, dtype=dtype)


def vstack(blocks: Any, format: str | None = None, dtype: Any = None) -> Any:
    """Matrices below each other: ``block_array([[b] for b in blocks])``.

    Parameters
    ----------
    blocks : sequence of matrices
        Sparse or dense, of as many columns.
    format, dtype
        As in `block_array`.

    Returns
    -------
    csr_array, csc_array or coo_array

    Raises
    ------
    ValueError
        If the numbers of columns differ.

    Notes
    -----
    The pullback gives each block the cotangent's elements at its positions.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.sparse.vstack([pb.sparse.eye_array(2), pb.sparse.eye_array(2)])
    <csr_array (4, 2), 4 stored elements, float64>
    """
    return block_array([[b] for b in blocks], format=format, dtype=dtype)


def block_diag(mats: Any, format: str | None = None, dtype: Any = None) -> Any:
    """Matrices along the diagonal, zeros elsewhere.

    Parameters
    ----------
    mats : sequence of matrices
        Sparse or dense; a number is a matrix of one element, an array with one axis a row.
    format, dtype
        As in `block_array`.

    Returns
    -------
    coo_array, csr_array or csc_array

    Notes
    -----
    The pullback gives each block the cotangent's elements at its positions.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.sparse.block_diag([pb.sparse.eye_array(2), 3.0]).toarray()
    Array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 3.]], dtype=float64, device='cpu')
    """
    mats = list(mats)
    blocks = [[m if i == j else None for j in range(len(mats))] for i, m in enumerate(mats)]
    return block_array(blocks, format=format or "coo", dtype=dtype)


def tril(A: Any, k: int = 0, format: str | None = None) -> Any:
    """The elements on the k-th diagonal and below it.

    Parameters
    ----------
    A : sparse or dense matrix (m, n)
    k : int
        Above the main diagonal for k > 0.
    format : {"csr", "csc", "coo"}, optional
        By coordinates where it is not given.

    Returns
    -------
    coo_array, csr_array or csc_array (m, n)

    Notes
    -----
    The pullback is the cotangent at the elements that are kept, 0 at the others.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.sparse.tril([[1.0, 2.0], [3.0, 4.0]]).toarray()
    Array([[1., 0.],
           [3., 4.]], dtype=float64, device='cpu')
    """
    return _triangle(A, lambda distance: distance <= k, format, "tril")


def triu(A: Any, k: int = 0, format: str | None = None) -> Any:
    """The elements on the k-th diagonal and above it.

    Parameters
    ----------
    A : sparse or dense matrix (m, n)
    k : int
        Above the main diagonal for k > 0.
    format : {"csr", "csc", "coo"}, optional
        By coordinates where it is not given.

    Returns
    -------
    coo_array, csr_array or csc_array (m, n)

    Notes
    -----
    The pullback is the cotangent at the elements that are kept, 0 at the others.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.sparse.triu([[1.0, 2.0], [3.0, 4.0]]).toarray()
    Array([[1., 2.],
           [0., 4.]], dtype=float64, device='cpu')
    """
    return _triangle(A, lambda distance: distance >= k, format, "triu")


def _triangle(A: Any, condition: Any, format: str | None, name: str) -> Any:
    A = _block(A)
    parts: Parts = arithmetic.kept(A, condition(A.positions.col - A.positions.row))
    return build(check_format(format or "coo", name), parts, A.data)


def random_array(
    shape: Any, *, density: float = 0.01, format: str | None = "coo", dtype: Any = None, rng: Any = None,
    data_sampler: Any = None,
) -> Any:  # fmt: skip
    """A constant matrix with random elements at random positions: SciPy's, on the active backend.

    Parameters
    ----------
    shape : tuple of int
        (m, n).
    density : float
        The share of the elements that are stored.
    format, dtype
        As in `eye_array`; by default coordinates and float64.
    rng : int or `numpy.random.Generator`, optional
        The numbers of SciPy's function with the same `rng`.
    data_sampler : callable, optional
        data_sampler(size=n) gives the elements.

    Returns
    -------
    coo_array, csr_array or csc_array

    Examples
    --------
    >>> import pullback as pb
    >>> pb.sparse.random_array((10, 10), density=0.1, rng=0)
    <coo_array (10, 10), 10 stored elements, float64>
    """
    import scipy.sparse

    if dtype is not None:
        dtype = floating(dtype, "random_array")
    shape = two_sizes(shape, "random_array")
    drawn = scipy.sparse.random_array(
        shape, density=density, dtype=dtype, rng=rng, data_sampler=data_sampler
    )
    data = elements(current().asarray(drawn.data))
    positions = Positions(shape, drawn.coords[0], drawn.coords[1])
    chosen = check_format(format or "coo", "random_array")
    return build(chosen, (data, positions), data)
