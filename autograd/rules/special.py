"""Special functions, by rules made of special functions, so that there is a derivative of every order.

*Error functions.* erf' = (2/√π) e^(−x²), erfcx' = 2x erfcx − 2/√π, Φ' = φ = e^(−x²/2)/√(2π), (log Φ)' = φ/Φ; of an
inverse function 1/f' at the result. erfcx' cancels for large x, where a continued fraction stands instead; φ and Φ
underflow for small x, where φ/Φ = √(2/π)/erfcx(−x/√2).

*Gamma functions.* Γ' = Γψ, (log Γ)' = ψ, ψ⁽ⁿ⁾' = ψ⁽ⁿ⁺¹⁾, ∂ζ(s, q)/∂q = −s ζ(s+1, q), ∂ log B/∂a = ψ(a) − ψ(a+b),
which for large a is not computed by the difference. By s or by an order there is none: it is refused. (The incomplete
functions are in `special_incomplete.py`.)

*Logarithms.* x log y and x log(1 + y) are constant, 0, at x = 0, and have the derivative 0 there where y has no
logarithm. ∂/∂x of x log(x/y) is log(x/y) + 1, −∞ at x = 0 < y, +∞ at y = 0 < x, and finite at x = y = 0; −x log x has
the slope +∞ at 0.

*Bessel functions.* I_0' = I_1, I_1' = I_0 − I_1/x, I_v' = (I_{v−1} + I_{v+1})/2; with the factor e^(−|x|) in front,
minus sign(x) times the function (the mean of both slopes at 0).

Where the formula of a textbook subtracts almost equal numbers or divides two that both underflow, the one in the rule
does neither, at any order. (DLMF is the NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov.)
"""

from __future__ import annotations

import math
from typing import Any

from ..core.defvjp import library_defvjp as defvjp
from ..core.dtypes import is_complex
from ..core.typing import XP, Cotangent, Value
from .special_incomplete import as_array

ROOT_PI = math.sqrt(math.pi)
ROOT_2 = math.sqrt(2.0)
ROOT_TAU = math.sqrt(2.0 * math.pi)

# ── the error function and its relatives ──────────────────────────────────────────────────────
#
# erf' = (2/√π) e^(−x²) (DLMF 7.10.1), and of an inverse function 1/f' at the result.

defvjp("special.erf", x=lambda ct, x, xp: ct * ((2.0 / ROOT_PI) * xp.exp(-x * x)))
defvjp("special.erfc", x=lambda ct, x, xp: ct * ((-2.0 / ROOT_PI) * xp.exp(-x * x)))
defvjp("special.erfinv", x=lambda ct, out, xp: ct * ((0.5 * ROOT_PI) * xp.exp(out * out)))
defvjp("special.erfcinv", x=lambda ct, out, xp: ct * ((-0.5 * ROOT_PI) * xp.exp(out * out)))


def _erfcx(ct: Cotangent, x: Value, out: Value, xp: XP) -> Value:
    """ct · (2 x erfcx x − 2/√π), for large x without the difference (`backend/generic/vjp_kernels.py`)."""
    if is_complex(x.dtype):
        return ct * (2.0 * x * out - 2.0 / ROOT_PI)
    return ct * xp.erfcx_slope(x, out)


defvjp("special.erfcx", x=_erfcx)

# The normal distribution Φ, its inverse and its logarithm; φ = e^(−x²/2) / √(2π) is its density.

defvjp("special.ndtr", x=lambda ct, x, xp: ct * ((1.0 / ROOT_TAU) * xp.exp(-0.5 * x * x)))
defvjp("special.ndtri", x=lambda ct, out, xp: ct * (ROOT_TAU * xp.exp(0.5 * out * out)))


# φ/Φ; for x < 0, where both underflow, by the quotient that erfcx holds (`backend/generic/vjp_kernels.py`)
defvjp("special.log_ndtr", x=lambda ct, x, xp: ct * xp.log_ndtr_slope(x))

# ── the gamma function and its relatives ──────────────────────────────────────────────────────
#
# (log Γ)' = ψ, ψ⁽ⁿ⁾' = ψ⁽ⁿ⁺¹⁾ (DLMF 5.2.2, 5.15), and ∂ζ(s, q)/∂q = −s ζ(s + 1, q) (DLMF 25.11.17). Nobody computes the
# derivative of ζ by s.

defvjp("special.gamma", x=lambda ct, x, out, xp: ct * (out * xp.special.digamma(x)))


RGAMMA_FACTORS = 24


def _rgamma(ct: Cotangent, x: Value, out: Value, xp: XP) -> Value:
    """−ct ψ/Γ; for x < ½, where both have poles and 1/Γ none, by 1/Γ(x) = x (x+1) … (x+n−1) / Γ(x+n)."""
    near = (x < 0.5) & (x > 1.0 - RGAMMA_FACTORS)
    one = xp.ones_like(x)
    factor = near_x = xp.where(near, x, one)
    product, slope = factor, one
    for k in range(1, RGAMMA_FACTORS):
        factor = near_x + float(k)
        product, slope = product * factor, slope * factor + product
    far_x = near_x + float(RGAMMA_FACTORS)
    by_product = xp.special.rgamma(far_x) * (slope - product * xp.special.digamma(far_x))
    plain = -xp.where(near, one, out) * xp.special.digamma(xp.where(near, one, x))
    return ct * xp.where(near, by_product, plain)


defvjp("special.rgamma", x=_rgamma)
defvjp("special.gammaln", x=lambda ct, x, xp: ct * xp.special.digamma(x))
defvjp("special.loggamma", x=lambda ct, x, xp: ct * xp.special.digamma(x))
defvjp("special.digamma", x=lambda ct, x, xp: ct * xp.special.polygamma(1, x))
defvjp("special.polygamma", x=lambda ct, n, x, xp: ct * xp.special.polygamma(n + 1, x))
defvjp("special.zeta", q=lambda ct, x, q, xp: -ct * (x * xp.special.zeta(x + 1.0, q)))

# B(a, b) = Γ(a) Γ(b) / Γ(a + b), so that ∂ log B/∂a = ψ(a) − ψ(a + b).

SHIFTS = 16
# B_2k / 2k of ψ(x) = log x − 1/(2x) − Σ_k B_2k / (2k x^2k) (DLMF 5.11.2)
STIRLING = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760)


def digamma_gap(a: Value, b: Value, xp: XP) -> Value:
    """ψ(a) − ψ(a + b), which for large a or small b is a small difference of large numbers.

    For positive a and a + b by ψ(x) = ψ(x + n) − Σ_k 1/(x + k), which leaves b/((a + k) (a + b + k)) of each pair (in
    that form for small b alone: its derivative by a large one would cancel), and behind that term by term of the
    asymptotic series: −log(1 + b/a) − b/(2 a (a + b)) − Σ_k B_2k/2k (a^−2k − (a + b)^−2k).
    With u = 1/a², v = 1/(a + b)²: u^(k+1) − v^(k+1) = u (u^k − v^k) + v^k (u − v), u − v = b (2a + b) u v.
    """
    total = a + b
    one = xp.ones_like(total)
    plain = ~((a > 0) & (total > 0))
    near = xp.special.digamma(xp.where(plain, a, one)) - xp.special.digamma(
        xp.where(plain, total, one)
    )
    a, b = xp.where(plain, one, a), xp.where(plain, one, b)
    total = a + b
    gap = 0.0 * one
    for k in range(SHIFTS):
        p, q = a + float(k), total + float(k)
        gap = gap - xp.where(b > p, 1.0 / p - 1.0 / q, (b / p) / q)
    a, total = a + float(SHIFTS), total + float(SHIFTS)
    gap = gap - xp.log1p(b / a) - 0.5 * ((b / a) / total)
    u, v = 1.0 / (a * a), 1.0 / (total * total)
    difference = first = (b / a) * ((a + total) / a) * v
    power = v
    for coefficient in STIRLING:
        gap = gap - coefficient * difference
        difference, power = u * difference + power * first, power * v
    return xp.where(plain, near, gap)


defvjp(
    "special.betaln",
    a=lambda ct, a, b, xp: ct * digamma_gap(a, b, xp),
    b=lambda ct, a, b, xp: ct * digamma_gap(b, a, xp),
)
defvjp(
    "special.beta",
    a=lambda ct, a, b, out, xp: ct * (out * digamma_gap(a, b, xp)),
    b=lambda ct, a, b, out, xp: ct * (out * digamma_gap(b, a, xp)),
)

# ── logistic functions, entropies ─────────────────────────────────────────────────────────────
#
# `expit` is the `sigmoid` of `fused.py`.

defvjp("special.log_expit", x=lambda ct, x, xp: ct * xp.sigmoid(-x))
defvjp("special.logit", x=lambda ct, x: ct / (x * (1.0 - x)))


# Where a rule takes 0 for log 0 or for 0/0, the second derivative is infinite or does not exist: `kink` makes NaN of
# it, of the derivative by `z`, which is 0 there.


def _once(ct: Cotangent, idle: Any, z: Value, xp: XP) -> Value:
    """`ct`, whose derivative by `z` is NaN where `idle`."""
    return xp.kink(ct, xp.where(idle, z, 1.0))


def _log_near_zero(x: Value, y: Value, xp: XP) -> Value:
    """log y; 0 at x = 0 where y has no logarithm (at x = 0, the function of y is 0)."""
    idle = (x == 0) & ((y == 0) if is_complex(y.dtype) else (y <= 0))
    return xp.where(idle, xp.zeros_like(y), xp.log(xp.where(idle, xp.ones_like(y), y)))


def _quotient(x: Value, y: Value, xp: XP) -> Value:
    """x / y; 0 at x = 0, whatever y is."""
    idle = (x == 0) & (y == 0)
    return x / xp.where(idle, xp.ones_like(y), y)


def _xlogy_x(ct: Cotangent, x: Value, y: Value, xp: XP) -> Value:
    """ct · log y; 0 at x = 0 ≥ y."""
    y = as_array(y, x, xp)
    return _once(ct, (x == 0) & (y == 0), y, xp) * _log_near_zero(x, y, xp)


def _xlogy_y(ct: Cotangent, x: Value, y: Value, xp: XP) -> Value:
    """ct · x / y; 0 at x = 0."""
    x = as_array(x, y, xp)
    return _once(ct, (x == 0) & (y == 0), x, xp) * _quotient(x, y, xp)


def _xlog1py_x(ct: Cotangent, x: Value, y: Value, xp: XP) -> Value:
    """ct · log(1 + y); 0 at x = 0, y ≤ −1."""
    y = as_array(y, x, xp)
    idle = (x == 0) & ((y == -1) if is_complex(y.dtype) else (y <= -1))
    ct = _once(ct, (x == 0) & (y == -1), y + 1, xp)
    return ct * xp.log1p(xp.where(idle, xp.zeros_like(y), y))


def _xlog1py_y(ct: Cotangent, x: Value, y: Value, xp: XP) -> Value:
    """ct · x / (1 + y); 0 at x = 0."""
    x = as_array(x, y, xp)
    return _once(ct, (x == 0) & (y == -1), x, xp) * _quotient(x, 1 + y, xp)


defvjp("special.xlogy", x=_xlogy_x, y=_xlogy_y)
defvjp("special.xlog1py", x=_xlog1py_x, y=_xlog1py_y)


# ∂/∂x of x log(x/y) is log(x/y) + 1, ∂/∂y is −x/y. At x = y = 0 the logarithm is taken as 0: an infinite slope there
# would make NaN of the zeros that it meets in sparse distributions. ∂/∂y of x log(x/y) − x + y is (y − x)/y, 1 at
# x = y = 0.


def _both_zero(x: Any, y: Any) -> Any:
    return (x == 0) & (y == 0)


def _log_ratio(_idle: Any, _ratio: Any, xp: XP) -> Value:
    """log(x/y) by the quotient, which keeps the digits where both are close; 0 at x = y = 0."""
    return xp.log(xp.where(_idle, xp.ones_like(_ratio), _ratio))


def _over(x: Value, y: Value, _idle: Any, xp: XP) -> Value:
    """x / y; 0 at x = y = 0."""
    y = as_array(y, x, xp)
    return x / xp.where(_idle, xp.ones_like(y), y)


def _gain(ct: Cotangent, x: Value, y: Value, _idle: Any, xp: XP) -> Value:
    """ct · (y − x) / y; ct at x = y = 0."""
    one = xp.ones_like(y)
    below = xp.where(_idle, one, y)
    ratio = xp.where(_idle, xp.zeros_like(y), x) / below
    # of 1 − x/y where x is the smaller, since the derivative of y/y − x/y as it stands leaves nothing of x/y²
    return _once(ct, _idle, as_array(x, y, xp), xp) * xp.where(
        ratio < 0.5, 1.0 - ratio, xp.where(_idle, one, y - x) / below
    )


defvjp("special.entr", x=lambda ct, x, xp: -ct * (xp.log(x) + 1.0))
defvjp(
    "special.rel_entr",
    _idle=lambda x, y: _both_zero(x, y),
    _ratio=lambda x, y, _idle, xp: _over(x, y, _idle, xp),
    x=lambda ct, x, y, _idle, _ratio, xp: (
        _once(ct, _idle, x + y, xp) * (_log_ratio(_idle, _ratio, xp) + 1.0)
    ),
    y=lambda ct, x, y, _idle, _ratio, xp: -_once(ct, _idle, as_array(x, y, xp), xp) * _ratio,
)
defvjp(
    "special.kl_div",
    _idle=lambda x, y: _both_zero(x, y),
    _ratio=lambda x, y, _idle, xp: _over(x, y, _idle, xp),
    x=lambda ct, x, y, _idle, _ratio, xp: (
        _once(ct, _idle, x + y, xp) * _log_ratio(_idle, _ratio, xp)
    ),
    y=lambda ct, x, y, _idle, xp: _gain(ct, x, y, _idle, xp),
)

# ── Bessel functions ──────────────────────────────────────────────────────────────────────────
#
# I_0' = I_1 and I_1' = I_0 − I_1/x, with the quotient by its series near 0, which has derivatives of every order
# there; of other orders, I_v' = (I_{v−1} + I_{v+1})/2 (DLMF 10.29.1, 10.25.2). With the factor e^(−|x|) in front,
# −sign(x) times the function is added; at x = 0, where that makes a kink, the mean of both slopes. Far from 0 the
# terms cancel, and the series e^(−x) I_v(x) = (2πx)^(−1/2) Σ_k c_k x^(−k), c_k = −c_{k−1} (4v² − (2k−1)²)/(8k) (DLMF
# 10.40.1), is differentiated instead.

BESSEL_NEAR, BESSEL_NEAR_TERMS = 2.0, 14
BESSEL_FAR, BESSEL_FAR_TERMS = 25.0, 26


def _i1_over_x(x: Value, out: Value, scaled: bool, xp: XP) -> Value:
    """I_1(x)/x from I_1(x); near 0 by Σ_k (x²/4)^k / (2 k! (k+1)!). Both times e^(−|x|) if `scaled`."""
    near = xp.abs(x) < BESSEL_NEAR
    small = xp.where(near, 0.5 * x, xp.zeros_like(x))
    square = small * small
    series = square * 0.0
    for k in reversed(range(BESSEL_NEAR_TERMS)):
        series = series * square + 0.5 / (math.factorial(k) * math.factorial(k + 1))
    if scaled:
        series = series * xp.exp(-2.0 * xp.abs(small))
    return xp.where(near, series, out / xp.where(near, xp.ones_like(x), x))


def _slope(v: Value, x: Value, out: Value, scaled: bool, xp: XP) -> Value:
    """I_v'(x), or e^(−|x|) I_v'(x), from I_v(x), or e^(−|x|) I_v(x)."""
    if hasattr(v, "dtype") or v not in (0, 1):
        f = xp.special.ive if scaled else xp.special.iv
        return 0.5 * (f(v - 1, x) + f(v + 1, x))
    if v == 0:
        return xp.special.i1e(x) if scaled else xp.special.i1(x)
    i0 = xp.special.i0e(x) if scaled else xp.special.i0(x)
    return i0 - _i1_over_x(x, out, scaled, xp)


def _scaled(ct: Cotangent, v: Value, x: Value, out: Value, xp: XP) -> Value:
    """ct · (e^(−|x|) I_v'(x) − sign(x) out), far from 0 by the series."""
    if hasattr(v, "dtype") or v != int(v):
        return ct * (_slope(v, x, out, True, xp) - xp.sign(x) * out)
    size = xp.abs(x)
    far = size > max(BESSEL_FAR, 4.0 * v * v)
    zero = xp.zeros_like(x)
    near_x, near_out = xp.where(far, zero, x), xp.where(far, zero, out)
    near = _slope(v, near_x, near_out, True, xp) - xp.sign(near_x) * near_out
    coefficients = [1.0]
    for k in range(1, BESSEL_FAR_TERMS):
        coefficients.append(-coefficients[-1] * (4.0 * v * v - (2 * k - 1) ** 2) / (8 * k))
    inverse = 1.0 / xp.where(far, size, zero + BESSEL_FAR)
    series = zero
    for k in reversed(range(BESSEL_FAR_TERMS)):
        series = series * inverse + (k + 0.5) * coefficients[k]
    series = series * (inverse * xp.sqrt(inverse))
    sign = zero + 1.0 if v % 2 else xp.sign(x)  # the derivative of an odd function is even
    return ct * xp.where(far, (-1.0 / ROOT_TAU) * (sign * series), near)


defvjp("special.i0", x=lambda ct, x, xp: ct * xp.special.i1(x))
defvjp("special.i1", x=lambda ct, x, out, xp: ct * _slope(1, x, out, False, xp))
defvjp("special.iv", x=lambda ct, v, x, out, xp: ct * _slope(v, x, out, False, xp))
defvjp("special.i0e", x=lambda ct, x, out, xp: _scaled(ct, 0, x, out, xp))
defvjp("special.i1e", x=lambda ct, x, out, xp: _scaled(ct, 1, x, out, xp))
defvjp("special.ive", x=lambda ct, v, x, out, xp: _scaled(ct, v, x, out, xp))

# ── sin(πx) / (πx) ────────────────────────────────────────────────────────────────────────────
#
# Its derivatives are one family, computed without the cancellation of cos(πx)/x − sin(πx)/(πx²) near 0.

defvjp("sinc", x=lambda ct, x, xp: ct * xp.sinc_derivative(x, n=1))
defvjp("sinc_derivative", x=lambda ct, x, n, xp: ct * xp.sinc_derivative(x, n=n + 1))
