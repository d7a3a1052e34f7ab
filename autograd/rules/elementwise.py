"""Elementwise functions.

Complex inputs need no conjugates here: the sweep carries conjugated cotangents (see `backward.py`), so a
holomorphic function's rule is ``ct · f'(x)`` as for real numbers. Only `abs`, `conj`, `real` and `imag` are
not holomorphic.
"""

from __future__ import annotations

import math
from typing import Any

from ..dtypes import is_complex
from ..primitive import defvjp

# ── arithmetic ────────────────────────────────────────────────────────────────────────────────

defvjp("add", x1=lambda ct: ct, x2=lambda ct: ct)
defvjp("subtract", x1=lambda ct: ct, x2=lambda ct: -ct)
defvjp("multiply", x1=lambda ct, x2: ct * x2, x2=lambda ct, x1: ct * x1)
defvjp("divide", x1=lambda ct, x2: ct / x2, x2=lambda ct, out, x2: -ct * (out / x2))
defvjp("negative", x=lambda ct: -ct)
defvjp("positive", x=lambda ct: ct)
defvjp("square", x=lambda ct, x: 2 * (ct * x))
defvjp("reciprocal", x=lambda ct, out: -ct * (out * out))
defvjp("sqrt", x=lambda ct, out: ct / (2 * out))


def _pow_base(ct: Any, x1: Any, x2: Any, xp: Any) -> Any:
    """ct · x2 x1^(x2−1); 0 where x2 is 0, also at x1 = 0, where x1^(−1) is infinite."""
    if isinstance(x2, int | float):
        if x2 == 2:
            return 2 * (ct * x1)
        return xp.zeros_like(ct) if x2 == 0 else ct * (x2 * x1 ** (x2 - 1))
    zero = x2 == 0
    slope = x2 * x1 ** xp.where(zero, xp.ones_like(x2), x2 - 1)
    return ct * xp.where(zero, xp.zeros_like(slope), slope)


def _pow_exponent(ct: Any, out: Any, x1: Any, xp: Any) -> Any:
    """ct · x1^x2 log x1; 0 at x1 = 0, where the power does not depend on a positive x2 (0**0 is 1)."""
    if isinstance(x1, int | float):
        return (
            ct * (out * math.log(x1))
            if x1 > 0
            else xp.zeros_like(ct) * (0.0 if x1 == 0 else math.nan)
        )
    zero = x1 == 0
    logarithm = xp.log(xp.where(zero, xp.ones_like(x1), x1))
    return ct * (out * logarithm)


defvjp("pow", x1=_pow_base, x2=_pow_exponent)

# ── exponentials and logarithms ───────────────────────────────────────────────────────────────

defvjp("exp", x=lambda ct, out: ct * out)
defvjp("expm1", x=lambda ct, x, xp: ct * xp.exp(x))
defvjp("log", x=lambda ct, x: ct / x)
defvjp("log1p", x=lambda ct, x: ct / (1 + x))
defvjp("log2", x=lambda ct, x: ct / (x * math.log(2)))
defvjp("log10", x=lambda ct, x: ct / (x * math.log(10)))

# ── trigonometric and hyperbolic ──────────────────────────────────────────────────────────────

defvjp("sin", x=lambda ct, x, xp: ct * xp.cos(x))
defvjp("cos", x=lambda ct, x, xp: -ct * xp.sin(x))
defvjp("sinh", x=lambda ct, x, xp: ct * xp.cosh(x))
defvjp("cosh", x=lambda ct, x, xp: ct * xp.sinh(x))


def _tanh(ct: Any, x: Any, out: Any, xp: Any) -> Any:
    """ct · 4 e^(−2|x|) / (1 + e^(−2|x|))²: 1 − out² loses every digit in the tails, 1/cosh² overflows."""
    if is_complex(x.dtype):
        return ct * (1 - out * out)
    return ct * xp.sech2(x)


defvjp("tanh", x=_tanh)

# ── absolute value, maximum and minimum, rounding ─────────────────────────────────────────────


def _abs(ct: Any, x: Any, out: Any, xp: Any) -> Any:
    """ct · sign(x); for complex x, ct · conj(x)/|x|, with 0 at 0."""
    if not is_complex(x.dtype):
        return ct * xp.sign(x)
    safe = xp.where(out == 0, xp.ones_like(out), out)
    return xp.conj(x) * (ct / safe)


defvjp("abs", x=_abs)
defvjp("conj", x=lambda ct, xp: xp.conj(ct))


def _chosen(ct: Any, this: Any, other: Any, out: Any, xp: Any) -> Any:
    """ct where `this` is the result, half of it where both are, so that maximum(x, x) has derivative 1."""
    share = xp.astype(this == out, ct.dtype)
    tie = xp.astype(this == other, ct.dtype)
    return ct * (share * (1 - 0.5 * tie))


defvjp(
    "maximum",
    x1=lambda ct, x1, x2, out, xp: _chosen(ct, x1, x2, out, xp),
    x2=lambda ct, x1, x2, out, xp: _chosen(ct, x2, x1, out, xp),
)
defvjp(
    "minimum",
    x1=lambda ct, x1, x2, out, xp: _chosen(ct, x1, x2, out, xp),
    x2=lambda ct, x1, x2, out, xp: _chosen(ct, x2, x1, out, xp),
)

for _name in ("ceil", "floor", "round", "trunc"):  # constant between the jumps
    defvjp(_name, x=lambda ct, xp: xp.zeros_like(ct))


def _sign(ct: Any, x: Any, out: Any, xp: Any) -> Any:
    """0 for real x; for complex z/|z| the part of ct across the ray, 0 at 0."""
    if not is_complex(x.dtype):
        return xp.zeros_like(ct)
    size = xp.abs(x)
    safe = xp.where(size == 0, xp.ones_like(size), size)
    across = xp.imag(ct * out)
    return xp.where(size == 0, xp.zeros_like(ct), 1j * across * xp.conj(out) / safe)


defvjp("sign", x=_sign)


def _logistic_weight(this: Any, out: Any, xp: Any) -> Any:
    """exp(this − out), the weight of one term; where both are −inf it is 0, not NaN."""
    finite = xp.isfinite(out)
    return xp.where(
        finite,
        xp.exp(xp.where(finite, this - xp.where(finite, out, xp.zeros_like(out)), 0 * out)),
        xp.zeros_like(out),
    )


defvjp(
    "logaddexp",
    x1=lambda ct, x1, out, xp: ct * _logistic_weight(x1, out, xp),
    x2=lambda ct, x2, out, xp: ct * _logistic_weight(x2, out, xp),
)
defvjp("real", x=lambda ct: ct)
defvjp("imag", x=lambda ct: -1j * ct)
