"""Sums, products and parts of sparse matrices: the values, by gathers and sums over constant positions.

Each function returns elements and their `Positions`; `base.py` makes matrices of them. Gathers and sums are each
other's derivatives, so that every order of derivative and `pb.compile` follow.

c_k of A B at (i, j) is Σ_l a_{il} b_{lj}: the pairs of stored elements that meet are found on the host, multiplied, and
summed by the index of the element of the product (Gustavson, Two fast algorithms for sparse matrices, 1978, whose
row-by-row order the pairs have).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.defvjp import function_of
from ...core.generated import xp as generated
from ...core.registry import find as find_primitive
from ...functions.creation import asarray
from . import positions as host
from .positions import Indices, Positions
from .validation import on_device_of

_concat = function_of(find_primitive("concat"))

Parts = tuple[Any, Positions]  # the elements (nnz,), and where they stand


def gathered(data: Any, indices: Indices) -> Any:
    """``data[indices]``."""
    return generated.take(asarray(data), on_device_of(indices, data), axis=0)


def summed(data: Any, which: Indices, count: int) -> Any:
    """The sums (count,) of the elements with equal ``which``."""
    return generated.scatter_add((count,), on_device_of(which, data), asarray(data))


def joined(parts: list[Any]) -> Any:
    """Elements one after the other."""
    return _concat([asarray(part) for part in parts])


def in_order(data: Any, positions: Positions) -> Parts:
    """The elements sorted by rows, those at one position added up."""
    sorted_positions, which = positions.merged()
    if which is None:
        return asarray(data), positions
    # no position is there twice: the elements only change their order
    if sorted_positions.nnz == positions.nnz:
        order = np.empty_like(which)
        order[which] = np.arange(len(which))
        return gathered(data, order), sorted_positions
    return summed(data, which, sorted_positions.nnz), sorted_positions


def merged(A: Any) -> Parts:
    """The elements of a matrix sorted by rows, those at one position added up."""
    return in_order(A.data, A.positions)


def add(A: Any, B: Any) -> Parts:
    """A + B on the union of the patterns; equal patterns need no search."""
    a, b = A.positions, B.positions
    if a is b or (a.nnz == b.nnz and np.array_equal(a.keys, b.keys)):
        return asarray(A.data) + asarray(B.data), a
    positions, which = host.union(a, b)
    return summed(joined([A.data, B.data]), which, positions.nnz), positions


def multiply(A: Any, B: Any) -> Parts:
    """The elementwise product on the intersection of the patterns, broadcast as NumPy does."""
    shape = host.common_shape(A.shape, B.shape)
    (x, left), (y, right) = ((_broadcast(*merged(M), shape)) for M in (A, B))
    positions, i, j = host.intersection(left, right)
    return gathered(x, i) * gathered(y, j), positions


def _broadcast(data: Any, positions: Positions, shape: tuple[int, ...]) -> Parts:
    positions, taken = host.broadcast(positions, shape)
    return (data, positions) if taken is None else in_order(gathered(data, taken), positions)


def with_dense(A: Any, x: Any, function: Callable[[Any, Any], Any]) -> Parts:
    """function(a_k, x_{i_k j_k}) for each stored element, broadcast as NumPy does."""
    x = asarray(x)
    shape = host.common_shape(A.shape, tuple(x.shape))
    positions, taken = host.broadcast(A.positions, shape)
    data = A.data if taken is None else gathered(A.data, taken)
    m, n = (
        Positions(tuple(x.shape), positions.row[:0], positions.col[:0]).sides if x.ndim else (1, 1)
    )
    index = (positions.row if m > 1 else 0) * n + (positions.col if n > 1 else 0)
    index = np.broadcast_to(index, positions.row.shape)
    return function(asarray(data), gathered(generated.reshape(x, (-1,)), index)), positions


def matmul(A: Any, B: Any, shape: tuple[int, ...]) -> Parts:
    """A B, of `shape`."""
    y, right = merged(B)
    positions, i, j, which = host.product(A.positions, right, shape)
    return summed(gathered(A.data, i) * gathered(y, j), which, positions.nnz), positions


def kron(A: Any, B: Any) -> Parts:
    """A ⊗ B: each element of A times each of B."""
    positions, i, j = host.kron(A.positions, B.positions)
    return gathered(A.data, i) * gathered(B.data, j), positions


def kept(A: Any, condition: np.ndarray) -> Parts:
    """The elements whose positions fulfil a condition."""
    chosen = np.flatnonzero(condition)
    a = A.positions
    return gathered(A.data, chosen), Positions(A.shape, a.row[chosen], a.col[chosen])


def diagonal(A: Any, k: int) -> Any:
    """The elements at (i, i + k), zeros where none is stored."""
    (m, n), a = A.shape, A.positions
    length = max(min(m + min(k, 0), n - max(k, 0)), 0)
    on = np.flatnonzero(a.col - a.row == k)
    return summed(gathered(A.data, on), a.row[on] + min(k, 0), length)


def blocks(grid: list[tuple[Any, int, int]], shape: tuple[int, int]) -> Parts:
    """The matrices of a list, each with the row and the column of its first element, in one of `shape`."""
    rows = [A.positions.row + row for A, row, _ in grid]
    columns = [A.positions.col + column for A, _, column in grid]
    positions = Positions(shape, np.concatenate(rows), np.concatenate(columns))
    return joined([A.data for A, _, _ in grid]), positions
