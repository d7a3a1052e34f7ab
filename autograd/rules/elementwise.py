"""Elementwise functions of the array API standard.

Complex inputs need no conjugates here: the sweep carries conjugated cotangents (see `core/sweep.py`), so a
holomorphic function's rule is ``ct · f'(x)`` as for real numbers. Only `abs`, `conj`, `real`, `imag` and `sign`
are not holomorphic.
"""

from __future__ import annotations

import cmath
import math
from typing import Any

from ..core.defvjp import library_defvjp as defvjp
from ..core.dtypes import is_complex, is_inexact
from ..core.namespaces import namespace_of
from ..core.registry import attach_kernel
from ..core.typing import XP, Cotangent, Value

# ── arithmetic ────────────────────────────────────────────────────────────────────────────────

defvjp("add", x1=lambda ct: ct, x2=lambda ct: ct)
defvjp("subtract", x1=lambda ct: ct, x2=lambda ct: -ct)
defvjp("multiply", x1=lambda ct, x2: ct * x2, x2=lambda ct, x1: ct * x1)
defvjp(
    "divide",
    _part=lambda ct, x2: ct / x2,
    x1=lambda _part: _part,
    x2=lambda _part, out: -_part * out,
)
defvjp("negative", x=lambda ct: -ct)
defvjp("positive", x=lambda ct: ct)
defvjp("square", x=lambda ct, x, xp: xp.twice(ct, x))
defvjp("reciprocal", x=lambda ct, out: -ct * (out * out))
defvjp("sqrt", x=lambda ct, out: ct / (2 * out))
defvjp("cbrt", x=lambda ct, out: ct / (3 * (out * out)))


@attach_kernel("cbrt")
def _cbrt(x: Any) -> Any:
    """The real cube root, for libraries without one: a power, and a step of Newton's method for its last digits."""
    xp = namespace_of(x)
    size = xp.abs(x)
    root = size ** (1 / 3)
    usual = xp.isfinite(size) & (size > 0)
    safe = xp.where(usual, root, xp.ones_like(root))
    step = (safe - xp.where(usual, size, xp.ones_like(size)) / (safe * safe)) / 3
    return xp.where(x < 0, -xp.where(usual, root - step, root), xp.where(usual, root - step, root))


def _pow_base(ct: Cotangent, x1: Value, x2: Value, out: Value, xp: XP) -> Value:
    """ct · x2 x1^(x2−1); 0 for 0**0, where x1^(−1) is infinite."""
    if not hasattr(x2, "dtype"):
        if x2 == 2:
            return 2 * (ct * x1)
        return xp.zeros_like(ct) if x2 == 0 else ct * (x2 * x1 ** (x2 - 1))
    if not is_inexact(x2.dtype):
        x2 = xp.astype(x2, x1.dtype)  # an unsigned 0 − 1 wraps around
    return ct * xp.power_slope(x1, x2, out)


def _pow_exponent(ct: Cotangent, out: Value, x1: Value, xp: XP) -> Value:
    """ct · x1^x2 log x1; 0 at x1 = 0, where the power does not depend on a positive x2 (0**0 is 1).

    The logarithm of a negative x1 is NaN, unless the result is complex.
    """
    if not hasattr(x1, "dtype"):
        if x1 == 0:
            return xp.zeros_like(ct)
        if is_complex(out.dtype):
            return ct * (out * cmath.log(x1))
        return ct * (out * (math.log(x1) if x1 > 0 else math.nan))
    x1 = xp.astype(x1, out.dtype, copy=False)  # NumPy's logarithm of int8 is a float16
    return ct * (out * xp.log_nonzero(x1))


defvjp("pow", x1=_pow_base, x2=_pow_exponent)

# ── exponentials and logarithms ───────────────────────────────────────────────────────────────

defvjp("exp", x=lambda ct, out: ct * out)
defvjp("expm1", x=lambda ct, x, xp: ct * xp.exp(x))
defvjp("log", x=lambda ct, x: ct / x)
defvjp("log1p", x=lambda ct, x: ct / (1 + x))
defvjp("log2", x=lambda ct, x: ct / (x * math.log(2)))
defvjp("log10", x=lambda ct, x: ct / (x * math.log(10)))

# ── trigonometric and hyperbolic ──────────────────────────────────────────────────────────────
#
# The derivatives of the complex inverse functions are written with one square root for each branch point, since
# √(1−x)·√(1+x), in `over_root_below`, has the cuts of asin and acos, and √(x−1)·√(x+1) those of acosh, while the root
# of the product has not. ``x − (−1)`` keeps the sign of a zero imaginary part, which says on what side of a cut a
# number lies; ``x + 1`` loses it. No squares: they lose digits near ±1 and overflow.
#
# The quotients c/√(1−x²), c/√(x²−1), c/(1−x²), c/(1+x²) are functions of their own, whose derivatives are made of
# themselves: that of (1−x)(1+x) as it stands is (1−x) − (1+x), which has no digits left at small x.


def _tan(ct: Cotangent, x: Value, out: Value, xp: XP) -> Value:
    """ct / cos² x = ct · (1 + tan² x), in the complex plane by sech² ix, since tan tends to ±i there."""
    if is_complex(x.dtype):
        return ct * xp.sech2(1j * x)
    return ct * (1 + out * out)


def _asinh(ct: Cotangent, x: Value, out: Value, xp: XP) -> Value:
    """ct / √(1 + x²), in the complex plane by cosh asinh x, which is on the right side of the cuts."""
    if is_complex(x.dtype):
        return ct / xp.cosh(out)
    return ct / xp.root_above_one(x)


defvjp("sin", x=lambda ct, x, xp: ct * xp.cos(x))
defvjp("cos", x=lambda ct, x, xp: -ct * xp.sin(x))
defvjp("tan", x=_tan)
defvjp("asin", x=lambda ct, x, xp: xp.over_root_below(ct, x))
defvjp("acos", x=lambda ct, x, xp: xp.over_root_below(-ct, x))
defvjp("atan", x=lambda ct, x, xp: xp.over_above(ct, x))
defvjp("sinh", x=lambda ct, x, xp: ct * xp.cosh(x))
defvjp("cosh", x=lambda ct, x, xp: ct * xp.sinh(x))
# 1 − tanh² loses every digit in the tails, and 1/cosh² overflows
defvjp("tanh", x=lambda ct, x, xp: xp.over_cosh2(ct, x))
defvjp("sech2", x=lambda ct, x, out, xp: ct * (-2 * (out * xp.tanh(x))))
defvjp("asinh", x=_asinh)
defvjp("acosh", x=lambda ct, x, xp: xp.over_root_above(ct, x))
defvjp("atanh", x=lambda ct, x, xp: xp.over_below(ct, x))
# with q = x1/√(1−x2²): ∂q/∂x2 = q x2/(1−x2²), and so on
defvjp(
    "over_root_below",
    x1=lambda ct, x2, xp: xp.over_root_below(ct, x2),
    x2=lambda ct, x2, out, xp: xp.over_root_below(xp.over_root_below(ct * (out * x2), x2), x2),
)
defvjp(
    "over_root_above",
    x1=lambda ct, x2, xp: xp.over_root_above(ct, x2),
    x2=lambda ct, x2, out, xp: -xp.over_root_above(xp.over_root_above(ct * (out * x2), x2), x2),
)
defvjp(
    "over_below",
    x1=lambda ct, x2, xp: xp.over_below(ct, x2),
    x2=lambda ct, x2, out, xp: xp.over_below(xp.twice(ct, out * x2), x2),
)
defvjp(
    "over_above",
    x1=lambda ct, x2, xp: xp.over_above(ct, x2),
    x2=lambda ct, x2, out, xp: -xp.over_above(xp.twice(ct, out * x2), x2),
)


defvjp(
    "atan2",
    _legs=lambda x1, x2, xp: xp.over_squares(x1, x2),
    x1=lambda ct, _legs: ct * _legs[1],
    x2=lambda ct, _legs: -ct * _legs[0],
)

# ── lengths ───────────────────────────────────────────────────────────────────────────────────
#
# At 0 the derivative of a length is taken as 0, one of its subgradients. That is a convention for the first derivative
# alone: the second does not exist there, since r² has the Hessian 2 and r has none that would give it. `kink` makes NaN
# of it, where a constant 0 would be wrong without a word.


def _kink(ct: Cotangent, x2: Value, xp: XP) -> Value:
    """NaN for each length that is 0."""
    return xp.where(x2 == 0, math.nan, xp.zeros_like(ct))


defvjp("kink", x1=lambda ct: ct, x2=_kink)


def _leg(ct: Cotangent, x1: Value, x2: Value, out: Value, xp: XP) -> Value:
    """ct · x1 / out; 0 at the origin."""
    return xp.kink(ct, out) * xp.leg(x1, x2, xp.stop_gradient(out))


defvjp(
    "hypot",
    x1=lambda ct, x1, x2, out, xp: _leg(ct, x1, x2, out, xp),
    x2=lambda ct, x1, x2, out, xp: _leg(ct, x2, x1, out, xp),
)


def _leg_turned(ct: Cotangent, x1: Value, x2: Value, xp: XP) -> tuple[Any, Any]:
    """ct · sin φ / r and the direction (cos φ, sin φ), by which ∂(x1/r)/∂x1 = sin² φ / r has all its digits."""
    size = xp.hypot(x1, x2)
    r = xp.stop_gradient(size)
    sine = xp.leg(x2, x1, r)
    return ct * (sine / xp.where(size == 0, math.inf, size)), (xp.leg(x1, x2, r), sine)


# `r` is given to save its computation: the rule is that of a function of x1 and x2
defvjp(
    "leg",
    _turned=lambda ct, x1, x2, xp: _leg_turned(ct, x1, x2, xp),
    x1=lambda _turned: _turned[0] * _turned[1][1],
    x2=lambda _turned: -_turned[0] * _turned[1][0],
)

# ── absolute value, maximum and minimum, rounding ─────────────────────────────────────────────


def _abs(ct: Cotangent, x: Value, out: Value, xp: XP) -> Value:
    """ct · sign(x), 0 at 0 at every order; for complex x, ct · conj(x)/|x|, a length."""
    if not is_complex(x.dtype):
        return xp.with_sign(ct, x, out)
    return xp.kink(ct, out) * xp.conj(xp.ray(x, xp.stop_gradient(out)))


defvjp("abs", x=_abs)
defvjp("conj", x=lambda ct, xp: xp.conj(ct))


# a tie gives each half, so that maximum(x, x) has the derivative 1; where one is NaN, nobody is the larger
defvjp(
    "maximum",
    _shares=lambda ct, x1, x2, xp: xp.shares(ct, x1, x2),
    x1=lambda _shares: _shares[0],
    x2=lambda ct, _shares, x1, x2, xp: xp.rest(ct, _shares, x2, x1),
)
defvjp(
    "minimum",
    _shares=lambda ct, x1, x2, xp: xp.shares(ct, x2, x1),
    x1=lambda _shares: _shares[0],
    x2=lambda ct, _shares, x1, x2, xp: xp.rest(ct, _shares, x1, x2),
)


def _clip_x(ct: Cotangent, x: Value, min: Value, max: Value, xp: XP) -> Value:
    """ct where x was let through; all of it at a bound, which so gets nothing (PyTorch's choice)."""
    if min is None and max is None:
        return ct
    if max is None:
        inside = x >= min
    else:
        inside = x <= max if min is None else (x >= min) & (x <= max)
    return xp.masked(ct, inside)


def _clip_min(ct: Cotangent, x: Value, min: Value, max: Value, xp: XP) -> Value:
    """ct where x is below; where the bounds are in the wrong order, `max` is the result."""
    below = x < min if max is None else (x < min) & (min <= max)
    return xp.masked(ct, below)


def _clip_max(ct: Cotangent, x: Value, min: Value, max: Value, xp: XP) -> Value:
    """ct where x, or `min`, is above."""
    above = x > max if min is None else (x > max) | (min > max)
    return xp.masked(ct, above)


defvjp("clip", x=_clip_x, min=_clip_min, max=_clip_max)

# constant between the jumps
for _name in ("ceil", "floor", "round", "trunc"):
    defvjp(_name, x=lambda ct, xp: xp.zeros_like(ct))
defvjp("floor_divide", x1=lambda ct, xp: xp.zeros_like(ct), x2=lambda ct, xp: xp.zeros_like(ct))
# x1 − x2 ⌊x1/x2⌋
defvjp(
    "remainder",
    x1=lambda ct: ct,
    x2=lambda ct, x1, x2, out, xp: -ct * xp.whole_quotient(x1, x2, out),
)

# |x1| with the sign of x2: as for abs, 0 at x1 = 0
defvjp(
    "copysign",
    x1=lambda ct, x1, out, xp: xp.with_sign(xp.with_sign(ct, x1), out),
    x2=lambda ct, xp: xp.zeros_like(ct),
)
defvjp("nextafter", x1=lambda ct: ct, x2=lambda ct, xp: xp.zeros_like(ct))


def _sign(ct: Cotangent, x: Value, out: Value, xp: XP) -> Value:
    """0 for real x; for complex z/|z| the part of ct across the ray, 0 at 0."""
    if not is_complex(x.dtype):
        return xp.zeros_like(ct)
    size = xp.abs(x)
    across = xp.kink(xp.imag(ct * out), size)
    return across * xp.conj(out) * 1j / xp.where(size == 0, 1.0, size)


defvjp("sign", x=_sign)
# `r` is given, as for `leg`
defvjp("ray", x=_sign)


def _logistic_weight(this: Value, other: Value, out: Value, xp: XP) -> Value:
    """e^this / (e^this + e^other) = σ(this − other); 0 where both are the same infinity, not NaN."""
    idle = xp.isinf(out) & (this == other)
    zero = xp.zeros_like(out)
    weight = xp.sigmoid(xp.where(idle, zero, this) - xp.where(idle, zero, other))
    return xp.where(idle, zero, weight)


defvjp(
    "logaddexp",
    x1=lambda ct, x1, x2, out, xp: ct * _logistic_weight(x1, x2, out, xp),
    x2=lambda ct, x1, x2, out, xp: ct * _logistic_weight(x2, x1, out, xp),
)
defvjp("real", x=lambda ct: ct)
defvjp("imag", x=lambda ct: ct * -1j)  # not −1j * ct: a NumPy scalar on the right is a Python float
