"""Sparse matrices as patterns with stored elements, and what is computed with them in any array library.

Three kernels carry all of it. With A of elements a_k at (i_k, j_k):

* `sparse_product`: A x, or Aᵀ x, for a dense x (n, k);
* `sddmm`: s_k = Σ_l u[i_k, l] v[j_k, l], the matrix u vᵀ at the stored elements of the pattern alone;
* `sparse_factor`: an LU factorisation, which solves with A and with Aᵀ.

The derivative of the first is made of the first two, that of the second too: no array of n × n elements ever arises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..common.typing import XP, RawArray

_DENSE_LIMIT = 2000  # unknowns up to which a library without sparse factors gets a dense one


class Pattern:
    """The positions of the stored elements of a matrix by rows (CSR).

    Attributes
    ----------
    shape : tuple of int
        (m, n).
    indptr : array of int (m + 1,)
        Row i has the elements indptr[i] … indptr[i + 1] − 1.
    indices : array of int (nnz,)
        Their columns.
    """

    def __init__(self, shape: tuple[int, int], indptr: Any, indices: Any) -> None:
        self.shape = shape
        self.indptr = indptr
        self.indices = indices
        self._made: dict[str, Any] = {}

    @property
    def nnz(self) -> int:
        """The number of stored elements."""
        return int(self.indices.shape[0])

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """A value that is derived from the pattern, and computed at the first use: one for all threads."""
        if name not in self._made:
            self._made.setdefault(name, make())
        return self._made[name]

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Pattern) or self.shape != other.shape or self.nnz != other.nnz:
            return False
        if type(self.indices) is not type(other.indices):
            return False
        return all(
            bool((mine == theirs).all() if hasattr(mine, "all") else np.array_equal(mine, theirs))
            for mine, theirs in ((self.indptr, other.indptr), (self.indices, other.indices))
        )

    def __hash__(self) -> int:
        return hash((self.shape, self.nnz))

    def __repr__(self) -> str:
        return f"<Pattern {self.shape}, {self.nnz} elements>"

    def __getstate__(self) -> dict[str, Any]:
        return {"shape": self.shape, "indptr": self.indptr, "indices": self.indices, "_made": {}}


def sparse_rows(xp: XP, *, pattern: Pattern) -> Any:
    """The row of each stored element, (nnz,)."""

    def make() -> Any:
        counts = pattern.indptr[1:] - pattern.indptr[:-1]
        return xp.repeat(xp.arange_like(pattern.shape[0], pattern.indptr), counts)

    return pattern.once("rows", make)


def sparse_product(xp: XP, data: Any, x: Any, /, *, pattern: Pattern, transposed: bool) -> Any:
    """A x (m, k) for x (n, k), or Aᵀ x (n, k) for x (m, k)."""
    rows, columns = sparse_rows(xp, pattern=pattern), pattern.indices
    into, out_of = (columns, rows) if transposed else (rows, columns)
    terms = xp.expand_dims(data, axis=1) * xp.take(x, out_of, axis=0)
    height = pattern.shape[1] if transposed else pattern.shape[0]
    return xp.scatter_add((height, x.shape[1]), into, terms)


def sparse_map(xp: XP, data: Any, /, *, pattern: Pattern, transposed: bool) -> Callable[[Any], Any]:
    """v ↦ A v, or Aᵀ v, for vectors: for many products with one matrix."""

    def apply(v: Any) -> Any:
        columns = xp.expand_dims(v, axis=1)
        out = xp.sparse_product(data, columns, pattern=pattern, transposed=transposed)
        return xp.squeeze(out, axis=1)

    return apply


def sddmm(xp: XP, u: RawArray, v: RawArray, /, *, pattern: Pattern) -> Any:
    """Σ_l u[i_k, l] v[j_k, l] for u (m, l) and v (n, l), for each stored element k."""
    rows = sparse_rows(xp, pattern=pattern)
    return xp.sum(xp.take(u, rows, axis=0) * xp.take(v, pattern.indices, axis=0), axis=1)


class DenseFactor:
    """The factor of a small sparse matrix in a library that has none for sparse ones."""

    def __init__(self, xp: XP, A: RawArray, check: bool) -> None:
        self.factor = xp.factor(A, structure="general", check=check)

    def solve(self, b: RawArray, transposed: bool, xp: XP) -> Any:
        """The solution v of A v = b, or of Aᵀ v = b."""
        return self.factor.solve(b, transposed)

    def slogdet(self) -> tuple[Any, Any]:
        """The sign, or phase, of det A and log |det A|."""
        return self.factor.slogdet()


def sparse_factor(
    xp: XP, data: Any, /, *, pattern: Pattern, check: bool, permc_spec: str | None
) -> Any:
    """A dense LU, for small systems.

    Raises
    ------
    NotImplementedError
        If there are more than 2000 unknowns.
    """
    n = pattern.shape[0]
    if n > _DENSE_LIMIT:
        raise NotImplementedError(
            f"sparse LU of {n} unknowns: {getattr(xp.base, '__name__', xp.base)} has no sparse factorisation, and a "
            f"dense one is made up to {_DENSE_LIMIT} unknowns only; use NumPy's or CuPy's arrays, or pb.linalg.gmres"
        )
    eye = xp.astype(
        xp.expand_dims(xp.arange_like(n, pattern.indices), axis=1)
        == xp.expand_dims(xp.arange_like(n, pattern.indices), axis=0),
        data.dtype,
    )
    return DenseFactor(xp, sparse_product(xp, data, eye, pattern=pattern, transposed=False), check)


def sparse_solve(xp: XP, factor: Any, b: RawArray, /, *, transposed: bool) -> Any:
    """The solution v (n, k) of A v = b, or of Aᵀ v = b, by a factor of `sparse_factor`."""
    return factor.solve(b, transposed, xp)


FUNCTIONS = (sparse_rows, sparse_product, sparse_map, sddmm, sparse_factor, sparse_solve)
