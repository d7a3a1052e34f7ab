"""Systems, inverses, determinants, norms and least squares with SciPy's signatures, by the solvers of `pb.linalg`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....backend import backend_of
from ... import linalg as ours
from ...core.array import Array, backend_array
from ...core.dtypes import is_complex
from ...core.generated import xp as generated
from ...core.typing import ArrayLike
from ...functions.creation import as_floating
from ...solve.runner import promoted, square
from ..operands import constant
from .common import adjoint, conj, finite, linalg, matrix
from .special_matrices import toeplitz

# SciPy's names of structures as those of `pb.linalg.solve`; None, by which SciPy looks for one, is general.
ASSUMED = {
    None: "general", "general": "general", "gen": "general", "diagonal": "diagonal", "tridiagonal": "tridiagonal",
    "banded": "banded", "upper triangular": "upper", "lower triangular": "lower", "symmetric": "symmetric", "sym":
    "symmetric", "hermitian": "hermitian", "her": "hermitian", "positive definite": "positive", "pos": "positive",
}  # fmt: skip


def solve(
    a: ArrayLike,
    b: ArrayLike,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: str | None = None,
    transposed: bool = False,
) -> Array:
    """x with ``a x = b``, or with `transposed` aᵀ x = b; b̄ = λ by one more solve with aᵀ, ā = −λ xᵀ.

    Parameters
    ----------
    a
        Matrices (…, n, n).
    b
        One vector (n,), or matrices (…, n, k).
    lower : bool
        Which triangle of a symmetric, Hermitian or positive definite matrix is read.
    assume_a : str, optional
        The structure, under SciPy's names; None is "general" (SciPy looks for one then).
    transposed : bool
        Solve with aᵀ.
    overwrite_a, overwrite_b, check_finite
        As elsewhere.

    Returns
    -------
    Array

    Raises
    ------
    numpy.linalg.LinAlgError
        If a matrix is singular, or not positive definite.

    Examples
    --------
    >>> from pullback.scipy.linalg import solve
    >>> solve([[4.0, 1.0], [1.0, 3.0]], [1.0, 2.0], assume_a="pos")
    Array([0.09090909, 0.63636364], dtype=float64, device='cpu')
    """
    if assume_a not in ASSUMED:
        raise ValueError(
            f"solve: assume_a={assume_a!r}; one of {', '.join(repr(k) for k in ASSUMED)}"
        )
    assume = ASSUMED[assume_a]
    a, b = finite(matrix(a), "solve", check_finite), finite(matrix(b), "solve", check_finite)
    square(a, "solve")
    if assume in ("symmetric", "hermitian", "positive") and not lower:
        a = generated.matrix_transpose(a) if assume == "symmetric" else adjoint(a)
    if transposed:
        a = generated.matrix_transpose(a)
        assume = {"upper": "lower", "lower": "upper"}.get(assume, assume)
    return ours.solve(a, b, assume=assume)


def solve_triangular(
    a: ArrayLike,
    b: ArrayLike,
    trans: int | str = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Array:
    """x with ``a x = b`` for triangular a; `trans` 1 or "T": aᵀ, 2 or "C": aᴴ."""
    a, b = (
        finite(matrix(a), "solve_triangular", check_finite),
        finite(matrix(b), "solve_triangular", check_finite),
    )
    return ours.solve_triangular(a, b, trans=trans, lower=lower, unit_diagonal=unit_diagonal)


def solve_banded(
    l_and_u: tuple[int, int],
    ab: ArrayLike,
    b: ArrayLike,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Array:
    """x with ``a x = b`` for a banded a, stored by diagonals: ``ab[u + i − j, j] = a[i, j]``."""
    ab, b = (
        finite(matrix(ab), "solve_banded", check_finite),
        finite(matrix(b), "solve_banded", check_finite),
    )
    return ours.solve_banded(l_and_u, ab, b)


def solveh_banded(
    ab: ArrayLike,
    b: ArrayLike,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    lower: bool = False,
    check_finite: bool = True,
) -> Array:
    """x with ``a x = b`` for a positive definite banded a, stored by the diagonals of one triangle."""
    ab, b = (
        finite(matrix(ab), "solveh_banded", check_finite),
        finite(matrix(b), "solveh_banded", check_finite),
    )
    return ours.solveh_banded(ab, b, lower=lower)


def solve_toeplitz(c_or_cr: Any, b: ArrayLike, check_finite: bool = True) -> Array:
    """x with ``T x = b`` for the Toeplitz matrix of a first column, or of a pair of column and row; by LU, n³."""
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    return solve(toeplitz(c, r), b, check_finite=check_finite)


def matmul_toeplitz(
    c_or_cr: Any, x: ArrayLike, check_finite: bool = False, workers: Any = None
) -> Array:
    """``T x`` for the Toeplitz matrix of a first column, or of a pair of column and row."""
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    return toeplitz(c, r) @ matrix(x)


def solve_circulant(
    c: ArrayLike,
    b: ArrayLike,
    singular: str = "raise",
    tol: Any = None,
    caxis: int = -1,
    baxis: int = 0,
    outaxis: int = 0,
) -> Array:
    """x with ``C x = b`` for the circulant of first column c, by Fourier transforms."""
    if singular != "raise" or tol is not None or (caxis, baxis, outaxis) != (-1, 0, 0):
        raise NotImplementedError(
            "solve_circulant: singular='raise' and the axes as they are by default are there; "
            "pb.linalg.solve_circulant(c, b) takes batches"
        )
    return ours.solve_circulant(matrix(c), matrix(b))


def inv(
    a: ArrayLike,
    overwrite_a: bool = False,
    check_finite: bool = True,
    *,
    assume_a: str | None = None,
    lower: bool = False,
) -> Array:
    """The inverse of matrices (…, n, n): ``dY = −Y dA Y``."""
    a = finite(matrix(a), "inv", check_finite)
    if ASSUMED.get(assume_a, "general") == "general":
        return linalg("inv")(a)
    i = np.arange(a.shape[-1])
    host = np.asarray(i[:, None] == i[None, :], dtype=a.dtype)
    identity = Array(backend_of(backend_array(a)).asarray(host))
    return solve(a, identity, lower, check_finite=False, assume_a=assume_a)


def det(a: ArrayLike, overwrite_a: bool = False, check_finite: bool = True) -> Array:
    """The determinant of matrices (…, n, n), right at singular ones too."""
    a = finite(matrix(a), "det", check_finite)
    square(a, "det")
    return linalg("det")(a)


def pinv(
    a: ArrayLike,
    *,
    atol: Any = None,
    rtol: Any = None,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Any:
    """The pseudo-inverse of matrices (…, m, n), differentiable where the rank stays the same.

    Singular values up to ``max(atol, rtol · largest)`` count as 0; rtol is by default max(m, n) times the precision.
    """
    a = finite(matrix(a), "pinv", check_finite)
    rtol = _relative(a, atol, rtol)
    out = linalg("pinv")(a, rtol=rtol)
    return (out, linalg("matrix_rank")(a, rtol=rtol)) if return_rank else out


def pinvh(
    a: ArrayLike,
    atol: Any = None,
    rtol: Any = None,
    lower: bool = True,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Any:
    """The pseudo-inverse of Hermitian matrices, of which one triangle is read."""
    a = matrix(a)
    a = (
        generated.tril(a) + adjoint(generated.tril(a, k=-1))
        if lower
        else generated.triu(a) + adjoint(generated.triu(a, k=1))
    )
    return pinv(a, atol=atol, rtol=rtol, return_rank=return_rank, check_finite=check_finite)


def _relative(a: Array, atol: Any, rtol: Any) -> Any:
    """SciPy's limit, over the largest singular value."""
    if rtol is None:
        rtol = max(a.shape[-2:]) * float(np.finfo(a.dtype).eps) if not atol else 0.0
    if not atol:
        return rtol
    if a.ndim > 2:
        raise NotImplementedError("pinv: atol of a batch of matrices; use rtol")
    largest = float(generated.max(linalg("svdvals")(constant(a))))
    return max(rtol, atol / largest) if largest else rtol


def lstsq(
    a: ArrayLike,
    b: ArrayLike,
    cond: Any = None,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    lapack_driver: Any = None,
) -> tuple[Array, Any, Any, Array]:
    """x of least norm that minimises ‖b − a x‖, the sums of squares of its residuals, the rank, the singular values.

    Parameters
    ----------
    a
        A matrix (m, n).
    b
        (m,) or (m, k).
    cond : float, optional
        Singular values below `cond` times the largest count as 0.
    overwrite_a, overwrite_b, check_finite, lapack_driver
        As elsewhere.

    Returns
    -------
    x, residues, rank, s
        As SciPy's: residues are empty unless a has full column rank and m > n.

    Notes
    -----
    Of full rank by one QR factorisation (`pb.linalg.lstsq`); else by the pseudo-inverse, which is differentiable
    where the rank stays the same. A compiled program, which cannot look at the rank, takes the pseudo-inverse, has
    residues if m > n, and its rank is an array.
    """
    a, b = promoted(
        finite(matrix(a), "lstsq", check_finite), finite(matrix(b), "lstsq", check_finite)
    )
    m, n = a.shape
    s = linalg("svdvals")(a)
    limit = max(m, n) * float(np.finfo(s.dtype).eps) if cond is None else float(cond)
    kept = constant(s) > limit * generated.max(constant(s))
    rank = generated.sum(generated.astype(kept, np.dtype("int64")))
    value = backend_array(rank)
    known = None if backend_of(value).recording else int(value)
    x = ours.lstsq(a, b) if known == min(m, n) else linalg("pinv")(a, rtol=limit) @ b
    found = rank if known is None else known
    if m > n and known in (None, n):
        r = b - a @ x
        size = generated.real(r * conj(r)) if is_complex(r.dtype) else r * r
        return x, generated.sum(size, axis=0), found, s
    return x, s[:0], found, s


def norm(
    a: ArrayLike,
    ord: Any = None,
    axis: Any = None,
    keepdims: bool = False,
    check_finite: bool = True,
) -> Array:
    """The norm of a vector, of a matrix, or of those along one or two axes.

    Parameters
    ----------
    a
        Array.
    ord
        As in NumPy's and SciPy's `norm`; None: the 2-norm of all elements.
    axis : int or (int, int), optional
        The axis of the vectors, or the two of the matrices.
    keepdims : bool
        Keep these axes, with length 1.
    check_finite : bool
        As elsewhere.

    Returns
    -------
    Array

    Notes
    -----
    At 0 the derivative is 0.

    Examples
    --------
    >>> from pullback.scipy.linalg import norm
    >>> norm([3.0, 4.0])
    Array(5., dtype=float64, device='cpu')
    """
    a = finite(as_floating(a), "norm", check_finite)
    if axis is None and ord is None:
        flat = linalg("vector_norm")(generated.reshape(a, (-1,)))
        return generated.reshape(flat, (1,) * a.ndim) if keepdims else flat
    if axis is None:
        if a.ndim not in (1, 2):
            raise ValueError(f"norm: ord={ord!r} of an array of {a.ndim} dimensions; give the axes")
        axis = 0 if a.ndim == 1 else (0, 1)
    if isinstance(axis, tuple | list) and len(axis) == 1:
        axis = axis[0]
    if isinstance(axis, int):
        return linalg("vector_norm")(a, axis=axis, keepdims=keepdims, ord=2 if ord is None else ord)
    first, second = (i % a.ndim for i in axis)
    moved = generated.moveaxis(a, (first, second), (-2, -1))
    out = linalg("matrix_norm")(moved, ord="fro" if ord is None else ord)
    if not keepdims:
        return out
    for i in sorted((first, second)):
        out = generated.expand_dims(out, axis=i)
    return out
