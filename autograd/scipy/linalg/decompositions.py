"""Decompositions with SciPy's signatures: Cholesky, LU, QR, singular values, eigenvalues, the polar decomposition.

Settings that spare SciPy a copy (``overwrite_a``, ``lwork``) are taken and change nothing: no array is ever written to.
Those that ask for something else than what is here are refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.array import Array, backend_array
from ...core.generated import xp as generated
from ...core.typing import ArrayLike
from ...linalg import solve_triangular
from ...solve.runner import promoted, square
from ...transforms.custom_vjp import custom_vjp
from .common import adjoint, conj, finite, linalg, matrix


def refuse(function: str, **settings: Any) -> None:
    """An error for settings that are not there, given as ``name=(value, default)``."""
    for name, (value, default) in settings.items():
        if value is not default and value != default:
            raise NotImplementedError(
                f"{function}({name}={value!r}): only {name}={default!r} is differentiable here; "
                f"scipy.linalg.{function} has "
                "it for constants"
            )


# ── Cholesky ──────────────────────────────────────────────────────────────────────────────────


def cholesky(
    a: ArrayLike, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Array:
    """U with ``Uᴴ U = a``, or with `lower` L with ``L Lᴴ = a``, of Hermitian positive definite matrices (…, n, n).

    Raises
    ------
    numpy.linalg.LinAlgError
        If a matrix is not positive definite.

    Notes
    -----
    The upper triangle is read, or the lower one. The gradient is the Hermitian one, as that of `pb.xp.linalg.cholesky`.

    Examples
    --------
    >>> from pullback.scipy.linalg import cholesky
    >>> cholesky([[4.0, 2.0], [2.0, 5.0]])
    Array([[2., 1.],
           [0., 2.]], dtype=float64, device='cpu')
    """
    a = finite(matrix(a), "cholesky", check_finite)
    square(a, "cholesky")
    return linalg("cholesky")(a) if lower else adjoint(linalg("cholesky")(adjoint(a)))


def cho_factor(
    a: ArrayLike, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> tuple[Array, bool]:
    """The factor of `cholesky` and which one it is, for `cho_solve`; SciPy leaves numbers in its other triangle."""
    return cholesky(a, lower, check_finite=check_finite), lower


def cho_solve(
    c_and_lower: tuple[ArrayLike, bool],
    b: ArrayLike,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Array:
    """x with ``a x = b`` by the factor of a that `cho_factor` made, in whose triangle alone it is differentiable.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.scipy.linalg import cho_factor, cho_solve
    >>> cho_solve(cho_factor([[4.0, 2.0], [2.0, 5.0]]), [6.0, 7.0])
    Array([1., 1.], dtype=float64, device='cpu')
    """
    factor, lower = c_and_lower
    factor, b = promoted(matrix(factor), finite(matrix(b), "cho_solve", check_finite))
    first, second = (0, 2) if lower else (2, 0)
    half = solve_triangular(factor, b, trans=first, lower=lower)
    return solve_triangular(factor, half, trans=second, lower=lower)


# ── LU ────────────────────────────────────────────────────────────────────────────────────────
#
# P A = L U: with X = L⁻¹ (P dA) U⁻¹, dL = L tril(X, −1) and dU = triu(X) U. So, for F = tril(Lᵀ L̄, −1) + triu(Ū Uᵀ),
# P Ā = L⁻ᵀ F U⁻ᵀ (Walter and Lehmann 2012). Of an m × n matrix the leading square is decomposed so; what is right
# and below are solutions of triangular systems.


def _packed(a: Array) -> Array:
    """L − I + U of square matrices (…, n, n) whose rows are in the order of their pivots."""
    n = a.shape[-1]
    value = backend_array(a)
    out = np.array(value)
    for k in range(n - 1):
        out[..., k + 1 :, k] /= out[..., k, k][..., None]
        out[..., k + 1 :, k + 1 :] -= out[..., k + 1 :, k, None] * out[..., k, None, k + 1 :]
    return Array(out)


def _packed_forward(a: Array) -> tuple[Array, Array]:
    out = packed(a)
    return out, out


def _packed_backward(out: Array, ct: Array) -> tuple[Array]:
    """L⁻ᴴ F U⁻ᴴ, of the gradient ct."""
    below, above = generated.tril(ct, k=-1), generated.triu(ct)
    L, U = unpacked(out)
    F = generated.tril(adjoint(L) @ below, k=-1) + generated.triu(above @ adjoint(U))
    left = solve_triangular(L, F, trans=2, lower=True, unit_diagonal=True)
    return (adjoint(solve_triangular(U, adjoint(left))),)


packed = custom_vjp(_packed)
packed.defvjp(_packed_forward, _packed_backward)


def unpacked(out: Array) -> tuple[Array, Array]:
    """The unit lower and the upper triangle of a packed square factor."""
    i = np.arange(out.shape[-1])
    eye = (i[:, None] == i[None, :]).astype(out.dtype)
    return generated.tril(out, k=-1) + eye, generated.triu(out)


def _order_of(a: Array, name: str) -> np.ndarray:
    """The rows of a matrix in the order of their pivots: row i of P A is row order[i] of A."""
    import scipy.linalg  # half of the time that `import pullback` takes

    value = backend_array(a)
    if not isinstance(value, np.ndarray):
        raise NotImplementedError(
            f"{name}: the order of pivots is SciPy's, for NumPy's arrays alone; use pb.linalg.factorize(a), which has "
            "solve, slogdet and inv by LU on every library"
        )
    order, _, _ = scipy.linalg.lu(value, p_indices=True)
    back = np.empty_like(order)
    np.put_along_axis(
        back, order, np.broadcast_to(np.arange(order.shape[-1]), order.shape), axis=-1
    )
    return back


def _lu(a: Array, order: np.ndarray) -> tuple[Array, Array]:
    """L (m, k) and U (k, n) of the matrix with its rows in order."""
    a = (
        generated.take(a, order, axis=-2)
        if order.ndim == 1
        else generated.take_along_axis(a, order[..., None], axis=-2)
    )
    m, n = a.shape[-2:]
    k = min(m, n)
    L, U = unpacked(packed(a[..., :k, :k]))
    if n > k:
        right = solve_triangular(L, a[..., :k, k:], lower=True, unit_diagonal=True)
        U = generated.concat([U, right], axis=-1)
    if m > k:
        under = solve_triangular(U, adjoint(a[..., k:, :]), trans=2)
        L = generated.concat([L, adjoint(under)], axis=-2)
    return L, U


def lu(
    a: ArrayLike,
    permute_l: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,
    p_indices: bool = False,
) -> Any:
    """P, L, U with ``a = P L U``, by partial pivoting; the order of the pivots is constant.

    Parameters
    ----------
    a
        A matrix (m, n), on NumPy.
    permute_l : bool
        Return P L and U.
    overwrite_a, check_finite
        As elsewhere.
    p_indices : bool
        Return the permutation as indices p with ``a = L[p] U``.

    Returns
    -------
    tuple of Array

    Examples
    --------
    >>> from pullback.scipy.linalg import lu
    >>> p, l, u = lu([[1.0, 2.0], [4.0, 4.0]])
    >>> u
    Array([[4., 4.],
           [0., 1.]], dtype=float64, device='cpu')
    """
    a = finite(matrix(a), "lu", check_finite)
    if a.ndim != 2:
        raise ValueError(f"lu: a matrix is wanted, not an array of shape {a.shape}")
    order = _order_of(a, "lu")
    L, U = _lu(a, order)
    back = np.argsort(order)
    if permute_l:
        return generated.take(L, back, axis=-2), U
    if p_indices:
        return Array(back), L, U
    P = np.zeros((order.size, order.size), dtype=np.empty(0, a.dtype).real.dtype)
    P[order, np.arange(order.size)] = 1
    return Array(P), L, U


def lu_factor(
    a: ArrayLike, overwrite_a: bool = False, check_finite: bool = True
) -> tuple[Array, Any]:
    """L − I + U in one square matrix, and the pivots as SciPy counts them, for `lu_solve`."""
    a = finite(matrix(a), "lu_factor", check_finite)
    if a.ndim != 2 or a.shape[0] != a.shape[1]:
        raise ValueError(f"lu_factor: a square matrix is wanted, not an array of shape {a.shape}")
    order = _order_of(a, "lu_factor")
    rows, pivots = list(range(order.size)), []
    for i, wanted in enumerate(order.tolist()):
        j = rows.index(wanted)
        rows[i], rows[j] = rows[j], rows[i]
        pivots.append(j)
    return packed(generated.take(a, order, axis=-2)), np.asarray(pivots, dtype=np.int32)


def lu_solve(
    lu_and_piv: tuple[ArrayLike, Any],
    b: ArrayLike,
    trans: int = 0,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Array:
    """x with ``a x = b``, aᵀ x = b or aᴴ x = b, by the factor that `lu_factor` made.

    Examples
    --------
    >>> from pullback.scipy.linalg import lu_factor, lu_solve
    >>> lu_solve(lu_factor([[1.0, 2.0], [4.0, 4.0]]), [3.0, 8.0])
    Array([1., 1.], dtype=float64, device='cpu')
    """
    factor, pivots = lu_and_piv
    factor, b = promoted(matrix(factor), finite(matrix(b), "lu_solve", check_finite))
    rows = np.arange(factor.shape[-1])
    for i, j in enumerate(np.asarray(backend_array(pivots)).tolist()):
        rows[[i, j]] = rows[[j, i]]
    axis = 0 if b.ndim == 1 else -2
    if trans == 0:
        half = solve_triangular(
            factor, generated.take(b, rows, axis=axis), lower=True, unit_diagonal=True
        )
        return solve_triangular(factor, half)
    half = solve_triangular(factor, b, trans=trans)
    out = solve_triangular(factor, half, trans=trans, lower=True, unit_diagonal=True)
    return generated.take(out, np.argsort(rows), axis=axis)


# ── QR, singular values, polar ────────────────────────────────────────────────────────────────


def qr(
    a: ArrayLike,
    overwrite_a: bool = False,
    lwork: Any = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> Any:
    """Q, R with ``a = Q R`` of matrices (…, m, n); with ``mode="r"`` R alone, with ``"economic"`` the thin Q."""
    refuse("qr", pivoting=(pivoting, False))
    if mode not in ("full", "economic", "r"):
        raise ValueError(f"qr: mode={mode!r}; 'full', 'economic' or 'r'")
    a = finite(matrix(a), "qr", check_finite)
    Q, R = linalg("qr")(a, mode="reduced" if mode == "economic" else "complete")
    return (R,) if mode == "r" else (Q, R)


def rq(
    a: ArrayLike,
    overwrite_a: bool = False,
    lwork: Any = None,
    mode: str = "full",
    check_finite: bool = True,
) -> Any:
    """R, Q with ``a = R Q`` of a matrix (m, n), m ≤ n for ``mode="economic"``: the QR of the reversed one."""
    a = finite(matrix(a), "rq", check_finite)
    turned = adjoint(generated.flip(a, axis=-2))
    Q, R = linalg("qr")(turned, mode="reduced" if mode == "economic" else "complete")
    R = generated.flip(adjoint(R), axis=(-2, -1))
    return (R,) if mode == "r" else (R, generated.flip(adjoint(Q), axis=-2))


def svd(
    a: ArrayLike,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """U, s, Vᴴ with ``a = U diag(s) Vᴴ``; ``compute_uv=False``: s alone, differentiable at equal values too."""
    a = finite(matrix(a), "svd", check_finite)
    if not compute_uv:
        return linalg("svdvals")(a)
    return tuple(linalg("svd")(a, full_matrices=full_matrices))


def svdvals(a: ArrayLike, overwrite_a: bool = False, check_finite: bool = True) -> Array:
    """The singular values, the largest first."""
    return linalg("svdvals")(finite(matrix(a), "svdvals", check_finite))


def polar(a: ArrayLike, side: str = "right") -> tuple[Array, Array]:
    """U, P with ``a = U P`` ("right") or ``a = P U`` ("left"): U unitary, P Hermitian and not negative.

    Examples
    --------
    >>> from pullback.scipy.linalg import polar
    >>> polar([[0.0, -2.0], [3.0, 0.0]])[1]
    Array([[3., 0.],
           [0., 2.]], dtype=float64, device='cpu')
    """
    if side not in ("right", "left"):
        raise ValueError(f"polar: side={side!r}; 'right' or 'left'")
    a = matrix(a)
    U = generated.polar(a)
    P = adjoint(U) @ a if side == "right" else a @ adjoint(U)
    return U, 0.5 * (P + adjoint(P))


def orthogonal_procrustes(
    A: ArrayLike, B: ArrayLike, check_finite: bool = True
) -> tuple[Array, Array]:
    """The unitary R that minimises ‖A R − B‖, and the sum of the singular values of Aᴴ B."""
    A, B = promoted(
        finite(matrix(A), "orthogonal_procrustes", check_finite),
        finite(matrix(B), "orthogonal_procrustes", check_finite),
    )
    M = conj(generated.matrix_transpose(A)) @ B
    return generated.polar(M), generated.sum(linalg("svdvals")(M))


# ── eigenvalues ───────────────────────────────────────────────────────────────────────────────


def eigh(
    a: ArrayLike,
    b: ArrayLike = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,
    check_finite: bool = True,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    driver: Any = None,
) -> Any:
    """Eigenvalues w, ascending, and eigenvectors v of Hermitian matrices: ``a v = v w``, or ``a v = b v w``.

    Parameters
    ----------
    a
        Hermitian matrices (…, n, n), of which one triangle is read.
    b
        Hermitian positive definite matrices: the generalised problem, by b = L Lᴴ and the matrix L⁻¹ a L⁻ᴴ.
    lower : bool
        Which triangle of a is read.
    eigvals_only : bool
        Return w alone, whose derivative is there at equal eigenvalues too.
    type : int
        Of the generalised problem: 1 alone.
    subset_by_index : (int, int), optional
        The first and the last of the eigenvalues that are returned.
    subset_by_value
        Refused: how many eigenvalues there are would depend on values.
    overwrite_a, overwrite_b, check_finite, driver
        As elsewhere.

    Returns
    -------
    Array or (Array, Array)

    Examples
    --------
    >>> from pullback.scipy.linalg import eigh
    >>> eigh([[2.0, 1.0], [1.0, 2.0]], eigvals_only=True)
    Array([1., 3.], dtype=float64, device='cpu')
    """
    refuse("eigh", type=(type, 1), subset_by_value=(subset_by_value, None))
    a = finite(matrix(a), "eigh", check_finite)
    square(a, "eigh")
    a = a if lower else adjoint(a)
    L = None
    if b is not None:
        a, b = promoted(a, finite(matrix(b), "eigh", check_finite))
        full = generated.tril(a) + adjoint(generated.tril(a, k=-1))
        L = linalg("cholesky")(b)
        half = solve_triangular(L, full, lower=True)
        a = adjoint(solve_triangular(L, adjoint(half), lower=True))
        a = 0.5 * (a + adjoint(a))
    part = (
        slice(None)
        if subset_by_index is None
        else slice(int(subset_by_index[0]), int(subset_by_index[1]) + 1)
    )
    if eigvals_only:
        return linalg("eigvalsh")(a)[..., part]
    w, v = linalg("eigh")(a)
    v = v if L is None else solve_triangular(L, v, trans=2, lower=True)
    return w[..., part], v[..., part]


def eigvalsh(a: ArrayLike, b: ArrayLike = None, **settings: Any) -> Array:
    """The eigenvalues of Hermitian matrices, ascending; the settings are those of `eigh`."""
    return eigh(a, b, eigvals_only=True, **settings)


def eig(
    a: ArrayLike,
    b: ArrayLike = None,
    left: bool = False,
    right: bool = True,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Any:
    """Eigenvalues w and right eigenvectors v of matrices (…, n, n), complex: ``a v = v w``, or ``a v = b v w``."""
    refuse("eig", left=(left, False), homogeneous_eigvals=(homogeneous_eigvals, False))
    a = finite(matrix(a), "eig", check_finite)
    if b is not None:
        a = linalg("solve")(*promoted(matrix(b), a))
    if not right:
        return linalg("eigvals")(a)
    return tuple(linalg("eig")(a))


def eigvals(
    a: ArrayLike,
    b: ArrayLike = None,
    overwrite_a: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Array:
    """The eigenvalues of matrices (…, n, n), complex."""
    return eig(
        a, b, right=False, check_finite=check_finite, homogeneous_eigvals=homogeneous_eigvals
    )
