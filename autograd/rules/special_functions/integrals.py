"""Special functions that are integrals or inverses: exponential, elliptic, Fresnel integrals, quantiles, Lambert's W.

*Integrals* have their integrands as derivatives: (sin x)/x for Si, e^x/x for Ei, −E_{n−1} for E_n, log x/(1 − x) for
Spence's function, sin(πx²/2) for S. *Inverses* f⁻¹ have 1/f'(f⁻¹). *Elliptic integrals*: dK/dm = (E − (1−m)
K)/(2m(1−m)) and dE/dm = (E − K)/(2m) (DLMF 19.4.1-2), near m = 0 by their series, since the differences cancel there.
Dawson's D' = 1 − 2xD is for large x the asymptotic series −Σ_k (2k−1)!!/(2x²)^k. *Hypergeometric functions*: the
parameters rise by one, d/dx pFq(a; b; x) = (Π a/Π b) pFq(a+1; b+1; x); by the parameters there is no derivative, as
by n.

*Binomials and Pochhammer's symbol* are quotients of gamma functions, whose logarithms have the derivative ψ.

Sources: NIST Digital Library of Mathematical Functions, chapters 5, 6, 7, 13, 15, 18, 19 and 25.12; Owen, Tables for
computing bivariate normal probabilities, 1956; Corless et al., On the Lambert W function, 1996.
"""

from __future__ import annotations

import math
from typing import Any

from ...core.defvjp import library_defvjp as defvjp
from ...core.typing import XP, Cotangent, Value
from ..special import digamma_gap
from ..special_incomplete import (
    as_array,
    beta_density,
    gamma_density,
    gammainc_shape,
    student_density,
)

ROOT_PI = math.sqrt(math.pi)
ROOT_TAU = math.sqrt(2.0 * math.pi)

# ── quantiles ─────────────────────────────────────────────────────────────────────────────────
#
# P(a, x) = p: dx/dp = 1/density, dx/da = −(∂P/∂a)/density.


defvjp(
    "special.gammaincinv",
    a=lambda ct, a, out, xp: -ct * (gammainc_shape(a, out, xp) / gamma_density(a, out, xp)),
    y=lambda ct, a, out, xp: ct / gamma_density(a, out, xp),
)
defvjp(
    "special.gammainccinv",
    a=lambda ct, a, out, xp: -ct * (gammainc_shape(a, out, xp) / gamma_density(a, out, xp)),
    y=lambda ct, a, out, xp: -ct / gamma_density(a, out, xp),
)
defvjp("special.betaincc", x=lambda ct, a, b, x, xp: -ct * beta_density(a, b, x, xp))
defvjp("special.betaincinv", y=lambda ct, a, b, out, xp: ct / beta_density(a, b, out, xp))
defvjp("special.betainccinv", y=lambda ct, a, b, out, xp: -ct / beta_density(a, b, out, xp))
defvjp("special.stdtrit", y=lambda ct, df, out, xp: ct / student_density(df, out, xp))
defvjp("special.ndtri_exp", x=lambda ct, out, xp: ct / xp.log_ndtr_slope(out))

# ── exponential and trigonometric integrals ───────────────────────────────────────────────────

defvjp("special.exp1", x=lambda ct, x, xp: -ct * (xp.exp(-x) / x))
defvjp("special.expi", x=lambda ct, x, xp: ct * (xp.exp(x) / x))


def _expn(ct: Cotangent, n: Any, x: Value, xp: XP) -> Value:
    """−ct E_{n−1}; E_0 = e^(−x)/x."""
    if not hasattr(n, "dtype") and n == 0:
        return -ct * (xp.exp(-x) * (1.0 + x) / (x * x))
    return -ct * xp.special.expn(n - 1, x)


defvjp("special.expn", x=_expn)


def _sum(first_bar: Any, first: Any, second_bar: Any, second: Any) -> Value:
    """The shares of two outputs, of which one may not be used; slopes are given as functions."""
    if first_bar is None:
        return second_bar * second()
    if second_bar is None:
        return first_bar * first()
    return first_bar * first() + second_bar * second()


def _fresnel(S_bar: Any, C_bar: Any, x: Value, xp: XP) -> Value:
    """S_bar sin(πx²/2) + C_bar cos(πx²/2)."""
    angle = (0.5 * math.pi) * (x * x)
    return _sum(S_bar, lambda: xp.sin(angle), C_bar, lambda: xp.cos(angle))


def _sici(Si_bar: Any, Ci_bar: Any, x: Value, xp: XP) -> Value:
    """Si_bar (sin x)/x + Ci_bar (cos x)/x."""
    return _sum(Si_bar, lambda: xp.sinc(x / math.pi), Ci_bar, lambda: xp.cos(x) / x)


def _sinhc(x: Value, xp: XP) -> Value:
    """(sinh x)/x, near 0 by its series."""
    near = xp.abs(x) < 1.0
    square = xp.where(near, x * x, xp.zeros_like(x))
    series = square * 0.0
    for k in reversed(range(12)):
        series = series * square + 1.0 / math.factorial(2 * k + 1)
    far = xp.where(near, xp.ones_like(x), x)
    return xp.where(near, series, xp.sinh(far) / far)


def _shichi(Shi_bar: Any, Chi_bar: Any, x: Value, xp: XP) -> Value:
    """Shi_bar (sinh x)/x + Chi_bar (cosh x)/x."""
    return _sum(Shi_bar, lambda: _sinhc(x, xp), Chi_bar, lambda: xp.cosh(x) / x)


defvjp("special.fresnel", outputs=("S", "C"), x=_fresnel)
defvjp("special.sici", outputs=("Si", "Ci"), x=_sici)
defvjp("special.shichi", outputs=("Shi", "Chi"), x=_shichi)


def _spence(ct: Cotangent, x: Value, xp: XP) -> Value:
    """ct log x/(1 − x); near 1 by the series −Σ_k (1 − x)^k/(k + 1)."""
    u = 1.0 - x
    near = xp.abs(u) < 0.25
    small = xp.where(near, u, xp.zeros_like(u))
    series = small * 0.0
    for k in reversed(range(28)):
        series = series * small - 1.0 / (k + 1)
    far = xp.where(near, 0.5 * xp.ones_like(x), x)
    return ct * xp.where(near, series, xp.log(far) / (1.0 - far))


defvjp("special.spence", x=_spence)
defvjp("special.erfi", x=lambda ct, x, xp: ct * ((2.0 / ROOT_PI) * xp.exp(x * x)))


def _dawsn(ct: Cotangent, x: Value, out: Value, xp: XP) -> Value:
    """ct (1 − 2 x D), for large |x| by −Σ_k (2k−1)!!/(2x²)^k."""
    far = xp.abs(x) > 12.0
    large = xp.where(far, x, 12.0 * xp.ones_like(x))
    step = 0.5 / (large * large)
    series = step * 0.0
    for k in reversed(range(1, 24)):
        series = (series + 1.0) * step * (2.0 * k - 1.0)
    zero = xp.zeros_like(x)
    near = 1.0 - 2.0 * (xp.where(far, zero, x) * xp.where(far, zero, out))
    return ct * xp.where(far, -series, near)


defvjp("special.dawsn", x=_dawsn)
defvjp("special.wofz", x=lambda ct, x, out: ct * (2j / ROOT_PI - 2.0 * (x * out)))
defvjp(
    "special.owens_t",
    x=lambda ct, x, a, xp: (
        -ct * (0.5 / ROOT_TAU * (xp.exp(-0.5 * x * x) * xp.special.erf(a * x * math.sqrt(0.5))))
    ),
    a=lambda ct, x, a, xp: (
        ct * ((0.5 / math.pi) * (xp.exp(-0.5 * (x * x) * (1.0 + a * a)) / (1.0 + a * a)))
    ),
)

# ── Lambert's W ───────────────────────────────────────────────────────────────────────────────

defvjp(
    "special.lambertw",
    x=lambda ct, out, xp: ct * (xp.exp(-out) / (1.0 + out)),
)
defvjp("special.wrightomega", x=lambda ct, out: ct * (out / (1.0 + out)))

# ── elliptic integrals ────────────────────────────────────────────────────────────────────────

ELLIPTIC_NEAR, ELLIPTIC_TERMS = 0.3, 34
# ((2n−1)!!/(2n)!!)², of K = π/2 Σ c_n mⁿ and E = π/2 Σ c_n/(1 − 2n) mⁿ (DLMF 19.5.1-2)
_SQUARES = [1.0]
for _n in range(1, ELLIPTIC_TERMS + 1):
    _SQUARES.append(_SQUARES[-1] * ((2 * _n - 1) / (2 * _n)) ** 2)


def _elliptic(series: list[float], far: Any, x: Value, xp: XP) -> Value:
    """A derivative by its series near m = 0, elsewhere by its formula, which gets no such m."""
    near = xp.abs(x) < ELLIPTIC_NEAR
    small = xp.where(near, x, xp.zeros_like(x))
    total = small * 0.0
    for c in reversed(series):
        total = total * small + 0.5 * math.pi * c
    return xp.where(near, total, far(xp.where(near, 0.5 * xp.ones_like(x), x)))


def _ellipk_slope(x: Value, xp: XP) -> Value:
    """dK/dm."""

    def far(m: Value) -> Value:
        K, E = xp.special.ellipk(m), xp.special.ellipe(m)
        return (E / (1.0 - m) - K) / (2.0 * m)

    return _elliptic([n * c for n, c in enumerate(_SQUARES)][1:], far, x, xp)


def _ellipe_slope(x: Value, xp: XP) -> Value:
    """dE/dm."""

    def far(m: Value) -> Value:
        return (xp.special.ellipe(m) - xp.special.ellipk(m)) / (2.0 * m)

    return _elliptic([n * c / (1 - 2 * n) for n, c in enumerate(_SQUARES)][1:], far, x, xp)


defvjp("special.ellipk", x=lambda ct, x, xp: ct * _ellipk_slope(x, xp))
defvjp("special.ellipe", x=lambda ct, x, xp: ct * _ellipe_slope(x, xp))

# ── products and quotients of gamma functions ─────────────────────────────────────────────────
#
# binom(x, y) = Γ(x+1)/(Γ(y+1) Γ(x−y+1)), poch(x, y) = Γ(x+y)/Γ(x).


def _binom_x(ct: Cotangent, x: Value, y: Value, out: Value, xp: XP) -> Value:
    """ct out (ψ(x+1) − ψ(x−y+1))."""
    x, y = as_array(x, y, xp), as_array(y, x, xp)
    return -ct * (out * digamma_gap(x - y + 1.0, y, xp))


def _binom_y(ct: Cotangent, x: Value, y: Value, out: Value, xp: XP) -> Value:
    """ct out (ψ(x−y+1) − ψ(y+1))."""
    x, y = as_array(x, y, xp), as_array(y, x, xp)
    return ct * (out * digamma_gap(x - y + 1.0, 2.0 * y - x, xp))


defvjp("special.binom", x=_binom_x, y=_binom_y)
defvjp(
    "special.poch",
    x=lambda ct, x, y, out, xp: (
        -ct * (out * digamma_gap(as_array(x, y, xp), as_array(y, x, xp), xp))
    ),
    y=lambda ct, x, y, out, xp: ct * (out * xp.special.digamma(as_array(x, y, xp) + y)),
)

# ── hypergeometric functions and orthogonal polynomials ───────────────────────────────────────

defvjp("special.hyp0f1", x=lambda ct, v, x, xp: ct * (xp.special.hyp0f1(v + 1, x) / v))
defvjp(
    "special.hyp1f1",
    x=lambda ct, a, b, x, xp: ct * (xp.special.hyp1f1(a + 1, b + 1, x) * (a / b)),
)
defvjp(
    "special.hyp2f1",
    x=lambda ct, a, b, v, x, xp: ct * (xp.special.hyp2f1(a + 1, b + 1, v + 1, x) * (a * b / v)),
)


def _lowered(n: Any, slope: Any, x: Value, ct: Cotangent, xp: XP) -> Value:
    """ct times the slope of a polynomial of degree n, 0 for n = 0."""
    if hasattr(n, "dtype"):
        raise NotImplementedError(
            "orthogonal polynomials: the derivative is there for one degree n, not for an array of them"
        )
    return ct * slope() if n else ct * xp.zeros_like(x)


defvjp(
    "special.eval_jacobi",
    x=lambda ct, n, a, b, x, xp: _lowered(
        n,
        lambda: xp.special.eval_jacobi(n - 1, a + 1, b + 1, x) * (0.5 * (n + a + b + 1)),
        x,
        ct,
        xp,
    ),
)
defvjp(
    "special.eval_legendre",
    x=lambda ct, n, x, xp: _lowered(
        n, lambda: xp.special.eval_jacobi(n - 1, 1.0, 1.0, x) * (0.5 * (n + 1)), x, ct, xp
    ),
)
defvjp(
    "special.eval_chebyt",
    x=lambda ct, n, x, xp: _lowered(n, lambda: n * xp.special.eval_chebyu(n - 1, x), x, ct, xp),
)
defvjp(
    "special.eval_chebyu",
    x=lambda ct, n, x, xp: _lowered(
        n, lambda: 2.0 * xp.special.eval_gegenbauer(n - 1, 2.0, x), x, ct, xp
    ),
)
defvjp(
    "special.eval_gegenbauer",
    x=lambda ct, n, a, x, xp: _lowered(
        n, lambda: xp.special.eval_gegenbauer(n - 1, a + 1, x) * (2.0 * a), x, ct, xp
    ),
)
defvjp(
    "special.eval_hermite",
    x=lambda ct, n, x, xp: _lowered(
        n, lambda: 2.0 * n * xp.special.eval_hermite(n - 1, x), x, ct, xp
    ),
)
defvjp(
    "special.eval_hermitenorm",
    x=lambda ct, n, x, xp: _lowered(
        n, lambda: n * xp.special.eval_hermitenorm(n - 1, x), x, ct, xp
    ),
)
defvjp(
    "special.eval_laguerre",
    x=lambda ct, n, x, xp: _lowered(
        n, lambda: -xp.special.eval_genlaguerre(n - 1, 1.0, x), x, ct, xp
    ),
)
defvjp(
    "special.eval_genlaguerre",
    x=lambda ct, n, a, x, xp: _lowered(
        n, lambda: -xp.special.eval_genlaguerre(n - 1, a + 1, x), x, ct, xp
    ),
)
