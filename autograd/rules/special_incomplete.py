"""The incomplete gamma and beta functions: densities, and the derivative by the shape of the gamma distribution.

*By the upper limit* the derivative is the density: x^(a−1) e^(−x)/Γ(a), x^(a−1) (1−x)^(b−1)/B(a, b), and Student's.

*By the shape a* of P(a, x) = γ(a, x)/Γ(a) = 1 − Q(a, x) there is no closed form. With t = x e^(σu), σ = 1 above and
σ = −1 below, Γ(a, x) and γ(a, x) are x^a e^(−x) J, and their derivatives by a are that times J log x + σ I, where

    J = ∫_0^∞ e^(−φ(u)) du,    I = ∫_0^∞ u e^(−φ(u)) du,    φ(u) = x (e^(σu) − 1) − σ a u.

φ is convex and, from the side of x where most of the mass is not, increasing; so both integrands die out, at φ = 40,
and are smooth until then: Gauss' rule with 40 nodes has errors below those of float64. By 1/Γ(a) = a/Γ(a+1) and
ψ(a) = ψ(a+1) − 1/a, which are finite at a = 0 too,

    ∂P/∂a = −x^a e^(−x)/Γ(a+1) · (σ J (a (log x − ψ(a+1)) + 1) + a I),

where on either side both terms have one sign. For a < 1 and x < 1, where the integrands have two scales, the series
P = x^a e^(−x)/Γ(a+1) Σ_n x^n/(a+1)_n (DLMF 8.11.4) is differentiated. All of this is made of differentiable functions,
so that there are derivatives of any order.

By the shapes of `betainc` and `stdtr` there is no derivative: it is refused.

Sources: NIST Digital Library of Mathematical Functions, 8.2, 8.8.13, 8.11.4, 8.17, 5.11.3; Johnson, Kotz and
Balakrishnan, Continuous Univariate Distributions 2, 1995, ch. 28.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..core.defvjp import library_defvjp as defvjp
from ..core.typing import XP, Value

# ── densities ─────────────────────────────────────────────────────────────────────────────────
#
# From their logarithms.


def as_array(x: Value, other: Value, xp: XP) -> Value:
    """`x`, or where it is a Python number, a 0-d array of it in the dtype of `other`."""
    return x if hasattr(x, "dtype") else xp.zeros_on_device_of((), other) + x


def gamma_density(a: Value, x: Value, xp: XP) -> Value:
    """x^(a−1) e^(−x) / Γ(a)."""
    a, x = as_array(a, x, xp), as_array(x, a, xp)
    return xp.exp(xp.special.xlogy(a - 1.0, x) - x - xp.special.gammaln(a))


def beta_density(a: Value, b: Value, x: Value, xp: XP) -> Value:
    """x^(a−1) (1−x)^(b−1) / B(a, b)."""
    a, b = as_array(a, x, xp), as_array(b, x, xp)
    powers = xp.special.xlogy(a - 1.0, x) + xp.special.xlog1py(b - 1.0, -x)
    return xp.exp(powers - xp.special.betaln(a, b))


def student_density(df: Any, t: Any, xp: XP) -> Value:
    """(1 + t²/df)^(−(df+1)/2) / (√df B(df/2, 1/2))."""
    df = as_array(df, t, xp)
    log_scale = xp.special.betaln(0.5 * df, 0.5) + 0.5 * xp.log(df)
    return xp.exp(-0.5 * (df + 1.0) * xp.log1p(t * t / df) - log_scale)


# ── the shape of the gamma distribution ───────────────────────────────────────────────────────

NODES = 40
END = 40.0  # e^(−40) is less than the precision of float64
STIRLING_FROM = 16.0
SERIES_TERMS = 20  # of x^n / (a+1)_n for x < 1


@functools.cache
def _gauss() -> tuple[tuple[float, float], ...]:
    """Nodes and weights of Gauss' rule on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return tuple(zip((0.5 + 0.5 * nodes).tolist(), (0.5 * weights).tolist(), strict=True))


def gammainc_shape(a: Value, x: Value, xp: XP) -> Value:
    """∂P(a, x)/∂a; 0 at x = 0 and at infinity."""
    a, x = as_array(a, x, xp), as_array(x, a, xp)
    zero = xp.zeros_like(a + x)
    a, x = a + zero, x + zero
    inside = (x > 0) & (x < math.inf) & (a >= 0) & (a < math.inf)
    small = (a < 1) & (x < 1)
    one = zero + 1.0
    safe_a, safe_x = xp.where(inside, a, one), xp.where(inside, x, one)
    integral = _by_integrals(xp.where(small, one, safe_a), xp.where(small, one, safe_x), xp)
    series = _by_series(xp.where(small, safe_a, 0.5 * one), xp.where(small, safe_x, 0.5 * one), xp)
    out = _log_scale_exp(safe_a, safe_x, xp) * xp.where(inside & small, series, integral)
    outside = xp.where((a > 0) & ((x == 0) | (x == math.inf)), zero, math.nan)
    return xp.where(inside, out, outside)


def _log_scale_exp(a: Value, x: Value, xp: XP) -> Value:
    """x^a e^(−x) / Γ(a + 1), for large a by Stirling's series, where the logarithms cancel.

    a log x − x − log Γ(a+1) = a (log(1+m) − m) − log √(2πa) − 1/12a + 1/360a³ − …, m = x/a − 1.
    """
    far = a > STIRLING_FROM
    large = xp.where(far, a, STIRLING_FROM + xp.zeros_like(a))
    near_a = xp.where(far, xp.ones_like(a), a)
    m = (x - large) / large
    inverse = 1.0 / large
    square = inverse * inverse
    series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680))))
    stirling = large * (xp.log1p(m) - m) - 0.5 * xp.log(2.0 * math.pi * large) - series
    plain = near_a * xp.log(x) - x - xp.special.gammaln(near_a + 1.0)
    return xp.exp(xp.where(far, stirling, plain))


def _by_integrals(a: Value, x: Value, xp: XP) -> Value:
    """−(σ J (a (log x − ψ(a+1)) + 1) + a I)."""
    above = x >= a
    sign = xp.where(above, xp.ones_like(a), -xp.ones_like(a))
    end = xp.stop_gradient(_end(a, x, sign, xp))
    mass = moment = xp.zeros_like(a)  # J and I
    for node, weight in _gauss():
        u = node * end
        values = weight * xp.exp(-_phi(u, a, x, sign, xp))
        mass, moment = mass + values, moment + u * values
    slope = a * (xp.log(x) - xp.special.digamma(a + 1.0)) + 1.0
    return -end * (sign * (mass * slope) + a * moment)


def _phi(u: Any, a: Value, x: Value, sign: Value, xp: XP) -> Value:
    return x * xp.expm1(sign * u) - sign * (a * u)


def _end(a: Value, x: Value, sign: Value, xp: XP) -> Value:
    """u with φ(u) ≥ 40, by Newton's method from above, where a convex function keeps it."""
    a, x = xp.stop_gradient(a), xp.stop_gradient(x)
    gap = xp.abs(x - a)
    above = 2.0 * END / (gap + xp.sqrt(gap * gap + 2.0 * END * x))  # of x u²/2 + |x − a| u
    u = xp.where(sign > 0, above, (END + x) / xp.where(sign > 0, x, a))
    for _ in range(8):
        u = u - (_phi(u, a, x, sign, xp) - END) / (sign * (x * xp.exp(sign * u) - a))
    return u


def _by_series(a: Value, x: Value, xp: XP) -> Value:
    """M (log x − ψ(a+1)) + ∂M/∂a, M = Σ_n x^n / (a+1)_n."""
    term = total = xp.ones_like(a)
    harmonic = slope = xp.zeros_like(a)
    for n in range(1, SERIES_TERMS):
        term = term * (x / (a + n))
        harmonic = harmonic + 1.0 / (a + n)
        total, slope = total + term, slope - term * harmonic
    return total * (xp.log(x) - xp.special.digamma(a + 1.0)) + slope


defvjp(
    "special.gammainc",
    a=lambda ct, a, x, xp: ct * gammainc_shape(a, x, xp),
    x=lambda ct, a, x, xp: ct * gamma_density(a, x, xp),
)
defvjp(
    "special.gammaincc",
    a=lambda ct, a, x, xp: -ct * gammainc_shape(a, x, xp),
    x=lambda ct, a, x, xp: -ct * gamma_density(a, x, xp),
)
defvjp("special.betainc", x=lambda ct, a, b, x, xp: ct * beta_density(a, b, x, xp))
defvjp("special.stdtr", t=lambda ct, df, t, xp: ct * student_density(df, t, xp))
