"""One step of each Krylov method, on flat raw vectors; scalars stay arrays on the device.

A state holds the solution `x`, the norm of the residual `norm`, and what the method needs besides. Its step works on
after convergence without harm: what would be 0/0 is 0. So the host looks at the norm only now and then, and on the
device nothing waits for it.

Letters: A the operator, M the preconditioner (an approximate inverse), b the right-hand side, r = b − A x.

Sources: Saad, Iterative methods for sparse linear systems, 2nd edition, 2003; Hestenes and Stiefel 1952 (cg); Paige and
Saunders 1975 (minres); van der Vorst 1992 (bicgstab); Fong and Saunders 2011 (lsmr).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ...core.typing import XP, RawArray

Map = Callable[[Any], Any]


def ratio(xp: XP, a: RawArray, b: RawArray) -> Any:
    """a / b, and 0 where b is 0."""
    zero = b == 0
    return xp.where(zero, xp.zeros_like(a), a / xp.where(zero, xp.ones_like(b), b))


def length(xp: XP, x: RawArray) -> Any:
    """The 2-norm, real."""
    return xp.linalg.vector_norm(x)


# ── cg: A Hermitian and positive definite ─────────────────────────────────────────────────────


class Conjugate(NamedTuple):
    """State of `cg`: direction p, and ρ = rᴴ M r."""

    x: Any
    r: Any
    p: Any
    rho: Any
    norm: Any


def cg_start(xp: XP, A: Map, M: Map, x: RawArray, r: RawArray) -> Conjugate:
    """The first direction is the preconditioned residual."""
    z = M(r)
    return Conjugate(x, r, z, xp.vecdot(r, z), length(xp, r))


def cg_step(xp: XP, A: Map, M: Map, state: Conjugate) -> Conjugate:
    """One step to the minimum of the error's A-norm along p."""
    x, r, p, rho, _ = state
    q = A(p)
    alpha = ratio(xp, rho, xp.vecdot(p, q))
    r = r - alpha * q
    z = M(r)
    new = xp.vecdot(r, z)
    return Conjugate(x + alpha * p, r, z + ratio(xp, new, rho) * p, new, length(xp, r))


# ── minres: A Hermitian, M Hermitian and positive definite ────────────────────────────────────


class Lanczos(NamedTuple):
    """State of `minres`, in the letters of Paige and Saunders."""

    x: Any
    r: Any
    q_old: Any  # Lanczos vectors times their β
    q: Any
    z: Any  # M q
    beta_old: Any
    beta: Any
    d_bar: Any
    eps: Any
    phi_bar: Any
    c: Any
    s: Any
    w_old: Any
    w: Any
    norm: Any


def minres_start(xp: XP, A: Map, M: Map, x: RawArray, r: RawArray) -> Lanczos:
    """The first Lanczos vector is the residual."""
    z = M(r)
    beta = xp.sqrt(_real(xp, xp.vecdot(r, z)))
    none, nil = xp.zeros_like(r), xp.zeros_like(beta)
    return Lanczos(
        x, r, none, r, z, nil, beta, nil, nil, beta, nil - 1.0, nil, none, none, length(xp, r)
    )


def minres_step(xp: XP, A: Map, M: Map, state: Lanczos) -> Lanczos:
    """One Lanczos vector and one rotation."""
    x, r, q_old, q, z, beta_old, beta, d_bar, eps_old, phi_bar, c, s, w_old, w, _ = state
    v = ratio(xp, xp.ones_like(beta), beta) * z
    y = A(v) - ratio(xp, beta, beta_old) * q_old
    alpha = _real(xp, xp.vecdot(v, y))
    q_new = y - ratio(xp, alpha, beta) * q
    z = M(q_new)
    beta_new = xp.sqrt(_real(xp, xp.vecdot(q_new, z)))
    delta, g_bar = c * d_bar + s * alpha, s * d_bar - c * alpha
    eps, d_bar = s * beta_new, -c * beta_new
    c, s, gamma = rotation(xp, g_bar, beta_new)
    # the projected matrix is singular: no step is made, and the residual stays
    lost = gamma <= 2 * xp.finfo(gamma.dtype).eps * (xp.abs(alpha) + beta)
    c, s = xp.where(lost, xp.zeros_like(c), c), xp.where(lost, xp.ones_like(s), s)
    gamma = xp.where(lost, xp.zeros_like(gamma), gamma)
    phi, phi_bar = c * phi_bar, s * phi_bar
    w_new = ratio(xp, xp.ones_like(gamma), gamma) * (v - eps_old * w_old - delta * w)
    # ‖r‖ in the 2-norm needs r itself where there is a preconditioner: `phi_bar` is its M-norm
    r = s * s * r - phi_bar * c * ratio(xp, xp.ones_like(beta_new), beta_new) * q_new
    return Lanczos(
        x + phi * w_new, r, q, q_new, z, beta, beta_new, d_bar, eps, phi_bar, c, s, w, w_new,
        length(xp, r),
    )  # fmt: skip


def rotation(xp: XP, a: RawArray, b: RawArray) -> tuple[Any, Any, Any]:
    """c, s and ρ ≥ 0 with c a + s b = ρ and −s a + c b = 0."""
    rho = xp.hypot(a, b)
    return ratio(xp, a, rho), ratio(xp, b, rho), rho


def _real(xp: XP, x: RawArray) -> Any:
    return xp.real(x) if xp.isdtype(x.dtype, "complex floating") else x


# ── bicgstab: any A ───────────────────────────────────────────────────────────────────────────


class Stabilised(NamedTuple):
    """State of `bicgstab`, in the letters of van der Vorst; `shadow` is his r̂₀."""

    x: Any
    r: Any
    shadow: Any
    p: Any
    v: Any
    rho: Any
    alpha: Any
    omega: Any
    norm: Any


def bicgstab_start(xp: XP, A: Map, M: Map, x: RawArray, r: RawArray) -> Stabilised:
    """The first state, with the residual as its own shadow."""
    none = xp.zeros_like(r)
    nil = xp.zeros_like(xp.vecdot(r, r))
    return Stabilised(x, r, r, none, none, nil, nil, nil, length(xp, r))


def bicgstab_step(xp: XP, A: Map, M: Map, state: Stabilised) -> Stabilised:
    """A step of biconjugate gradients, and one that minimises the residual.

    Where the shadow has become orthogonal to the residual, no step can be made: the residual takes its place. If with
    that neither half of a step moves (A r is orthogonal to r, as for skew A), some of A r is added to it.
    """
    x, r, shadow, p, v, rho_old, alpha, omega, norm = state
    rho = xp.vecdot(shadow, r)
    stuck = (alpha == 0) & (omega == 0)
    lost = stuck | _orthogonal(xp, rho, shadow, r)
    turned = r + xp.where(stuck, ratio(xp, norm, length(xp, v)), xp.zeros_like(norm)) * v
    shadow = xp.where(lost, turned, shadow)
    rho = xp.where(lost, xp.vecdot(turned, r), rho)
    beta = ratio(xp, rho, rho_old) * ratio(xp, alpha, omega)
    beta = xp.where(lost, xp.zeros_like(beta), beta)
    p = r + beta * (p - omega * v)
    y = M(p)
    v = A(y)
    alpha = _step_size(xp, rho, shadow, v)
    half = r - alpha * v
    z = M(half)
    t = A(z)
    across = xp.vecdot(t, half)
    none = _orthogonal(xp, across, t, half)
    omega = xp.where(none, xp.zeros_like(across), ratio(xp, across, xp.vecdot(t, t)))
    r = half - omega * t
    return Stabilised(x + alpha * y + omega * z, r, shadow, p, v, rho, alpha, omega, length(xp, r))


def _orthogonal(xp: XP, product: Any, a: RawArray, b: RawArray) -> Any:
    """Whether aᴴ b is zero to rounding."""
    return xp.abs(product) <= float(xp.finfo(a.dtype).eps) * length(xp, a) * length(xp, b)


def _step_size(xp: XP, rho: RawArray, shadow: Any, v: RawArray) -> Any:
    """ρ / (r̂ᴴ v), and no step where that is a division by rounding."""
    product = xp.vecdot(shadow, v)
    none = _orthogonal(xp, product, shadow, v)
    return xp.where(none, xp.zeros_like(rho), ratio(xp, rho, product))


# ── lsmr: any shape of A, least squares ───────────────────────────────────────────────────────


class Bidiagonal(NamedTuple):
    """State of `lsmr`, in the letters of Fong and Saunders; `norm` is 1 where a tolerance is met."""

    x: Any
    u: Any
    v: Any
    h: Any
    h_bar: Any
    alpha: Any
    alpha_bar: Any
    rho: Any
    rho_bar: Any
    c_bar: Any
    s_bar: Any
    zeta: Any
    zeta_bar: Any
    beta_dd: Any
    beta_d: Any
    rho_d: Any
    tau: Any
    theta: Any
    A2: Any  # ‖A‖² in the Frobenius norm of what was seen of it
    norm_r: Any
    norm: Any


class Limits(NamedTuple):
    """The limits at which `lsmr` ends: ‖r‖ ≤ btol ‖b‖ + atol ‖A‖ ‖x‖, or ‖Aᴴ r‖ ≤ atol ‖A‖ ‖r‖."""

    atol: float
    btol: float
    norm_b: Any


def _excess(xp: XP, limits: Limits, state: Bidiagonal) -> Any:
    return excess(xp, limits, state, state.norm_r, xp.abs(state.zeta_bar))


def excess(xp: XP, limits: Limits, state: Bidiagonal, norm_r: RawArray, norm_AHr: RawArray) -> Any:
    """The factor by which the residual exceeds the better of the two tolerances."""
    size = xp.sqrt(state.A2)
    bound = limits.btol * limits.norm_b + limits.atol * size * length(xp, state.x)
    first = _times(xp, norm_r, bound)
    second = _times(xp, norm_AHr, limits.atol * size * norm_r)
    return xp.where(second < first, second, first)


def _times(xp: XP, a: RawArray, bound: RawArray) -> Any:
    """a over its bound: a residual of 0 is a solution, whatever the bound, and no other is where the bound is 0."""
    none = bound == 0
    beyond = xp.where(a == 0, xp.zeros_like(a), xp.full_like(a, float("inf")))
    return xp.where(none, beyond, a / xp.where(none, xp.ones_like(bound), bound))


def lsmr_start(xp: XP, A: Map, AH: Map, x: RawArray, r: RawArray, limits: Limits) -> Bidiagonal:
    """The first pair of vectors."""
    beta = length(xp, r)
    one, nil = xp.ones_like(beta), xp.zeros_like(beta)
    u = ratio(xp, one, beta) * r
    v = AH(u)
    alpha = length(xp, v)
    v = ratio(xp, one, alpha) * v
    state = Bidiagonal(
        x, u, v, v, xp.zeros_like(v), alpha, alpha, one, one, one, nil, nil, alpha * beta, beta, nil, one, nil,
        nil, alpha * alpha, beta, beta,
    )  # fmt: skip
    return state._replace(norm=_excess(xp, limits, state))


def lsmr_step(xp: XP, A: Map, AH: Map, limits: Limits, state: Bidiagonal) -> Bidiagonal:
    """One step of bidiagonalisation and two rotations; then the estimate of ‖r‖."""
    (x, u, v, h, h_bar, alpha, alpha_bar, rho_old, rho_bar_old, c_bar, s_bar, zeta_old, zeta_bar, beta_dd,
     beta_d, rho_d, tau, theta, A2, _, _) = state  # fmt: skip
    u = A(v) - alpha * u
    beta = length(xp, u)
    one = xp.ones_like(beta)
    u = ratio(xp, one, beta) * u
    v = AH(u) - beta * v
    alpha = length(xp, v)
    v = ratio(xp, one, alpha) * v

    c, s, rho = rotation(xp, alpha_bar, beta)
    theta_new, alpha_bar = s * alpha, c * alpha
    theta_bar = s_bar * rho
    c_bar, s_bar, rho_bar = rotation(xp, c_bar * rho, theta_new)
    zeta, zeta_bar = c_bar * zeta_bar, -s_bar * zeta_bar
    h_bar = h - ratio(xp, theta_bar * rho, rho_old * rho_bar_old) * h_bar
    x = x + ratio(xp, zeta, rho * rho_bar) * h_bar
    h = v - ratio(xp, theta_new, rho) * h

    beta_hat, beta_dd = c * beta_dd, -s * beta_dd
    c_t, s_t, rho_t = rotation(xp, rho_d, theta_bar)
    tau = ratio(xp, zeta_old - theta * tau, rho_t)
    theta, rho_d = s_t * rho_bar, c_t * rho_bar
    beta_d = c_t * beta_hat - s_t * beta_d
    tau_d = ratio(xp, zeta - theta * tau, rho_d)
    norm_r = xp.hypot(beta_d - tau_d, beta_dd)
    new = Bidiagonal(
        x, u, v, h, h_bar, alpha, alpha_bar, rho, rho_bar, c_bar, s_bar, zeta, zeta_bar, beta_dd, beta_d, rho_d,
        tau, theta, A2 + alpha * alpha + beta * beta, norm_r, norm_r,
    )  # fmt: skip
    return new._replace(norm=_excess(xp, limits, new))
