"""Sparse products and factors for NumPy, by SciPy: its CSR products, and SuperLU.

SciPy's modules for sparse matrices are imported by the first function that needs them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..common.errors import SingularMatrixError, singular
from ..common.typing import RawArray
from ..generic.sparse import Pattern
from .lapack import signs_and_sizes

_CHUNK = 1 << 22  # elements of an intermediate array of sampled_product, 32 MiB of float64
_SUSPICIOUS = 1e-3  # of 1 / eps: above it, the condition number is estimated in earnest


def sparse_rows(*, pattern: Pattern) -> np.ndarray:
    """The row of each stored element."""
    return pattern.once(
        "rows",
        lambda: np.repeat(
            np.arange(pattern.shape[0], dtype=pattern.indices.dtype), np.diff(pattern.indptr)
        ),
    )


def _matrix(data: np.ndarray, pattern: Pattern) -> Any:
    """SciPy's matrix over the same arrays, which are not changed."""
    import scipy.sparse

    return scipy.sparse.csr_array(
        (data, pattern.indices, pattern.indptr), shape=pattern.shape, copy=False
    )


def sparse_product(
    data: np.ndarray, x: np.ndarray, /, *, pattern: Pattern, transposed: bool
) -> np.ndarray:
    """A x or Aᵀ x by SciPy."""
    A = _matrix(data, pattern)
    out = np.asarray((A.T if transposed else A) @ x)
    return out.astype(np.result_type(data, x), copy=False)  # SciPy makes float32 of float16


def sparse_map(
    data: np.ndarray, /, *, pattern: Pattern, transposed: bool
) -> Callable[[np.ndarray], np.ndarray]:
    """v ↦ A v, or Aᵀ v, by the routines of SciPy's products, without what those look at before each."""
    import scipy.sparse

    routines = getattr(scipy.sparse, "_sparsetools", None)
    name = "csc_matvec" if transposed else "csr_matvec"
    routine: Any = getattr(routines, name, None)
    rows, columns = pattern.shape[::-1] if transposed else pattern.shape
    arrays = (pattern.indptr, pattern.indices, data)
    direct = routine is not None and data.dtype in _OF_ROUTINES
    # the routines take these as they lie in memory
    direct = direct and all(type(x) is np.ndarray and x.flags.c_contiguous for x in arrays)
    direct = direct and pattern.indptr.dtype == pattern.indices.dtype
    direct = direct and pattern.indices.dtype in _OF_INDICES
    dtype = data.dtype

    def apply(v: np.ndarray) -> np.ndarray:
        if direct and v.dtype == dtype and v.shape == (columns,) and v.flags.c_contiguous:
            out = np.zeros(rows, dtype)
            routine(rows, columns, *arrays, v, out)
            return out
        A = _matrix(data, pattern)
        out = np.asarray((A.T if transposed else A) @ v)
        # SciPy makes float32 of float16
        return out.astype(np.result_type(dtype, v), copy=False)

    return apply


_OF_ROUTINES = frozenset(map(np.dtype, ("float32", "float64", "complex64", "complex128")))
_OF_INDICES = frozenset(map(np.dtype, ("int32", "int64")))


def sddmm(u: np.ndarray, v: np.ndarray, /, *, pattern: Pattern) -> np.ndarray:
    """The products of rows of u and rows of v at the stored elements, some at a time."""
    rows, columns = sparse_rows(pattern=pattern), pattern.indices
    if u.shape[1] == 1:
        return u[:, 0].take(rows) * v[:, 0].take(columns)
    out = np.empty(len(rows), np.result_type(u, v))
    step = max(_CHUNK // max(u.shape[1], 1), 1)
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        np.einsum(
            "kl,kl->k", u.take(rows[part], axis=0), v.take(columns[part], axis=0), out=out[part]
        )
    return out


class SparseFactor:
    """SuperLU's factor of Aᵀ, which the arrays of A by rows are when read by columns: nothing is converted."""

    def __init__(self, lu: Any, dtype: np.dtype) -> None:
        self.lu = lu
        self.dtype = dtype

    def solve(self, b: np.ndarray, transposed: bool) -> np.ndarray:
        """The solution v of A v = b, or of Aᵀ v = b, for b (n, k); a real factor solves for a complex b too."""
        trans = "N" if transposed else "T"
        wide = np.result_type(b, self.dtype)
        if b.dtype.kind == "c" and self.dtype.kind != "c":
            real = self.lu.solve(np.ascontiguousarray(b.real, self.dtype), trans)
            imag = self.lu.solve(np.ascontiguousarray(b.imag, self.dtype), trans)
            return (real + 1j * imag).astype(wide, copy=False)
        return np.ascontiguousarray(
            self.lu.solve(np.ascontiguousarray(b, self.dtype), trans)
        ).astype(wide, copy=False)

    def slogdet(self) -> tuple[np.ndarray, np.ndarray]:
        """The sign, or phase, of det A and log |det A|: of U and of the two permutations."""
        if isinstance(self.lu, _Nothing):
            return np.ones((), self.dtype), np.zeros((), self.dtype).real
        sign = _parity(self.lu.perm_r) * _parity(self.lu.perm_c)
        if isinstance(self.lu, _OrderedFactor):
            return signs_and_sizes(self.lu.U.diagonal(), sign * self.lu.parity)
        return signs_and_sizes(self.lu.U.diagonal(), sign)


def _parity(order: np.ndarray) -> int:
    """1 for an even permutation, −1 for an odd one: n minus its number of cycles."""
    import scipy.sparse
    import scipy.sparse.csgraph

    n = len(order)
    arrows = scipy.sparse.csr_array((np.ones(n, np.int8), order, np.arange(n + 1)), shape=(n, n))
    cycles = scipy.sparse.csgraph.connected_components(arrows, directed=False, return_labels=False)
    return -1 if (n - cycles) % 2 else 1


def sparse_factor(
    data: np.ndarray, /, *, pattern: Pattern, check: bool, permc_spec: str | None
) -> SparseFactor:
    """SuperLU's factor.

    Of a pattern that is symmetric, the ordering is by the minimum degree of A + Aᵀ with pivots on the diagonal where
    they are good enough: less fill than SuperLU's defaults (Li, An overview of SuperLU, 2005).
    """
    import scipy.sparse
    import scipy.sparse.linalg

    n = pattern.shape[0]
    AT = scipy.sparse.csc_array(
        (data, pattern.indices, pattern.indptr), shape=pattern.shape[::-1], copy=False
    )
    if not pattern.once("canonical", lambda: bool(AT.has_canonical_format)):
        AT = AT.copy()  # sorted and summed in place: not in the caller's arrays
        AT.sum_duplicates()
    if not np.all(np.isfinite(data)):
        raise ValueError("sparse LU: the matrix holds NaN or infinity")
    settings: dict[str, Any] = {"permc_spec": permc_spec or "COLAMD"}
    if permc_spec is None and pattern.once("symmetric", lambda: _is_symmetric(AT)):
        settings = {
            "permc_spec": "MMD_AT_PLUS_A", "diag_pivot_thresh": 0.1, "options": {"SymmetricMode": True},
        }  # fmt: skip
    if n == 0:
        return SparseFactor(_Nothing(), data.dtype)
    canonical = pattern.once("canonical", bool)
    orders = pattern.once("orders", dict)  # by what was asked for: the order of the columns
    try:
        if canonical and permc_spec in orders:
            name = f"ordered {permc_spec}"
            ordered = pattern.once(name, lambda: _Ordered(AT, orders[permc_spec], settings))
            lu = ordered.factor(data)
        else:
            lu = scipy.sparse.linalg.splu(AT, **settings)
            orders[permc_spec] = lu.perm_c
    except RuntimeError as error:
        if "singular" not in str(error):
            raise
        raise _exactly_singular(AT) from None
    factor = SparseFactor(lu, data.dtype)
    if check:
        _check(AT, factor)
    return factor


class _Ordered:
    """A pattern with its columns, and where it is symmetric its rows, in the order that SuperLU found before.

    The order depends on the pattern alone, so that other values need none to be searched for: a sixth of the time.
    """

    def __init__(self, AT: Any, order: np.ndarray, settings: dict[str, Any]) -> None:
        import scipy.sparse

        self.settings = settings | {"permc_spec": "NATURAL"}
        self.symmetric = "options" in settings
        self.order = np.argsort(order)  # column k of the ordered matrix is this one of the given
        at = np.arange(1, AT.nnz + 1)  # no zeros, which would be dropped
        places = scipy.sparse.csc_array((at, AT.indices, AT.indptr), shape=AT.shape)[:, self.order]
        places = places[self.order, :] if self.symmetric else places
        places.sort_indices()
        self.indices, self.indptr, self.shape = places.indices, places.indptr, places.shape
        self.take = places.data - 1
        self.parity = 1 if self.symmetric else _parity(self.order)

    def factor(self, data: np.ndarray) -> _OrderedFactor:
        """SuperLU's factor of the matrix with these elements."""
        import scipy.sparse
        import scipy.sparse.linalg

        A = scipy.sparse.csc_array(
            (data.take(self.take), self.indices, self.indptr), shape=self.shape
        )
        return _OrderedFactor(scipy.sparse.linalg.splu(A, **self.settings), self)


class _OrderedFactor:
    """A factor of the ordered matrix, as one of the given."""

    def __init__(self, lu: Any, ordered: _Ordered) -> None:
        self.lu, self.ordered = lu, ordered
        self.perm_r, self.perm_c, self.parity = lu.perm_r, lu.perm_c, ordered.parity

    @property
    def U(self) -> Any:
        """The upper triangle."""
        return self.lu.U

    def solve(self, b: np.ndarray, trans: str = "N") -> np.ndarray:
        """The solution, as SuperLU's own."""
        order, symmetric = self.ordered.order, self.ordered.symmetric
        # ordered: (P A Q) (Qᵀ x) = P b, where P is 1 unless the pattern is symmetric
        x = self.lu.solve(b[order] if symmetric or trans != "N" else b, trans)
        if not symmetric and trans != "N":
            return x
        out = np.empty_like(x)
        out[order] = x
        return out


class _Nothing:
    """The factor of a matrix without rows."""

    def solve(self, b: np.ndarray, trans: str) -> np.ndarray:
        return b


def _is_symmetric(AT: RawArray) -> bool:
    """Whether the pattern, not the values, is symmetric."""
    import scipy.sparse

    ones = scipy.sparse.csr_array((np.ones(AT.nnz, np.int8), AT.indices, AT.indptr), shape=AT.shape)
    other = ones.T.tocsr()
    other.sort_indices()
    return np.array_equal(other.indptr, ones.indptr) and np.array_equal(other.indices, ones.indices)


def _exactly_singular(AT: RawArray) -> SingularMatrixError:
    """The error for a pivot of zero, whose position SuperLU does not report; an empty row is named."""
    sizes = np.asarray(abs(AT).sum(axis=0)).ravel()
    row = int(np.argmin(sizes))
    empty = f" (row {row} holds no element that is not 0)" if sizes[row] == 0 else ""
    return SingularMatrixError(
        f"matrix is singular: a pivot is exactly zero{empty}, its condition number infinite; regularise it"
    )


def _norm(v: np.ndarray) -> float:
    """‖v‖ without squares that overflow."""
    largest = float(np.max(np.abs(v)))
    if largest == 0 or not np.isfinite(largest):
        return largest
    return largest * float(np.linalg.norm(v / largest))


def _check(AT: RawArray, factor: SparseFactor) -> None:
    """Raise if the matrix is singular to working precision.

    One solve with a drawn right-hand side bounds ‖A⁻¹‖ from below, and nearly reaches it unless the draw is very
    unlucky; where that bound is large, Higham and Tisseur's estimate of the 1-norm decides (A block algorithm for
    matrix 1-norm estimation, 2000), which takes some ten solves.
    """
    import scipy.sparse.linalg

    n = AT.shape[0]
    eps = float(np.finfo(factor.dtype).eps)
    size = float(scipy.sparse.linalg.norm(AT, 1))
    b = np.random.default_rng(n).standard_normal((n, 1)).astype(factor.dtype)
    with np.errstate(all="ignore"):
        v = factor.lu.solve(b, "N")
    bound = size * _norm(v) / _norm(b)
    if bound < _SUSPICIOUS / eps:
        return

    def by(trans: str) -> Any:
        return lambda w: factor.lu.solve(np.asarray(w, factor.dtype).reshape(n, -1), trans)

    inverse = scipy.sparse.linalg.LinearOperator(
        (n, n), matvec=by("N"), rmatvec=by("H"), matmat=by("N"), rmatmat=by("H"), dtype=factor.dtype
    )
    condition = (
        size * float(scipy.sparse.linalg.onenormest(inverse)) if np.isfinite(bound) else np.inf
    )
    if not condition < 1 / eps:
        raise singular(1 / condition, factor.dtype)


def sparse_solve(factor: SparseFactor, b: np.ndarray, /, *, transposed: bool) -> np.ndarray:
    """The solution by the factor, which is made by `sparse_factor`."""
    return factor.solve(b, transposed)


FUNCTIONS = (sparse_rows, sparse_product, sparse_map, sddmm, sparse_factor, sparse_solve)
