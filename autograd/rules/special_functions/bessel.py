"""Bessel functions of the first and second kind, modified ones of the second, Hankel's and Airy's functions.

For C = J, Y or H: C_v' = (C_{v−1} − C_{v+1})/2, and K_v' = −(K_{v−1} + K_{v+1})/2 (DLMF 10.6.1, 10.29.1). Of the
orders 0 and 1 that have kernels of their own, C_0' = −C_1 and C_1' = C_0 − C_1/x; J_1(x)/x near 0 is a series, which
has derivatives of every order there. With the factor e^x in front of K, the function itself is added; with e^(−ix),
as in `hankel1e`, i times it is subtracted. By the order v there is no derivative: it is refused.

Airy's functions solve w'' = x w (DLMF 9.2.1), so that the derivative of Ai' is x Ai.

The rules of I_v are in `special.py`.
"""

from __future__ import annotations

import math
from typing import Any

from ...core.defvjp import library_defvjp as defvjp
from ...core.typing import XP, Cotangent, Value

NEAR, TERMS = 2.0, 14


def _j1_over_x(x: Value, out: Value, xp: XP) -> Value:
    """J_1(x)/x from J_1(x); near 0 by Σ_k (−x²/4)^k / (2 k! (k+1)!)."""
    near = xp.abs(x) < NEAR
    small = xp.where(near, 0.5 * x, xp.zeros_like(x))
    square = small * small
    series = square * 0.0
    for k in reversed(range(TERMS)):
        factor = 0.5 / (math.factorial(k) * math.factorial(k + 1))
        series = series * square + (-factor if k % 2 else factor)
    return xp.where(near, series, out / xp.where(near, xp.ones_like(x), x))


defvjp("special.j0", x=lambda ct, x, xp: -ct * xp.special.j1(x))
defvjp(
    "special.j1",
    x=lambda ct, x, out, xp: ct * (xp.special.j0(x) - _j1_over_x(x, out, xp)),
)
defvjp("special.y0", x=lambda ct, x, xp: -ct * xp.special.y1(x))
defvjp("special.y1", x=lambda ct, x, out, xp: ct * (xp.special.y0(x) - out / x))
defvjp("special.k0", x=lambda ct, x, xp: -ct * xp.special.k1(x))
defvjp("special.k1", x=lambda ct, x, out, xp: -ct * (xp.special.k0(x) + out / x))
defvjp("special.k0e", x=lambda ct, x, out, xp: ct * (out - xp.special.k1e(x)))
defvjp(
    "special.k1e",
    x=lambda ct, x, out, xp: ct * (out - xp.special.k0e(x) - out / x),
)


def _difference(name: str) -> Any:
    """ct (C_{v−1} − C_{v+1})/2."""

    def rule(ct: Cotangent, v: Any, x: Value, xp: XP) -> Value:
        f = getattr(xp.special, name)
        return ct * (0.5 * (f(v - 1, x) - f(v + 1, x)))

    return rule


for _name in ("jv", "yv", "hankel1", "hankel2"):
    defvjp(f"special.{_name}", x=_difference(_name))


def _yn(ct: Cotangent, n: Any, x: Value, xp: XP) -> Value:
    """ct (Y_{n−1} − Y_{n+1})/2, and −ct Y_1 for n = 0, for which CuPy has no order −1."""
    f = xp.special.yn
    if not hasattr(n, "dtype") and n == 0:
        return -ct * f(1, x)
    return ct * (0.5 * (f(n - 1, x) - f(n + 1, x)))


defvjp("special.yn", x=_yn)


def _kn(ct: Cotangent, n: Any, x: Value, xp: XP) -> Value:
    """−ct (K_{n−1} + K_{n+1})/2."""
    return -ct * (0.5 * (xp.special.kn(abs(n - 1), x) + xp.special.kn(n + 1, x)))


defvjp("special.kn", x=_kn)
defvjp(
    "special.kv",
    x=lambda ct, v, x, xp: -ct * (0.5 * (xp.special.kv(v - 1, x) + xp.special.kv(v + 1, x))),
)
defvjp(
    "special.kve",
    x=lambda ct, v, x, out, xp: (
        ct * (out - 0.5 * (xp.special.kve(v - 1, x) + xp.special.kve(v + 1, x)))
    ),
)


def _hankel_scaled(name: str, turn: complex) -> Any:
    """ct ((H_{v−1} − H_{v+1})/2 − i H), all with the factor e^(∓ix)."""

    def rule(ct: Cotangent, v: Any, x: Value, out: Value, xp: XP) -> Value:
        f = getattr(xp.special, name)
        return ct * (0.5 * (f(v - 1, x) - f(v + 1, x)) - turn * out)

    return rule


defvjp("special.hankel1e", x=_hankel_scaled("hankel1e", 1j))
defvjp("special.hankel2e", x=_hankel_scaled("hankel2e", -1j))


def _airy(
    Ai_bar: Any, Aip_bar: Any, Bi_bar: Any, Bip_bar: Any, Ai: Any, Aip: Any, Bi: Any, Bip: Any, x: Any
) -> Value:  # fmt: skip
    """Ai_bar Ai' + x Aip_bar Ai + Bi_bar Bi' + x Bip_bar Bi."""
    shares = [
        (Ai_bar, Aip),
        (Bi_bar, Bip),
        (Aip_bar, None if Aip_bar is None else x * Ai),
        (Bip_bar, None if Bip_bar is None else x * Bi),
    ]
    total: Any = None
    for ct, slope in shares:
        if ct is not None:
            total = ct * slope if total is None else total + ct * slope
    return total


defvjp("special.airy", outputs=("Ai", "Aip", "Bi", "Bip"), x=_airy)
