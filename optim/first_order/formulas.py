"""The updates of the first-order methods, each written once, as a few elementwise statements.

`backend/generic/formulas.py` says how to read them. ``1 − bᵗ`` is written ``−expm1(t log b)``, which keeps its digits
in float32.
"""

from __future__ import annotations

import functools
import math
from dataclasses import replace

import numpy as np

from ...backend.generic.formulas import Formula


def _formula(
    name: str, slots: str, prelude: str, body: str, *, eps_under_root: bool = False
) -> Formula:
    def lines(text: str) -> str:
        return "\n".join(line.strip() for line in text.split(";") if line.strip())

    return Formula(name, tuple(slots.split()), lines(prelude), lines(body), eps_under_root)


_SQUARE = "v = b2*v + d2*sq(g)"
_ADAM = f"m = b1*m + d1*g; {_SQUARE}"
# the bias corrections taken out of the arrays: two numbers instead of two passes over memory
_CORRECTED = "r = sqrt(-expm1(t*log_b2)); s = lr*r/(-expm1(t*log_b1)); e = eps*r"

FORMULAS: dict[str, Formula] = {
    f.name: f
    for f in (
        _formula("sgd", "", "", "p = p - lr*g"),
        _formula("momentum", "u", "", "u = momentum*u + g; p = p - lr*u"),
        # torch's first step takes the full gradient, whatever the dampening
        _formula(
            "damped", "u", "share = 1 - dampening*smaller(t - 1, 1)",
            "u = momentum*u + share*g; p = p - lr*u",
        ),
        _formula("lookahead", "u", "", "u = momentum*u + g; p = p - lr*(g + momentum*u)"),
        _formula(
            "nesterov", "x", "beta = (t - 1)/(t + 2)", "y = p - lr*g; p = y + beta*(y - x); x = y"
        ),
        _formula(
            "adagrad", "v", "s = lr/(1 + (t - 1)*lr_decay)",
            "v = v + sq(g); p = p - s*g/(sqrt(v) + eps)",
        ),
        _formula("rmsprop", "v", "", f"{_SQUARE}; p = p - lr*g/(sqrt(v) + eps)"),
        _formula("rmsprop_momentum", "v u", "",
                 f"{_SQUARE}; u = momentum*u + g/(sqrt(v) + eps); p = p - lr*u"),
        # the variance is never negative but by rounding
        _formula("rmsprop_centered", "v m", "",
                 f"{_SQUARE}; m = b2*m + d2*g; p = p - lr*g/(sqrt(larger(v - sq(m), 0)) + eps)"),
        _formula("rmsprop_centered_momentum", "v m u", "",
                 f"{_SQUARE}; m = b2*m + d2*g; u = momentum*u + g/(sqrt(larger(v - sq(m), 0)) + eps);"
                 "p = p - lr*u"),
        _formula("adadelta", "v a", "",
                 f"{_SQUARE}; d = g*sqrt(a + eps)/sqrt(v + eps); a = b2*a + d2*sq(d); p = p - lr*d",
                 eps_under_root=True),
        _formula("adam", "m v", _CORRECTED, f"{_ADAM}; p = p - s*m/(sqrt(v) + e)"),
        _formula("amsgrad", "m v w", _CORRECTED,
                 f"{_ADAM}; w = larger(w, v); p = p - s*m/(sqrt(w) + e)"),
        # sg, sm: the shares of the gradient and of the mean, which depend on the product of all momenta so far
        _formula("nadam", "m v", "r = sqrt(-expm1(t*log_b2)); e = eps*r; a = sg*r; b = sm*r",
                 f"{_ADAM}; p = p - (a*g + b*m)/(sqrt(v) + e)"),
        _formula("lion", "m", "", "p = p - lr*sign(b1*m + d1*g); m = b2*m + d2*g"),
        # the exponential average of weights: p is the average, g the weights
        _formula("average", "", "", "p = decay*p + share*g"),
    )
}  # fmt: skip
"""The formulas by name."""

REAL = frozenset("vwa")
"""Slots of squares: real for complex parameters too."""


@functools.cache
def formula(name: str, l2: bool = False, decay: bool = False) -> Formula:
    """A formula of `FORMULAS`, with a penalty's gradient added to `g` or with decoupled decay before the step.

    Examples
    --------
    >>> from pullback.optim.first_order.formulas import formula
    >>> print(formula("sgd", l2=True).body)
    g = g + l2*p
    p = p - lr*g
    """
    found = FORMULAS[name]
    if l2:
        found = replace(found, name=f"{found.name}_l2", body=f"g = g + l2*p\n{found.body}")
    if decay:
        found = replace(
            found,
            name=f"{found.name}_decay",
            prelude=f"keep = 1 - lr*decay\n{found.prelude}".strip(),
            body=f"p = keep*p\n{found.body}",
        )
    return found


@functools.cache
def least_eps(found: Formula, dtype: np.dtype) -> float:
    """The smallest eps that a formula is given: a smaller one could be 0 in this dtype, and 0/0 is NaN.

    It is the root of the smallest number: no root of a v above 0 is smaller, so that nothing else changes. For a
    formula with `eps_under_root` it is the smallest normal number.
    """
    limits = np.finfo(dtype)
    if found.eps_under_root:
        return float(limits.smallest_normal)
    return math.sqrt(float(limits.smallest_subnormal))


def log(b: float) -> float:
    """The logarithm of a decay rate, −∞ for 0."""
    return math.log(b) if b else -math.inf
