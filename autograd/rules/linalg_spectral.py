"""Eigenvalues and singular values, with and without their vectors, of the extension `linalg`.

Notation as in `linalg.py`. Where values coincide, vectors have no derivative, and a rule divides by 0. The values alone
have one, and their rules never divide. With vectors, `divide_where_separated` gives NaN for a pair of equal values
unless the cotangents of both its vectors are zero: then the pair has no part in the gradient. Vectors are defined up to
a phase (a sign): a function of them has a gradient only if it does not depend on that.

Second derivatives of values are derivatives of vectors: for L = f(w), they hold (w̄_i − w̄_j) / (w_i − w_j). At equal
values a symmetric f has w̄_i = w̄_j, and where f is smooth so is L as a function of the matrix (Lewis and Sendov, Twice
differentiable spectral functions, 2001): the quotient tends to ∂²f/∂w_i² − ∂²f/∂w_i∂w_j. This number does not follow
from w and w̄, and 0 for 0/0 would be wrong, silently; so it is NaN, as in JAX and PyTorch. A function that is written
without the values has the derivatives: ‖A‖² for Σ w_i², `slogdet` for Σ log w_i, traces of powers, `expm`.

Sources: Giles 2008; Townsend, Differentiating the singular value decomposition, 2016; Boeddeker, Hanebrink, Drude,
Heymann and Haeb-Umbach, On the computation of complex-valued gradients with application to statistically optimum
beamforming, 2017.
"""

from __future__ import annotations

import math
from typing import Any

from ..core.defvjp import library_defvjp as defvjp
from ..core.dtypes import is_complex
from ..core.typing import XP, Cotangent, Value
from .linalg import hermitian
from .linear_algebra import adjoint, column, conj, eye, row

# ── division by differences ───────────────────────────────────────────────────────────────────
#
# q = a / g is linear in a, so ā = q̄ / g, with 0 / 0 = 0 element by element; ḡ = −q̄ q / g.


def _gap_divide_x2(ct: Cotangent, out: Value, x2: Value, xp: XP) -> Value:
    """−ct out / x2, with 0 / 0 = 0."""
    top = ct * out
    return -xp.divide_where_separated(top, x2, top != 0)


defvjp(
    "divide_where_separated",
    x1=lambda ct, x2, xp: xp.divide_where_separated(ct, x2, ct != 0),
    x2=_gap_divide_x2,
)


def _separate(ct: Cotangent, x2: Value, xp: XP) -> Value:
    """NaN for each value that another one equals, whatever its cotangent is.

    Where L does not depend on such values to first order, as Σ w² at 0 does not, the cotangents of the vectors are 0,
    and the pair would seem to have no part in the second derivative.
    """
    equal = xp.astype(
        row(x2, xp) == column(x2, xp), xp.real(ct).dtype if is_complex(ct.dtype) else ct.dtype
    )
    return xp.where(xp.sum(equal, axis=-1) > 1, math.nan, xp.zeros_like(ct))


defvjp("separate", x1=lambda ct: ct, x2=_separate)


def _used(X_bar: Cotangent, xp: XP) -> Value:
    """A mask (…, k) of the columns whose cotangent is not zero."""
    return xp.any(X_bar != 0, axis=-2)


def _pairs(used: Any, same: Any, xp: XP) -> Value:
    """A mask of the pairs of different columns that have a part in the gradient."""
    return (row(used, xp) | column(used, xp)) & ~same


# ── eigh, eigvalsh ────────────────────────────────────────────────────────────────────────────
#
# A = V diag(w) Vᴴ. With X = Vᴴ dA V: dw = diag X, dV = V (F∘X), F_ij = 1/(w_j − w_i), F_ii = 0 (Giles 2008).
# With M = Vᵀ V̄, dL = Re Σ N·X with N = diag(w̄) + F∘M, and Ā = conj(V) N Vᵀ. Only Hermitian dA make sense, so Ā is
# its Hermitian part, and N too: M becomes (M − Mᴴ)/2.


def _eigh(w_bar: Cotangent, V_bar: Cotangent, w: Value, V: Any, xp: XP) -> Value:
    """conj(V) (diag(w̄) + F∘(M − Mᴴ)/2) Vᵀ, M = Vᵀ V̄: Hermitian; NaN where vectors of equal eigenvalues are used."""
    flat = xp.matrix_transpose(V)
    if V_bar is None:
        return hermitian((conj(V, xp) * row(w_bar, xp)) @ flat, xp)
    M = flat @ V_bar
    same = eye(M, xp)
    gaps = row(w, xp) - column(w, xp) + xp.astype(same, w.dtype)
    N = xp.divide_where_separated(
        0.5 * (M - adjoint(M, xp)), gaps, _pairs(_used(V_bar, xp), same, xp)
    )
    diagonal = xp.zeros_like(w) if w_bar is None else w_bar
    N = xp.where(same, row(xp.astype(diagonal, N.dtype), xp), N)
    return hermitian(conj(V, xp) @ N @ flat, xp)


def _eigvalsh(ct: Cotangent, x: Value, xp: XP) -> Value:
    """conj(V) diag(ct) Vᵀ, Hermitian; right for equal eigenvalues, where its own derivative is NaN."""
    w, V = xp.linalg.eigh(x)
    return _eigh(xp.separate(ct, w), None, None, V, xp)


defvjp("linalg.eigh", outputs=("w", "V"), x=_eigh)
defvjp("linalg.eigvalsh", x=_eigvalsh)

# ── eig, eigvals ──────────────────────────────────────────────────────────────────────────────
#
# A V = V diag(w), ‖v_j‖ = 1. With X = V⁻¹ dA V: dw = diag X, dV = V C, C_ij = X_ij/(w_j − w_i), and a real C_jj
# that keeps the norm: Re (Vᴴ V C)_jj = 0, so C_jj = −Re Σ_{i≠j} (Vᴴ V)_ji C_ij. With M = Vᵀ V̄, dL = Re Σ_{i≠j}
# (M_ij − Re(M_jj) (Vᵀ conj V)_ij) C_ij + w̄·dw = Re Σ N·X, and Ā = V⁻ᵀ N Vᵀ (Boeddeker et al. 2017, 4.77). V is
# singular for a defective A.


def _eig(w_bar: Cotangent, V_bar: Cotangent, w: Value, V: Any, xp: XP) -> Value:
    """V⁻ᵀ (diag(w̄) + F∘(M − (Vᵀ conj V) diag(Re M))) Vᵀ, M = Vᵀ V̄.

    NaN where vectors of equal eigenvalues are used; a defective x has no derivative.
    """
    flat = xp.matrix_transpose(V)
    if V_bar is None:
        return xp.linalg.solve(flat, column(w_bar, xp) * flat)
    M = flat @ V_bar
    same = eye(M, xp)
    gaps = row(w, xp) - column(w, xp) + xp.astype(same, w.dtype)
    stretch = row(xp.astype(xp.real(xp.linalg.diagonal(M)), M.dtype), xp)
    N = M - (flat @ conj(V, xp)) * stretch
    N = xp.divide_where_separated(N, gaps, _pairs(_used(V_bar, xp), same, xp))
    N = xp.where(same, row(xp.zeros_like(w) if w_bar is None else w_bar, xp), N)
    return xp.linalg.solve(flat, N @ flat)


def _eigvals(ct: Cotangent, out: Value, x: Value, xp: XP) -> Value:
    """V⁻ᵀ diag(ct) Vᵀ; right for equal eigenvalues unless x is defective.

    No library promises that `eig` gives its values in the order of `eigvals`: each takes the nearest one's cotangent.
    """
    w, V = xp.linalg.eig(x)
    nearest = xp.argmin(xp.abs(column(w, xp) - row(out, xp)), axis=-1)
    ct = xp.take_along_axis(ct, nearest, axis=-1)
    return _eig(xp.separate(ct, w), None, w, V, xp)


defvjp("linalg.eig", outputs=("w", "V"), x=_eig)
defvjp("linalg.eigvals", x=_eigvals)

# ── svd, svdvals ──────────────────────────────────────────────────────────────────────────────
#
# A = U S Vᴴ with k singular values; Y = conj(V) = (Vᴴ)ᵀ. Let dU = U Ω + (I − U Uᴴ) dA V S⁻¹, dV = V Γ + (I − V Vᴴ)
# dAᴴ U S⁻¹, Ω and Γ anti-Hermitian, and X = Uᴴ dA V. Then X = Ω S − S Γ + dS, so dS = Re diag X and, for sums and
# differences,
#
#     (Ω + Γ)_ij = (X + Xᴴ)_ij / (s_j − s_i), i ≠ j,      (Ω − Γ)_ij = (X − Xᴴ)_ij / (s_i + s_j).
#
# With M = Uᵀ Ū, K = (Yᵀ Ȳ)ᵀ and skew(Z) = Z − Zᴴ: dL = Re Σ N·X + (terms outside of the spans) with
#
#     N = diag(s̄) + ½ skew(M − K)_ij / (s_j − s_i) + ½ skew(M + K)_ij / (s_i + s_j)
#
# (Townsend 2016, in a form that divides by s_i² − s_j² nowhere), and
# Ā = conj(U) N Yᵀ + (Ū − conj(U) M) S⁻¹ Yᵀ + conj(U) ((Ȳ − conj(Y) Kᵀ) S⁻¹)ᵀ.
#
# With full matrices, U = [U₁ U₂]: from U₁ᴴ U₂ = 0, dU₂ = −U₁ (U₂ᴴ dU₁)ᴴ (a rotation within U₂ apart), and the
# second term is conj(U₂) skew(M)₂₁ S⁻¹ Yᵀ with all of M; the same for Y. A zero singular value of a matrix that
# is not square, or two of them, leave the vectors undetermined: NaN where they are used.


def _turns(X_bar: Cotangent, X: Value, s: Value, xp: XP) -> tuple[Any, Any, Any]:
    """Parts of a gradient: skew(Xᵀ X̄) of the first k, the part outside of their span over s, and which are used."""
    if X_bar is None:
        return 0, None, None
    k = s.shape[-1]
    M = xp.matrix_transpose(X) @ X_bar
    skew = M - adjoint(M, xp)
    used = _used(X_bar[..., :k], xp)
    inside = skew[..., :k, :k]
    if X.shape[-2] == k:
        return inside, None, used
    if X.shape[-1] == k:
        outside = X_bar - conj(X, xp) @ M
    else:
        outside = conj(X[..., k:], xp) @ skew[..., k:, :k]
        used = used | column(xp.any(X_bar[..., k:] != 0, axis=(-2, -1)), xp)
    return inside, xp.divide_where_separated(outside, row(s, xp), row(used, xp)), used


def _svd(
    U_bar: Cotangent, S_bar: Cotangent, Vh_bar: Cotangent, U: Value, S: Any, Vh: Any, xp: XP
) -> Value:
    """conj(U) N Yᵀ and the terms outside of the spans; NaN where vectors of equal or zero values are used."""
    k = S.shape[-1]
    Uc, Yt = conj(U[..., :k], xp), conj(Vh[..., :k, :], xp)
    if U_bar is None and Vh_bar is None:
        return (Uc * row(S_bar, xp)) @ Yt
    Y_bar = None if Vh_bar is None else xp.matrix_transpose(Vh_bar)
    M, left, used_u = _turns(U_bar, U, S, xp)
    K, right, used_v = _turns(Y_bar, xp.matrix_transpose(Vh), S, xp)
    if Vh_bar is not None:
        K = xp.matrix_transpose(K)
    used = used_v if used_u is None else used_u if used_v is None else used_u | used_v
    total = M + K
    same = eye(total, xp)
    pairs = _pairs(used, same, xp)
    gaps = row(S, xp) - column(S, xp) + xp.astype(same, S.dtype)
    apart = 0.5 * xp.divide_where_separated(M - K, gaps, pairs)
    diagonal = xp.zeros_like(S) if S_bar is None else S_bar
    N = xp.where(same, row(xp.astype(diagonal, apart.dtype), xp), apart)
    N = N + 0.5 * xp.divide_where_separated(total, row(S, xp) + column(S, xp), pairs)
    return _with_outside(Uc @ N @ Yt, left, right, Uc, Yt, xp)


def _with_outside(inside: Any, left: Any, right: Any, Uc: Any, Yt: Any, xp: XP) -> Value:
    """inside + left Yᵀ + conj(U) rightᵀ, of what there is."""
    out = inside if left is None else inside + left @ Yt
    return out if right is None else out + Uc @ xp.matrix_transpose(right)


def _svdvals(ct: Cotangent, x: Value, xp: XP) -> Value:
    """conj(U) diag(ct) conj(Vᴴ); right for zero and equal singular values; its own derivative is NaN at equal ones."""
    U, s, Vh = xp.linalg.svd(x, full_matrices=False)
    ct = xp.separate(xp.kink(ct, s), s)
    return (conj(U, xp) * row(ct, xp)) @ conj(Vh, xp)


defvjp("linalg.svd", outputs=("U", "S", "Vh"), x=_svd)
defvjp("linalg.svdvals", x=_svdvals)

# ── polar ─────────────────────────────────────────────────────────────────────────────────────
#
# W = U Vᴴ: dW = U (Ω − Γ) Vᴴ and terms outside of the spans, so the differences of singular values drop out. With
# Ū = W̄ Y and Ȳ = (Uᵀ W̄)ᵀ, M = K = Uᵀ W̄ Y, and N = skew(M)_ij / (s_i + s_j).


def _polar(ct: Cotangent, x: Value, xp: XP) -> Value:
    """conj(U) N Yᵀ and the terms outside of the spans; right for equal singular values, NaN where one is 0.

    There the polar factor jumps, as the sign does, of which the nuclear norm is the absolute value.
    """
    U, S, Vh = xp.linalg.svd(x, full_matrices=False)
    Y = xp.matrix_transpose(Vh)
    there = row(xp.astype(S > 0, ct.dtype), xp)
    U_bar, Y_bar = (ct @ Y) * there, (xp.matrix_transpose(ct) @ U) * there
    M, left, _ = _turns(U_bar, U, S, xp)
    _, right, _ = _turns(Y_bar, Y, S, xp)
    sums = row(S, xp) + column(S, xp)
    N = xp.divide_where_separated(M, sums, sums == 0)
    Uc, Yt = conj(U, xp), conj(Vh, xp)
    return _with_outside(Uc @ N @ Yt, left, right, Uc, Yt, xp)


defvjp("polar", x=_polar)
