"""Decompositions and norms of `pullback.numpy.linalg`, with NumPy's settings.

Functions of a Hermitian matrix have the Hermitian part of the gradient, whichever triangle is read.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...backend import backend_of
from ..core.array import Array, backend_array
from ..functions import namespace as xp
from ..functions.creation import as_floating
from .arguments import as_array
from .linear_systems import adjoint, floating, inv, require_square
from .operands import axes_of, constant


def cholesky(a: Any, /, *, upper: bool = False) -> Array:
    """The lower triangular L with L Lᴴ = a, or the upper triangular U with Uᴴ U = a, of positive definite matrices.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.cholesky([[4.0, 2.0], [2.0, 5.0]])
    Array([[2., 0.],
           [1., 2.]], dtype=float64, device='cpu')
    """
    a = floating(a)
    require_square(a, "cholesky")
    return xp.linalg.cholesky(a, upper=upper)


def qr(a: Any, mode: str = "reduced") -> Any:
    """The factors Q with orthonormal columns and R, upper triangular, with Q R = a, as `QRResult`.

    Parameters
    ----------
    a
        Matrices (…, m, n).
    mode : {"reduced", "complete", "r"}
        The shape of Q, or R alone. NumPy's "raw" is refused: Householder's vectors have no use here.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> abs(np.linalg.qr([[3.0, 0.0], [4.0, 5.0]]).R).round(6)
    Array([[5., 4.],
           [0., 3.]], dtype=float64, device='cpu')
    """
    a = floating(a)
    if mode == "r":
        return xp.linalg.qr(a)[1]
    if mode not in ("reduced", "complete"):
        raise ValueError(f'qr(mode={mode!r}): choose "reduced", "complete" or "r"')
    return xp.linalg.qr(a, mode=mode)


def eig(a: Any) -> Any:
    """The eigenvalues and right eigenvectors of square matrices, as `EigResult`.

    Those of a real matrix are real where all imaginary parts are 0, as in NumPy; in a compiled program, where values
    are not known, they are complex.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.eig([[2.0, 0.0], [0.0, 3.0]]).eigenvalues
    Array([2., 3.], dtype=float64, device='cpu')
    """
    a = floating(a)
    require_square(a, "eig")
    found: Any = xp.linalg.eig(a)
    if not _all_real(a, found[0]):
        return found
    return found._make(xp.real(part) for part in found)


def eigvals(a: Any) -> Array:
    """The eigenvalues of square matrices, as in `eig`.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.eigvals([[0.0, -1.0], [1.0, 0.0]])
    Array([0.+1.j, 0.-1.j], dtype=complex128, device='cpu')
    """
    a = floating(a)
    require_square(a, "eigvals")
    found = xp.linalg.eigvals(a)
    return xp.real(found) if _all_real(a, found) else found


def _all_real(a: Array, w: Array) -> bool:
    """Whether eigenvalues of a real matrix are known to be real."""
    if a.dtype.kind == "c" or w.dtype.kind != "c" or backend_of(backend_array(w)).recording:
        return False
    return bool(xp.all(xp.imag(constant(w)) == 0))


def eigh(a: Any, UPLO: str = "L") -> Any:
    """The eigenvalues, ascending, and eigenvectors of Hermitian matrices, of which one triangle is read.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.eigh([[2.0, 0.0], [0.0, 3.0]]).eigenvalues
    Array([2., 3.], dtype=float64, device='cpu')
    """
    return xp.linalg.eigh(_triangle(a, UPLO, "eigh"))


def eigvalsh(a: Any, UPLO: str = "L") -> Array:
    """The eigenvalues, ascending, of Hermitian matrices, of which one triangle is read.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.eigvalsh([[2.0, 0.0], [0.0, 3.0]])
    Array([2., 3.], dtype=float64, device='cpu')
    """
    return xp.linalg.eigvalsh(_triangle(a, UPLO, "eigvalsh"))


def _triangle(a: Any, UPLO: str, name: str) -> Array:
    a = floating(a)
    require_square(a, name)
    if UPLO.upper() not in ("L", "U"):
        raise ValueError(f"{name}: UPLO={UPLO!r} has to be 'L' or 'U'")
    # the lower triangle is what the library reads
    return a if UPLO.upper() == "L" else adjoint(a)


def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """The singular value decomposition U diag(S) Vh of matrices (…, m, n), as `SVDResult`.

    Parameters
    ----------
    a
        Matrices.
    full_matrices : bool
        Whether U and Vh are square.
    compute_uv : bool
        False returns the singular values alone, whose derivatives are right where they are equal.
    hermitian : bool
        `a` is Hermitian, and is decomposed by `eigh`.

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> x = np.asarray([[2.0, 0.0], [0.0, 1.0]])
    >>> pb.grad(lambda x: np.linalg.svd(x, compute_uv=False)[0])(x)
    Array([[1., 0.],
           [0., 0.]], dtype=float64, device='cpu')
    """
    a = floating(a)
    if a.ndim < 2:
        raise np.linalg.LinAlgError(f"svd: matrices are needed, not an array of shape {a.shape}")
    if not hermitian:
        return xp.linalg.svd(a, full_matrices=full_matrices) if compute_uv else xp.linalg.svdvals(a)
    require_square(a, "svd")
    if not compute_uv:
        return xp.sort(xp.abs(xp.linalg.eigvalsh(a)), descending=True)
    w, V = xp.linalg.eigh(a)
    order = constant(xp.argsort(xp.abs(constant(w)), descending=True))
    w = xp.take_along_axis(w, order, axis=-1)
    V = xp.take_along_axis(V, xp.broadcast_to(order[..., None, :], V.shape), axis=-1)
    sign = xp.astype(xp.sign(constant(w)), V.dtype)
    vh = adjoint(V * sign[..., None, :])
    result: Any = type(np.linalg.svd(np.eye(1)))
    return result(V, xp.abs(w), vh)


def svdvals(x: Any, /) -> Array:
    """The singular values of matrices, descending.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.svdvals([[3.0, 0.0], [0.0, 4.0]])
    Array([4., 3.], dtype=float64, device='cpu')
    """
    return xp.linalg.svdvals(floating(x))


# ── norms ───────────────────────────────────────────────────────────────────────────────────────


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Array:
    """The norm of vectors or matrices; its derivative is a subgradient where there is a kink, 0 at 0.

    Parameters
    ----------
    x
        An array; of one or two dimensions, unless `ord` or `axis` is given.
    ord : number, "fro", "nuc" or None
        Of vectors: (Σ |x|ᵖ)^(1/p), with ±∞ the largest or smallest |x|, and 0 the number of elements that are not 0. Of
        matrices: "fro" the root of the sum of squares, "nuc" the sum of the singular values, ±2 the largest or smallest
        of them, ±1 (±∞) the largest or smallest sum of |x| of a column (row). None: the root of the sum of squares, of
        all axes.
    axis : int or pair of int, optional
        The axis of the vectors, or the two of the matrices.
    keepdims : bool
        Keep the axes with length 1.

    Raises
    ------
    ValueError
        If there is no such norm.

    Examples
    --------
    >>> import pullback as pb, pullback.numpy as np
    >>> pb.grad(np.linalg.norm)(np.asarray([3.0, 4.0]))
    Array([0.6, 0.8], dtype=float64, device='cpu')
    """
    x = as_floating(as_array(x))
    if axis is None:
        if ord is None or (x.ndim == 2 and ord in ("f", "fro")) or (x.ndim == 1 and ord == 2):
            return xp.linalg.vector_norm(x, axis=None, keepdims=keepdims)
        if x.ndim not in (1, 2):
            raise ValueError(f"norm(ord={ord!r}) of an array of {x.ndim} dimensions needs axis=")
    axes = axes_of(axis, x.ndim)
    if len(axes) == 1:
        if isinstance(ord, str):
            raise ValueError(f"norm: there is no norm ord={ord!r} of vectors")
        return xp.linalg.vector_norm(
            x, axis=axes[0], keepdims=keepdims, ord=2 if ord is None else ord
        )
    if len(axes) != 2:
        raise ValueError(f"norm: axis={axis!r} has to be one axis, or a pair")
    if ord not in (None, "f", "fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf):
        raise ValueError(f"norm: there is no norm ord={ord!r} of matrices")
    if ord in (None, "f", "fro"):
        return xp.linalg.vector_norm(x, axis=axes, keepdims=keepdims)
    out = xp.linalg.matrix_norm(xp.moveaxis(x, axes, (-2, -1)), ord=ord)
    return xp.expand_dims(out, axis=tuple(sorted(axes))) if keepdims else out


def cond(x: Any, p: Any = None) -> Array:
    """The condition number ‖x‖ ‖x⁻¹‖ of matrices in the norm `p`; by singular values for None, 2 and −2.

    Singular matrices have infinity.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.cond([[2.0, 0.0], [0.0, 4.0]])
    Array(2., dtype=float64, device='cpu')
    """
    x = floating(x)
    if x.ndim < 2 or 0 in x.shape[-2:]:
        raise np.linalg.LinAlgError(f"cond: an array of shape {x.shape} has no condition number")
    if p in (None, 2, -2):
        s = xp.linalg.svdvals(x)
        first, last = s[..., 0], s[..., -1]
        if p == -2:
            first, last = last, first
        zero = constant(last) == 0
        # where there is no quotient, the derivative is infinite, too
        factor = xp.where(zero, math.inf, xp.ones_like(constant(last)))
        first = xp.where(zero & (constant(first) == 0), 1.0, first)
        return first / xp.where(zero, 1.0, last) * factor
    require_square(x, "cond")
    if x.ndim > 2 and _any_singular(x):
        rows = [cond(x[i], p) for i in range(x.shape[0])]
        return xp.stack(rows)
    try:
        inverse = inv(x)
    except np.linalg.LinAlgError:
        return _unbounded(norm(x, p, axis=(-2, -1)))
    return norm(x, p, axis=(-2, -1)) * norm(inverse, p, axis=(-2, -1))


def _unbounded(size: Array) -> Array:
    """Infinity, also for a matrix of zeros; its derivative is no number either."""
    return xp.where(constant(size) == 0, 1.0, size) * math.inf


def _any_singular(x: Array) -> bool:
    value = constant(x)
    if backend_of(backend_array(value)).recording:
        return False
    try:
        inv(value)
    except np.linalg.LinAlgError:
        return True
    return False


def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Array:
    """The number of singular values above `tol`, or above `rtol` times the largest; a constant.

    Parameters
    ----------
    A
        Matrices (…, m, n); a vector has the rank 1, or 0 if it is 0.
    tol, rtol : number, optional
        One of them; by default ``rtol = max(m, n) ε``.
    hermitian : bool
        `A` is Hermitian.

    Examples
    --------
    >>> import pullback.numpy as np
    >>> np.linalg.matrix_rank([[1.0, 2.0], [2.0, 4.0]])
    Array(1, dtype=int64, device='cpu')
    """
    A = constant(as_floating(as_array(A)))
    if tol is not None and rtol is not None:
        raise ValueError("matrix_rank: tol and rtol are one setting; give one of them")
    if A.ndim < 2:
        return xp.astype(xp.any(A != 0), np.dtype("int64"))
    s = svd(A, compute_uv=False, hermitian=hermitian)
    if tol is None:
        rtol = max(A.shape[-2:]) * xp.finfo(s.dtype).eps if rtol is None else _beside_axis(rtol)
        tol = xp.max(s, axis=-1, keepdims=True) * rtol if s.shape[-1] else 0.0
    else:
        tol = _beside_axis(tol)
    return xp.count_nonzero(s > tol, axis=-1)


def _beside_axis(tol: Any) -> Any:
    return tol if np.isscalar(tol) else xp.expand_dims(constant(tol), axis=-1)
