"""Determinants, inverses, solves and triangular factors, of the extension `linalg`.

Notation: c is the cotangent of the output, conjugated as the sweep carries it, so that dL = Re Σ c·dout, and the rule
finds Ā with dL = Re Σ Ā·dA. Then Re tr(N X dA Y) gives Ā = Xᵀ Nᵀ Yᵀ with plain transposes, and conjugates appear only
where dAᴴ does: Re tr(N dAᴴ) = Re Σ conj(N)·dA.

Sources: Giles, Collected matrix derivative results for forward and reverse mode algorithmic differentiation, 2008;
Seeger et al., Auto-differentiating linear algebra, 2017; Golub and Pereyra, The differentiation of pseudo-inverses and
nonlinear least squares problems whose variables separate, 1973; Walter and Lehmann, Algorithmic differentiation of
linear algebra functions with application in optimum experimental design, 2012; Roberts and Roberts, QR and LQ
decomposition matrix backpropagation algorithms for square, wide, and deep matrices, 2020.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.array import Array, backend_array
from ..core.defvjp import library_defvjp as defvjp
from ..core.dtypes import is_complex
from ..core.typing import XP, Cotangent, Value
from .linear_algebra import adjoint, cell, column, conj, eye, row, spread_diagonal, triangular

# ── det ───────────────────────────────────────────────────────────────────────────────────────
#
# d det A = tr(adj(A) dA), so Ā = c · cof A with the cofactors cof A = adj(A)ᵀ. For invertible A that is det(A) A⁻ᵀ;
# but adj is a polynomial in A, and just as good where A is singular. With A = U S Vᴴ and adj(XY) = adj(Y) adj(X),
# cof A = det(U) det(Vᴴ) conj(U) cof(S) conj(Vᴴ), cof(S) = diag(Π_{k≠i} s_k).
#
# Above 3 × 3, that takes a decomposition into singular values, and the inverse a fifth of its time. Where the last
# pivot is small, its error in det(A) and that in A⁻ᵀ cancel, if both come from the same elimination: the product is
# as accurate as the cofactors by singular values (Stewart, On the adjugate matrix, 1998; measured to a condition of
# 1e15). Its derivatives are differences of terms that are larger by the condition number, so those want a good one.
# The choice is by value, for each matrix, and only on the host: a GPU would have to be waited for.


def _cofactors(x: Value, xp: XP) -> Value:
    """The cofactors of matrices of any rank: by their formulas up to 3 × 3, else by the singular values."""
    n = x.shape[-1]
    if n < 2:
        return xp.ones_like(x)
    if n == 2:
        swapped = xp.flip(x, axis=(-2, -1))
        return xp.where(eye(x, xp), swapped, -swapped)
    if n == 3:  # each row is the cross product of the other two
        return xp.linalg.cross(xp.roll(x, -1, axis=-2), xp.roll(x, -2, axis=-2))
    constant = xp.stop_gradient(x)
    U, s, Vh = xp.linalg.svd(constant)
    sign = cell(xp.linalg.det(U) * xp.linalg.det(Vh), xp)
    if type(x) is not Array:
        others = xp.where(eye(x, xp), xp.ones_like(x), row(xp.astype(s, x.dtype), xp))
        middle = row(xp.prod(others, axis=-1), xp)
        return sign * ((conj(U, xp) * middle) @ conj(Vh, xp))
    moved = adjoint(U, xp) @ (x - constant) @ adjoint(Vh, xp)
    return sign * (conj(U, xp) @ _cofactors_near_diagonal(s, moved, xp) @ conj(Vh, xp))


def _cofactors_near_diagonal(s: Value, E: Value, xp: XP) -> Value:
    """The cofactors of B = diag(s) + E, whose E has the value 0, to be differentiated further.

    U, s and V above are constants here (for any constant unitary U and V the formula is exact, and E carries all
    derivatives), since singular vectors have no derivative where singular values are equal. In blocks,
    B = [[P, Q], [R, D]] with the three smallest singular values in D, and T = D − R P⁻¹ Q:

        adj B = det P · [[det T · P⁻¹ + P⁻¹ Q adj(T) R P⁻¹, −P⁻¹ Q adj(T)], [−adj(T) R P⁻¹, adj(T)]].

    A fourth singular value that is exactly 0 makes P singular. Then adj, its first and its second derivative are 0;
    its third, which is a fourth derivative of det, would not be, but is 0 here too.
    """
    n = E.shape[-1]
    B = E + spread_diagonal(xp.astype(s, E.dtype), n, n, 0, xp)
    P, Q, R, D = B[..., :-3, :-3], B[..., :-3, -3:], B[..., -3:, :-3], B[..., -3:, -3:]
    zero = s[..., :-3] == 0
    P = P + spread_diagonal(xp.astype(zero, E.dtype), n - 3, n - 3, 0, xp)
    size = xp.where(xp.any(zero, axis=-1), xp.zeros_like(D[..., 0, 0]), xp.linalg.det(P))
    inverse = xp.linalg.inv(P)
    PQ, RP = inverse @ Q, R @ inverse
    T = D - R @ PQ
    cofactors = _cofactors(T, xp)
    det = xp.sum(T[..., :1, :] * cofactors[..., :1, :], axis=-1, keepdims=True)
    adj = xp.matrix_transpose(cofactors)
    top = xp.concat([det * inverse + PQ @ adj @ RP, -PQ @ adj], axis=-1)
    bottom = xp.concat([-adj @ RP, adj], axis=-1)
    return cell(size, xp) * xp.matrix_transpose(xp.concat([top, bottom], axis=-2))


def _by_inverse(x: Any, out: Any) -> Any:
    """A mask of the matrices for which the inverse will do, or None if values may not be read.

    Not for a determinant of 0, nor for one so near the smallest number that it lost digits, or all of them, which the
    cofactors still have; nor for one that overflowed. For derivatives, the limit ε^(−1/3) of the condition number
    leaves the second two thirds of their digits in the worst case.
    """
    differentiated = type(x) is Array
    x, out = backend_array(x), backend_array(out)
    if not isinstance(x, np.ndarray) or x.shape[-1] < 4 or x.size == 0:
        return None
    info, size = np.finfo(x.dtype), np.abs(out)
    good = (size > info.tiny / info.eps) & np.isfinite(size)
    if differentiated:
        safe = np.where(good[..., None, None], x, np.eye(x.shape[-1], dtype=x.dtype))
        norms = [np.abs(y).sum(axis=-2).max(axis=-1) for y in (safe, np.linalg.inv(safe))]
        good = good & (norms[0] * norms[1] < info.eps ** (-1 / 3))
    return good


def _cofactors_by_value(x: Value, out: Value, xp: XP) -> Value:
    """det(A) A⁻ᵀ, with the determinant `out`, for the matrices that allow it, and `_cofactors` for the others."""
    good = _by_inverse(x, out)
    if good is None or not good.any():
        return _cofactors(x, xp)
    if good.all():
        return cell(out, xp) * xp.matrix_transpose(xp.linalg.inv(x))
    good = good.reshape(-1)
    first, rest = np.flatnonzero(good), np.flatnonzero(~good)
    matrices, dets = xp.reshape(x, (good.size, *x.shape[-2:])), xp.reshape(out, (good.size,))
    inverses = xp.linalg.inv(xp.take(matrices, first, axis=0))
    usual = cell(xp.take(dets, first, axis=0), xp) * xp.matrix_transpose(inverses)
    both = xp.concat([usual, _cofactors(xp.take(matrices, rest, axis=0), xp)], axis=0)
    back = np.argsort(np.concatenate([first, rest]))
    return xp.reshape(xp.take(both, back, axis=0), x.shape)


def _det(ct: Cotangent, x: Value, out: Value, xp: XP) -> Value:
    """ct · the cofactors of x, right for singular x too."""
    return cell(ct, xp) * _cofactors_by_value(x, out, xp)


defvjp("linalg.det", x=_det)

# ── slogdet ───────────────────────────────────────────────────────────────────────────────────
#
# With τ = tr(A⁻¹ dA) = d log det A: d log|det A| = Re τ and d sign = i sign Im τ. For cotangents c_l and c_s,
# Re(c_s i sign) Im τ = Re(i Im(c_s sign) τ), so Ā = (c_l + i Im(c_s sign)) A⁻ᵀ; a real sign is constant. At a singular
# matrix the derivative is infinite, and the inverse fails as `inv` does.
#
# `pb.xp.linalg.slogdet` and `pb.xp.linalg.solve` themselves are in `solve/direct/standard.py`: these rules, with the
# factor that the value was computed by.


def _slogdet(sign_bar: Cotangent, logabsdet_bar: Cotangent, sign: Value, x: Value, xp: XP) -> Value:
    """(logabsdet_bar + i Im(sign_bar sign)) x⁻ᵀ; a real sign has derivative 0; a singular x raises."""
    c = logabsdet_bar
    if sign_bar is not None and is_complex(x.dtype):
        turn = xp.imag(sign_bar * sign) * 1j  # in this order: NumPy keeps its own scalars
        c = turn if c is None else c + turn
    if c is None:
        return xp.zeros_like(x)
    return cell(c, xp) * xp.matrix_transpose(xp.linalg.inv(x))


defvjp("linalg.slogdet", outputs=("sign", "logabsdet"), x=_slogdet)

# ── inv, solve, matrix_power ──────────────────────────────────────────────────────────────────
#
# Y = A⁻¹: dY = −Y dA Y, so Ā = −Yᵀ c Yᵀ. X = A⁻¹ B: dX = A⁻¹ (dB − dA X), so B̄ = A⁻ᵀ c and Ā = −B̄ Xᵀ (Giles 2008).
# B is one vector if it has one axis.


def _inv(ct: Cotangent, out: Value, xp: XP) -> Value:
    """−outᵀ ct outᵀ."""
    transposed = xp.matrix_transpose(out)
    return -(transposed @ ct @ transposed)


def _solve_x2(ct: Cotangent, x1: Value, x2_ndim: int, xp: XP) -> Value:
    """x1⁻ᵀ ct."""
    transposed = xp.matrix_transpose(x1)
    if x2_ndim > 1:
        return xp.linalg.solve(transposed, ct)
    return xp.squeeze(xp.linalg.solve(transposed, column(ct, xp)), axis=-1)


def _solve_x1(x2_bar: Cotangent, out: Value, x2_ndim: int, xp: XP) -> Value:
    """−x2_bar outᵀ."""
    if x2_ndim > 1:
        return -(x2_bar @ xp.matrix_transpose(out))
    return -(column(x2_bar, xp) * row(out, xp))


defvjp("linalg.inv", x=_inv)
defvjp("linalg.solve", x2=_solve_x2, x1=_solve_x1)


def _sum_of_products(X: Any, C: Any, n: int) -> tuple[Any, Any]:
    """S_n = Σ_{i<n} Xⁱ C Xⁿ⁻¹⁻ⁱ and Xⁿ, n ≥ 1: S_2k = S_k Xᵏ + Xᵏ S_k and S_(k+1) = X S_k + C Xᵏ."""
    if n == 1:
        return C, X
    half, power = _sum_of_products(X, C, n // 2)
    total, power = half @ power + power @ half, power @ power
    if n % 2:
        total, power = X @ total + C @ power, X @ power
    return total, power


def _matrix_power(ct: Cotangent, x: Value, n: int, xp: XP) -> Value:
    """Σ_{i<n} (xᵀ)ⁱ ct (xᵀ)ⁿ⁻¹⁻ⁱ, by halving n; for negative n of x⁻¹, then the rule of `inv`."""
    if n == 0:
        return xp.zeros_like(x)
    if n > 0:
        return _sum_of_products(xp.matrix_transpose(x), ct, n)[0]
    inverse = xp.linalg.inv(x)
    return _inv(_sum_of_products(xp.matrix_transpose(inverse), ct, -n)[0], inverse, xp)


defvjp("linalg.matrix_power", x=_matrix_power)

# ── pinv ──────────────────────────────────────────────────────────────────────────────────────
#
# For P = A⁺ and a rank that stays the same (Golub and Pereyra 1973),
# dP = −P dA P + P Pᴴ dAᴴ (I − A P) + (I − P A) dAᴴ Pᴴ P. With c: the first term gives −Pᵀ c Pᵀ, the others
# conj((I − A P) cᵀ P Pᴴ) and conj(Pᴴ P cᵀ (I − P A)).


def _pinv(ct: Cotangent, x: Value, out: Value, xp: XP) -> Value:
    """−Pᵀ ct Pᵀ + conj((I − A P) ctᵀ P Pᴴ + Pᴴ P ctᵀ (I − P A)), for a rank that stays the same."""
    P, Ph, flat = out, adjoint(out, xp), xp.matrix_transpose(out)
    c = xp.matrix_transpose(ct)
    left = c @ P @ Ph
    right = Ph @ P @ c
    outside = left - x @ (P @ left) + right - (right @ P) @ x
    return conj(outside, xp) - flat @ ct @ flat


defvjp("linalg.pinv", x=_pinv)

# ── cholesky ──────────────────────────────────────────────────────────────────────────────────
#
# A = L Lᴴ: dL = L Φ(L⁻¹ dA L⁻ᴴ), where Φ takes the lower triangle and half of the diagonal. With M = Lᵀ c,
# dL = Re Σ Φ(M)·(L⁻¹ dA L⁻ᴴ), so Ā = L⁻ᵀ Φ(M) conj(L)⁻¹. Of a Hermitian A only Hermitian directions dA make sense, and
# the gradient is the Hermitian part (Ā + Āᴴ)/2, though the function reads one triangle (Seeger et al. 2017; Murray,
# Differentiation of the Cholesky decomposition, 2016). For U = Lᴴ, L̄ = Ūᴴ.


def hermitian(x: Value, xp: XP) -> Value:
    """(X + Xᴴ) / 2."""
    return 0.5 * (x + adjoint(x, xp))


def _cholesky(ct: Cotangent, out: Value, upper: bool, xp: XP) -> Value:
    """The Hermitian part of L⁻ᵀ Φ(Lᵀ ct) conj(L)⁻¹, Φ the lower triangle with half of the diagonal."""
    L, c = (adjoint(out, xp), adjoint(ct, xp)) if upper else (out, ct)
    if type(L) is not Array:
        return xp.cholesky_vjp(L, c)
    M = xp.matrix_transpose(L) @ c
    phi = 0.5 * (xp.tril(M) + xp.tril(M, k=-1))
    left = triangular(L, phi, "lower", xp, transposed=True)
    moved = triangular(conj(L, xp), xp.matrix_transpose(left), "lower", xp, transposed=True)
    return hermitian(xp.matrix_transpose(moved), xp)


defvjp("linalg.cholesky", x=_cholesky)

# ── qr ────────────────────────────────────────────────────────────────────────────────────────
#
# A = Q R, m ≥ n, Qᴴ Q = I, R upper triangular with a real diagonal. With E = dA R⁻¹ and X = Qᴴ E = Ω + T, Ω = Qᴴ dQ
# anti-Hermitian and T = dR R⁻¹ upper triangular: T is the upper triangle of X + Xᴴ with Re X on the diagonal,
# dR = T R and dQ = E − Q T. So dL = Re Σ Q̄·E + M·T with M = R̄ Rᵀ − Qᵀ Q̄, and M·T = N·X with
# N = Re diag(M) + triu(M, 1) + triu(M, 1)ᴴ: Ā = (Q̄ + conj(Q) N) R⁻ᵀ (Walter and Lehmann 2012). A of full column rank;
# R is singular otherwise.
#
# m < n: A = [X Y], R = [U V] with X = Q U, V = Qᴴ Y. dV = dQᴴ Y + Qᴴ dY adds conj(Y) V̄ᴴ to Q̄, and Ȳ = conj(Q) V̄;
# the square rule gives X̄ (Roberts and Roberts 2020).
#
# Complete, m > n: Q = [Q₁ Q₂]. From Q₁ᴴ Q₂ = 0, dQ₂ = −Q₁ dQ₁ᴴ Q₂ (a rotation within Q₂ apart, which only functions
# see that depend on more than the space it spans), which adds −conj(Q₂ Q̄₂ᵀ Q₁) to Q̄₁. The rows of R below the
# n-th are 0.


def _qr(Q_bar: Cotangent, R_bar: Cotangent, Q: Value, R: Value, xp: XP) -> Value:
    """(Q̄ + conj(Q) N) R⁻ᵀ; wide matrices and the complete Q are reduced to that.

    The first min(m, n) columns of x have to be independent. Columns that complete Q count by the space they span.
    """
    n = R.shape[-1]
    if Q.shape[-1] > n:
        first, rest = Q[..., :n], Q[..., n:]
        if Q_bar is not None:
            turned = rest @ (xp.matrix_transpose(Q_bar[..., n:]) @ first)
            Q_bar = Q_bar[..., :n] - conj(turned, xp)
        Q, R = first, R[..., :n, :]
        R_bar = None if R_bar is None else R_bar[..., :n, :]
    m = R.shape[-2]
    if m == n:
        return _qr_tall(Q_bar, R_bar, Q, R, xp)
    if R_bar is None:
        Y_bar = xp.zeros_like(Q @ R[..., m:])
        return xp.concat([_qr_tall(Q_bar, None, Q, R[..., :m], xp), Y_bar], axis=-1)
    U_bar, V_bar = R_bar[..., :m], R_bar[..., m:]
    more = conj(Q @ R[..., m:], xp) @ adjoint(V_bar, xp)
    X_bar = _qr_tall(more if Q_bar is None else Q_bar + more, U_bar, Q, R[..., :m], xp)
    return xp.concat([X_bar, conj(Q, xp) @ V_bar], axis=-1)


def _qr_tall(Q_bar: Cotangent, R_bar: Cotangent, Q: Value, R: Value, xp: XP) -> Value:
    """(Q̄ + conj(Q) N) R⁻ᵀ."""
    M: Any = 0
    if R_bar is not None:
        M = R_bar @ xp.matrix_transpose(R)
    if Q_bar is not None:
        M = M - xp.matrix_transpose(Q) @ Q_bar
    above = xp.triu(M, k=1)
    middle = xp.where(eye(M, xp), xp.real(M) if is_complex(M.dtype) else M, xp.zeros_like(M))
    moved = conj(Q, xp) @ (above + adjoint(above, xp) + middle)
    moved = moved if Q_bar is None else Q_bar + moved
    return xp.matrix_transpose(triangular(R, xp.matrix_transpose(moved), "upper", xp))


defvjp("linalg.qr", outputs=("Q", "R"), x=_qr)
